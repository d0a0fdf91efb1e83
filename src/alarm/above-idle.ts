/** Judges a channel by how far it is above its learnt idle: the common part of smoke and flame. */
import type { LevelWindow } from '../domain/evidence.ts';
import type { AnalogState } from './analog.ts';
import { judgeAnalog } from './analog.ts';
import type { AnalogLimits, SourcePlan } from './plan.ts';
import type { Judgement, Verdict } from './rule.ts';
import { CLEAR, PENDING } from './rule.ts';

/** @param confirmedLevel what a confirmed crossing is worth once the channel has warmed up. */
export function judgeAboveIdle(
  state: AnalogState,
  window: LevelWindow,
  plan: SourcePlan,
  limits: AnalogLimits,
  confirmedLevel: 'suspect' | 'alarm',
  mayLearn: boolean,
): Judgement<AnalogState> {
  const { aboveIdlePercent, hysteresisPercent, fallbackPercent } = limits;
  const warmingUp = state.baseline.phase === 'warmingUp' && plan.warmUpMs > 0;
  const outcome = judgeAnalog(
    state,
    window,
    plan,
    {
      over: (value, idle) => value - idle >= aboveIdlePercent,
      still: (value, idle) => value - idle >= aboveIdlePercent - hysteresisPercent,
      unsettled: (value, idle) => value - idle >= aboveIdlePercent / 3,
      fallbackPercent,
      hysteresisPercent,
    },
    mayLearn,
  );
  let verdict: Verdict = outcome.pending ? PENDING : CLEAR;
  if (outcome.active) {
    const { peak, idle } = outcome;
    const absolute = idle === null;
    verdict = {
      level: warmingUp ? 'suspect' : confirmedLevel,
      value: absolute ? peak : peak - idle,
      limit: absolute ? fallbackPercent : aboveIdlePercent,
      unit: 'percentAboveIdle',
      note: absolute
        ? 'no idle learnt yet: absolute limit in percent of full scale'
        : `${idle.toFixed(1)} % idle towards ${plan.polarity} danger, now ${peak.toFixed(1)} %`,
    };
  }
  return { state: outcome.state, verdict };
}
