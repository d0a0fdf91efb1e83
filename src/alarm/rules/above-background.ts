/**
 * A region that is much hotter than what has been learnt of its place: a sub-alarm sign of
 * overheating where a limit for the whole picture says little, such as beside a hot machine or in a
 * cold store. Nothing is judged where nothing is learnt, and nothing below a floor of its own.
 */
import type { RegionEvidence, ThermalEvidence } from '../../domain/evidence.ts';
import type { Streak } from '../confirmation.ts';
import { advanceStreak, NO_STREAK } from '../confirmation.ts';
import type { ThermalLimits } from '../plan.ts';
import { firstRegion, placeText, spanOf, tracksOf } from '../regions.ts';
import { CLEAR, defineThermalRule, PENDING } from '../rule.ts';

export const aboveBackground = defineThermalRule<Streak>({
  name: 'aboveBackground',
  role: 'thermal',
  kind: 'background',
  initial: () => NO_STREAK,
  judge: (state, window, _nowMs, plan) => {
    const limits = plan.limits.thermal;
    const limit = limits.aboveBackgroundCelsius;
    const floor = limit - limits.hysteresisCelsius;
    const span = spanOf(window, (frame) => highest(frame, limits));
    const streak = advanceStreak(
      state,
      span,
      (celsius) => celsius >= limit,
      (celsius) => celsius >= floor,
      plan,
    );
    if (!streak.held) {
      if (streak === state && streak === NO_STREAK) return { state, verdict: CLEAR };
      return { state: streak, verdict: streak.count > 0 ? PENDING : CLEAR };
    }
    const region = firstRegion(window, (each) => aboveOf(each, limits) >= floor);
    return {
      state: streak,
      verdict: {
        level: 'suspect',
        value: Math.max(0, span.max),
        limit,
        unit: 'celsius',
        note:
          region === null
            ? 'above the learnt background'
            : `above the learnt background, ${placeText(region)}, ` +
              `${region.peakCelsius.toFixed(1)} C`,
        tracks: tracksOf(window, (each) => aboveOf(each, limits) >= floor),
      },
    };
  },
});

/** Of all regions, how far one is above its background; less than any limit where none counts. */
function highest({ regions }: ThermalEvidence, limits: ThermalLimits): number {
  let above = -1000;
  for (const region of regions) above = Math.max(above, aboveOf(region, limits));
  return above;
}

function aboveOf(region: RegionEvidence, limits: ThermalLimits): number {
  if (region.peakCelsius < limits.aboveBackgroundFromCelsius) return -1000;
  if (region.areaPixels < limits.smallestPixels) return -1000;
  return region.aboveBackgroundCelsius ?? -1000;
}
