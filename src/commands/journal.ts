/** `embereye journal info|verify|backup`: of an appliance that runs or does not, or of a copy. */
import { existsSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Lane, LANES } from '../domain/event.ts';
import type { ChainHead } from '../domain/ports.ts';
import { backupTo, BadCopy } from '../store/backup.ts';
import { isLane } from '../store/codec.ts';
import { databasePath, openReadOnly, type Sqlite, textOf, troubleOf } from '../store/database.ts';
import { type LaneProof, verifyLane } from '../store/verify.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

/** A head that somebody has kept, for example from the retained topic `state`. */
export interface PublishedHead extends ChainHead {
  readonly lane: Lane;
}

/** @throws RangeError that says what would be right */
export function publishedHead(text: string): PublishedHead {
  const [lane = '', seq = '', hash = '', ...rest] = text.split(':');
  const sound = isLane(lane) && /^[1-9]\d*$/.test(seq) && /^[0-9a-f]{64}$/.test(hash);
  if (!sound || rest.length > 0) {
    throw new RangeError(
      `write LANE:SEQ:HASH, such as alarm:17:<64 hex digits>; lanes are ${LANES.join(', ')}`,
    );
  }
  return { lane, seq: Number(seq), hash };
}

/** Of a state folder, the database in it; a file is taken for a database itself. */
export function journalPath(place: string): string {
  return existsSync(place) && statSync(place).isFile() ? place : databasePath(place);
}

/**
 * Runs with the database open to read only.
 * `unavailable` when there is none or it cannot be read; `badInput` when it is damaged or without
 * what this release needs.
 */
export async function withJournal(
  place: string,
  io: Pick<CommandIo, 'err'>,
  run: (db: Sqlite, path: string) => Promise<ExitCode> | ExitCode,
): Promise<ExitCode> {
  const path = journalPath(place);
  if (!existsSync(path)) {
    io.err(`${path}: no journal is there: --directory takes the folder state.directory, or a copy`);
    return EXIT.unavailable;
  }
  let db: Sqlite | null = null;
  try {
    db = openReadOnly(path);
    const hasChain = db
      .prepare(`SELECT 1 FROM sqlite_master WHERE name = 'anchor' AND type = 'table'`)
      .get();
    if (hasChain === undefined) {
      io.err(
        `${path}: of a release without a hash chain: start the appliance once, then try again`,
      );
      return EXIT.badInput;
    }
    return await run(db, path);
  } catch (error) {
    return failed(path, error, io);
  } finally {
    db?.close();
  }
}

function failed(path: string, error: unknown, io: Pick<CommandIo, 'err'>): ExitCode {
  const isDamaged = troubleOf(error) === 'corrupt';
  const remedy = isDamaged
    ? ': damaged, or no journal; the next start of the appliance sets it aside and reads it out'
    : '';
  io.err(`${path}: ${textOf(error)}${remedy}`);
  return isDamaged ? EXIT.badInput : EXIT.unavailable;
}

/** What is in it, and where its chains end: lines that `verify --head` takes. */
export function runJournalInfo(
  place: string,
  options: { readonly json: boolean },
  io: CommandIo,
): Promise<ExitCode> {
  return withJournal(place, io, (db, path) => {
    const lane = db.prepare<
      [string],
      { events: number; firstSeq: number | null; lastSeq: number | null; lastWall: string | null }
    >(
      `SELECT COUNT(*) AS events, MIN(seq) AS firstSeq, MAX(seq) AS lastSeq, MAX(wall) AS lastWall
       FROM event WHERE lane = ?`,
    );
    const head = db
      .prepare<[string], string>('SELECT hash FROM event WHERE lane = ? ORDER BY seq DESC LIMIT 1')
      .pluck();
    const lanes = LANES.map((name) => {
      const counted = lane.get(name) ?? {
        events: 0,
        firstSeq: null,
        lastSeq: null,
        lastWall: null,
      };
      return { lane: name, ...counted, hash: head.get(name) ?? null };
    });
    const count = (table: string): number =>
      db.prepare<[], number>(`SELECT COUNT(*) FROM ${table}`).pluck().get() ?? 0;
    const rest = { telemetryRows: count('telemetry'), gapRecords: count('gap') };
    if (options.json) io.out(JSON.stringify({ path, bytes: statSync(path).size, lanes, ...rest }));
    else {
      for (const { lane: name, events, firstSeq, lastSeq, lastWall, hash } of lanes) {
        if (events === 0) io.out(`${name}: no events`);
        else {
          const numbers = `${firstSeq ?? 0} to ${lastSeq ?? 0}`;
          io.out(`${name}: ${events} events, ${numbers}, the newest of ${lastWall ?? 'unknown'}`);
          if (hash !== null && hash !== '') io.out(`  --head ${name}:${lastSeq ?? 0}:${hash}`);
        }
      }
      io.out(`${rest.telemetryRows} telemetry rows, ${rest.gapRecords} gap records`);
    }
    return EXIT.ok;
  });
}

