/**
 * What the trained model gets to see of a hot region: one row of numbers about its last 33 s. The
 * training computes its rows with this same code, so that there is nothing to differ.
 *
 * Radiance (`radiance`, kelvins^4) is used where shares of light add up: a flame that covers twice
 * the share of a pixel doubles the pixel's excess, whatever its degrees. Every number is scaled to
 * about -3..3, is always finite, and does not depend on when the clock was started.
 */
import {
  medianOf,
  quickening,
  restlessness,
  roughness,
  slopePerMinute,
  straightness,
  unsmoothness,
} from './features-math.ts';
import type { Parts } from './features-math.ts';
import type { FeatureName } from './features-names.ts';
import { FEATURE_NAMES } from './features-names.ts';
import {
  AREA_LOG,
  CORE_LOG,
  EXCESS_LOG,
  EXCESS_ROOT,
  LEAST_EXCESS,
  MEAN_LOG,
  PEAK,
  PEAK_LOG,
  PEAK_ROOT,
  SIZE_LOG,
  excessOf,
  windowOf,
} from './features-window.ts';
import type { Window } from './features-window.ts';
import type { RegionSample, RegionTrack } from './track.ts';

export { FEATURE_NAMES, FEATURE_SCHEMA } from './features-names.ts';

/** Fewer samples say nothing about how a region behaves. */
export const FEWEST_SAMPLES = 2;

/** Restlessness is that of the newest samples. */
const RESTLESS_SAMPLES = 64;
const FURTHEST = 4;

const PLACES = Object.fromEntries(FEATURE_NAMES.map((name, i) => [name, i])) as Readonly<
  Record<FeatureName, number>
>;

/**
 * One row in the order of `FEATURE_NAMES`, or null while the track is too young to judge.
 *
 * A value that is not finite where it should be counts as 0: a row always goes through the model.
 */
export function featuresOf(track: RegionTrack): Float32Array | null {
  const { samples } = track;
  const newest = samples.at(-1);
  if (newest === undefined || samples.length < FEWEST_SAMPLES) return null;
  const window = windowOf(samples, newest.atMs);
  // What nobody fills in stays NaN and fails the tests.
  const row = new Float32Array(FEATURE_NAMES.length).fill(Number.NaN);
  fill(row, seenOf(track, window, newest));
  fill(row, looksOf(newest));
  fill(row, riseOf(window.parts));
  fill(row, spreadOf(window.parts));
  fill(row, pathOf(window));
  fill(row, restOf(window));
  fill(row, motionOf(samples));
  return row;
}

function fill(row: Float32Array, values: Readonly<Partial<Record<FeatureName, number>>>): void {
  for (const name in values) {
    const value = values[name as FeatureName] ?? 0;
    row[PLACES[name as FeatureName]] = bounded(value);
  }
}

function seenOf(
  track: RegionTrack,
  { seconds }: Window,
  newest: RegionSample,
): Record<'spanLog' | 'samplesLog' | 'cadenceLog' | 'ageLog', number> {
  const spanSeconds = -(seconds[0] as number);
  const cadenceSeconds = spanSeconds / (seconds.length - 1);
  const ageSeconds = Math.max(0, newest.atMs - track.firstAtMs) / 1_000;
  return {
    spanLog: Math.log1p(spanSeconds) - 2,
    samplesLog: Math.log(seconds.length) - 2.5,
    cadenceLog: Math.log(Math.max(cadenceSeconds, 0.05)),
    ageLog: (Math.log1p(Math.min(ageSeconds, 3_600)) - 3) / 1.5,
  };
}

function looksOf(
  newest: RegionSample,
): Record<
  | 'peakLevel'
  | 'peakAboveLog'
  | 'behindLevel'
  | 'excessLog'
  | 'areaLog'
  | 'coreLog'
  | 'sizeLog'
  | 'flatness'
  | 'spreadRows'
  | 'spreadColumns'
  | 'upright'
  | 'touchesEdge',
  number
