/** Every statement that the writer runs against an open database. */
import type { Lane } from '../domain/event.ts';
import type { TelemetryRow } from '../domain/ports.ts';
import { ChainKeeper } from './chain-keeper.ts';
import { perLane } from './codec.ts';
import type { Sqlite } from './database.ts';
import { HandedOut } from './free-ranges.ts';
import { GapLedger } from './gap-ledger.ts';
import type {
  Answers,
  Clash,
  CursorRow,
  EventRow,
  Group,
  Heads,
  KeyedRow,
  LostTelemetry,
  Query,
} from './messages.ts';
import type { Table } from './schema.ts';
import { takeTexts } from './texts.ts';

export interface CommitOutcome {
  readonly clashes: readonly Clash[];
  /** Number of the newest telemetry row; 0 before the first. */
  readonly telemetryRow: number;
}

export class Queries {
  readonly chain: ChainKeeper;
  readonly ledger: GapLedger;
  /** Which telemetry readers were given. */
  readonly handedOut = new HandedOut();
  readonly #db: Sqlite;
  readonly #statements: ReturnType<typeof statements>;
  readonly #commit: (group: Group) => CommitOutcome;

  /** @throws when a table is missing. */
  constructor(db: Sqlite) {
    this.#db = db;
    this.#statements = statements(db);
    this.chain = new ChainKeeper(db);
    this.ledger = new GapLedger(db);
    const transaction = db.transaction((group: Group) => this.#apply(group));
    this.#commit = (group) => transaction.immediate(group);
  }

  /** All or nothing; durable when it returns. Storing an event again changes nothing. */
  commit(group: Group): CommitOutcome {
    this.chain.begin();
    const outcome = this.#commit(group);
    this.chain.committed();
    return outcome;
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
      case 'texts': {
        const { lane, afterSeq, limit, maxBytes } = query;
        return takeTexts(s.eventsAfter.iterate(lane, afterSeq, limit), maxBytes);
      }
      case 'telemetry':
        return this.#telemetry(query.afterRow, query.limit);
      case 'cursors':
        return s.cursors.all(query.broker);
      case 'gaps':
        return this.ledger.after(query.broker, query.limit);
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

  #telemetry(afterRow: number, limit: number): Answers['telemetry'] {
    const rows = this.#statements.telemetryAfter.all(afterRow, limit);
    const last = rows.at(-1);
    if (last !== undefined) this.handedOut.note(afterRow, last.row);
    return rows;
  }

  #apply(group: Group): CommitOutcome {
    const s = this.#statements;
    const clashes = inOrder(group.events).flatMap((event) => this.#insertEvent(event));
    if (group.lost !== undefined) this.#account(group.lost);
    for (const row of group.telemetry) s.insertTelemetry.run(row);
    for (const cursor of group.cursors) s.moveCursor.run(cursor);
    for (const { kind, key, value } of group.keyed) {
      if (value === null) s.removeKeyed.run({ kind, key });
      else s.putKeyed.run({ kind, key, value });
    }
    for (const gap of group.gaps) this.ledger.add(gap);
    return { clashes, telemetryRow: this.telemetryRow() };
  }

  #insertEvent(event: EventRow): readonly Clash[] {
    const s = this.#statements;
    const hash = this.chain.hashFor(event);
    if (s.insertEvent.run({ ...event, hash }).changes === 1) {
      this.chain.stored(event, hash);
      return [];
    }
    const same = s.eventWithId.get(event.id);
    if (same?.lane === event.lane && same.seq === event.seq) return [];
    const fresh = s.insertClash.run(event).changes === 1;
    return fresh ? [{ lane: event.lane, seq: event.seq, id: event.id }] : [];
  }

  /** Rows that were given up before they had numbers get some, so that a gap can name them. */
  #account({ rows, readings }: LostTelemetry): void {
    const firstSeq = this.telemetryRow() + 1;
    const lastSeq = firstSeq + rows - 1;
    this.raiseTelemetryRow(lastSeq);
    this.ledger.add({ lane: 'telemetry', firstSeq, lastSeq, reason: 'memoryFull', readings });
  }
}

/** The chain wants numbers that rise; the order within a group means nothing else. */
function inOrder(events: readonly EventRow[]): readonly EventRow[] {
  const rises = events.every(({ lane, seq }, i) => {
    const before = events[i - 1];
    return before === undefined || before.lane !== lane || before.seq < seq;
  });
  return rises ? events : [...events].sort((a, b) => a.seq - b.seq);
}

/** The values of a pragma's rows, whatever the column is called. */
function textLines(rows: unknown): readonly string[] {
  if (!Array.isArray(rows)) return [String(rows)];
  return rows.flatMap((row: unknown) => Object.values(row ?? {}).map(String));
}

/** Highest stored number of each lane; the newest event of a lane is never pruned. */
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
    insertEvent: db.prepare<EventRow & { readonly hash: string }>(
      `INSERT OR IGNORE INTO event (lane, seq, id, type, wall, json, hash)
       VALUES (@lane, @seq, @id, @type, @wall, @json, @hash)`,
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
    moveCursor: db.prepare<CursorRow>(
      `INSERT INTO cursor (broker, lane, seq) VALUES (@broker, @lane, @seq)
       ON CONFLICT (broker, lane) DO UPDATE SET seq = MAX(seq, excluded.seq)`,
    ),
    cursors: db.prepare<[string], CursorRow>(
      'SELECT broker, lane, seq FROM cursor WHERE broker = ?',
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
