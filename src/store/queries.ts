/** Every statement that the writer runs against an open database. */
import type { Lane } from '../domain/event.ts';
import type { Gap, TelemetryRow } from '../domain/ports.ts';
import { perLane } from './codec.ts';
import type { Sqlite } from './database.ts';
import type {
  Answers,
  Clash,
  CursorRow,
  EventRow,
  Group,
  Heads,
  KeyedRow,
  Query,
} from './messages.ts';
import type { Table } from './schema.ts';

/** Telemetry is pruned in steps of this share of its bound: one gap record a step, not a row. */
const PRUNE_SHARE = 0.05;

export interface CommitOutcome {
  readonly clashes: readonly Clash[];
  /** Number of the newest telemetry row; 0 before the first. */
  readonly telemetryRow: number;
}

export class Queries {
  readonly #db: Sqlite;
  readonly #telemetryRows: number;
  readonly #statements: ReturnType<typeof statements>;
  readonly #commit: (group: Group) => CommitOutcome;

  /** @throws when a table is missing. */
  constructor(db: Sqlite, telemetryRows: number) {
    this.#db = db;
    this.#telemetryRows = telemetryRows;
    this.#statements = statements(db);
    const transaction = db.transaction((group: Group) => this.#apply(group));
    this.#commit = (group) => transaction.immediate(group);
  }

  /** All or nothing; durable when it returns. Storing an event again changes nothing. */
  commit(group: Group): CommitOutcome {
    return this.#commit(group);
  }

  heads(): Heads {
    return headsOf(this.#db);
  }

  lastId(): string | null {
    return lastIdOf(this.#db);
  }

  telemetryRow(): number {
    return this.#statements.telemetrySequence.get()?.seq ?? 0;
  }

  /** Numbers telemetry above `floor` from now on. */
  raiseTelemetryRow(floor: number): void {
    if (floor <= this.telemetryRow()) return;
    const known = this.#statements.telemetrySequence.get() !== undefined;
    const sql = known
      ? `UPDATE sqlite_sequence SET seq = ? WHERE name = 'telemetry'`
      : `INSERT INTO sqlite_sequence (seq, name) VALUES (?, 'telemetry')`;
    this.#db.prepare(sql).run(floor);
  }

  answer(query: Query): Answers[keyof Answers] {
    const s = this.#statements;
    switch (query.what) {
      case 'events':
        return s.eventsAfter.all(query.lane, query.afterSeq, query.limit);
      case 'telemetry':
        return s.telemetryAfter.all(query.afterRow, query.limit);
      case 'cursors':
        return s.cursors.all(query.broker);
      case 'gaps':
        return s.gapsAfter.all(query.broker, query.limit);
      case 'keyed':
        return s.keyed.all(query.kind);
      case 'check':
        return this.#check(query.table);
    }
  }

  /** Lines of `quick_check` that name damage. */
  #check(table: Table): readonly string[] {
    return textLines(this.#db.pragma(`quick_check(${table})`)).filter((line) => line !== 'ok');
  }

  #apply(group: Group): CommitOutcome {
    const s = this.#statements;
    const clashes = group.events.flatMap((event) => this.#insertEvent(event));
    for (const row of group.telemetry) s.insertTelemetry.run(row);
    for (const cursor of group.cursors) s.moveCursor.run(cursor);
    for (const { kind, key, value } of group.keyed) {
      if (value === null) s.removeKeyed.run({ kind, key });
      else s.putKeyed.run({ kind, key, value });
    }
    for (const gap of group.gaps) s.insertGap.run(gap);
    if (group.telemetry.length > 0) this.#pruneTelemetry();
    return { clashes, telemetryRow: this.telemetryRow() };
  }

  #insertEvent(event: EventRow): readonly Clash[] {
    const s = this.#statements;
    if (s.insertEvent.run(event).changes === 1) return [];
    const same = s.eventWithId.get(event.id);
    if (same?.lane === event.lane && same.seq === event.seq) return [];
    const fresh = s.insertClash.run(event).changes === 1;
    return fresh ? [{ lane: event.lane, seq: event.seq, id: event.id }] : [];
  }

  /** Drops the oldest rows; those that not every reader has had are recorded as a gap. */
  #pruneTelemetry(): void {
    const s = this.#statements;
    const oldest = s.oldestTelemetry.get()?.row ?? null;
    if (oldest === null) return;
    const excess = this.telemetryRow() - oldest + 1 - this.#telemetryRows;
    if (excess <= this.#telemetryRows * PRUNE_SHARE) return;
    const last = oldest + excess - 1;
    const delivered = s.telemetryDelivered.get()?.seq ?? 0;
    s.deleteTelemetry.run(last);
    if (delivered < last) {
      const firstSeq = Math.max(oldest, delivered + 1);
      s.insertGap.run({ lane: 'telemetry', firstSeq, lastSeq: last, reason: 'telemetryFull' });
    }
  }
}

/** The values of a pragma's rows, whatever the column is called. */
function textLines(rows: unknown): readonly string[] {
  if (!Array.isArray(rows)) return [String(rows)];
  return rows.flatMap((row: unknown) => Object.values(row ?? {}).map(String));
}

/** Highest stored number of each lane. */
export function headsOf(db: Sqlite): Heads {
  const head = db.prepare<[Lane], { seq: number | null }>(
    'SELECT MAX(seq) AS seq FROM event WHERE lane = ?',
  );
  return perLane((lane) => head.get(lane)?.seq ?? 0);
}

export function lastIdOf(db: Sqlite): string | null {
  const row = db.prepare<[], { id: string | null }>('SELECT MAX(id) AS id FROM event').get();
  return row?.id ?? null;
}

const TELEMETRY_COLUMNS =
  'sensor, channel, wall, monotonic_ms AS monotonicMs, value, min, max, count, unit';

function statements(db: Sqlite) {
  return {
    insertEvent: db.prepare<EventRow>(
      `INSERT OR IGNORE INTO event (lane, seq, id, type, wall, json)
       VALUES (@lane, @seq, @id, @type, @wall, @json)`,
    ),
    eventWithId: db.prepare<[string], { lane: Lane; seq: number }>(
      'SELECT lane, seq FROM event WHERE id = ?',
    ),
    insertClash: db.prepare<EventRow>(
      'INSERT OR IGNORE INTO clash (lane, seq, id, json) VALUES (@lane, @seq, @id, @json)',
    ),
    eventsAfter: db
      .prepare<[Lane, number, number], string>(
        'SELECT json FROM event WHERE lane = ? AND seq > ? ORDER BY seq LIMIT ?',
      )
      .pluck(),
    insertTelemetry: db.prepare<TelemetryRow>(
      `INSERT INTO telemetry (sensor, channel, wall, monotonic_ms, value, min, max, count, unit)
       VALUES (@sensor, @channel, @wall, @monotonicMs, @value, @min, @max, @count, @unit)`,
    ),
    telemetryAfter: db.prepare<[number, number], TelemetryRow & { row: number }>(
      `SELECT row, ${TELEMETRY_COLUMNS} FROM telemetry WHERE row > ? ORDER BY row LIMIT ?`,
    ),
    telemetrySequence: db.prepare<[], { seq: number }>(
      `SELECT seq FROM sqlite_sequence WHERE name = 'telemetry'`,
    ),
    oldestTelemetry: db.prepare<[], { row: number | null }>(
      'SELECT MIN(row) AS row FROM telemetry',
    ),
    telemetryDelivered: db.prepare<[], { seq: number | null }>(
      `SELECT MIN(seq) AS seq FROM cursor WHERE lane = 'telemetry'`,
    ),
    deleteTelemetry: db.prepare<[number]>('DELETE FROM telemetry WHERE row <= ?'),
    moveCursor: db.prepare<CursorRow>(
      `INSERT INTO cursor (broker, lane, seq) VALUES (@broker, @lane, @seq)
       ON CONFLICT (broker, lane) DO UPDATE SET seq = MAX(seq, excluded.seq)`,
    ),
    cursors: db.prepare<[string], CursorRow>(
      'SELECT broker, lane, seq FROM cursor WHERE broker = ?',
    ),
    insertGap: db.prepare<Omit<Gap, 'id'>>(
      `INSERT INTO gap (lane, first_seq, last_seq, reason)
       VALUES (@lane, @firstSeq, @lastSeq, @reason)`,
    ),
    gapsAfter: db.prepare<[string, number], Gap>(
      `SELECT id, lane, first_seq AS firstSeq, last_seq AS lastSeq, reason FROM gap
       WHERE id > COALESCE((SELECT seq FROM cursor WHERE broker = ? AND lane = 'gap'), 0)
       ORDER BY id LIMIT ?`,
    ),
    keyed: db.prepare<[string], KeyedRow>('SELECT kind, key, value FROM keyed WHERE kind = ?'),
    putKeyed: db.prepare<KeyedRow>(
      `INSERT INTO keyed (kind, key, value) VALUES (@kind, @key, @value)
       ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value`,
    ),
    removeKeyed: db.prepare<Omit<KeyedRow, 'value'>>(
      'DELETE FROM keyed WHERE kind = @kind AND key = @key',
    ),
  };
}
