/**
 * Records into bytes: a buffer that is used again for every block of a file. See `record.ts`.
 *
 * Typed arrays are read with `as number`: every index is bounded by the loop around it.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import { arrayIdOf } from '../../domain/mlx90640/identity.ts';
import type { FrameSlot, RawCalibration } from './frame-memory.ts';
import { SLOT_WORDS } from './frame-memory.ts';
import {
  FRAME_HEAD_BYTES,
  KIND_DIFFERENCE,
  KIND_FRAME,
  KIND_TEXT,
  RECORD_HEAD_BYTES,
  WHOLE_PICTURE,
} from './record.ts';
import type { TextRecord } from './record.ts';

const START_BYTES = 64 * 1024;
/** So often a frame is written whole, so that damage costs no more than those before it. */
const WHOLE_EVERY = 32;

interface Stream {
  readonly number: number;
  readonly last: Uint16Array;
  lastCount: number;
  frames: number;
}

/** The records of one file. */
export class RecordWriter {
  #bytes = Buffer.alloc(START_BYTES);
  #length = 0;
  #frames = 0;
  readonly #streams = new Map<RawCalibration, Stream>();

  /** Bytes of the block that is being filled. */
  get length(): number {
    return this.#length;
  }

  /** Frames written since the file began. */
  get frames(): number {
    return this.#frames;
  }

  /** The block so far; the next record after `clear` overwrites it. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }

  text(record: TextRecord): void {
    this.json(JSON.stringify(record));
  }

  /** @param json text of a `TextRecord` */
  json(json: string): void {
    const payload = Buffer.byteLength(json);
    const at = this.#begin(KIND_TEXT, payload);
    this.#bytes.write(json, at, 'utf8');
    this.#end(payload);
  }

  frame(slot: FrameSlot): void {
    if (slot.calibration === null) return;
    const stream = this.#streamOf(slot.calibration);
    const { count } = slot;
    const isWhole = stream.frames % WHOLE_EVERY === 0 || stream.lastCount !== count;
    const payload = FRAME_HEAD_BYTES + 2 * count;
    const at = this.#begin(isWhole ? KIND_FRAME : KIND_DIFFERENCE, payload);
    const bytes = this.#bytes;
    bytes.writeUInt16LE(stream.number, at);
    bytes[at + 2] = slot.subpage ?? WHOLE_PICTURE;
    bytes[at + 3] = slot.outcome;
    bytes[at + 4] = slot.calibrated ? 1 : 0;
    bytes[at + 5] = 0;
    bytes.writeUInt16LE(count, at + 6);
    bytes.writeDoubleLE(slot.atMs, at + 8);
    bytes.writeUInt32LE(slot.celsiusCrc, at + 16);
    bytes.writeFloatLE(slot.ambientCelsius, at + 20);
    const planes = new Uint8Array(
      bytes.buffer,
      bytes.byteOffset + at + FRAME_HEAD_BYTES,
      2 * count,
    );
    splitWords(slot.words, stream.last, isWhole, planes, count);
    stream.lastCount = count;
    stream.frames += 1;
    this.#frames += 1;
    this.#end(payload);
  }

  #streamOf(calibration: RawCalibration): Stream {
    const known = this.#streams.get(calibration);
    if (known !== undefined) return known;
    const number = this.#streams.size;
    const { sensor, decoding, eeprom } = calibration;
    const array = eeprom === null ? null : arrayIdOf(eeprom);
    const text = eeprom === null ? null : hexOf(eeprom);
    this.text({ kind: 'calibration', number, sensor, array, decoding, eeprom: text });
    const stream = { number, last: new Uint16Array(SLOT_WORDS), lastCount: -1, frames: 0 };
    this.#streams.set(calibration, stream);
    return stream;
  }

  /** @returns where the payload begins */
  #begin(kind: number, payload: number): number {
    const start = this.#length;
    const needed = start + RECORD_HEAD_BYTES + 1 + payload;
    if (needed > this.#bytes.length) {
      const larger = Buffer.alloc(Math.max(needed, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, start);
      this.#bytes = larger;
    }
    this.#bytes.writeUInt32LE(payload + 1, start);
    this.#bytes[start + RECORD_HEAD_BYTES] = kind;
    return start + RECORD_HEAD_BYTES + 1;
  }

  #end(payload: number): void {
    const from = this.#length + RECORD_HEAD_BYTES;
    const end = from + 1 + payload;
    this.#bytes.writeUInt32LE(crc32(this.#bytes.subarray(from, end)), this.#length + 4);
    this.#length = end;
  }
}

/** Writes all low bytes, then all high bytes, and remembers the words in `last`. */
function splitWords(
  words: Uint16Array,
  last: Uint16Array,
  isWhole: boolean,
  planes: Uint8Array,
  count: number,
): void {
  for (let i = 0; i < count; i++) {
    const word = words[i] as number;
    const value = isWhole ? word : folded(word, last[i] as number);
    planes[i] = value & 0xff;
    planes[count + i] = value >>> 8;
    last[i] = word;
  }
}

/** The change from `before` to `word` modulo 65536, small for small changes of either sign. */
export function folded(word: number, before: number): number {
  const change = ((word - before) << 16) >> 16;
  return ((change << 1) ^ (change >> 15)) & 0xffff;
}

/** The word that `folded` made `value` of. */
export function unfolded(value: number, before: number): number {
  return (before + ((value >>> 1) ^ -(value & 1))) & 0xffff;
}

/** Words as hex text, four digits each. */
export function hexOf(words: Uint16Array): string {
  let text = '';
  for (const word of words) text += (word + 0x10000).toString(16).slice(1);
  return text;
}
