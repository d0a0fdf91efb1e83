import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type Calibration, parseCalibration } from '../../src/domain/mlx90640/calibration.ts';
import { PLAIN_FIELDS, type SyntheticFields, packEeprom } from './synthetic.ts';
import type { SyntheticConditions } from './synthetic-scene.ts';

export const SHARED_DATA = path.resolve(import.meta.dirname, '../../../shared/data');

export function hasShared(...parts: readonly string[]): boolean {
  return existsSync(path.join(SHARED_DATA, ...parts));
}

export function readShared(...parts: readonly string[]): Buffer {
  return readFileSync(path.join(SHARED_DATA, ...parts));
}

export function wordsOfHex(hex: string): Uint16Array {
  return Uint16Array.from(hex.match(/.{4}/g) ?? [], (digits) => parseInt(digits, 16));
}

export function hexOfWords(words: Uint16Array): string {
  return Array.from(words, (word) => word.toString(16).padStart(4, '0')).join('');
}

export interface Capture {
  eeprom: Uint16Array;
  frames: Uint16Array[];
  expected: { ta: number; vdd: number; celsius: number[] }[];
}

/** One real array: its calibration, its frames, and what the vendor's own code makes of them. */
export function readCapture(): Capture {
  const stream = readShared('device-capture', 'stream.bin').toString('latin1');
  const hex = (kind: string): Uint16Array[] =>
    [...stream.matchAll(new RegExp(`#${kind}1234:([0-9A-F]+)!`, 'g'))].map((m) =>
      wordsOfHex(m[1]!),
    );
  return {
    eeprom: hex('EEPROM')[0]!,
    frames: hex('frame'),
    expected: gunzipSync(readShared('device-capture', 'expected.ndjson.gz'))
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Capture['expected'][number]),
  };
}

export function calibrationOf(eeprom: Uint16Array): Calibration {
  const result = parseCalibration(eeprom);
  if (!result.ok) throw new Error(`${result.reason}: ${result.detail}`);
  return result.calibration;
}

export function synthetic(changes: Partial<SyntheticFields> = {}): {
  fields: SyntheticFields;
  eeprom: Uint16Array;
} {
  const fields = { ...PLAIN_FIELDS, ...changes };
  return { fields, eeprom: packEeprom(fields) };
}

export const ROOM: SyntheticConditions = {
  taCelsius: 31,
  vddVolts: 3.26,
  gainWord: 5850,
  emissivity: 0.95,
  reflectedCelsius: null,
  controlRegister: 0x1901,
};

/** The largest difference of two pictures; NaN where either lacks a value. */
export function largestDifference(left: ArrayLike<number>, right: ArrayLike<number>): number {
  let largest = 0;
  for (let at = 0; at < left.length; at++) {
    const difference = Math.abs(left[at]! - right[at]!);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}
