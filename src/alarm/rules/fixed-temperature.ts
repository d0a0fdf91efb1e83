/**
 * The hot regions against the limit and the critical limit, in true Celsius.
 *
 * A crossing of the limit is confirmed by readings and by time, against glitches. A region that has
 * been followed for as long before, and that climbs or spreads like a fire, is confirmed by its
 * history: a glitch has none, and a fire that is seen once in four seconds cannot wait.
 */
import type { RegionEvidence, ThermalEvidence, ThermalWindow } from '../../domain/evidence.ts';
import type { Streak } from '../confirmation.ts';
import { advanceStreak, heldAtOnce, NO_STREAK } from '../confirmation.ts';
import type { SourcePlan, ThermalLimits } from '../plan.ts';
import { firstRegion, isGrowing, placeText, spanOf, tracksOf } from '../regions.ts';
import { CLEAR, defineThermalRule, PENDING } from '../rule.ts';

interface State {
  readonly limit: Streak;
  readonly critical: Streak;
}

export const fixedTemperature = defineThermalRule<State>({
  name: 'fixedTemperature',
  role: 'thermal',
  kind: 'thermal',
  initial: () => ({ limit: NO_STREAK, critical: NO_STREAK }),
  judge: (state, window, _nowMs, plan) => {
    const limits = plan.limits.thermal;
    const { limitCelsius, criticalCelsius, hysteresisCelsius } = limits;
    const sized = spanOf(window, (frame) => sizedMax(frame, limits));
    const any = limits.smallestPixels <= 1 ? sized : spanOf(window, (frame) => frame.maxCelsius);
    const against = (streak: Streak, span: typeof any, limit: number) =>
      advanceStreak(
        streak,
        span,
        (celsius) => celsius >= limit,
        (celsius) => celsius >= limit - hysteresisCelsius,
        plan,
      );
    let limit = against(state.limit, sized, limitCelsius);
    if (!limit.held && hasHistory(window, plan)) limit = heldAtOnce(limit, window.last.atMs);
    const critical = against(state.critical, any, criticalCelsius);
    if (limit === state.limit && critical === state.critical && limit === NO_STREAK) {
      return { state, verdict: CLEAR };
    }
    const next = { limit, critical };
    if (!limit.held && !critical.held) {
      const pending = limit.count > 0 || critical.count > 0;
      return { state: next, verdict: pending ? PENDING : CLEAR };
    }
    const passed = critical.held ? criticalCelsius : limitCelsius;
    const least = critical.held ? 1 : limits.smallestPixels;
    const counts = ({ areaPixels, peakCelsius }: RegionEvidence) =>
      areaPixels >= least && peakCelsius >= passed - hysteresisCelsius;
    return {
      state: next,
      verdict: {
        level: critical.held ? 'alarm' : 'suspect',
        value: critical.held ? any.max : sized.max,
        limit: passed,
        unit: 'celsius',
        note: describe(window, least),
        tracks: tracksOf(window, counts),
      },
    };
  },
});

/** Highest peak of a region that is large enough; the scene's median where none is. */
function sizedMax(frame: ThermalEvidence, { smallestPixels }: ThermalLimits): number {
  const { regions, maxCelsius } = frame;
  // Without a region the whole picture is as warm, and that is large enough.
  if (smallestPixels <= 1 || regions.length === 0) return maxCelsius;
  let highest = frame.medianCelsius;
  for (const { areaPixels, peakCelsius } of regions) {
    if (areaPixels >= smallestPixels && peakCelsius > highest) highest = peakCelsius;
  }
  return highest;
}

/** Whether a region over the limit has already been seen growing for as long as must be waited. */
function hasHistory(window: ThermalWindow, plan: SourcePlan): boolean {
  const limits = plan.limits.thermal;
  const { limitCelsius, smallestPixels } = limits;
  const old = window.last.regions.find(
    (region) =>
      region.peakCelsius >= limitCelsius &&
      region.areaPixels >= smallestPixels &&
      region.trackedFrames >= plan.confirmations &&
      region.trackedMs >= plan.confirmMs &&
      isGrowing(region, limits),
  );
  return old !== undefined;
}

function describe(window: ThermalWindow, smallestPixels: number): string {
  const scene = `scene median ${window.worst.medianCelsius.toFixed(1)} C`;
  const region =
    window.worst.regions.find(({ areaPixels }) => areaPixels >= smallestPixels) ??
    firstRegion(window, () => true);
  return region === null ? scene : `${placeText(region)}, ${scene}`;
}
