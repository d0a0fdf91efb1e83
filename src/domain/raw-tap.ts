/**
 * Where what thermal arrays have sent is heard beside its decoding, so that it can be decoded again
 * later, to the bit: for the black box and for the recorder of days. Hearing is one copy; it never
 * blocks and never fails.
 */
import type { NoDataReason } from './evidence.ts';
import type { SensorId } from './units.ts';

/** How raw words become temperatures. */
export type RawDecoding =
  /** Whole pictures of 834 or 832 words; the control register is EEPROM word 12 or word 832. */
  | {
      readonly kind: 'pictures';
      readonly controlRegister: 'eeprom' | 'driverTail';
      readonly emissivity: number;
      readonly reflectedCelsius: number | null;
    }
  /** Dumps of 834 words in which one subpage is new; two of them make a picture. */
  | {
      readonly kind: 'subpages';
      readonly emissivity: number;
      readonly reflectedCelsius: number | null;
    }
  /** What old simulators mean by their words. */
  | { readonly kind: 'legacy'; readonly offsetCelsius: number }
  /** Signed hundredths of a degree, computed by a module. */
  | { readonly kind: 'module' };

/** One connection's, or one driver's, array. */
export interface RawTap {
  /**
   * How the words that follow are decoded; told before the first ones and at each change.
   * @param eeprom 832 words, kept as they are; null while none are known, or none are needed
   */
  decoding(decoding: RawDecoding, eeprom: Uint16Array | null): void;
  /**
   * Words as they were received.
   * @param words at most 834; copied
   * @param subpage which one is new, or null where the words are a whole picture
   * @param ambientCelsius of a module; NaN where the words themselves say it
   */
  words(words: Uint16Array, subpage: 0 | 1 | null, atMs: number, ambientCelsius: number): void;
  /** The words told last made, or completed, this picture: 768 temperatures. */
  picture(celsius: Float32Array, calibrated: boolean): void;
  /** The words told last made no picture, and never will. */
  withheld(reason: NoDataReason): void;
}

/** A tap for each connection of a sensor; null where nothing is recorded. */
export type OpenRawTap = (sensor: SensorId) => RawTap | null;
