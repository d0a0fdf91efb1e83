/** From a message to what is stored of it; whatever breaks the contract becomes poison. Pure. */
import { createHash } from 'node:crypto';
import { type Lane, LANES, meaningOf } from './topics.ts';

/** The only version of payloads that this reader knows. */
const SCHEMA = 1;
/** PostgreSQL's timestamptz ends before JavaScript's dates do. */
const WALL = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export interface EventRow {
  readonly kind: 'event';
  readonly id: string;
  readonly device: string;
  readonly lane: Lane;
  readonly seq: number;
  readonly type: string;
  readonly bootId: string;
  readonly monotonicMs: number;
  readonly wall: string;
  readonly clockQuality: string;
  readonly historical: boolean;
  /** JSON as it was sent. */
  readonly payload: string;
  /** The same for every sending of one event, whether it was historical by then or not. */
  readonly digest: string;
}
export interface GapRow {
  readonly kind: 'gap';
  readonly device: string;
  readonly lane: string;
  readonly firstSeq: number;
  readonly lastSeq: number;
  readonly reason: string;
  readonly readings: number | null;
}
export interface TelemetryRow {
  readonly kind: 'telemetry';
  readonly device: string;
  readonly sensor: string;
  readonly channel: string;
  readonly row: number;
  readonly wall: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  readonly readings: number;
  readonly unit: string;
}
export interface StatusRow {
  readonly kind: 'status';
  readonly device: string;
  readonly status: 'online' | 'offline';
  readonly reason: string | null;
  readonly bootId: string;
  readonly connection: number;
  readonly version: string | null;
  readonly configHash: string | null;
  readonly wall: string | null;
}
export type Row = EventRow | GapRow | TelemetryRow | StatusRow;
export type Reading =
  | Row
  | { readonly kind: 'poison'; readonly reason: string }
  /** Not ours to store: `state`, `response` and the like. */
  | { readonly kind: 'ignored' };

/** @param prefix what stands before the device id in every topic. */
export function readMessage(prefix: string, topic: string, payload: Uint8Array): Reading {
  const meaning = meaningOf(prefix, topic);
  if (meaning === null) return poison('the topic breaks the contract');
  if (meaning.kind === 'other') return { kind: 'ignored' };
  const text = Buffer.from(payload).toString('utf8');
  // Nobody's present status: a retained message was cleared by hand.
  if (meaning.kind === 'status' && text === '') return { kind: 'ignored' };
  const value = parsed(text);
  if (value === null) return poison('the payload is no JSON object');
  const fields = new Fields(value);
  try {
    fields.same('schema', SCHEMA);
    fields.same('deviceId', meaning.device);
    switch (meaning.kind) {
      case 'event':
        return eventOf(fields, meaning.device, meaning.lane, text);
      case 'telemetry':
        return telemetryOf(fields, meaning.device, meaning.sensor);
      case 'gap':
        return gapOf(fields, meaning.device);
      case 'status':
        return statusOf(fields, meaning.device);
    }
  } catch (error) {
    if (error instanceof FieldError) return poison(error.message);
    throw error;
  }
}

function eventOf(fields: Fields, device: string, lane: Lane, payload: string): EventRow {
  fields.same('lane', lane);
  return {
    kind: 'event',
    id: fields.text('id', UUID),
    device,
    lane,
    seq: fields.count('seq', 1),
    type: fields.text('type'),
    bootId: fields.text('bootId'),
    monotonicMs: fields.number('monotonicMs'),
    wall: fields.wall('wall'),
    clockQuality: fields.text('clockQuality'),
    historical: fields.value['historical'] === true,
    payload,
    digest: digestOf(fields.value),
  };
}

function digestOf(value: Readonly<Record<string, unknown>>): string {
  const event = Object.entries(value).filter(([name]) => name !== 'historical');
  return createHash('sha256').update(JSON.stringify(event)).digest('hex').slice(0, 32);
}

function telemetryOf(fields: Fields, device: string, sensor: string): TelemetryRow {
  fields.same('sensor', sensor);
  return {
    kind: 'telemetry',
    device,
    sensor,
    channel: fields.text('channel'),
    row: fields.count('row', 0),
    wall: fields.wall('wall'),
    value: fields.number('value'),
    min: fields.number('min'),
    max: fields.number('max'),
    readings: fields.count('count', 0),
    unit: fields.text('unit'),
  };
}

function gapOf(fields: Fields, device: string): GapRow {
  const lane = fields.text('lane');
  if (lane !== 'telemetry' && !LANES.some((name) => name === lane)) {
    throw new FieldError(`lane: there is no lane "${lane}"`);
  }
  const firstSeq = fields.count('firstSeq', 1);
  const lastSeq = fields.count('lastSeq', firstSeq);
  const readings = 'readings' in fields.value ? fields.count('readings', 0) : null;
  return { kind: 'gap', device, lane, firstSeq, lastSeq, reason: fields.text('reason'), readings };
}

function statusOf(fields: Fields, device: string): StatusRow {
  const status = fields.text('status');
  if (status !== 'online' && status !== 'offline') {
    throw new FieldError(`status: "${status}" is neither online nor offline`);
  }
  const { value } = fields;
  return {
    kind: 'status',
    device,
    status,
    reason: 'reason' in value ? fields.text('reason') : null,
    bootId: fields.text('bootId'),
    connection: fields.count('connection', 0),
    version: 'version' in value ? fields.text('version') : null,
    configHash: 'configHash' in value ? fields.text('configHash') : null,
    wall: 'wall' in value ? fields.wall('wall') : null,
  };
}

class FieldError extends Error {}

/** Reads fields of a payload; a wrong one is told by its name. */
class Fields {
  readonly value: Readonly<Record<string, unknown>>;

  constructor(value: Readonly<Record<string, unknown>>) {
    this.value = value;
  }

  same(name: string, wanted: string | number): void {
    const found = this.value[name];
    if (found === wanted) return;
    throw new FieldError(`${name}: ${shown(found)} where ${shown(wanted)} was expected`);
  }

  text(name: string, pattern = /^[^\0]{1,1000}$/u): string {
    const found = this.value[name];
    if (typeof found === 'string' && pattern.test(found)) return found;
    throw new FieldError(`${name}: ${shown(found)} is no text of the contract`);
  }

  wall(name: string): string {
    const text = this.text(name, WALL);
    if (!Number.isNaN(Date.parse(text))) return text;
    throw new FieldError(`${name}: ${shown(text)} is no time`);
  }

  number(name: string): number {
    const found = this.value[name];
    if (typeof found === 'number' && Number.isFinite(found)) return found;
    throw new FieldError(`${name}: ${shown(found)} is no number`);
  }

  count(name: string, least: number): number {
    const found = this.number(name);
    if (Number.isSafeInteger(found) && found >= least) return found;
    throw new FieldError(`${name}: ${found} is no whole number from ${least}`);
  }
}

function shown(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value).slice(0, 80);
}

function parsed(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? { ...value } : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}

function poison(reason: string): Reading {
  return { kind: 'poison', reason };
}
