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
import { REJECTED } from './thermal-region.ts';
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
  if (survey.minCelsius > 0 || !isNeverRead(picture)) return null;
  return {
    noData: 'missingWords',
    detail:
      `${zerosIn(picture)} pixels read exactly 0, limit ${MAX_ZERO_PIXELS}: ` +
      'they were never read',
  };
}

/** A scene near 0 C has many values close to 0, a part never read has exactly 0. */
export function isNeverRead(picture: Float32Array): boolean {
  const zeros = zerosIn(picture);
  if (zeros <= MAX_ZERO_PIXELS) return false;
  let nearly = 0;
  for (let i = 0; i < FRAME_PIXELS; i++) {
    const celsius = picture[i] as number;
    if (celsius !== 0 && Math.abs(celsius) < 1) nearly += 1;
  }
  return zeros > nearly;
}

function zerosIn(picture: Float32Array): number {
  let zeros = 0;
  for (let i = 0; i < FRAME_PIXELS; i++) if (picture[i] === 0) zeros += 1;
  return zeros;
}

/**
 * Takes the hot pixels that stand among more false ones than true ones for false as well: three
 * glitches in an L support the one in their middle. False pixels elsewhere say nothing about them.
 *
 * @param marks cold (0), `REJECTED`, or hot (more); what proves false becomes `REJECTED`.
 * @param estimated pixels (1) whose value is no reading: neither true nor false; or null.
 * @param badPixels that have no value although the picture is good as a whole.
 * @returns why the picture cannot be believed, when too much of it is false or nothing true is left
 */
export function judgeHot(
  marks: Uint8Array,
  estimated: Uint8Array | null,
  columns: number,
  badPixels: number,
): RejectedFrame | null {
  let rejected = 0;
  let real = 0;
  for (let at = 0; at < FRAME_PIXELS; at++) {
    if (marks[at] === REJECTED) rejected += 1;
    else if (isTrue(marks, estimated, at)) real += 1;
  }
  if (rejected + badPixels > MAX_BAD_PIXELS) {
    return {
      noData: 'glitch',
      detail: `${rejected + badPixels} pixels are bad or unsupported, limit ${MAX_BAD_PIXELS}`,
    };
  }
  if (real === 0 || rejected < 2) return null;
  let doubtful = 0;
  for (let at = 0; at < FRAME_PIXELS; at++) {
    if (!isTrue(marks, estimated, at) || !isAmongFalse(marks, estimated, at, columns)) continue;
    marks[at] = (marks[at] as number) | DOUBTFUL;
    doubtful += 1;
  }
  if (doubtful === 0) return null;
  for (let at = 0; at < FRAME_PIXELS; at++) {
    if (((marks[at] as number) & DOUBTFUL) !== 0) marks[at] = REJECTED;
  }
  if (doubtful < real) return null;
  return {
    noData: 'glitch',
    detail: `${rejected} hot pixels have no support by their neighbours, only ${real} have`,
  };
}

/** Set in the mark of a hot pixel while the others are judged. */
const DOUBTFUL = 0x80;

function isTrue(marks: Uint8Array, estimated: Uint8Array | null, at: number): boolean {
  return (marks[at] as number) > REJECTED && (estimated === null || estimated[at] === 0);
}

/** Whether two or more of the 3 x 3 pixels are false, and twice as many as are true. */
function isAmongFalse(
  marks: Uint8Array,
  estimated: Uint8Array | null,
  at: number,
  columns: number,
): boolean {
  const row = (at / columns) | 0;
  const column = at - row * columns;
  const lastRow = Math.min(row + 1, FRAME_PIXELS / columns - 1);
  const lastColumn = Math.min(column + 1, columns - 1);
  let rejected = 0;
  let real = 0;
  for (let r = Math.max(row - 1, 0); r <= lastRow; r++) {
    for (let c = Math.max(column - 1, 0); c <= lastColumn; c++) {
      const near = r * columns + c;
      if (marks[near] === REJECTED) rejected += 1;
      else if (isTrue(marks, estimated, near)) real += 1;
    }
  }
  return rejected >= 2 && rejected >= 2 * real;
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
