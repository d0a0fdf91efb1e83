/**
 * What a recording is made of. A file is a row of gzip members (`block.ts`); unpacked they are a
 * row of records:
 *
 *   offset  bytes  field, little endian
 *   0       4      length of kind and payload
 *   4       4      CRC-32 (IEEE 802.3) of kind and payload
 *   8       1      kind: 1 text, 2 frame, 3 frame as difference
 *   9       n      payload
 *
 * Payload of a text: JSON of a `TextRecord`. Payload of a frame:
 *
 *   0       2      number of its calibration, as the last text record of kind `calibration` said
 *   2       1      subpage: 0 or 1, 2 for a whole picture
 *   3       1      what became of it: `OUTCOMES`
 *   4       1      1 when computed with the array's own, confirmed EEPROM
 *   5       1      zero
 *   6       2      number of words
 *   8       8      monotonic time in ms, double
 *   16      4      CRC-32 of the 768 temperatures as little endian floats; 0 without a picture
 *   20      4      ambient of a module in C, float; NaN where the words say it
 *   24      2 n    all low bytes of the words, then all high bytes
 *
 * As a difference, a word is what the word before it at this place, of the same calibration and in
 * this file, must be changed by, modulo 65536, folded so that small changes of both signs are small
 * numbers (0, -1, 1, -2, ... become 0, 1, 2, 3, ...). Noise is about one count, so the high bytes
 * are nearly all zero and pack away.
 */
import type { JournalEvent } from '../../domain/event.ts';
import type { NoDataReason } from '../../domain/evidence.ts';
import type { RawDecoding } from '../../domain/raw-tap.ts';
import type { SensorId, ZoneId } from '../../domain/units.ts';
import type { RowKind } from './row-memory.ts';

export const FORMAT = 1;
export const RECORD_HEAD_BYTES = 8;
export const KIND_TEXT = 1;
export const KIND_FRAME = 2;
export const KIND_DIFFERENCE = 3;
export const FRAME_HEAD_BYTES = 24;
export const WHOLE_PICTURE = 2;
/** No record is longer: bounds what a damaged length can make a reader do. */
export const MAX_RECORD_BYTES = 8 * 1024 * 1024;

/** Codes of outcomes: 0 half a picture, 1 a picture, else why there is none. Never reused. */
const REASON_CODES = {
  noCalibration: 2,
  badCalibration: 3,
  implausibleVdd: 4,
  implausibleTa: 5,
  implausibleGain: 6,
  subpageMismatch: 7,
  missingWords: 8,
  frozen: 9,
  tooManyBadPixels: 10,
  glitch: 11,
  corrupt: 12,
  railStuck: 13,
  overrun: 14,
  loopFault: 15,
  outOfRange: 16,
  sentinel: 17,
  hardware: 18,
} as const satisfies Readonly<Record<NoDataReason, number>>;

export type Outcome = 'half' | 'picture' | NoDataReason;

const OUTCOMES: ReadonlyMap<number, Outcome> = new Map<number, Outcome>([
  [0, 'half'],
  [1, 'picture'],
  ...(Object.entries(REASON_CODES) as [NoDataReason, number][]).map(
    ([reason, code]): [number, Outcome] => [code, reason],
  ),
]);

export function codeOfReason(reason: NoDataReason): number {
  return REASON_CODES[reason];
}

/** `corrupt` for a code that this release does not know: there was no picture. */
export function outcomeOf(code: number): Outcome {
  return OUTCOMES.get(code) ?? 'corrupt';
}

/** First record of every file. */
export interface HeaderRecord {
  readonly kind: 'header';
  readonly format: typeof FORMAT;
  readonly version: string;
  readonly device: string;
  readonly bootId: string;
  readonly configHash: string;
  /** When the file was begun, by both clocks: ties the monotonic times to the wall. */
  readonly atMs: number;
  readonly wall: string;
  /** What began it: `alarm`, `preAlarm`, `fault`, or `hour` for a part of a day. */
  readonly cause: string;
  readonly zone: string | null;
  /** The configuration it ran with, without brokers, pages and output lines. */
  readonly config: unknown;
}

