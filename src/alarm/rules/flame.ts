/**
 * Analog flame in percent of full scale above the learnt idle. Sunlight raises it too, and a fan or
 * leaves before the sun make it flicker as a flame does, so it is never an alarm on its own; analog
 * and digital output of one detector are one kind of evidence.
 */
import type { AnalogState } from '../analog.ts';
import { NEW_ANALOG } from '../analog.ts';
import { judgeAboveIdle, recallAboveIdle, rememberAboveIdle } from '../above-idle.ts';
import { defineLevelRule } from '../rule.ts';

export const flame = defineLevelRule<AnalogState>({
  name: 'flame',
  role: 'flame',
  kind: 'flame',
  initial: () => NEW_ANALOG,
  judge: (state, window, _nowMs, plan, mayLearn) =>
    judgeAboveIdle(state, window, plan, plan.limits.flame, 'suspect', mayLearn),
  facts: (state) => state.facts,
  remember: rememberAboveIdle,
  recall: (memory, plan) => recallAboveIdle(memory, plan, plan.limits.flame),
});
