/** Calibration by points: straight lines between them. */
export interface CalibrationPoint {
  readonly measured: number;
  readonly actual: number;
}

/** Why the points make no calibration, or null. Two values must never read as the same. */
export function calibrationProblem(points: readonly CalibrationPoint[]): string | null {
  if (points.length < 2) return `has ${points.length} points`;
  const rises = points.slice(1).map((point, i) => {
    const before = points[i] ?? point;
    return {
      measured: point.measured - before.measured,
      actual: point.actual - before.actual,
      at: point.measured,
    };
  });
  const stuck = rises.find(({ measured }) => !(measured > 0));
  if (stuck !== undefined) return `does not rise at measured ${stuck.at}`;
  const first = Math.sign(rises[0]?.actual ?? 0);
  const turned = rises.find(({ actual }) => actual === 0 || Math.sign(actual) !== first);
  return turned === undefined ? null : `turns or stands still at measured ${turned.at}`;
}

/**
 * The calibrated value of `measured`. Beyond the outer points their lines are drawn out: readings
 * are limited later, where percent of full scale is known.
 *
 * @param points as `calibrationProblem` accepts them; with fewer than two `measured` is returned
 */
export function calibrated(points: readonly CalibrationPoint[], measured: number): number {
  let from = points[0];
  let to = points[1];
  for (let i = 2; i < points.length && to !== undefined && measured > to.measured; i++) {
    from = to;
    to = points[i];
  }
  if (from === undefined || to === undefined) return measured;
  const part = (measured - from.measured) / (to.measured - from.measured);
  return from.actual + part * (to.actual - from.actual);
}

/** What the channel reads without calibration when it should read `actual`. */
export function uncalibrated(points: readonly CalibrationPoint[], actual: number): number {
  const swapped = points.map((point) => ({ measured: point.actual, actual: point.measured }));
  return calibrated(
    swapped.sort((a, b) => a.measured - b.measured),
    actual,
  );
}