> {
  const peak = excessOf(newest.peakCelsius, newest.behindCelsius);
  const excess = Math.max(newest.excess, LEAST_EXCESS);
  const above = Math.max(newest.peakCelsius - newest.behindCelsius, 1);
  const rows = Math.max(newest.spreadRows, 0.2);
  const columns = Math.max(newest.spreadColumns, 0.2);
  return {
    peakLevel: Math.asinh((newest.peakCelsius - 60) / 25),
    peakAboveLog: Math.log(above) - 3.5,
    behindLevel: (newest.behindCelsius - 25) / 15,
    excessLog: (Math.log(excess) - 5) / 1.5,
    areaLog: Math.log(Math.max(newest.areaPixels, 1)) - 2,
    coreLog: Math.log(Math.max(newest.corePixels, 1)) - 1.5,
    sizeLog: Math.log(excess / peak) - 1.5,
    flatness: 4 * (excessOf(newest.meanCelsius, newest.behindCelsius) / peak - 0.5),
    spreadRows: Math.log(rows),
    spreadColumns: Math.log(columns),
    upright: 2 * Math.log(rows / columns),
    touchesEdge: newest.touchesEdge ? 1 : 0,
  };
}

function riseOf(
  parts: Parts,
): Record<
  | 'peakRise'
  | 'peakRiseLate'
  | 'peakRiseEarly'
  | 'peakRiseEnd'
  | 'peakQuickening'
  | 'peakLogRise'
  | 'peakLogRiseLate'
  | 'peakLogRiseEarly'
  | 'rootQuickening'
  | 'rootExcessQuickening',
  number
> {
  const degrees = halves(parts, PEAK);
  const logs = halves(parts, PEAK_LOG);
  const roots = halves(parts, PEAK_ROOT);
  const rootExcess = halves(parts, EXCESS_ROOT);
  const end = slopePerMinute(parts, PEAK, Math.max(0, parts.count - 3), parts.count);
  return {
    peakRise: slopeOfDegrees(degrees.whole),
    peakRiseLate: slopeOfDegrees(degrees.late),
    peakRiseEarly: slopeOfDegrees(degrees.early),
    peakRiseEnd: slopeOfDegrees(end),
    peakQuickening: 2 * quickening(degrees.late, degrees.early, 3),
    peakLogRise: slopeOfLogs(logs.whole),
    peakLogRiseLate: slopeOfLogs(logs.late),
    peakLogRiseEarly: slopeOfLogs(logs.early),
    rootQuickening: 2 * quickening(roots.late, roots.early, 0.5),
    rootExcessQuickening: 2 * quickening(rootExcess.late, rootExcess.early, 1),
  };
}

function spreadOf(
  parts: Parts,
): Record<
  | 'excessLogRise'
  | 'excessLogRiseLate'
  | 'excessLogRiseEarly'
  | 'sizeGrowth'
  | 'coreGrowth'
  | 'areaGrowth',
  number
> {
  const excess = halves(parts, EXCESS_LOG);
  const { count } = parts;
  return {
    excessLogRise: slopeOfLogs(excess.whole),
    excessLogRiseLate: slopeOfLogs(excess.late),
    excessLogRiseEarly: slopeOfLogs(excess.early),
    sizeGrowth: slopeOfLogs(slopePerMinute(parts, SIZE_LOG, 0, count)),
    coreGrowth: slopeOfLogs(slopePerMinute(parts, CORE_LOG, 0, count)),
    areaGrowth: slopeOfLogs(slopePerMinute(parts, AREA_LOG, 0, count)),
  };
}

/** Slopes per minute of a column: all parts, the newer half and the older half of them. */
function halves(
  parts: Parts,
  column: number,
): { readonly whole: number; readonly late: number; readonly early: number } {
  const { count } = parts;
  const middle = Math.floor(count / 2);
  return {
    whole: slopePerMinute(parts, column, 0, count),
    late: slopePerMinute(parts, column, Math.min(middle, Math.max(0, count - 2)), count),
    early: slopePerMinute(parts, column, 0, Math.max(middle, Math.min(2, count - 1))),
  };
}

