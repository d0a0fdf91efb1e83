/**
 * Bytes into records: what `record-writer.ts` made, with every length, CRC and reference checked.
 * Never throws, whatever the bytes are.
 *
 * Typed arrays are read with `as number`: every index is bounded by the loop around it.
 */
import type { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import {
  FORMAT,
  FRAME_HEAD_BYTES,
  KIND_DIFFERENCE,
  KIND_FRAME,
  KIND_TEXT,
  MAX_RECORD_BYTES,
  outcomeOf,
  RECORD_HEAD_BYTES,
  WHOLE_PICTURE,
} from './record.ts';
import type { CalibrationRecord, FrameRecord, TextRecord } from './record.ts';
import { SLOT_WORDS } from './frame-memory.ts';
import { unfolded } from './record-writer.ts';

export type Parsed =
  | { readonly kind: 'record'; readonly record: TextRecord | FrameRecord }
  /** Passed over: a kind that a later release writes, or a frame whose base was lost. */
  | { readonly kind: 'unreadable'; readonly detail: string };

interface Stream {
  readonly calibration: CalibrationRecord;
  /** Null until a whole frame has been read: what differs from it means nothing. */
  last: Uint16Array | null;
}

const KINDS: ReadonlySet<string> = new Set<TextRecord['kind']>([
  ...(['header', 'calibration', 'level', 'evidence', 'opinion', 'event', 'condition'] as const),
  ...(['noData', 'clock', 'incident', 'gap', 'end'] as const),
]);

/** The records of one file, block by block. */
export class RecordReader {
  readonly #streams = new Map<number, Stream>();

  /** Something is missing before the next block: differences to it mean nothing. */
  skipped(): void {
    for (const stream of this.#streams.values()) stream.last = null;
  }

  /**
   * Reads the records of one block's data.
   * @returns how many bytes were understood; less than all where the data is damaged or cut short
   */
  read(data: Buffer, take: (parsed: Parsed) => void): number {
    let at = 0;
    while (at + RECORD_HEAD_BYTES < data.length) {
      const length = data.readUInt32LE(at);
      const from = at + RECORD_HEAD_BYTES;
      const end = from + length;
      if (length < 1 || length > MAX_RECORD_BYTES || end > data.length) return at;
      const body = data.subarray(from, end);
      if (crc32(body) !== data.readUInt32LE(at + 4)) return at;
      take(this.#parse(body[0] as number, body.subarray(1)));
      at = end;
    }
    return at;
  }

  #parse(kind: number, payload: Buffer): Parsed {
    if (kind === KIND_TEXT) return this.#text(payload);
    if (kind === KIND_FRAME || kind === KIND_DIFFERENCE) return this.#frame(kind, payload);
    return unreadable(`a record of kind ${kind}, which a later release may have written`);
  }

  #text(payload: Buffer): Parsed {
    const value = parsedJson(payload);
    if (value === null) return unreadable('a text record that is no JSON object');
    const record = value as unknown as TextRecord;
    if (!KINDS.has(record.kind)) return unreadable(`a record "${String(value['kind'])}"`);
    if (record.kind === 'header' && value['format'] !== FORMAT) {
      return unreadable(`a file of format ${String(value['format'])}, this release reads 1`);
    }
    if (record.kind === 'calibration') {
      if (!isCalibration(value)) return unreadable('a calibration that lacks fields');
      this.#streams.set(record.number, { calibration: record, last: null });
    }
    return { kind: 'record', record };
  }

  #frame(kind: number, payload: Buffer): Parsed {
    const count = payload.length < FRAME_HEAD_BYTES ? -1 : payload.readUInt16LE(6);
    if (count < 0 || count > SLOT_WORDS || payload.length !== FRAME_HEAD_BYTES + 2 * count) {
      return unreadable(`a frame of ${payload.length} bytes`);
    }
    const stream = this.#streams.get(payload.readUInt16LE(0));
    if (stream === undefined) return unreadable('a frame whose calibration is missing');
    const words = new Uint16Array(count);
    const isDifference = kind === KIND_DIFFERENCE;
    const { last } = stream;
    if (isDifference && last?.length !== count) {
      return unreadable('a frame that differs from one that is missing');
    }
    const high = FRAME_HEAD_BYTES + count;
    for (let i = 0; i < count; i++) {
      const low = payload[FRAME_HEAD_BYTES + i] as number;
      const value = low | ((payload[high + i] as number) << 8);
      words[i] = isDifference && last !== null ? unfolded(value, last[i] as number) : value;
    }
    stream.last = words.slice();
    return { kind: 'record', record: frameOf(payload, stream.calibration, words) };
  }
}

function frameOf(payload: Buffer, calibration: CalibrationRecord, words: Uint16Array): FrameRecord {
  const subpage = payload[2] as number;
  return {
    kind: 'frame',
    atMs: payload.readDoubleLE(8),
    sensor: calibration.sensor,
    calibration,
    words,
    subpage: subpage === WHOLE_PICTURE ? null : subpage === 0 ? 0 : 1,
    outcome: outcomeOf(payload[3] as number),
    calibrated: payload[4] === 1,
    ambientCelsius: payload.readFloatLE(20),
    celsiusCrc: payload.readUInt32LE(16),
  };
}

function parsedJson(payload: Buffer): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(payload.toString('utf8'));
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    // Its CRC holds, so it was written so: by another program. Told as an unreadable record.
    return null;
  }
}

function isCalibration(value: Readonly<Record<string, unknown>>): boolean {
  const { decoding, eeprom } = value;
  return (
    typeof value['number'] === 'number' &&
    typeof value['sensor'] === 'string' &&
    typeof decoding === 'object' &&
    decoding !== null &&
    'kind' in decoding &&
    (eeprom === null || typeof eeprom === 'string')
  );
}

function unreadable(detail: string): Parsed {
  return { kind: 'unreadable', detail };
}
