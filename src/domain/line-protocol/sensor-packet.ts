/**
 * `#Sensor` packets: the most frequent ones, so they are read digit by digit from the bytes. A key
 * that stands where it stood in the last packet costs a comparison, no string.
 *
 * Typed arrays are read with `as number`: every index here is below the length by construction.
 */
import { COLON, COMMA, DOT, EQUALS, MINUS, ZERO, textOf } from './bytes.ts';
import type { PacketErrorKind } from './packet-error.ts';
import { KIND_BYTES, LocationMemo, MAX_NAME_BYTES, locationOf } from './packets.ts';

export const MAX_READINGS = 32;
const MAX_KEYS = 32;
const KEY_PATTERN = /^[A-Z][A-Z0-9_]{0,15}$/;
/** Bytes kept of a key: its name, a trailing colon and the equals sign. */
const KEY_BYTES = 18;

/** Full scale of the boards' 12-bit converters. */
export const ADC_FULL_SCALE = 4095;
/** The digital flame input; simulators call it by the name of its part. */
export const DIGITAL_CHANNEL = 'DIO';
const DIGITAL_ALIAS = 'MPY30';
/** Beyond this many decimals a number has no more meaning than a 12-bit converter can give it. */
const MAX_DECIMALS = 15;

/** What ends the reading of a number, beside its value: kept apart so that nothing is allocated. */
interface Cursor {
  at: number;
  value: number;
  error: PacketErrorKind | null;
}

/**
 * Reads the `#Sensor` packets of one connection. After `read` returned null, `count` readings stand
 * in `slots` and `values`, in the order of the packet: percent of full scale (0..100), or 0 and 1
 * for `DIO`. A packet with an error leaves no readings at all: half of a damaged packet is not
 * evidence.
 */
export class SensorPacketReader {
  /** Channel of each reading, as an index of `channels`. */
  readonly slots = new Uint8Array(MAX_READINGS);
  readonly values = new Float64Array(MAX_READINGS);
  count = 0;
  /** Location in the packet's head; null where it has none. */
  location: string | null = null;
  /** Names of all channels seen so far, upper case, `MPY30` as `DIO`; grows, never shrinks. */
  readonly channels: string[] = [];

  readonly #locations = new LocationMemo();
  readonly #memoBytes = new Uint8Array(MAX_READINGS * KEY_BYTES);
  readonly #memoLength = new Uint8Array(MAX_READINGS);
  readonly #memoSlot = new Uint8Array(MAX_READINGS);
  readonly #cursor: Cursor = { at: 0, value: 0, error: null };

  /** @returns null, or what is wrong with the packet. Never throws. */
  read(bytes: Uint8Array, start: number, end: number): PacketErrorKind | null {
    this.count = 0;
    const colon = this.#endOfHead(bytes, start + KIND_BYTES.sensor, end);
    if (colon < 0) return 'missingColon';
    if (colon - start - KIND_BYTES.sensor > MAX_NAME_BYTES + 1) return 'nameTooLong';
    if (colon + 1 >= end) return 'noReadings';
    this.location = locationOf(bytes, start + KIND_BYTES.sensor, colon, this.#locations);
    return this.#readPairs(bytes, colon + 1, end);
  }

  /**
   * The colon that ends the location is the last one before the first `=`, unless it touches the
   * `=`: then it is the board's stray colon after a key (`ADC3:=1`).
   */
  #endOfHead(bytes: Uint8Array, from: number, end: number): number {
    let last = -1;
    let beforeLast = -1;
    let at = from;
    for (; at < end; at++) {
      const byte = bytes[at] as number;
      if (byte === EQUALS) break;
      if (byte === COLON) {
        beforeLast = last;
        last = at;
      }
    }
    return at < end && last === at - 1 ? beforeLast : last;
  }

