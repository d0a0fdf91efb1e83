/**
 * Whether an EEPROM dump is that of one array. Two devices at one address answer together, and the
 * bus carries a 1 only where both send one: the dump reads the same every time, looks like a
 * calibration, and gives temperatures that are off by a hundred degrees.
 *
 * The lowest bits of the three remainders in each pixel word are as good as random: of the two
 * EEPROMs that were at hand, 47 % are 1. Of two arrays together it would be 22 %, and of an EEPROM
 * that a bus has overwritten with FFFF in every second word 73 %.
 */
import { ARRAY_PIXELS } from './words.ts';

const FIRST_PIXEL_WORD = 64;
/** Offset, sensitivity, Kta (MLX90640 datasheet rev 12, 8.2). */
const LOWEST_BITS = [10, 4, 1] as const;
/** 2304 random bits are within 0.03 of a half. */
const LOWEST_SHARE = 0.35;
const HIGHEST_SHARE = 0.65;

/** @returns what is wrong with 832 words, for people; null when they are of one array */
export function whyBlended(eeprom: Uint16Array): string | null {
  let words = 0;
  let ones = 0;
  for (let pixel = 0; pixel < ARRAY_PIXELS; pixel++) {
    const word = eeprom[FIRST_PIXEL_WORD + pixel] ?? 0;
    // The word of a broken pixel.
    if (word === 0) continue;
    words += 1;
    for (const bit of LOWEST_BITS) ones += (word >> bit) & 1;
  }
  const share = words === 0 ? 0 : ones / (words * LOWEST_BITS.length);
  if (share >= LOWEST_SHARE && share <= HIGHEST_SHARE) return null;
  const percent = Math.round(100 * share);
  const cause =
    share < LOWEST_SHARE ? 'two devices answer at this address' : 'it has been overwritten';
  return `${percent} % of its lowest bits are 1 instead of half of them: ${cause}`;
}