/** A sensor's calibration and how its words are decoded; frames refer to it by number. */
export interface CalibrationRecord {
  readonly kind: 'calibration';
  readonly number: number;
  readonly sensor: SensorId;
  /** 12 hex digits; null where there is no EEPROM. */
  readonly array: string | null;
  readonly decoding: RawDecoding;
  /** 832 words as hex; null while none were known, or none are needed. */
  readonly eeprom: string | null;
}

/** Rows of a channel: `ROW_COLUMNS` names the columns; null where there is no number. */
export interface RowsRecord {
  readonly kind: RowKind;
  readonly sensor: SensorId;
  readonly channel: string;
  readonly rows: readonly (readonly (number | null)[])[];
}

export interface EventRecord {
  readonly kind: 'event';
  readonly atMs: number;
  readonly event: JournalEvent;
}

/** Of the panel, and of the zones that are not normal. */
export interface ConditionRecord {
  readonly kind: 'condition';
  readonly atMs: number;
  readonly condition: string;
  readonly zones: Readonly<Record<ZoneId, string>>;
}

/** A source said something that could not be believed. */
export interface NoDataRecord {
  readonly kind: 'noData';
  readonly atMs: number;
  readonly sensor: SensorId;
  readonly channel: string;
  readonly reason: NoDataReason;
  readonly detail: string;
}

/** What the wall clock said at a monotonic time; `steppedByMs` where it had been set. */
export interface ClockRecord {
  readonly kind: 'clock';
  readonly atMs: number;
  readonly wall: string;
  readonly steppedByMs: number;
}

/** An event that this file goes on for: the first one began it. */
export interface IncidentRecord {
  readonly kind: 'incident';
  readonly atMs: number;
  readonly cause: string;
  readonly zone: string | null;
  /** Sensors that are recorded in full from here on, with what was in memory of them. */
  readonly sensors: readonly SensorId[];
}

/** Frames, rows or notes that were overwritten in memory before the disk took them. */
export interface GapRecord {
  readonly kind: 'gap';
  readonly what: 'frames' | 'rows' | 'notes';
  /** Null for notes. */
  readonly sensor: SensorId | null;
  readonly lost: number;
}

/** Last record of a file that was ended as it should be. */
export interface EndRecord {
  readonly kind: 'end';
  readonly atMs: number;
  readonly wall: string;
  /** `over`, `full` (the file reached its cap), `hour`, `stopped`. */
  readonly reason: string;
  readonly frames: number;
}

export type TextRecord =
  | HeaderRecord
  | CalibrationRecord
  | RowsRecord
  | EventRecord
  | ConditionRecord
  | NoDataRecord
  | ClockRecord
  | IncidentRecord
  | GapRecord
  | EndRecord;

/** One dump as it was received. */
export interface FrameRecord {
  readonly kind: 'frame';
  readonly atMs: number;
  readonly sensor: SensorId;
  readonly calibration: CalibrationRecord;
  /** As received: 834, 832 or 768 words; a copy of its own. */
  readonly words: Uint16Array;
  readonly subpage: 0 | 1 | null;
  readonly outcome: Outcome;
  readonly calibrated: boolean;
  readonly ambientCelsius: number;
  /** CRC-32 of the temperatures that the appliance computed; 0 without a picture. */
  readonly celsiusCrc: number;
}

/** Where a file cannot be read; reading goes on behind what is damaged. */
export interface DamageRecord {
  readonly kind: 'damage';
  /** In the file. */
  readonly offset: number;
  /** `torn`: the file ends within or before what should follow. */
  readonly problem: 'torn' | 'damaged';
  readonly detail: string;
}

export type BoxRecord = TextRecord | FrameRecord | DamageRecord;
