/**
 * Can a picture be believed as a whole? Missing parts, flat pictures, subpages that disagree, more
 * glitches than substance: each is "no data" with its reason.
 *
 * Typed arrays are read with `as number`: every index is bounded by the loop around it.
 */
import type { NoDataReason } from '../domain/evidence.ts';
import { FRAME_PIXELS } from '../domain/frame.ts';
import {
  CHECKER_CELSIUS,
  CHECKER_HINT_CELSIUS,
  CHECKER_SHARE,
  MAX_BAD_PIXELS,
  MAX_ZERO_PIXELS,
} from './thermal-limits.ts';
import type { Survey } from './thermal-survey.ts';

/** A picture that cannot be believed. */
export interface RejectedFrame {
  readonly noData: NoDataReason;
  /** For people: the measured value and the limit it broke. */
  readonly detail: string;
}

/** Refuses a picture of which too much is NaN or beyond what the array can see. */
export function judgeMissing(badPixels: number): RejectedFrame | null {
  if (badPixels <= MAX_BAD_PIXELS) return null;
  return {
    noData: 'tooManyBadPixels',
    detail: `${badPixels} pixels have no possible temperature, limit ${MAX_BAD_PIXELS}`,
  };
}

/** Refuses flat pictures, subpages that disagree and pictures with parts never read. */
export function doubtAbout(
  picture: Float32Array,
  survey: Survey,
  columns: number,
): RejectedFrame | null {
  if (survey.minCelsius === survey.maxCelsius) {
    return { noData: 'corrupt', detail: `all pixels read ${survey.maxCelsius.toFixed(2)} C` };
  }
  if (Math.abs(survey.subpageDifferenceCelsius) > CHECKER_HINT_CELSIUS) {
    const share = checkerShare(picture, columns);
    if (share > CHECKER_SHARE) return mismatch(share);
  }
  return survey.minCelsius > 0 ? null : judgeZeros(picture);
}

/** A scene near 0 C has many values close to 0, a part never read has exactly 0. */
function judgeZeros(picture: Float32Array): RejectedFrame | null {
  let zeros = 0;
  let nearly = 0;
  for (let i = 0; i < FRAME_PIXELS; i++) {
    const celsius = picture[i] as number;
    if (celsius === 0) zeros += 1;
    else if (Math.abs(celsius) < 1) nearly += 1;
  }
  if (zeros <= MAX_ZERO_PIXELS || zeros <= nearly) return null;
  return {
    noData: 'missingWords',
    detail: `${zeros} pixels read exactly 0, limit ${MAX_ZERO_PIXELS}: they were never read`,
  };
}

/** Refuses a picture in which so many hot pixels proved false that the true ones are in doubt. */
export function judgeRejections(
  rejected: number,
  real: number,
  badPixels: number,
): RejectedFrame | null {
  if (rejected + badPixels > MAX_BAD_PIXELS) {
    return {
      noData: 'glitch',
      detail: `${rejected + badPixels} pixels are bad or unsupported, limit ${MAX_BAD_PIXELS}`,
    };
  }
  if (real > 0 && rejected >= 2 && rejected >= 2 * real) {
    return {
      noData: 'glitch',
      detail: `${rejected} hot pixels have no support by their neighbours, only ${real} have`,
    };
  }
  return null;
}

function mismatch(share: number): RejectedFrame {
  return {
    noData: 'subpageMismatch',
    detail:
      `${(share * 100).toFixed(0)} % of neighbouring pixels differ by more than ` +
      `${CHECKER_CELSIUS} C between the subpages, limit ${CHECKER_SHARE * 100} %`,
  };
}

/**
 * Share of side-by-side pairs in which the pixel of one chess subpage is warmer than that of the
 * other by `CHECKER_CELSIUS`; the larger share of the two directions.
 */
function checkerShare(picture: Float32Array, columns: number): number {
  let first = 0;
  let second = 0;
  for (let i = 0; i < FRAME_PIXELS; i += 2) {
    const odd = ((i / columns) | 0) & 1;
    const difference = (picture[i] as number) - (picture[i + 1] as number);
    const signed = odd === 0 ? difference : -difference;
    if (signed > CHECKER_CELSIUS) first += 1;
    else if (signed < -CHECKER_CELSIUS) second += 1;
  }
  return Math.max(first, second) / (FRAME_PIXELS / 2);
}
