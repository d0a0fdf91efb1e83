/**
 * The ledger of what was given up, in the table `gap`. A range that touches the newest one of its
 * kind extends it as long as nobody has been handed that, so that an outage of a day leaves a few
 * rows and not a million. The ledger itself is bounded: see `trim`.
 */
import type { Gap } from '../domain/ports.ts';
import type { Sqlite } from './database.ts';
import type { GapRow } from './messages.ts';

/** Rows of the ledger. */
const MAX_ROWS = 20_000;

/** A gap as the writer itself records it. */
export interface LedgerEntry extends GapRow {
  /** Brokers that had all of the range: they are not told. */
  readonly had?: readonly string[];
}

interface Newest {
  readonly id: number;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly readings: number | null;
}

export class GapLedger {
  readonly #statements: ReturnType<typeof statements>;
  /** Entries up to here may be in a reader's hands: they are not changed any more. */
  #handedOut: number;

  constructor(db: Sqlite) {
    this.#statements = statements(db);
    this.#handedOut = this.#statements.lastId.get() ?? 0;
  }

  /** Entries that a broker has not acknowledged, without those about what it had. */
  after(broker: string, limit: number): readonly Gap[] {
    const rows = this.#statements.after.all(broker, `*,${broker},*`, limit);
    this.#handedOut = Math.max(this.#handedOut, rows.at(-1)?.id ?? 0);
    return rows.map(({ readings, ...gap }) => (readings === null ? gap : { ...gap, readings }));
  }

  /** Within a transaction of the caller's. */
  add({ lane, firstSeq, lastSeq, reason, readings, had = [] }: LedgerEntry): void {
    const s = this.#statements;
    const names = had.length === 0 ? '' : `,${[...had].sort().join(',')},`;
    // A lane in which nothing happens is found behind at each start: that is told once.
    const isEvents = lane !== 'telemetry';
    if (isEvents && s.covering.get({ lane, firstSeq, lastSeq, had: names }) !== undefined) return;
    const kind = { lane, reason, had: names };
    const newest = s.newest.get({ ...kind, after: this.#handedOut });
    const touches =
      newest !== undefined && firstSeq <= newest.lastSeq + 1 && newest.firstSeq <= lastSeq + 1;
    const counted = readings === undefined ? null : readings;
    if (!touches) {
      s.insert.run({ ...kind, firstSeq, lastSeq, readings: counted });
      return;
    }
    s.extend.run({
      id: newest.id,
      firstSeq: Math.min(firstSeq, newest.firstSeq),
      lastSeq: Math.max(lastSeq, newest.lastSeq),
      readings: sumOf(newest.readings, counted),
    });
  }

  /**
   * Brings the ledger back to its bound: first by entries that every one of `brokers` was told or
   * had, then by making one entry of the oldest others of each lane; its range then covers what lay
   * between them as well. Within a transaction of the caller's. @returns entries that are gone.
   */
  trim(brokers: readonly string[], maxRows = MAX_ROWS): number {
    const s = this.#statements;
    const before = s.count.get() ?? 0;
    if (before <= maxRows) return 0;
    const told = s.dropTold.run(JSON.stringify(brokers), before - maxRows).changes;
    const excess = before - told - maxRows;
    if (excess <= 0) return told;
    const range = { after: this.#handedOut, limit: excess * 2 };
    const merged = s.merged.all(range);
    const gone = s.dropMerged.run(range).changes;
    for (const entry of merged) s.insert.run(entry);
    return told + gone - merged.length;
  }
}

/** Unknown stays unknown: half a count would look like a whole one. */
function sumOf(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a + b;
}

type Stored = Omit<Gap, 'readings'> & { readonly readings: number | null };

function statements(db: Sqlite) {
  return {
    lastId: db.prepare<[], number | null>('SELECT MAX(id) FROM gap').pluck(),
    count: db.prepare<[], number>('SELECT COUNT(*) FROM gap').pluck(),
    told: db
      .prepare<[string], number>(`SELECT seq FROM cursor WHERE broker = ? AND lane = 'gap'`)
      .pluck(),
    after: db.prepare<[string, string, number], Stored>(
      `SELECT id, lane, first_seq AS firstSeq, last_seq AS lastSeq, reason, readings FROM gap
       WHERE id > COALESCE((SELECT seq FROM cursor WHERE broker = ? AND lane = 'gap'), 0)
         AND had NOT GLOB ?
       ORDER BY id LIMIT ?`,
    ),
    newest: db.prepare<Kind & { after: number }, Newest>(
      `SELECT id, first_seq AS firstSeq, last_seq AS lastSeq, readings FROM gap
       WHERE id > @after AND lane = @lane AND reason = @reason AND had = @had
       ORDER BY id DESC LIMIT 1`,
    ),
    covering: db
      .prepare<Omit<Kind, 'reason'> & Omit<GapValues, 'readings'>, number>(
        `SELECT id FROM gap WHERE lane = @lane AND had = @had
           AND first_seq <= @firstSeq AND last_seq >= @lastSeq LIMIT 1`,
      )
      .pluck(),
    insert: db.prepare<Kind & GapValues>(
      `INSERT INTO gap (lane, first_seq, last_seq, reason, readings, had)
       VALUES (@lane, @firstSeq, @lastSeq, @reason, @readings, @had)`,
    ),
    extend: db.prepare<GapValues & { id: number }>(
      `UPDATE gap SET first_seq = @firstSeq, last_seq = @lastSeq, readings = @readings
       WHERE id = @id`,
    ),
    dropTold: db.prepare<[string, number]>(
      `DELETE FROM gap WHERE id IN (
         SELECT id FROM gap WHERE NOT EXISTS (
           SELECT 1 FROM json_each(?) AS one
           WHERE had NOT GLOB '*,' || one.value || ',*' AND gap.id > COALESCE(
             (SELECT seq FROM cursor WHERE broker = one.value AND cursor.lane = 'gap'), 0))
         ORDER BY id LIMIT ?)`,
    ),
    merged: db.prepare<{ after: number; limit: number }, Kind & GapValues>(
      `SELECT lane, IIF(reason = 'thinned', reason, 'ledgerFull') AS reason, had,
              MIN(first_seq) AS firstSeq, MAX(last_seq) AS lastSeq, SUM(readings) AS readings
       FROM (SELECT * FROM gap WHERE id > @after ORDER BY id LIMIT @limit)
       GROUP BY lane, 2, had`,
    ),
    dropMerged: db.prepare<{ after: number; limit: number }>(
      `DELETE FROM gap WHERE id IN (SELECT id FROM gap WHERE id > @after ORDER BY id LIMIT @limit)`,
    ),
  };
}

interface Kind {
  readonly lane: string;
  readonly reason: string;
  readonly had: string;
}

interface GapValues {
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly readings: number | null;
}