/** `ok` when every chain is sound and every head proven; `failed` with the first break of each. */
export function runJournalVerify(
  place: string,
  options: { readonly heads: readonly PublishedHead[]; readonly json: boolean },
  io: CommandIo,
): Promise<ExitCode> {
  return withJournal(place, io, (db) => {
    const proofs = LANES.flatMap((lane) => {
      const heads = options.heads.filter((head) => head.lane === lane);
      return (heads.length === 0 ? [null] : heads).map((head) => verifyLane(db, lane, head));
    });
    for (const proof of proofs) io.out(options.json ? JSON.stringify(proof) : proofText(proof));
    const sound = proofs.every((proof) => proof.break === null && proof.published !== 'pruned');
    return sound ? EXIT.ok : EXIT.failed;
  });
}

export function proofText(proof: LaneProof): string {
  const { lane, events, head, anchorSeq, neverStored, unlinked, published } = proof;
  if (proof.break !== null) {
    const { seq, what, detail } = proof.break;
    return `${lane}: BROKEN at ${seq} (${what}): ${detail}; sound up to ${head.seq}`;
  }
  if (events + unlinked === 0 && published === 'none') return `${lane}: no events`;
  const notes = [
    anchorSeq === 0 ? '' : `after ${anchorSeq}, which was pruned`,
    neverStored === 0 ? '' : `${neverStored} numbers were never stored`,
    unlinked === 0 ? '' : `${unlinked} of an older release are not linked yet`,
    published === 'none' ? 'no published head was given: a cut end does not show' : '',
    published === 'proven' ? 'the published head is proven' : '',
    published === 'pruned' ? 'NOT PROVEN: the published head is older than what is kept' : '',
  ].filter((note) => note !== '');
  return `${lane}: ${events} events sound up to ${head.seq}; ${notes.join('; ')}`;
}

/**
 * `ok` when the copy is whole; `failed` when a chain in it is broken all the same; `badInput` when
 * the target may not be written; `unavailable` when it cannot be, or there is no journal.
 */
export function runJournalBackup(
  place: string,
  options: { readonly out: string; readonly force: boolean },
  io: CommandIo,
): Promise<ExitCode> {
  const { out, force } = options;
  return withJournal(place, io, async (_, path) => {
    if (resolve(out) === resolve(path)) {
      io.err(`${out}: is the journal itself: choose another file`);
      return EXIT.badInput;
    }
    if (existsSync(out) && (!force || !statSync(out).isFile())) {
      io.err(`${out}: is there already: choose another file, or write --force to replace a file`);
      return EXIT.badInput;
    }
    try {
      const proofs = await backupTo(path, out);
      for (const proof of proofs) io.out(proofText(proof));
      io.out(`${out}: ${statSync(out).size} bytes, checked`);
      return proofs.every((proof) => proof.break === null) ? EXIT.ok : EXIT.failed;
    } catch (error) {
      const remedy = troubleOf(error) === 'full' ? ': no room: choose another disk' : '';
      io.err(`${out}: not written: ${textOf(error)}${remedy}; nothing was left behind`);
      return error instanceof BadCopy ? EXIT.failed : EXIT.unavailable;
    }
  });
}
