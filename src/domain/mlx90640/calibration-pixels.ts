/**
 * The parameters of each pixel, unpacked from the EEPROM
 * (MLX90640 datasheet rev 12, 11.1.3..11.1.6).
 *
 * Typed arrays are read with `as number`: every index here is below the length by construction.
 */
import { ARRAY_COLUMNS, ARRAY_PIXELS, ARRAY_ROWS, bits, signedBits } from './words.ts';

const FIRST_PIXEL_WORD = 64;

/** Why a pixel has no temperature of its own. */
export interface BadPixel {
  /** 0..767, row-major. */
  readonly index: number;
  /** `broken`, `outlier`: listed in the EEPROM. `insensitive`: sensitivity not above zero. */
  readonly kind: 'broken' | 'outlier' | 'insensitive';
}

/** All pixels of one array, row-major. */
export interface PixelParameters {
  /** Counts at 25 C and 3.3 V. */
  readonly offset: Float64Array;
  /** Counts per K^4, before the compensation pixel's share is taken off. */
  readonly alpha: Float64Array;
  /** Relative change of the offset per kelvin of ambient temperature. */
  readonly kta: Float64Array;
  /** Relative change of the offset per volt of supply; `[2 * (row & 1) + (column & 1)]`. */
  readonly kvByParity: readonly [number, number, number, number];
  readonly listed: readonly BadPixel[];
  /** Largest magnitudes of the sums behind the values, in counts: shows overflowing scales. */
  readonly largest: { readonly offset: number; readonly alpha: number; readonly kta: number };
}

/** Unpacks all pixels; never throws, and may return values that cannot be true. */
export function unpackPixels(eeprom: Uint16Array): PixelParameters {
  const word = (at: number): number => eeprom[at] ?? 0;
  const offset = new Float64Array(ARRAY_PIXELS);
  const alpha = new Float64Array(ARRAY_PIXELS);
  const kta = new Float64Array(ARRAY_PIXELS);
  const offsetCounts = rowColumnSums(word, 16, signedBits(word(17), 0, 16));
  const alphaCounts = rowColumnSums(word, 32, word(33));
  const ktaCounts = [
    signedBits(word(54), 8, 8),
    signedBits(word(55), 8, 8),
    signedBits(word(54), 0, 8),
    signedBits(word(55), 0, 8),
  ];
  const offsetScale = 2 ** bits(word(16), 0, 4);
  const alphaScale = 2 ** bits(word(32), 0, 4);
  const ktaScale = 2 ** bits(word(56), 0, 4);
  const alphaUnit = 2 ** -(bits(word(32), 12, 4) + 30);
  const ktaUnit = 2 ** -(bits(word(56), 4, 4) + 8);
  const largest = { offset: 0, alpha: 0, kta: 0 };
  const listed: BadPixel[] = [];
  for (let index = 0; index < ARRAY_PIXELS; index++) {
    const packed = word(FIRST_PIXEL_WORD + index);
    if (packed === 0) listed.push({ index, kind: 'broken' });
    else if ((packed & 1) === 1) listed.push({ index, kind: 'outlier' });
    const offsetSum = (offsetCounts[index] as number) + signedBits(packed, 10, 6) * offsetScale;
    const alphaSum = (alphaCounts[index] as number) + signedBits(packed, 4, 6) * alphaScale;
    const ktaSum = (ktaCounts[parityOf(index)] as number) + signedBits(packed, 1, 3) * ktaScale;
    largest.offset = Math.max(largest.offset, Math.abs(offsetSum));
    largest.alpha = Math.max(largest.alpha, Math.abs(alphaSum));
    largest.kta = Math.max(largest.kta, Math.abs(ktaSum));
    offset[index] = offsetSum;
    alpha[index] = alphaSum * alphaUnit;
    kta[index] = ktaSum * ktaUnit;
  }
  return { offset, alpha, kta, kvByParity: unpackKv(word(52), word(56)), listed, largest };
}

/** `2 * (row & 1) + (column & 1)`: the EEPROM holds one Kv and one mean Kta for each. */
export function parityOf(index: number): number {
  return ((index >> 4) & 2) | (index & 1);
}

/**
 * Mean plus row share plus column share of offset or sensitivity, in counts. `scaleAt` is the word
 * of the scales; the mean follows it, then 6 words of rows and 8 of columns, 4 bits each.
 */
function rowColumnSums(word: (at: number) => number, scaleAt: number, mean: number): Float64Array {
  const columnScale = 2 ** bits(word(scaleAt), 4, 4);
  const rowScale = 2 ** bits(word(scaleAt), 8, 4);
  const share = (first: number, at: number): number =>
    signedBits(word(first + (at >> 2)), (at & 3) * 4, 4);
  const sums = new Float64Array(ARRAY_PIXELS);
  for (let row = 0; row < ARRAY_ROWS; row++) {
    const ofRow = mean + share(scaleAt + 2, row) * rowScale;
    for (let column = 0; column < ARRAY_COLUMNS; column++) {
      sums[row * ARRAY_COLUMNS + column] = ofRow + share(scaleAt + 8, column) * columnScale;
    }
  }
  return sums;
}

function unpackKv(packed: number, scales: number): readonly [number, number, number, number] {
  const scale = 2 ** bits(scales, 8, 4);
  return [
    signedBits(packed, 12, 4) / scale,
    signedBits(packed, 4, 4) / scale,
    signedBits(packed, 8, 4) / scale,
    signedBits(packed, 0, 4) / scale,
  ];
}
