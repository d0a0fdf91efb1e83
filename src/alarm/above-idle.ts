/** Judges a channel by how far it is above its learnt idle: the common part of smoke and flame. */
import type { LevelWindow } from '../domain/evidence.ts';
import type { AnalogMeasure, AnalogOutcome, AnalogState } from './analog.ts';
import { judgeAnalog, recallAnalog, rememberAnalog } from './analog.ts';
import type { AnalogLimits, SourcePlan } from './plan.ts';
import type { IdleMemory, Judgement, Verdict } from './rule.ts';
import { CLEAR, PENDING } from './rule.ts';

/** What a confirmed crossing is worth in the absence of any doubt. */
export type ConfirmedLevel = 'suspect' | 'alarm';

/** @param confirmed what a confirmed crossing is worth once the channel has warmed up. */
export function judgeAboveIdle(
  state: AnalogState,
  window: LevelWindow,
  plan: SourcePlan,
  limits: AnalogLimits,
  confirmed: ConfirmedLevel,
  mayLearn: boolean,
): Judgement<AnalogState> {
  const outcome = judgeAnalog(state, window, plan, aboveIdle(limits, plan), mayLearn);
  return { state: outcome.state, verdict: verdictOf(outcome, limits, plan, confirmed) };
}

/** A channel as it was before a restart. */
export function recallAboveIdle(
  memory: IdleMemory,
  plan: SourcePlan,
  limits: AnalogLimits,
): AnalogState {
  return recallAnalog(memory, plan, aboveIdle(limits, plan));
}

export { rememberAnalog as rememberAboveIdle };

function aboveIdle(limits: AnalogLimits, { warmUpMs, limits: all }: SourcePlan): AnalogMeasure {
  const { aboveIdlePercent, hysteresisPercent, fallbackPercent, risePercentPerMinute } = limits;
  const { learning } = all;
  return {
    over: (value, idle) => value - idle >= aboveIdlePercent,
    still: (value, idle) => value - idle >= aboveIdlePercent - hysteresisPercent,
    unsettled: (value, idle) => value - idle >= aboveIdlePercent / 3,
    margin: () => aboveIdlePercent,
    // From here the limit above idle and the absolute limit are the same.
    ceiling: Math.max(0, fallbackPercent - aboveIdlePercent),
    highest: (anchor) => anchor + learning.driftCapPercent,
    wornOut: () => null,
    warmUpMs,
    learning,
    fallbackPercent,
    hysteresisPercent,
    risePercentPerMinute,
  };
}

function verdictOf(
  outcome: AnalogOutcome,
  limits: AnalogLimits,
  plan: SourcePlan,
  confirmed: ConfirmedLevel,
): Verdict {
  const { peak, idle, doubt, rising } = outcome;
  const because = doubt === null ? '' : `, ${doubt}`;
  if (outcome.active) {
    const absolute = idle === null;
    return {
      level: doubt === null ? confirmed : 'suspect',
      value: absolute ? peak : peak - idle,
      limit: absolute ? limits.fallbackPercent : limits.aboveIdlePercent,
      unit: absolute ? 'percent' : 'percentAboveIdle',
      note: absolute
        ? `no idle learnt yet: absolute limit in percent of full scale${because}`
        : `${idle.toFixed(1)} % idle towards ${plan.polarity} danger, ` +
          `now ${peak.toFixed(1)} %${because}`,
    };
  }
  if (rising !== null) {
    return {
      level: 'suspect',
      value: rising.perMinute,
      limit: limits.risePercentPerMinute,
      unit: 'percentPerMinute',
      note: `rises fast, now ${peak.toFixed(1)} % of full scale${because}`,
    };
  }
  return outcome.pending ? PENDING : CLEAR;
}
