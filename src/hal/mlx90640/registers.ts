/**
 * The registers of the MLX90640 that its driver touches. Words are 16 bits, addresses too, both
 * sent with the high byte first (MLX90640 datasheet rev 12, chapter 7 "Register map").
 *
 *   status 0x8000    bits 0..2  subpage that was measured last: 0 or 1
 *                    bit 3      new data in the RAM; stays until it is written 0
 *                    bit 4      the RAM may be overwritten (matters with data hold only)
 *   control 0x800D   bit 0      subpages on
 *                    bits 1..6  step mode, data hold, subpage repeat, subpage select: 0 here
 *                    bits 7..9  subpages a second: 0 = 0.5, each step doubles, 7 = 64
 *                    bits 10,11 converter: 0 = 16 bit, 3 = 19 bit
 *                    bit 12     pattern: 1 = chess
 *                    bits 13..15 not used: what they hold is not looked at
 */

/** 832 words: 24 rows of 32 pixels, then what the array says about itself. */
export const RAM_AT = 0x0400;
/** The last 64 words of the RAM: supply, ambient temperature, gain, compensation pixels. */
export const AUXILIARY_AT = 0x0700;
export const AUXILIARY_WORDS = 64;
/** 832 words. Never written: a spoilt EEPROM is a lost array. */
export const EEPROM_AT = 0x2400;
/** The array's own serial number within the EEPROM. */
export const SERIAL_AT = 0x2407;
export const SERIAL_WORDS = 3;
export const STATUS_AT = 0x8000;
export const CONTROL_AT = 0x800d;

const SUBPAGE_MASK = 0x0007;
const NEW_DATA = 0x0008;
const OVERWRITE = 0x0010;
const CONTROL_MASK = 0x1fff;

/** Subpages a second, by the code in the control register. 64 is left out: no bus carries it. */
export const REFRESH_HZ: readonly number[] = [0.5, 1, 2, 4, 8, 16, 32];

/** What the installer chooses of the control register. */
export interface ArraySettings {
  /** Subpages a second, one of `REFRESH_HZ`: a picture takes two. */
  readonly refreshHz: number;
  readonly pattern: 'chess' | 'interleaved';
  /** Bits of the converter, 16..19. */
  readonly adcBits: number;
}

/** The control register that these settings make. */
export function controlWord({ refreshHz, pattern, adcBits }: ArraySettings): number {
  const refresh = REFRESH_HZ.indexOf(refreshHz);
  return 1 | (refresh << 7) | ((adcBits - 16) << 10) | (pattern === 'chess' ? 1 << 12 : 0);
}

/** Whether a control register holds what was written to it, its unused bits aside. */
export function isControl(read: number, written: number): boolean {
  return (read & CONTROL_MASK) === (written & CONTROL_MASK);
}

export interface ArrayStatus {
  readonly newData: boolean;
  readonly subpage: 0 | 1;
}

/** Null for a word that no array sends: it knows the subpages 0 and 1 only. */
export function statusOf(word: number): ArrayStatus | null {
  const subpage = word & SUBPAGE_MASK;
  if (subpage !== 0 && subpage !== 1) return null;
  return { newData: (word & NEW_DATA) !== 0, subpage };
}

/** What to write so that the next new data shows. */
export function withoutNewData(status: number): number {
  return (status & ~NEW_DATA) | OVERWRITE;
}

/** Time between two subpages. */
export function subpageMs(refreshHz: number): number {
  return 1000 / refreshHz;
}

export function hex(word: number): string {
  return `0x${word.toString(16).toUpperCase().padStart(4, '0')}`;
}
