/**
 * The writer: one database, one message at a time, every outcome a reply. It never throws and
 * never decides: a failure is told, and the main thread says what to do about it. Runs in the
 * writer thread; a simulation runs it in its own thread.
 */
import type { Sqlite } from './database.ts';
import {
  openDatabase,
  openReadOnly,
  setAsideDatabase,
  textOf,
  troubleOf,
  UnusableDatabase,
} from './database.ts';
import type {
  FromWriter,
  Group,
  OpenedStore,
  OpenRequest,
  Query,
  SetAside,
  ToWriter,
} from './messages.ts';
import { headsOf, lastIdOf, Queries } from './queries.ts';

interface Open {
  readonly db: Sqlite;
  readonly queries: Queries;
}

export class Writer {
  readonly #reply: (message: FromWriter) => void;
  readonly #nowMs: () => number;
  #open: Open | null = null;

  /** @param nowMs a stopwatch for commit times; nothing is decided by it. */
  constructor(reply: (message: FromWriter) => void, nowMs: () => number) {
    this.#reply = reply;
    this.#nowMs = nowMs;
  }

  handle(message: ToWriter): void {
    switch (message.kind) {
      case 'open':
        this.#handleOpen(message);
        break;
      case 'write':
        this.#handleWrite(message.number, message.group);
        break;
      case 'read':
        this.#handleRead(message.id, message.query);
        break;
      case 'close':
        this.#closeDatabase();
        this.#reply({ kind: 'closed' });
        break;
    }
  }

  #handleOpen(request: OpenRequest): void {
    try {
      this.#closeDatabase();
      const { open, setAside } = this.#openOrSetAside(request);
      this.#open = open;
      open.queries.raiseTelemetryRow(request.telemetryFloor);
      this.#reply({ kind: 'opened', store: contentsOf(open, setAside) });
    } catch (error) {
      this.#closeDatabase();
      this.#reply({ kind: 'openFailed', trouble: troubleOf(error), detail: textOf(error) });
    }
  }

  #openOrSetAside(request: OpenRequest): { open: Open; setAside: SetAside | null } {
    if (request.setAside === null) {
      try {
        return { open: openWith(request), setAside: null };
      } catch (error) {
        if (troubleOf(error) !== 'corrupt') throw error;
        const setAside = putAway(request, textOf(error));
        return { open: openWith(request), setAside };
      }
    }
    const setAside = putAway(request, request.setAside);
    return { open: openWith(request), setAside };
  }

  #handleWrite(number: number, group: Group): void {
    const startMs = this.#nowMs();
    try {
      if (this.#open === null) throw new Error('no database is open');
      const { clashes, telemetryRow } = this.#open.queries.commit(group);
      const commitMs = this.#nowMs() - startMs;
      this.#reply({ kind: 'committed', number, clashes, telemetryRow, commitMs });
    } catch (error) {
      const trouble = troubleOf(error);
      this.#reply({ kind: 'writeFailed', number, trouble, detail: textOf(error) });
    }
  }

  #handleRead(id: number, query: Query): void {
    try {
      if (this.#open === null) throw new Error('no database is open');
      this.#reply({ kind: 'answer', id, rows: this.#open.queries.answer(query) });
    } catch (error) {
      this.#reply({ kind: 'readFailed', id, trouble: troubleOf(error), detail: textOf(error) });
    }
  }

  /** Folds the log back if the disk allows it; the next open does so otherwise. */
  #closeDatabase(): void {
    const open = this.#open;
    this.#open = null;
    open?.db.close();
  }
}

function openWith(request: OpenRequest): Open {
  const db = openDatabase(request.directory);
  try {
    return { db, queries: new Queries(db, request.telemetryRows) };
  } catch (error) {
    db.close();
    throw troubleOf(error) === 'corrupt' ? new UnusableDatabase(textOf(error)) : error;
  }
}

function putAway(request: OpenRequest, reason: string): SetAside {
  const movedTo = setAsideDatabase(request.directory, request.stamp);
  return { reason, movedTo, ...lastNumbers(movedTo) };
}

/** The numbering must go on above what the former database held, if that can still be read. */
function lastNumbers(path: string): Pick<SetAside, 'heads' | 'lastId'> {
  let db: Sqlite | null = null;
  try {
    db = openReadOnly(path);
    return { heads: headsOf(db), lastId: lastIdOf(db) };
  } catch {
    // Unreadable is an answer here: the caller then numbers from the clock.
    return { heads: null, lastId: null };
  } finally {
    db?.close();
  }
}

function contentsOf(open: Open, setAside: SetAside | null): OpenedStore {
  const { queries } = open;
  return {
    heads: queries.heads(),
    lastId: queries.lastId(),
    telemetryRow: queries.telemetryRow(),
    setAside,
  };
}
