/**
 * What the factory writes into an MLX90640 array: whole-number fields, chosen around those of real
 * arrays, and the 832 EEPROM words that hold them. Nothing here reads words back: the simulator
 * knows its own fields, and whoever decodes the words must find them again.
 *
 * Names and places of fields: MLX90640 datasheet rev 12, table 9 and 10 (EEPROM overview).
 */
import { FRAME_COLUMNS, FRAME_PIXELS, FRAME_ROWS } from '../domain/frame.ts';
import type { Random } from '../domain/ports.ts';
import { gaussian, integerBetween } from './random.ts';

export const EEPROM_WORDS = 832;
/** Chess pattern, 18 bit, 2 Hz: what the array's control register holds after power-on. */
export const CONTROL_REGISTER = 0x1901;

/** Fields as stored: whole numbers, signed where the datasheet says so. Scales are exponents. */
export interface FactoryFields {
  readonly id: readonly [number, number, number];
  readonly alphaPtat: number;
  readonly offset: Terms;
  readonly alphaScale: number;
  readonly alpha: Terms;
  /** Per pixel, -4..3. */
  readonly ktaRemnants: Int8Array;
  /** By row parity x 2 + column parity, counted from 0. */
  readonly ktaAverages: readonly [number, number, number, number];
  readonly ktaScale1: number;
  readonly ktaScale2: number;
  readonly kvAverages: readonly [number, number, number, number];
  readonly kvScale: number;
  readonly gain: number;
  readonly ptat25: number;
  readonly kvPtat: number;
  readonly ktPtat: number;
  readonly kVdd: number;
  readonly vdd25: number;
  readonly cpAlpha: number;
  readonly cpAlphaRatio: number;
  readonly cpOffset: number;
  readonly cpOffsetDelta: number;
  readonly cpKta: number;
  readonly cpKv: number;
  readonly tgc: number;
  readonly ksTa: number;
  readonly ksTo: readonly [number, number, number, number];
  readonly ksToScale: number;
  readonly cornerStep: number;
  readonly corner3: number;
  readonly corner4: number;
  readonly outliers: readonly number[];
  readonly broken: readonly number[];
}

/** One per-pixel quantity: average + row term + column term + remnant, each with its scale. */
export interface Terms {
  readonly average: number;
  readonly rows: Int8Array;
  readonly columns: Int8Array;
  /** Per pixel, -32..31. */
  readonly remnants: Int8Array;
  readonly rowScale: number;
  readonly columnScale: number;
  readonly remnantScale: number;
}

export interface FactoryOptions {
  /** Pixels (0..767) that the factory marks as outliers: they measure, but not within limits. */
  readonly outliers?: readonly number[];
  /** Pixels (0..767) that the factory marks as broken. */
  readonly broken?: readonly number[];
  /** Temperature gradient coefficient as stored, -128..127, in 1/32. Most arrays have 0. */
  readonly tgc?: number;
}

/** Draws one array. Two draws differ in everything that differs between two real arrays. */
export function manufacture(random: Random, options: FactoryOptions = {}): FactoryFields {
  const near = (centre: number, spread: number): number =>
    integerBetween(random, centre - spread, centre + spread);
  return {
    id: [near(0x0240, 0x80), random.uint32() & 0xffff, random.uint32() & 0xffff],
    alphaPtat: 4,
    offset: offsetTerms(random),
    alphaScale: 7,
    alpha: alphaTerms(random),
    ktaRemnants: signedNoise(random, FRAME_PIXELS, 1.1, -4, 3),
    ktaAverages: [near(55, 3), near(49, 3), near(52, 3), near(50, 3)],
    ktaScale1: 5,
    ktaScale2: 2,
    kvAverages: [near(4, 1), near(3, 1), near(4, 1), near(3, 1)],
    kvScale: 3,
    gain: near(5800, 300),
    ptat25: near(12200, 90),
    kvPtat: near(12, 5),
    ktPtat: near(339, 4),
    kVdd: near(-96, 3),
    vdd25: near(0x78, 12),
    cpAlpha: near(116, 12),
    cpAlphaRatio: near(0, 4),
    cpOffset: near(-68, 8),
    cpOffsetDelta: near(0, 6),
    cpKta: near(36, 8),
    cpKv: near(3, 1),
    tgc: options.tgc ?? 0,
    ksTa: near(-18, 4),
    ksTo: [near(-6, 6), near(-13, 4), near(-59, 6), near(-98, 8)],
    ksToScale: 8,
    cornerStep: 2,
    corner3: 5,
    corner4: 5,
    outliers: options.outliers ?? [],
    broken: options.broken ?? [],
  };
}

function offsetTerms(random: Random): Terms {
  return {
    average: integerBetween(random, -75, -55),
    rows: signedNoise(random, FRAME_ROWS, 2.2, -8, 7),
    columns: signedNoise(random, FRAME_COLUMNS, 2.2, -8, 7),
    remnants: signedNoise(random, FRAME_PIXELS, 5, -32, 31),
    rowScale: 2,
    columnScale: 1,
    remnantScale: 0,
  };
}

