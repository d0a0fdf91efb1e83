/**
 * What a salvage could not bring back, to the number: holes in the numbering that no entry of the
 * ledger explains become entries themselves, cut where a broker's position lies, so that each
 * broker is told only what it did not have.
 */
import { type Lane, LANES } from '../domain/event.ts';
import type { Sqlite } from './database.ts';
import type { GapLedger } from './gap-ledger.ts';
import type { Heads } from './messages.ts';
import type { Held } from './numbering.ts';

export const SALVAGE_REASON = 'storeDamaged';

interface Range {
  readonly firstSeq: number;
  readonly lastSeq: number;
}

/**
 * Records the missing events of every lane, up to `heads`, in a transaction of its own.
 * @param held what will be appended after the start: not lost.
 * @returns how many numbers are missing.
 */
export function recordMissingEvents(
  db: Sqlite,
  ledger: Pick<GapLedger, 'add'>,
  heads: Heads,
  held: readonly Held[],
): number {
  return db
    .transaction(() =>
      LANES.reduce((sum, lane) => {
        const anchor = db
          .prepare<[Lane], number>('SELECT seq FROM anchor WHERE lane = ?')
          .pluck()
          .get(lane);
        const seqs = db
          .prepare<[Lane], number>('SELECT seq FROM event WHERE lane = ? ORDER BY seq')
          .pluck();
        const known = held.filter((event) => event.lane === lane).map(({ seq }) => range(seq, seq));
        const holes = holesOf(seqs.iterate(lane), (anchor ?? 0) + 1, heads[lane]);
        const missing = without(holes, [...recorded(db, lane), ...known]);
        return sum + record(db, ledger, lane, missing);
      }, 0),
    )
    .immediate();
}

/** As above for telemetry: rows before the first that was saved were given up long ago. */
export function recordMissingTelemetry(
  db: Sqlite,
  ledger: Pick<GapLedger, 'add'>,
  lastRow: number,
): number {
  return db
    .transaction(() => {
      const first = db.prepare<[], number | null>('SELECT MIN(row) FROM telemetry').pluck().get();
      const rows = db.prepare<[], number>('SELECT row FROM telemetry ORDER BY row').pluck();
      const holes = holesOf(rows.iterate(), first ?? 1, lastRow);
      const missing = without(holes, recorded(db, 'telemetry'));
      return record(db, ledger, 'telemetry', missing);
    })
    .immediate();
}

function recorded(db: Sqlite, lane: string): readonly Range[] {
  return db
    .prepare<[string], Range>(
      'SELECT first_seq AS firstSeq, last_seq AS lastSeq FROM gap WHERE lane = ?',
    )
    .all(lane);
}

/** Numbers of `first` to `last` that do not stand among `numbers`, which rise. */
function holesOf(numbers: Iterable<number>, first: number, last: number): readonly Range[] {
  const holes: Range[] = [];
  let next = first;
  for (const number of numbers) {
    if (number > next) holes.push(range(next, number - 1));
    next = Math.max(next, number + 1);
  }
  if (last >= next) holes.push(range(next, last));
  return holes;
}

/** The ranges without what `known` covers. */
export function without(ranges: readonly Range[], known: readonly Range[]): readonly Range[] {
  const sorted = [...known].sort((a, b) => a.firstSeq - b.firstSeq);
  const left: Range[] = [];
  let at = 0;
  for (const { firstSeq, lastSeq } of ranges) {
    // Ranges rise and do not overlap; `known` may overlap, so its start only moves when behind.
    while (at < sorted.length && (sorted[at]?.lastSeq ?? 0) < firstSeq) at += 1;
    let from = firstSeq;
    for (let index = at; index < sorted.length && from <= lastSeq; index += 1) {
      const one = sorted[index];
      if (one === undefined || one.firstSeq > lastSeq) break;
      if (one.firstSeq > from) left.push(range(from, one.firstSeq - 1));
      from = Math.max(from, one.lastSeq + 1);
    }
    if (from <= lastSeq) left.push(range(from, lastSeq));
  }
  return left;
}

function record(
  db: Sqlite,
  ledger: Pick<GapLedger, 'add'>,
  lane: Lane | 'telemetry',
  missing: readonly Range[],
): number {
  const positions = db
    .prepare<[string], { broker: string; seq: number }>(
      'SELECT broker, seq FROM cursor WHERE lane = ? ORDER BY seq',
    )
    .all(lane);
  let count = 0;
  for (const { firstSeq, lastSeq } of missing) {
    count += lastSeq - firstSeq + 1;
    let from = firstSeq;
    const cuts = positions.map(({ seq }) => seq).filter((seq) => seq >= firstSeq && seq < lastSeq);
    for (const until of [...new Set(cuts), lastSeq]) {
      const had = positions.filter(({ seq }) => seq >= until).map(({ broker }) => broker);
      ledger.add({ lane, firstSeq: from, lastSeq: until, reason: SALVAGE_REASON, had });
      from = until + 1;
    }
  }
  return count;
}

function range(firstSeq: number, lastSeq: number): Range {
  return { firstSeq, lastSeq };
}
