/** What is known about the box that the appliance runs on: readings, and judgements of them. */
import type { HalError, HalResult } from '../ports.ts';

export type BoxUnit =
  'celsius' | 'percent' | 'megabytes' | 'volts' | 'state' | 'count' | 'seconds' | 'tasks';

/** One number about the box; `state` is 0 or 1. Names are unique and carry their unit. */
export interface BoxReading {
  readonly name: string;
  readonly value: number;
  readonly unit: BoxUnit;
}

/** Every fault with the subject `box`; docs/box.md explains each. */
export const BOX_FAULTS = [
  'boxHot',
  'undervoltage',
  'throttled',
  'mainsFail',
  'batteryLow',
  'batteryMissing',
  'batteryNotCharging',
  'diskFilling',
  'diskFull',
  'diskReadOnly',
  'diskWorn',
  'diskErrors',
  'memoryLow',
  'clockUnsynchronised',
  'boxUnreadable',
] as const;
export type BoxFault = (typeof BOX_FAULTS)[number];

/**
 * `between`: within the hysteresis, so that what stands goes on standing and what does not is not
 * raised.
 */
export type Verdict = 'bad' | 'good' | 'between';

/** A judgement of one look; the monitor makes faults of what lasts. */
export interface BoxCondition {
  readonly fault: BoxFault;
  readonly verdict: Verdict;
  /** Measured value, limit and, where bad, the remedy. */
  readonly detail: string;
  /** True where one look is enough: it tells of something that has already happened. */
  readonly immediate?: boolean;
}

/** Something that is there and could not be read. */
export interface Unread {
  readonly what: string;
  readonly why: string;
}

/** One look. What the machine does not have appears nowhere in it. */
export interface BoxReport {
  /** What could be read, in words for people; what was here once and is not any more is a fault. */
  readonly present: readonly string[];
  readonly readings: readonly BoxReading[];
  readonly conditions: readonly BoxCondition[];
  readonly unread: readonly Unread[];
}

/** Looks at one part of the box. Never rejects; may hang where a kernel driver does. */
export interface BoxReader {
  readonly name: string;
  read(): Promise<BoxReport>;
}

export const NOTHING: BoxReport = { present: [], readings: [], conditions: [], unread: [] };

/** A part that is not there is nothing; one that cannot be read says why. */
export function unreadable(what: string, error: HalError): BoxReport {
  if (error.kind === 'absent') return NOTHING;
  return { ...NOTHING, unread: [{ what, why: error.message }] };
}

/** Several looks as one. */
export function merged(reports: readonly BoxReport[]): BoxReport {
  return {
    present: reports.flatMap(({ present }) => present),
    readings: reports.flatMap(({ readings }) => readings),
    conditions: reports.flatMap(({ conditions }) => conditions),
    unread: reports.flatMap(({ unread }) => unread),
  };
}

/** `bad` below `limit`, `good` from `limit + hysteresis` on. */
export function below(value: number, limit: number, hysteresis: number): Verdict {
  if (value < limit) return 'bad';
  return value >= limit + hysteresis ? 'good' : 'between';
}

/** `bad` from `limit` on, `good` below `limit - hysteresis`. */
export function above(value: number, limit: number, hysteresis: number): Verdict {
  if (value >= limit) return 'bad';
  return value < limit - hysteresis ? 'good' : 'between';
}

/** A whole decimal number as kernel files hold them; null for anything else. */
export function wholeNumber(text: string): number | null {
  return /^-?\d{1,15}$/.test(text.trim()) ? Number(text.trim()) : null;
}

/** The whole number in a file; null where there is none to be had. */
export function numberIn(read: HalResult<string>): number | null {
  return read.ok ? wholeNumber(read.value) : null;
}

/** One decimal is what people read. */
export function shown(value: number): string {
  return String(Math.round(value * 10) / 10);
}
