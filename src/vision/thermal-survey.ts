/**
 * One pass over a picture: extremes, median, unusable pixels, subpage means. This is all that most
 * frames ever get, so it allocates nothing.
 *
 * Typed arrays are read with `as number`: every index is bounded by the loop above it.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import { HIGHEST_CELSIUS, LOWEST_CELSIUS } from './thermal-limits.ts';

const BINS_PER_CELSIUS = 4;
const HISTOGRAM_START_CELSIUS = -40;
const BINS = 1024;
const LAST_BIN = BINS - 1;

/** What the pass found. `maxAt` is -1 when no pixel is usable. */
export interface Survey {
  maxCelsius: number;
  maxAt: number;
  minCelsius: number;
  /** Within 0.25 C between -40 and 215 C; outside, the end of that range. */
  medianCelsius: number;
  /** Pixels that are NaN or beyond what the array can see. */
  badPixels: number;
  /** Mean of the pixels of one chess subpage minus the mean of the other. */
  subpageDifferenceCelsius: number;
}

function emptySurvey(): Survey {
  return {
    maxCelsius: Number.NaN,
    maxAt: -1,
    minCelsius: Number.NaN,
    medianCelsius: Number.NaN,
    badPixels: 0,
    subpageDifferenceCelsius: 0,
  };
}

/** Makes a surveyor for pictures of `columns` pixels a row; its result is reused by each call. */
export function createSurveyor(columns: number): (picture: Float32Array) => Survey {
  const histogram = new Uint16Array(BINS);
  const survey = emptySurvey();

  return (picture) => {
    histogram.fill(0);
    let max = -Infinity;
    let maxAt = -1;
    let min = Infinity;
    let good = 0;
    const sums = [0, 0];
    const counts = [0, 0];
    for (let start = 0; start < FRAME_PIXELS; start += columns) {
      let evenSum = 0;
      let oddSum = 0;
      let evenBad = 0;
      let oddBad = 0;
      for (let i = start; i < start + columns; i++) {
        const celsius = picture[i] as number;
        if (!(celsius >= LOWEST_CELSIUS && celsius <= HIGHEST_CELSIUS)) {
          if (((i - start) & 1) === 0) evenBad += 1;
          else oddBad += 1;
          continue;
        }
        if (celsius > max) {
          max = celsius;
          maxAt = i;
        }
        if (celsius < min) min = celsius;
        let bin = ((celsius - HISTOGRAM_START_CELSIUS) * BINS_PER_CELSIUS) | 0;
        if (bin < 0) bin = 0;
        else if (bin > LAST_BIN) bin = LAST_BIN;
        histogram[bin] = (histogram[bin] as number) + 1;
        if (((i - start) & 1) === 0) evenSum += celsius;
        else oddSum += celsius;
      }
      const half = columns / 2;
      const parity = (start / columns) & 1;
      sums[parity] = (sums[parity] as number) + evenSum;
      counts[parity] = (counts[parity] as number) + half - evenBad;
      sums[1 - parity] = (sums[1 - parity] as number) + oddSum;
      counts[1 - parity] = (counts[1 - parity] as number) + half - oddBad;
      good += columns - evenBad - oddBad;
    }
    survey.maxCelsius = max;
    survey.maxAt = maxAt;
    survey.minCelsius = min;
    survey.badPixels = FRAME_PIXELS - good;
    survey.medianCelsius = medianOf(histogram, good);
    survey.subpageDifferenceCelsius =
      counts[0] === 0 || counts[1] === 0
        ? 0
        : (sums[0] as number) / (counts[0] as number) - (sums[1] as number) / (counts[1] as number);
    return survey;
  };
}

/** Median of a histogram of `total` values, interpolated inside its bin; NaN without values. */
function medianOf(histogram: Uint16Array, total: number): number {
  if (total === 0) return Number.NaN;
  const half = total / 2;
  let below = 0;
  for (let bin = 0; bin < BINS; bin++) {
    const count = histogram[bin] as number;
    if (below + count >= half) {
      const inside = count === 0 ? 0 : (half - below) / count;
      return HISTOGRAM_START_CELSIUS + (bin + inside) / BINS_PER_CELSIUS;
    }
    below += count;
  }
  return HISTOGRAM_START_CELSIUS + BINS / BINS_PER_CELSIUS;
}