/** The lens darkens towards the edges: rows and columns carry a bell, pixels the rest. */
function alphaTerms(random: Random): Terms {
  const bell = (count: number): Int8Array =>
    Int8Array.from({ length: count }, (_, i) => {
      const fromCentre = (2 * i + 1) / count - 1;
      return clamp(Math.round(3 - 8 * fromCentre ** 2 + 0.4 * gaussian(random)), -8, 7);
    });
  return {
    average: integerBetween(random, 12200, 13200),
    rows: bell(FRAME_ROWS),
    columns: bell(FRAME_COLUMNS),
    // Never 0, because a pixel word of 0 marks a broken pixel.
    remnants: signedNoise(random, FRAME_PIXELS, 5, -32, 31).map((remnant) => remnant || 1),
    rowScale: 9,
    columnScale: 10,
    remnantScale: 6,
  };
}

function signedNoise(
  random: Random,
  count: number,
  deviation: number,
  low: number,
  high: number,
): Int8Array {
  return Int8Array.from({ length: count }, () =>
    clamp(Math.round(deviation * gaussian(random)), low, high),
  );
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** Lays the fields out as the 832 words from address 0x2400. */
export function eepromWords(fields: FactoryFields): Uint16Array {
  const words = new Uint16Array(EEPROM_WORDS);
  // Words that no compensation reads, as they stand in real arrays.
  words.set([0x00b0, 0x999f, 0, 0x2061, 0x0004, 0x0320, 0x03e0], 0);
  words.set(fields.id, 7);
  words.set([0x048d, 0, CONTROL_REGISTER, 0, 0, 0xbe33], 10);
  writeTerms(words, 16, fields.alphaPtat, fields.offset);
  writeTerms(words, 32, fields.alphaScale, fields.alpha);
  words.set(deviceWords(fields), 48);
  for (let pixel = 0; pixel < FRAME_PIXELS; pixel++) {
    words[64 + pixel] =
      (bits(fields.offset.remnants[pixel], 6) << 10) |
      (bits(fields.alpha.remnants[pixel], 6) << 4) |
      (bits(fields.ktaRemnants[pixel], 3) << 1);
  }
  for (const pixel of fields.outliers) words[64 + pixel] = (words[64 + pixel] ?? 0) | 1;
  for (const pixel of fields.broken) words[64 + pixel] = 0;
  return words;
}

/** Scales and average in two words, then row and column terms, four to a word, lowest first. */
function writeTerms(words: Uint16Array, at: number, top: number, terms: Terms): void {
  words[at] =
    (top << 12) | (terms.rowScale << 8) | (terms.columnScale << 4) | bits(terms.remnantScale, 4);
  words[at + 1] = terms.average;
  const nibbles = [...terms.rows, ...terms.columns];
  nibbles.forEach((term, i) => {
    const word = at + 2 + (i >> 2);
    words[word] = (words[word] ?? 0) | (bits(term, 4) << (4 * (i & 3)));
  });
}

/** Addresses 0x2430..0x243F. */
function deviceWords(f: FactoryFields): number[] {
  // The two byte pairs of Kta run down a column of the 2 x 2 pattern; the nibbles of Kv likewise.
  const [evenEven, evenOdd, oddEven, oddOdd] = f.ktaAverages;
  const kv = f.kvAverages;
  return [
    f.gain,
    f.ptat25,
    (bits(f.kvPtat, 6) << 10) | bits(f.ktPtat, 10),
    pair(f.kVdd, f.vdd25),
    (bits(kv[0], 4) << 12) | (bits(kv[2], 4) << 8) | (bits(kv[1], 4) << 4) | bits(kv[3], 4),
    0x09ca,
    pair(evenEven, oddEven),
    pair(evenOdd, oddOdd),
    (2 << 12) | (f.kvScale << 8) | (f.ktaScale1 << 4) | f.ktaScale2,
    (bits(f.cpAlphaRatio, 6) << 10) | bits(f.cpAlpha, 10),
    (bits(f.cpOffsetDelta, 6) << 10) | bits(f.cpOffset, 10),
    pair(f.cpKv, f.cpKta),
    pair(f.ksTa, f.tgc),
    pair(f.ksTo[1], f.ksTo[0]),
    pair(f.ksTo[3], f.ksTo[2]),
    (f.cornerStep << 12) | (f.corner4 << 8) | (f.corner3 << 4) | f.ksToScale,
  ];
}

function pair(high: number, low: number): number {
  return (bits(high, 8) << 8) | bits(low, 8);
}

/** Two's complement of `value` in `width` bits. */
function bits(value: number | undefined, width: number): number {
  return (value ?? 0) & ((1 << width) - 1);
}
