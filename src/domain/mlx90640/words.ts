/**
 * Where things lie in the MLX90640's memory, and how its packed fields are read.
 *
 * Indices count 16-bit words from the start of a dump: EEPROM from address 0x2400, RAM from 0x0400
 * (MLX90640 datasheet, chapters 8.2 "EEPROM" and 8.1 "RAM").
 */
export const EEPROM_WORDS = 832;
export const RAM_WORDS = 832;
/** A dump with the two words that the vendor's driver appends: control register and subpage. */
export const RAM_WORDS_WITH_TAIL = 834;
/** In such a dump, the word that holds the control register. */
export const TAIL_CONTROL_REGISTER = 832;

export const ARRAY_COLUMNS = 32;
export const ARRAY_ROWS = 24;
export const ARRAY_PIXELS = ARRAY_COLUMNS * ARRAY_ROWS;

/** The array writes this word where it has no measurement. */
export const NO_MEASUREMENT = 0x7fff;

export const ZERO_CELSIUS_KELVIN = 273.15;

/** A pattern of the read-out: which pixels a subpage holds. */
export type Pattern = 'chess' | 'interleaved';

/** Bits `low`..`low + count - 1` of a word, unsigned. */
export function bits(word: number, low: number, count: number): number {
  return (word >> low) & ((1 << count) - 1);
}

/** Bits `low`..`low + count - 1` of a word as a two's complement number. */
export function signedBits(word: number, low: number, count: number): number {
  const shift = 32 - count;
  return (word << (shift - low)) >> shift;
}

/** Control register, bits 10 and 11: 0 = 16 bit, 1 = 17, 2 = 18, 3 = 19 (datasheet, 7.2.2.1). */
export function adcResolutionOf(controlRegister: number): number {
  return bits(controlRegister, 10, 2);
}

/** Control register, bit 12 (datasheet, 7.2.2.1). */
export function patternOf(controlRegister: number): Pattern {
  return bits(controlRegister, 12, 1) === 1 ? 'chess' : 'interleaved';
}

/** Which subpage measured a pixel: chess alternates by pixel, interleaved by row (datasheet, 9). */
export function subpageOf(index: number, pattern: Pattern): 0 | 1 {
  const row = index >> 5;
  const parity = pattern === 'chess' ? (row ^ index) & 1 : row & 1;
  return parity === 0 ? 0 : 1;
}
