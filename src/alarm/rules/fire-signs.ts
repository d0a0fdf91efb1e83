/**
 * Signs that a hot region burns rather than just being warm: its peak rises, its area grows or its
 * peak is restless. Alone they mean nothing; with a temperature between limit and critical of the
 * same region they make an alarm. A null sign (too little seen yet) is no sign.
 */
import type { RegionEvidence } from '../../domain/evidence.ts';
import type { ThermalLimits } from '../plan.ts';
import { firstRegion, tracksOf } from '../regions.ts';
import type { Verdict } from '../rule.ts';
import { CLEAR, defineThermalRule } from '../rule.ts';

export const fireSigns = defineThermalRule<null>({
  name: 'fireSigns',
  role: 'thermal',
  kind: 'fireSign',
  initial: () => null,
  judge: (state, window, _nowMs, plan) => {
    const limits = plan.limits.thermal;
    const burns = (region: RegionEvidence) => signOf(region, limits) !== CLEAR;
    const region = firstRegion(window, burns);
    if (region === null) return { state, verdict: CLEAR };
    const sign = signOf(region, limits);
    return { state, verdict: { ...sign, tracks: tracksOf(window, burns) } };
  },
});

function signOf({ signs }: RegionEvidence, limits: ThermalLimits): Verdict {
  const { riseCelsiusPerMinute, growthPixelsPerMinute, flickerCelsius } = signs;
  if (riseCelsiusPerMinute !== null && riseCelsiusPerMinute >= limits.riseCelsiusPerMinute) {
    return {
      level: 'suspect',
      value: riseCelsiusPerMinute,
      limit: limits.riseCelsiusPerMinute,
      unit: 'celsiusPerMinute',
      note: `rising ${riseCelsiusPerMinute.toFixed(0)} C/min`,
    };
  }
  if (growthPixelsPerMinute !== null && growthPixelsPerMinute >= limits.growthPixelsPerMinute) {
    const limit = limits.growthPixelsPerMinute;
    return {
      level: 'suspect',
      value: 1,
      limit: 1,
      unit: 'state',
      note: `growing ${growthPixelsPerMinute.toFixed(0)} pixels/min, limit ${limit}`,
    };
  }
  if (flickerCelsius !== null && flickerCelsius >= limits.flickerCelsius) {
    return {
      level: 'suspect',
      value: flickerCelsius,
      limit: limits.flickerCelsius,
      unit: 'celsius',
      note: `peak flickers by ${flickerCelsius.toFixed(1)} C`,
    };
  }
  return CLEAR;
}