  #readPairs(bytes: Uint8Array, from: number, end: number): PacketErrorKind | null {
    const cursor = this.#cursor;
    let at = from;
    let count = 0;
    while (at < end) {
      if (count === MAX_READINGS) return 'tooManyReadings';
      if (!this.#matchesMemo(bytes, at, end, count)) {
        const error = this.#learnKey(bytes, at, end, count);
        if (error !== null) return error;
      }
      const slot = this.#memoSlot[count] as number;
      readNumber(bytes, at + (this.#memoLength[count] as number), end, cursor);
      if (cursor.error !== null) return cursor.error;
      const digital = this.channels[slot] === DIGITAL_CHANNEL;
      if (!inRange(cursor.value, digital)) return 'valueOutOfRange';
      this.slots[count] = slot;
      this.values[count] = digital ? cursor.value : (cursor.value * 100) / ADC_FULL_SCALE;
      count += 1;
      at = cursor.at + 1;
      if (at === end) return 'keyWithoutNumber';
    }
    this.count = count;
    return null;
  }

  #matchesMemo(bytes: Uint8Array, at: number, end: number, index: number): boolean {
    const length = this.#memoLength[index] as number;
    if (length === 0 || at + length > end) return false;
    const memo = this.#memoBytes;
    const offset = index * KEY_BYTES;
    for (let i = 0; i < length; i++) {
      if (bytes[at + i] !== memo[offset + i]) return false;
    }
    return true;
  }

  /** Reads the key at `at` and remembers it, with its `=`, for this place in the packet. */
  #learnKey(bytes: Uint8Array, at: number, end: number, index: number): PacketErrorKind | null {
    let equals = at;
    while (equals < end && bytes[equals] !== EQUALS && bytes[equals] !== COMMA) equals += 1;
    if (equals === at) return 'badKey';
    if (equals === end || bytes[equals] === COMMA) return 'keyWithoutNumber';
    const keyEnd = bytes[equals - 1] === COLON ? equals - 1 : equals;
    if (keyEnd - at > KEY_BYTES - 2) return 'badKey';
    const key = textOf(bytes, at, keyEnd).toUpperCase();
    if (!KEY_PATTERN.test(key)) return 'badKey';
    const name = key === DIGITAL_ALIAS ? DIGITAL_CHANNEL : key;
    let slot = this.channels.indexOf(name);
    if (slot < 0) {
      if (this.channels.length === MAX_KEYS) return 'tooManyChannels';
      slot = this.channels.push(name) - 1;
    }
    const length = equals + 1 - at;
    this.#memoBytes.set(bytes.subarray(at, at + length), index * KEY_BYTES);
    this.#memoLength[index] = length;
    this.#memoSlot[index] = slot;
    return null;
  }
}

function inRange(value: number, digital: boolean): boolean {
  return digital ? value === 0 || value === 1 : value >= 0 && value <= ADC_FULL_SCALE;
}

/** Reads `-?digits[.digits]` up to `,` or `end`; `cursor.at` is then at that comma or at `end`. */
function readNumber(bytes: Uint8Array, from: number, end: number, cursor: Cursor): void {
  const negative = from < end && bytes[from] === MINUS;
  const first = negative ? from + 1 : from;
  let at = first;
  let value = 0;
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - ZERO;
    if (digit < 0 || digit > 9) break;
    value = value * 10 + digit;
  }
  let digits = at - first;
  if (at < end && bytes[at] === DOT) {
    const afterDot = at + 1;
    let scale = 1;
    for (at = afterDot; at < end; at++) {
      const digit = (bytes[at] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      if (at - afterDot >= MAX_DECIMALS) continue;
      value = value * 10 + digit;
      scale *= 10;
    }
    digits += at - afterDot;
    value /= scale;
  }
  cursor.at = at;
  cursor.value = negative ? 0 - value : value;
  if (at < end && bytes[at] !== COMMA) cursor.error = 'badNumber';
  else if (digits > 0) cursor.error = null;
  else cursor.error = at === from ? 'keyWithoutNumber' : 'badNumber';
}
