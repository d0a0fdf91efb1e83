/**
 * Tells by its content alone whether a record is a row of ours, and of which table. Strict, because
 * a page that is read without its tree may hold anything: a row that is not whole is none. Pure.
 */
import { Buffer, isUtf8 } from 'node:buffer';
import { LANES, type Lane } from '../domain/event.ts';
import { eventOf, isLane } from './codec.ts';
import type { CursorLane, EventRow } from './messages.ts';
import type { Raw, RawRecord } from './salvage-records.ts';
import { isEventId } from './stamp.ts';

export interface SavedEvent extends EventRow {
  readonly rowid: number;
  readonly hash: string;
}

export interface SavedClash extends Pick<EventRow, 'lane' | 'seq' | 'id' | 'json'> {
  readonly row: number;
}

export interface SavedTelemetry {
  readonly row: number;
  readonly sensor: string;
  readonly channel: string;
  readonly wall: string;
  readonly monotonicMs: number;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly unit: string;
  readonly tier: number;
}

export interface SavedGap {
  readonly id: number;
  readonly lane: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly reason: string;
  readonly readings: number | null;
  readonly had: string;
}

export type Saved =
  | { readonly table: 'event'; readonly row: SavedEvent }
  | { readonly table: 'clash'; readonly row: SavedClash }
  | { readonly table: 'telemetry'; readonly row: SavedTelemetry }
  | { readonly table: 'gap'; readonly row: SavedGap }
  | {
      readonly table: 'cursor';
      readonly row: { readonly broker: string; readonly lane: CursorLane; readonly seq: number };
    }
  | {
      readonly table: 'keyed';
      readonly row: { readonly kind: string; readonly key: string; readonly value: string };
    }
  | {
      readonly table: 'anchor';
      readonly row: { readonly lane: Lane; readonly seq: number; readonly hash: string };
    }
  | { readonly table: 'mark'; readonly row: { readonly name: string; readonly seq: number } }
  | {
      readonly table: 'sqlite_sequence';
      readonly row: { readonly name: string; readonly seq: number };
    };

export type SavedTable = Saved['table'];

const HASH = /^[0-9a-f]{64}$/;
const WALL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
const WORD = /^[A-Za-z][A-Za-z0-9]*$/;
const CURSOR_LANES: readonly string[] = [...LANES, 'telemetry', 'gap'];
const COUNTED_TABLES = ['telemetry', 'gap', 'clash'];

/** Null for what is no row of ours. */
export function savedFrom({ rowid, values }: RawRecord): Saved | null {
  return rowid === null ? keyedBy(values) : numbered(rowid, values);
}

function numbered(rowid: number, values: readonly Raw[]): Saved | null {
  if (!isCount(rowid)) return null;
  if (values[0] !== null) return eventFrom(rowid, values) ?? sequenceFrom(values);
  return clashFrom(rowid, values) ?? telemetryFrom(rowid, values) ?? gapFrom(rowid, values);
}

function eventFrom(rowid: number, values: readonly Raw[]): Saved | null {
  const [lane, seq, id, type, wall, json, hash] = values.map(plain);
  const event = typeof json === 'string' ? eventOf(json) : null;
  if (event === null || typeof json !== 'string') return null;
  const agrees =
    event.lane === lane &&
    event.seq === seq &&
    event.id === id &&
    event.type === type &&
    event.wall === wall;
  if (!agrees) return null;
  const known = typeof hash === 'string' && HASH.test(hash) ? hash : '';
  const row = { lane: event.lane, seq: event.seq, id: event.id, type: event.type };
  return { table: 'event', row: { ...row, rowid, wall: event.wall, json, hash: known } };
}

function clashFrom(row: number, values: readonly Raw[]): Saved | null {
  const [, lane, seq, id, json] = values.map(plain);
  const event = typeof json === 'string' ? eventOf(json) : null;
  if (event === null || typeof json !== 'string') return null;
  if (event.lane !== lane || event.seq !== seq || event.id !== id) return null;
  return { table: 'clash', row: { row, lane: event.lane, seq: event.seq, id: event.id, json } };
}

function telemetryFrom(row: number, values: readonly Raw[]): Saved | null {
  if (values.length < 10) return null;
  const [, sensor, channel, wall, monotonicMs, value, min, max, count, unit, tier] =
    values.map(plain);
  const texts = isText(sensor) && isText(channel) && isText(unit) && isText(wall);
  const numbers = isNumber(monotonicMs) && isNumber(value) && isNumber(min) && isNumber(max);
  if (!texts || !numbers || !isCount(count) || !WALL.test(wall)) return null;
  const readings = { monotonicMs, value, min, max, count };
  return {
    table: 'telemetry',
    row: { row, sensor, channel, wall, ...readings, unit, tier: isCount(tier) ? tier : 0 },
  };
}

function gapFrom(id: number, values: readonly Raw[]): Saved | null {
  const [, lane, firstSeq, lastSeq, reason, readings, had] = values.map(plain);
  if (!isText(lane) || !isText(reason) || !WORD.test(reason)) return null;
  if (lane !== 'telemetry' && !isLane(lane)) return null;
  if (!isCount(firstSeq) || !isCount(lastSeq) || lastSeq < firstSeq) return null;
  const counted = isCount(readings) ? readings : null;
  const row = { id, lane, firstSeq, lastSeq, reason };
  return { table: 'gap', row: { ...row, readings: counted, had: isText(had) ? had : '' } };
}

function sequenceFrom(values: readonly Raw[]): Saved | null {
  const [name, seq] = values.map(plain);
  if (values.length !== 2 || !isText(name) || !isCount(seq)) return null;
  return COUNTED_TABLES.includes(name) ? { table: 'sqlite_sequence', row: { name, seq } } : null;
}

/** Rows of tables without row numbers, by the types of their columns; index entries are none. */
function keyedBy(values: readonly Raw[]): Saved | null {
  const [first, second, third] = values.map(plain);
  if (!isText(first)) return null;
  if (values.length === 2) return markFrom(first, second);
  if (values.length !== 3) return null;
  if (isText(second) && CURSOR_LANES.includes(second) && isCount(third)) {
    const row = { broker: first, lane: second as CursorLane, seq: third };
    return { table: 'cursor', row };
  }
  if (isText(second) && isText(third) && WORD.test(first)) {
    return { table: 'keyed', row: { kind: first, key: second, value: third } };
  }
  if (isLane(first) && isCount(second) && isText(third) && HASH.test(third)) {
    return { table: 'anchor', row: { lane: first, seq: second, hash: third } };
  }
  return null;
}

/** An index over ids looks the same but for its key. */
function markFrom(name: string, seq: Raw | string | undefined): Saved | null {
  if (!isCount(seq) || isEventId(name) || !WORD.test(name)) return null;
  return { table: 'mark', row: { name, seq } };
}

/** Bytes that are no text make a row that is none. */
function plain(value: Raw): string | number | null | undefined {
  if (!Buffer.isBuffer(value)) return value;
  return isUtf8(value) ? value.toString('utf8') : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
