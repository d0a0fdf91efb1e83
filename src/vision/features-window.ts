/** The samples of a track as columns of numbers, in the quantities that the features speak of. */
import { partsOf } from './features-math.ts';
import type { Parts } from './features-math.ts';
import { radiance } from './thermal-support.ts';
import type { RegionSample } from './track.ts';

/** Below this, K^4 / 1e8, an excess is noise: a fifth of a degree at room temperature. */
export const LEAST_EXCESS = 0.2;

/** Columns of `Window.columns`. */
export const PEAK = 0;
export const PEAK_LOG = 1;
export const PEAK_ROOT = 2;
export const EXCESS_LOG = 3;
export const EXCESS_ROOT = 4;
export const SIZE_LOG = 5;
export const CORE_LOG = 6;
export const AREA_LOG = 7;
export const MEAN_LOG = 8;
const COLUMNS = 9;

/** The samples of a track, column by column, and their means over parts of the time. */
export interface Window {
  /** Of each sample before the newest, at most 0. */
  readonly seconds: readonly number[];
  readonly columns: readonly (readonly number[])[];
  readonly parts: Parts;
}

/** Every value is finite: what is not in a sample counts as 0. */
export function windowOf(samples: readonly RegionSample[], nowMs: number): Window {
  const seconds: number[] = [];
  const columns: number[][] = [];
  for (let c = 0; c < COLUMNS; c++) columns.push([]);
  const put = (column: number, value: number): void => {
    columns[column]?.push(Number.isFinite(value) ? value : 0);
  };
  for (const sample of samples) {
    const peak = excessOf(sample.peakCelsius, sample.behindCelsius);
    const excess = Math.max(sample.excess, LEAST_EXCESS);
    seconds.push((sample.atMs - nowMs) / 1_000);
    put(PEAK, sample.peakCelsius);
    put(PEAK_LOG, Math.log(peak));
    put(PEAK_ROOT, Math.sqrt(peak));
    put(EXCESS_LOG, Math.log(excess));
    put(EXCESS_ROOT, Math.sqrt(excess));
    put(SIZE_LOG, Math.log(excess / peak));
    put(CORE_LOG, Math.log(Math.max(sample.corePixels, 1)));
    put(AREA_LOG, Math.log(Math.max(sample.areaPixels, 1)));
    put(MEAN_LOG, Math.log(excessOf(sample.meanCelsius, sample.behindCelsius)));
  }
  return { seconds, columns, parts: partsOf(seconds, columns) };
}

/** Radiance of `celsius` above that of what lies behind, K^4 / 1e8, at least `LEAST_EXCESS`. */
export function excessOf(celsius: number, behindCelsius: number): number {
  return Math.max((radiance(celsius) - radiance(behindCelsius)) / 1e8, LEAST_EXCESS);
}