/** Degrees per minute: 5 gives 0.6, 60 gives 2.1, 600 gives 3.7. */
function slopeOfDegrees(perMinute: number): number {
  return Math.asinh(perMinute / 5) / 1.5;
}

/** Logarithm per minute: doubling in a minute gives 1.2, in ten seconds 2.4. */
function slopeOfLogs(perMinute: number): number {
  return Math.asinh(perMinute * 4) / 1.5;
}

function pathOf({
  columns,
}: Window): Record<'peakChange' | 'belowHighest' | 'largestStepShare', number> {
  const logs = columns[PEAK_LOG] as readonly number[];
  const newest = logs[logs.length - 1] as number;
  let highest = -Infinity;
  let lowest = Infinity;
  let step = 0;
  for (let i = 0; i < logs.length; i++) {
    const value = logs[i] as number;
    highest = Math.max(highest, value);
    lowest = Math.min(lowest, value);
    if (i > 0) step = Math.max(step, value - (logs[i - 1] as number));
  }
  return {
    peakChange: newest - (logs[0] as number),
    belowHighest: 2 * (highest - newest),
    largestStepShare: (2 * step) / (highest - lowest + 0.1),
  };
}

function restOf({
  seconds,
  columns,
}: Window): Record<
  | 'flickerCelsius'
  | 'flickerPeakShare'
  | 'flickerExcessShare'
  | 'flickerRoughness'
  | 'meanFlickerShare'
  | 'unsmoothPeak'
  | 'unsmoothExcess'
  | 'peakStraightness'
  | 'excessStraightness',
  number
> {
  const peaks = columns[PEAK_LOG] as readonly number[];
  const excesses = columns[EXCESS_LOG] as readonly number[];
  const from = Math.max(0, seconds.length - RESTLESS_SAMPLES);
  const restless = (column: number): number =>
    restlessness(columns[column] as readonly number[], from);
  return {
    flickerCelsius: Math.log(restless(PEAK) + 0.05),
    flickerPeakShare: Math.log(restless(PEAK_LOG) + 0.002) / 1.5 + 2.5,
    flickerExcessShare: Math.log(restless(EXCESS_LOG) + 0.002) / 1.5 + 2.5,
    flickerRoughness: 2 * roughness(seconds, excesses, from) - 1,
    meanFlickerShare: Math.log(restless(MEAN_LOG) + 0.002) / 1.5 + 2.5,
    unsmoothPeak: Math.log(unsmoothness(seconds, peaks, from) + 0.002) / 1.5 + 2.5,
    unsmoothExcess: Math.log(unsmoothness(seconds, excesses, from) + 0.002) / 1.5 + 2.5,
    peakStraightness: 2 * straightness(peaks, from),
    excessStraightness: 2 * straightness(excesses, from),
  };
}

/** Of the centre: the usual step, and the way it went in all, in pixels. */
function motionOf(samples: readonly RegionSample[]): Record<'motion' | 'drift', number> {
  const steps: number[] = [];
  for (let i = Math.max(1, samples.length - RESTLESS_SAMPLES); i < samples.length; i++) {
    steps.push(distance(samples[i - 1] as RegionSample, samples[i] as RegionSample));
  }
  const way = distance(samples[0] as RegionSample, samples[samples.length - 1] as RegionSample);
  return {
    motion: Math.log(finiteOr0(medianOf(steps)) + 0.02) / 1.5 + 1.5,
    drift: Math.log(finiteOr0(way) + 0.05) / 1.5 + 1,
  };
}

function distance(from: RegionSample, to: RegionSample): number {
  return Math.hypot(to.row - from.row, to.column - from.column);
}

function finiteOr0(value: number): number {
  return Number.isFinite(value) ? value : 0;
}

function bounded(value: number): number {
  if (!Number.isFinite(value)) return 0;
  return Math.min(Math.max(value, -FURTHEST), FURTHEST);
}
