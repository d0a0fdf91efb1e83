/** Events out of a database, oldest first over all lanes, a page at a time; and their forms. */
import type { JournalEvent, Lane } from '../domain/event.ts';
import { eventOf } from './codec.ts';
import type { Sqlite } from './database.ts';

const PAGE_ROWS = 1000;

export interface ExportFilter {
  /** Empty: all lanes. */
  readonly lanes: readonly Lane[];
  /** ISO 8601 in UTC, as events carry it; null for no bound. The first is included. */
  readonly since: string | null;
  /** Not included. */
  readonly until: string | null;
  readonly zone: string | null;
  readonly type: string | null;
  /** Only higher numbers. */
  readonly afterSeq: number;
}

export interface Exported {
  readonly json: string;
  /** Null for a text that is no event: it is exported all the same. */
  readonly event: JournalEvent | null;
}

/**
 * Ids rise with time, so they lead through all lanes in order, and no transaction stays open
 * between two pages.
 * @throws SQLite's error where the database cannot be read.
 */
export function* eventsOf(db: Sqlite, filter: ExportFilter): Generator<Exported> {
  const { lanes, since, until, type, afterSeq, zone } = filter;
  const page = db.prepare<object, { id: string; json: string }>(
    `SELECT id, json FROM event
     WHERE id > @after AND seq > @afterSeq
       AND (@lanes = '[]' OR lane IN (SELECT value FROM json_each(@lanes)))
       AND (@since IS NULL OR wall >= @since) AND (@until IS NULL OR wall < @until)
       AND (@type IS NULL OR type = @type)
     ORDER BY id LIMIT ${PAGE_ROWS}`,
  );
  const bounds = { lanes: JSON.stringify(lanes), since, until, type, afterSeq };
  let after = '';
  for (;;) {
    const rows = page.all({ ...bounds, after });
    for (const { json } of rows) {
      const event = eventOf(json);
      if (zone === null || (event !== null && zoneOf(event) === zone)) yield { json, event };
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE_ROWS) return;
    after = last.id;
  }
}

function zoneOf({ data }: JournalEvent): string | null {
  return 'zone' in data && typeof data.zone === 'string' ? data.zone : null;
}

export const CSV_COLUMNS = [
  ...['lane', 'seq', 'id', 'type', 'wall', 'clockQuality', 'bootId', 'monotonicMs', 'zone'],
  ...['deviceId', 'data'],
] as const;

/** One line without its end; lines end with CR LF (RFC 4180). */
export function csvLine(cells: readonly (string | number | null)[]): string {
  return cells.map(cellOf).join(',');
}

export function csvOf({ json, event }: Exported): string {
  if (event === null) return csvLine([...Array<null>(CSV_COLUMNS.length - 1).fill(null), json]);
  const { lane, seq, id, type, wall, clockQuality, bootId, monotonicMs, deviceId, data } = event;
  const stamp = [lane, seq, id, type, wall, clockQuality, bootId, monotonicMs];
  return csvLine([...stamp, zoneOf(event), deviceId, JSON.stringify(data)]);
}

/**
 * A text that a spreadsheet would take for a formula gets an apostrophe in front: what stands in an
 * event may have come from a network. What holds a separator, a quote or a line's end is quoted.
 */
function cellOf(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
