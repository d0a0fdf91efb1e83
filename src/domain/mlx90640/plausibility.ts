/**
 * Whether a decoded frame can be true. A frame that fails is no data, with a reason; its numbers
 * are what the formulas gave all the same.
 *
 * Typed arrays are read with `as number`: every index here is below the length by construction.
 */
import type { OperatingPoint } from './operating-point.ts';
import { ARRAY_COLUMNS, ARRAY_PIXELS, ARRAY_ROWS, type Pattern } from './words.ts';

/**
 * `ok`, or the first of these that applies, in this order: a reason further up makes the ones
 * below it meaningless.
 *
 * - `wordsMissing`: fewer words than pixels. No numbers.
 * - `auxiliaryMissing`: pixels without the 64 auxiliary words after them: no compensation is
 *   possible. No numbers.
 * - `tailMissing`: the control register should follow the dump and does not. No numbers.
 * - `auxiliaryInvalid`: an auxiliary word that is needed holds no measurement (7FFF), or the
 *   formulas give no finite supply, ambient temperature or gain.
 * - `vddImplausible`: supply outside 2.6..3.6 V. Also the sign of a wrong control register.
 * - `taImplausible`: ambient temperature outside -40..85 C, the array's operating range.
 * - `gainImplausible`: gain more than a fifth away from the EEPROM's.
 * - `pixelsMissing`: more than 48 pixels (1 in 16) of this frame have no temperature.
 * - `checkerboard`: the subpages disagree nearly everywhere, which no scene does.
 */
export type FrameStatus =
  | 'ok'
  | 'wordsMissing'
  | 'auxiliaryMissing'
  | 'tailMissing'
  | 'auxiliaryInvalid'
  | 'vddImplausible'
  | 'taImplausible'
  | 'gainImplausible'
  | 'pixelsMissing'
  | 'checkerboard';

/** What a frame that is used all the same should be known for. */
export type FrameWarning = 'vddLow' | 'pixelsInterpolated';

export const VDD_LOWEST_VOLTS = 2.6;
export const VDD_HIGHEST_VOLTS = 3.6;
/** Below this, the supply is weak, and the vendor no longer promises the accuracy. */
export const VDD_LOW_VOLTS = 3.0;
export const TA_LOWEST_CELSIUS = -40;
export const TA_HIGHEST_CELSIUS = 85;
/** Real arrays stay within 2 % of the EEPROM's gain; a fifth is far outside any drift. */
export const GAIN_RATIO_LOWEST = 0.8;
export const GAIN_RATIO_HIGHEST = 1.25;
/** Of one frame, beside those that the calibration lists. */
export const MOST_MISSING_PIXELS = ARRAY_PIXELS / 16;

/** A block of pixels disagrees when its subpages differ by this, and by this share of its heat. */
const CONTRAST_CELSIUS = 3;
const CONTRAST_SHARE = 0.2;
/** A checkerboard is there when so many more blocks disagree in one sense than in the other. */
const CHECKERBOARD_SHARE = 0.6;

/** The first reason that the operating point gives against a frame. */
export function judgePoint(point: OperatingPoint): FrameStatus {
  const { vddVolts, taCelsius, gainRatio } = point;
  if (!Number.isFinite(vddVolts + taCelsius + gainRatio)) return 'auxiliaryInvalid';
  if (vddVolts < VDD_LOWEST_VOLTS || vddVolts > VDD_HIGHEST_VOLTS) return 'vddImplausible';
  if (taCelsius < TA_LOWEST_CELSIUS || taCelsius > TA_HIGHEST_CELSIUS) return 'taImplausible';
  if (gainRatio < GAIN_RATIO_LOWEST || gainRatio > GAIN_RATIO_HIGHEST) return 'gainImplausible';
  return 'ok';
}

/** How much the two subpages differ. One object is reused for all frames of a decoder. */
export interface SubpageContrast {
  /** Mean of subpage 0 minus mean of subpage 1, over all blocks; NaN without a whole block. */
  meanCelsius: number;
  checkerboard: boolean;
}

/**
 * Compares the subpages within small blocks that hold both in equal parts, so that an even gradient
 * cancels: in chess, squares of 2 x 2; in interleaved, a row against the two beside it. An edge, a
 * hot object or a moving one disagrees in few blocks, or in both senses; only a fault of a subpage
 * disagrees in nearly all blocks in one sense. What counts as disagreeing grows with the distance
 * from ambient, because a fire that fills the view flickers between the subpages.
 */
export function compareSubpages(
  celsius: Float32Array,
  pattern: Pattern,
  taCelsius: number,
  into: SubpageContrast,
): void {
  const chess = pattern === 'chess';
  const step = chess ? 2 : 1;
  const end = (chess ? ARRAY_ROWS - 1 : ARRAY_ROWS - 2) * ARRAY_COLUMNS;
  let blocks = 0;
  let sum = 0;
  let sense = 0;
  for (let row = 0; row < end; row += 2 * ARRAY_COLUMNS) {
    for (let pixel = row; pixel < row + ARRAY_COLUMNS; pixel += step) {
      const a = celsius[pixel] as number;
      const b = celsius[pixel + ARRAY_COLUMNS] as number;
      const c = celsius[pixel + (chess ? 1 : ARRAY_COLUMNS)] as number;
      const d = celsius[pixel + (chess ? ARRAY_COLUMNS + 1 : 2 * ARRAY_COLUMNS)] as number;
      const difference = (a + d - b - c) / 2;
      const limit = CONTRAST_CELSIUS + CONTRAST_SHARE * Math.abs((a + b + c + d) / 4 - taCelsius);
      if (difference !== difference) continue;
      blocks += 1;
      sum += difference;
      if (difference > limit) sense += 1;
      else if (difference < -limit) sense -= 1;
    }
  }
  into.meanCelsius = blocks === 0 ? NaN : sum / blocks;
  into.checkerboard = Math.abs(sense) > CHECKERBOARD_SHARE * blocks;
}
