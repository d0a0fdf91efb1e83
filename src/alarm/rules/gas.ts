/**
 * Gas by the resistance ratio Rs/R0 of a heated metal-oxide sensor; enough on its own. R0 is Rs at
 * the learnt clean-air level. The formulas are in domain/gas.ts.
 */
import type { GasDivider } from '../../domain/gas.ts';
import { gasRatio, percentAtKiloohm, sensorKiloohm } from '../../domain/gas.ts';
import type { AnalogMeasure, AnalogState } from '../analog.ts';
import { judgeAnalog, NEW_ANALOG, recallAnalog, rememberAnalog } from '../analog.ts';
import type { SourcePlan } from '../plan.ts';
import type { Verdict } from '../rule.ts';
import { CLEAR, defineLevelRule, PENDING } from '../rule.ts';

const HYSTERESIS_PERCENT = 3;
/** Drift may take away at most this share of R0: a leak that creeps must still alarm. */
const DRIFT_SHARE = 0.25;
/** A clean-air Rs this many times its first value, or that part of it, is a worn-out sensor. */
const WORN_TIMES = 3;
/** A lower clean-air level is taken for this one: below it a ratio is the converter's noise. */
const LOWEST_CLEAN_PERCENT = 1;
/** No sensor that is heated reads less in clean air. */
const DEAD_PERCENT = 0.5;

export const gas = defineLevelRule<AnalogState>({
  name: 'gas',
  role: 'gas',
  kind: 'gas',
  initial: () => NEW_ANALOG,
  judge: (state, window, _nowMs, plan, mayLearn) => {
    const { ratio, fallbackPercent, risePercentPerMinute } = plan.limits.gas;
    const outcome = judgeAnalog(state, window, plan, measureOf(plan), mayLearn);
    const { peak, idle, doubt, rising } = outcome;
    const because = doubt === null ? '' : `, ${doubt}`;
    let verdict: Verdict = outcome.pending ? PENDING : CLEAR;
    if (outcome.active) {
      verdict = {
        level: doubt === null ? 'alarm' : 'suspect',
        value: idle === null ? peak : ratioOf(peak, idle, plan.setup.divider),
        limit: idle === null ? fallbackPercent : ratio,
        unit: idle === null ? 'percent' : 'ratio',
        note:
          idle === null
            ? `no clean-air level learnt yet: absolute limit in percent of full scale${because}`
            : `clean air at ${idle.toFixed(1)} %, now ${peak.toFixed(1)} % of full scale${because}`,
      };
    } else if (rising !== null) {
      verdict = {
        level: 'suspect',
        value: rising.perMinute,
        limit: risePercentPerMinute,
        unit: 'percentPerMinute',
        note: `rises fast, now ${peak.toFixed(1)} % of full scale${because}`,
      };
    }
    return { state: outcome.state, verdict };
  },
  facts: (state) => state.facts,
  remember: rememberAnalog,
  recall: (memory, plan) => recallAnalog(memory, plan, measureOf(plan)),
});

function ratioOf(percent: number, clean: number, divider: GasDivider): number {
  return gasRatio(percent, Math.max(clean, LOWEST_CLEAN_PERCENT), divider);
}

function measureOf({ warmUpMs, limits, setup: { divider } }: SourcePlan): AnalogMeasure {
  const { ratio, hysteresisRatio, fallbackPercent, risePercentPerMinute } = limits.gas;
  const { learning } = limits;
  const left = (value: number, idle: number) => ratioOf(value, idle, divider);
  /** Reading at which Rs has become a share of what it is at `percent`. */
  const atShare = (percent: number, share: number) =>
    percentAtKiloohm(sensorKiloohm(percent, divider) * share, divider);
  return {
    over: (value, idle) => left(value, idle) < ratio,
    still: (value, idle) => left(value, idle) < ratio + hysteresisRatio,
    unsettled: (value, idle) => left(value, idle) < 1 - (1 - ratio) / 3,
    margin: (idle) => atShare(Math.max(idle, LOWEST_CLEAN_PERCENT), ratio) - idle,
    // The clean air at which ratio and absolute limit are the same.
    ceiling: atShare(fallbackPercent, 1 / ratio),
    highest: (anchor) =>
      Math.min(anchor + learning.driftCapPercent, atShare(anchor, 1 - DRIFT_SHARE)),
    wornOut: (idle, first) => wornOut(idle, first, divider),
    warmUpMs,
    learning,
    fallbackPercent,
    hysteresisPercent: HYSTERESIS_PERCENT,
    risePercentPerMinute,
  };
}

function wornOut(idle: number, first: number, divider: GasDivider): string | null {
  const was = sensorKiloohm(first, divider);
  const is = sensorKiloohm(idle, divider);
  if (idle < DEAD_PERCENT) {
    return (
      `clean air at ${idle.toFixed(2)} % of full scale, Rs ${is.toFixed(0)} kOhm: heater without ` +
      'supply, wrong load resistor, or no resistive sensor; a transmitter has another role'
    );
  }
  if (is < was * WORN_TIMES && was < is * WORN_TIMES) return null;
  return (
    `clean-air Rs has gone from ${was.toFixed(1)} to ${is.toFixed(1)} kOhm: ` +
    'heater without supply, worn out or poisoned; replace the sensor'
  );
}
