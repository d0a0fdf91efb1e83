/** What the release before this one does to a database: its own SQL, kept word for word. */
import type { Sqlite } from '../../src/store/database.ts';
import { MIGRATIONS } from '../../src/store/schema.ts';
import type { EventRow } from '../../src/store/messages.ts';
import type { TelemetryRow } from '../../src/domain/ports.ts';

/** A new database, as that release makes one. */
export function madeByPrevious(db: Sqlite): void {
  db.pragma('journal_mode = WAL');
  const [first] = MIGRATIONS;
  db.exec(first ?? '');
  db.pragma('user_version = 1');
}

/** Its statements; it refuses a higher `user_version`, and nothing else. */
export function previousRelease(db: Sqlite) {
  if (db.pragma('user_version', { simple: true }) !== 1) throw new Error('it would not open this');
  const insertEvent = db.prepare<EventRow>(
    `INSERT OR IGNORE INTO event (lane, seq, id, type, wall, json)
       VALUES (@lane, @seq, @id, @type, @wall, @json)`,
  );
  const insertTelemetry = db.prepare<TelemetryRow>(
    `INSERT INTO telemetry (sensor, channel, wall, monotonic_ms, value, min, max, count, unit)
       VALUES (@sensor, @channel, @wall, @monotonicMs, @value, @min, @max, @count, @unit)`,
  );
  const insertGap = db.prepare(
    `INSERT INTO gap (lane, first_seq, last_seq, reason)
       VALUES (@lane, @firstSeq, @lastSeq, @reason)`,
  );
  const head = db.prepare<[string], { seq: number | null }>(
    'SELECT MAX(seq) AS seq FROM event WHERE lane = ?',
  );
  const eventsAfter = db
    .prepare<[string, number, number], string>(
      'SELECT json FROM event WHERE lane = ? AND seq > ? ORDER BY seq LIMIT ?',
    )
    .pluck();
  const telemetryAfter = db.prepare<[number, number], TelemetryRow & { row: number }>(
    `SELECT row, sensor, channel, wall, monotonic_ms AS monotonicMs, value, min, max, count, unit
       FROM telemetry WHERE row > ? ORDER BY row LIMIT ?`,
  );
  const gapsAfter = db.prepare(
    `SELECT id, lane, first_seq AS firstSeq, last_seq AS lastSeq, reason FROM gap
       WHERE id > COALESCE((SELECT seq FROM cursor WHERE broker = ? AND lane = 'gap'), 0)
       ORDER BY id LIMIT ?`,
  );
  return {
    append: (rows: readonly EventRow[]) => {
      for (const row of rows) insertEvent.run(row);
    },
    measure: (rows: readonly TelemetryRow[]) => {
      for (const row of rows) insertTelemetry.run(row);
    },
    gap: (gap: object) => insertGap.run(gap),
    head: (lane: string) => head.get(lane)?.seq ?? 0,
    eventsAfter: (lane: string, after: number) => eventsAfter.all(lane, after, 10_000),
    telemetryAfter: (after: number) => telemetryAfter.all(after, 10_000),
    gapsAfter: (broker: string) => gapsAfter.all(broker, 1000),
  };
}
