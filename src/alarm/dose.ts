/**
 * Dose of a gas that harms by what is breathed in over time: each moment adds the share of the time
 * that its concentration may last, and 1 alarms.
 *
 * Between two points of the table the time is a straight line in logarithms of ppm and minutes, as
 * uptake is about a power of the concentration; above the last point the last line goes on; below
 * the first point nothing is taken in. In cleaner air the dose halves in four hours, about the time
 * in which the body gives carbon monoxide off again in air.
 */
import type { DosePoint } from './plan.ts';

const HALF_LIFE_MS = 4 * 3_600_000;
const MINUTE_MS = 60_000;

/** Minutes that a concentration may last; Infinity below the first point. */
export function minutesAt(doses: readonly DosePoint[], ppm: number): number {
  const [first] = doses;
  if (first === undefined || ppm < first.ppm) return Infinity;
  let from = first;
  let to = doses[1];
  for (let i = 2; i < doses.length && to !== undefined && ppm > to.ppm; i += 1) {
    from = to;
    to = doses[i];
  }
  // A single point: the product of concentration and time counts.
  if (to === undefined) return (first.minutes * first.ppm) / ppm;
  const power = Math.log(to.minutes / from.minutes) / Math.log(to.ppm / from.ppm);
  return from.minutes * (ppm / from.ppm) ** power;
}

/** Share of the dose that alarms which a concentration adds per millisecond. */
function uptakePerMs(doses: readonly DosePoint[], ppm: number): number {
  return 1 / (minutesAt(doses, ppm) * MINUTE_MS);
}

/**
 * The dose after `ms` between two readings, 0..1; what is more than an alarm is not remembered.
 * @param fromPpm reading at the beginning. @param toPpm reading at the end.
 */
export function doseAfter(
  dose: number,
  doses: readonly DosePoint[],
  fromPpm: number,
  toPpm: number,
  ms: number,
): number {
  const added = ((uptakePerMs(doses, fromPpm) + uptakePerMs(doses, toPpm)) / 2) * ms;
  if (added > 0) return Math.min(1, dose + added);
  return dose * 0.5 ** (ms / HALF_LIFE_MS);
}

/** The table that never alarms later than either of two. */
export function stricterDoses(
  a: readonly DosePoint[],
  b: readonly DosePoint[],
): readonly DosePoint[] {
  const every = new Set([...a, ...b].map(({ ppm }) => ppm));
  return [...every]
    .sort((one, other) => one - other)
    .map((ppm) => ({ ppm, minutes: Math.min(minutesAt(a, ppm), minutesAt(b, ppm)) }))
    .filter(({ minutes }) => Number.isFinite(minutes));
}
