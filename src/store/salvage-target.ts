/** Puts saved rows into the new database, a few thousand to a transaction, each row once. */
import type { JournalEvent } from '../domain/event.ts';
import { genesisHash, linkHash } from './chain.ts';
import type { KnownAlarm } from './alarm-file.ts';
import { rowOf } from './codec.ts';
import type { Sqlite } from './database.ts';
import type { Saved, SavedTable } from './salvage-rows.ts';

const ROWS_PER_TRANSACTION = 4000;

export class SalvageTarget {
  readonly #db: Sqlite;
  readonly #inserts: Readonly<Record<SavedTable, (row: object) => number>>;
  readonly #saved = new Map<SavedTable, number>();
  #inTransaction = 0;

  constructor(db: Sqlite) {
    this.#db = db;
    this.#inserts = insertsFor(db);
  }

  /** Rows that were put in, by table. */
  saved(table: SavedTable): number {
    return this.#saved.get(table) ?? 0;
  }

  /** @throws when the new database cannot be written. */
  put({ table, row }: Saved): void {
    if (this.#inTransaction === 0) this.#db.exec('BEGIN IMMEDIATE');
    this.#inTransaction += 1;
    this.#saved.set(table, this.saved(table) + this.#inserts[table](row));
    if (this.#inTransaction >= ROWS_PER_TRANSACTION) this.flush();
  }

  /** Everything so far is durable when it returns. */
  flush(): void {
    if (this.#inTransaction === 0) return;
    this.#inTransaction = 0;
    this.#db.exec('COMMIT');
  }

  /** After a failure. */
  abandon(): void {
    this.#inTransaction = 0;
    if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
  }

  /**
   * Puts alarms of the alarm file in where the saved rows lack them, and links them to the row
   * before: where a hole is filled as a whole, the chain goes on over it.
   * @returns how many the rows had lacked.
   */
  addAlarms(alarms: readonly KnownAlarm[]): number {
    this.flush();
    const anchor = this.#db
      .prepare<[], { seq: number; hash: string }>(
        `SELECT seq, hash FROM anchor WHERE lane = 'alarm'`,
      )
      .get();
    const before = this.#db.prepare<[number], { hash: string }>(
      `SELECT hash FROM event WHERE lane = 'alarm' AND seq < ? ORDER BY seq DESC LIMIT 1`,
    );
    const insert = this.#db.prepare(
      `INSERT OR IGNORE INTO event (lane, seq, id, type, wall, json, hash)
       VALUES (@lane, @seq, @id, @type, @wall, @json, @hash)`,
    );
    const first = anchor?.hash ?? genesisHash('alarm');
    return this.#db
      .transaction(() => {
        let added = 0;
        for (const { event, json } of alarms) {
          // What the anchor stands for was deleted on purpose.
          if (event.seq <= (anchor?.seq ?? 0)) continue;
          const previous = before.get(event.seq)?.hash ?? first;
          const hash = previous === '' ? '' : linkHash(previous, json);
          added += insert.run({ ...rowOfAlarm(event, json), hash }).changes;
        }
        return added;
      })
      .immediate();
  }

  /** New numbers go on above all that were ever given, whether their rows were saved or not. */
  raiseSequences(): void {
    const positions = `SELECT MAX(seq) FROM cursor WHERE lane = ?`;
    const position = this.#db.prepare<[string], number | null>(positions).pluck();
    const highest = {
      telemetry: Math.max(this.#max('telemetry', 'row'), position.get('telemetry') ?? 0),
      gap: Math.max(this.#max('gap', 'id'), position.get('gap') ?? 0),
    };
    for (const [name, seq] of Object.entries(highest)) this.#inserts.sqlite_sequence({ name, seq });
  }

  #max(table: string, column: string): number {
    return (
      this.#db.prepare<[], number | null>(`SELECT MAX(${column}) FROM ${table}`).pluck().get() ?? 0
    );
  }
}

function rowOfAlarm(event: JournalEvent, json: string) {
  return { ...rowOf(event), json };
}

function insertsFor(db: Sqlite): Readonly<Record<SavedTable, (row: object) => number>> {
  const run = (sql: string): ((row: object) => number) => {
    const statement = db.prepare<object>(sql);
    return (row) => statement.run(row).changes;
  };
  const columns = 'lane, seq, id, type, wall, json, hash';
  const values = '@lane, @seq, @id, @type, @wall, @json, @hash';
  const atRow = run(`INSERT OR IGNORE INTO event (rowid, ${columns}) VALUES (@rowid, ${values})`);
  const anywhere = run(`INSERT OR IGNORE INTO event (${columns}) VALUES (${values})`);
  const raise = run('UPDATE sqlite_sequence SET seq = @seq WHERE name = @name AND seq < @seq');
  const begin = run(
    `INSERT INTO sqlite_sequence (name, seq) SELECT @name, @seq
     WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = @name)`,
  );
  return {
    event: (row) => atRow(row) || anywhere(row),
    clash: run(
      `INSERT OR IGNORE INTO clash (row, lane, seq, id, json)
       VALUES (@row, @lane, @seq, @id, @json)`,
    ),
    telemetry: run(
      `INSERT OR IGNORE INTO telemetry
         (row, sensor, channel, wall, monotonic_ms, value, min, max, count, unit, tier)
       VALUES (@row, @sensor, @channel, @wall, @monotonicMs, @value, @min, @max, @count, @unit,
               @tier)`,
    ),
    gap: run(
      `INSERT OR IGNORE INTO gap (id, lane, first_seq, last_seq, reason, readings, had)
       VALUES (@id, @lane, @firstSeq, @lastSeq, @reason, @readings, @had)`,
    ),
    cursor: run(
      `INSERT INTO cursor (broker, lane, seq) VALUES (@broker, @lane, @seq)
       ON CONFLICT (broker, lane) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > seq`,
    ),
    keyed: run('INSERT OR IGNORE INTO keyed (kind, key, value) VALUES (@kind, @key, @value)'),
    anchor: run(
      `INSERT INTO anchor (lane, seq, hash) VALUES (@lane, @seq, @hash)
       ON CONFLICT (lane) DO UPDATE SET seq = excluded.seq, hash = excluded.hash
       WHERE excluded.seq > seq`,
    ),
    mark: run(
      `INSERT INTO mark (name, seq) VALUES (@name, @seq)
       ON CONFLICT (name) DO UPDATE SET seq = excluded.seq WHERE excluded.seq > seq`,
    ),
    sqlite_sequence: (row) => raise(row) || begin(row),
  };
}
