/**
 * Gas by the resistance ratio Rs/R0 of a heated metal-oxide sensor; enough on its own.
 *
 * With the load resistor RL in series, Vout = p/100 x Vcc and Rs = RL x (100/p - 1); R0 is Rs at
 * the learnt clean-air idle, so RL and Vcc cancel out of the ratio except in the floor of 0.1 kOhm.
 */
import type { AnalogState } from '../analog.ts';
import { judgeAnalog, NEW_ANALOG, recallAnalog, rememberAnalog } from '../analog.ts';
import type { Verdict } from '../rule.ts';
import { CLEAR, defineLevelRule, PENDING } from '../rule.ts';

const LOAD_KILOOHM = 10;
const SMALLEST_KILOOHM = 0.1;
/** One step of a 12 bit converter: below it the divider says nothing. */
const SMALLEST_PERCENT = 100 / 4095;

/** Rs in kOhm of a channel at `percent` of full scale. */
export function sensorKiloohm(percent: number): number {
  const level = Math.max(percent, SMALLEST_PERCENT);
  return Math.max(SMALLEST_KILOOHM, LOAD_KILOOHM * (100 / level - 1));
}

/** Rs/R0, where R0 is Rs at the idle level. Both in percent of full scale. */
export function gasRatio(percent: number, idlePercent: number): number {
  return sensorKiloohm(percent) / sensorKiloohm(idlePercent);
}

export const gas = defineLevelRule<AnalogState>({
  name: 'gas',
  role: 'gas',
  kind: 'gas',
  initial: () => NEW_ANALOG,
  judge: (state, window, _nowMs, plan, mayLearn) => {
    const { ratio, hysteresisRatio, fallbackPercent } = plan.limits.gas;
    const warmingUp = state.baseline.phase === 'warmingUp' && plan.warmUpMs > 0;
    const outcome = judgeAnalog(
      state,
      window,
      plan,
      {
        over: (value, idle) => gasRatio(value, idle) < ratio,
        still: (value, idle) => gasRatio(value, idle) < ratio + hysteresisRatio,
        unsettled: (value, idle) => gasRatio(value, idle) < 1 - (1 - ratio) / 3,
        fallbackPercent,
        hysteresisPercent: 3,
      },
      mayLearn,
    );
    let verdict: Verdict = outcome.pending ? PENDING : CLEAR;
    if (outcome.active) {
      const { peak, idle } = outcome;
      verdict = {
        level: warmingUp ? 'suspect' : 'alarm',
        value: idle === null ? peak : gasRatio(peak, idle),
        limit: idle === null ? fallbackPercent : ratio,
        unit: idle === null ? 'percentAboveIdle' : 'ratio',
        note:
          idle === null
            ? 'no clean-air level learnt yet: absolute limit in percent of full scale'
            : `clean air at ${idle.toFixed(1)} %, now ${peak.toFixed(1)} % of full scale`,
      };
    }
    return { state: outcome.state, verdict };
  },
  facts: (state) => state.facts,
  remember: rememberAnalog,
  recall: recallAnalog,
});
