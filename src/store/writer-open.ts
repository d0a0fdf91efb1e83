/**
 * Opens the database for the writer, whatever state it is in: one that cannot be used is set aside,
 * a new one takes its place, and everything that can be read of the old one comes into it.
 */
import type { KnownAlarm } from './alarm-file.ts';
import {
  openDatabase,
  openReadOnly,
  setAsideDatabase,
  type Sqlite,
  textOf,
  troubleOf,
  UnusableDatabase,
} from './database.ts';
import type { OpenedStore, OpenRequest, SetAside } from './messages.ts';
import { headsOf, lastIdOf, Queries } from './queries.ts';
import { salvage } from './salvage.ts';
import { clearPending, notePending, pendingSalvages } from './salvage-pending.ts';
import { laterId } from './stamp.ts';
import { Tender } from './tender.ts';

export interface Open {
  readonly db: Sqlite;
  readonly queries: Queries;
  readonly tender: Tender;
}

export interface Opening {
  readonly request: OpenRequest;
  readonly alarms: readonly KnownAlarm[];
  readonly nowMs: () => number;
}

/** As `openDatabase` says it. */
const NEWER_RELEASE = 'newer release';
const INTERRUPTED = 'its salvage was cut short at the last start';

/** @throws when no database can be opened, not even a new one. */
export function openOrSetAside(opening: Opening): { open: Open; setAside: SetAside | null } {
  const { request } = opening;
  let reason = request.setAside;
  if (reason === null) {
    try {
      return finish(opening, openWith(request), INTERRUPTED);
    } catch (error) {
      if (troubleOf(error) !== 'corrupt') throw error;
      reason = textOf(error);
    }
  }
  setAsideDatabase(request.directory, request.stamp, (path) =>
    notePending(request.directory, path),
  );
  return finish(opening, openWith(request), reason);
}

export function contentsOf(open: Open, setAside: SetAside | null): Omit<OpenedStore, 'alarmFile'> {
  const { queries } = open;
  return {
    heads: queries.heads(),
    lastId: queries.lastId(),
    telemetryRow: queries.telemetryRow(),
    chainHeads: queries.chain.heads,
    setAside,
  };
}

function openWith(request: OpenRequest): Open {
  const db = openDatabase(request.directory);
  try {
    return { db, ...workingOn(db, request) };
  } catch (error) {
    db.close();
    throw troubleOf(error) === 'corrupt' ? new UnusableDatabase(textOf(error)) : error;
  }
}

function workingOn(db: Sqlite, { directory }: OpenRequest): Omit<Open, 'db'> {
  const queries = new Queries(db);
  const { chain, ledger, handedOut } = queries;
  return { queries, tender: new Tender({ db, directory, chain, ledger, handedOut }) };
}

/** Reads out what was set aside, now or at a start that did not come to its end. */
function finish(
  opening: Opening,
  open: Open,
  reason: string,
): { open: Open; setAside: SetAside | null } {
  const { request } = opening;
  const paths = pendingSalvages(request.directory);
  if (paths.length === 0) return { open, setAside: null };
  try {
    const parts = paths.map((path) => readOut(opening, open.db, path, reason));
    clearPending(request.directory);
    // Heads and chain are other ones now.
    return { open: { db: open.db, ...workingOn(open.db, request) }, setAside: joined(parts) };
  } catch (error) {
    open.db.close();
    throw error;
  }
}

function readOut(
  { alarms, nowMs, request }: Opening,
  db: Sqlite,
  path: string,
  reason: string,
): SetAside {
  const { lastId } = lastNumbers(path);
  try {
    const thorough = !reason.includes(NEWER_RELEASE);
    const report = salvage(db, { path, alarms, held: request.held ?? [], nowMs, thorough });
    const salvaged = { ...report, failure: null };
    return { reason, movedTo: path, heads: report.heads, lastId, salvaged };
  } catch (error) {
    if (isOfTheSystem(error)) throw error;
    // The start must succeed all the same: the file is kept, and numbers go on above it.
    const salvaged = { failure: textOf(error), accountedTo: headsOf(db) };
    return { reason, movedTo: path, heads: null, lastId, salvaged };
  }
}

/** Trouble with the new database or its disk, and not a mistake in reading the old one. */
function isOfTheSystem(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return /^(SQLITE_|E(?!RR_))/.test(code);
}

function joined(parts: readonly SetAside[]): SetAside | null {
  return parts.reduce<SetAside | null>((sum, part) => {
    if (sum === null) return part;
    // What both held is known only where it is known of both.
    const heads = sum.heads === null || part.heads === null ? null : part.heads;
    return { ...part, heads, lastId: laterId(sum.lastId, part.lastId) };
  }, null);
}

/** Ids must go on above those of the former database, if they can still be read. */
function lastNumbers(path: string): Pick<SetAside, 'lastId'> {
  let db: Sqlite | null = null;
  try {
    db = openReadOnly(path);
    return { lastId: lastIdOf(db) };
  } catch {
    // Unreadable is an answer here: time itself puts new ids above old ones.
    return { lastId: null };
  } finally {
    db?.close();
  }
}
