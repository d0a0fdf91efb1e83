/**
 * Analog flame in percent of full scale above the learnt idle: sunlight too, so never on its own.
 */
import type { AnalogState } from '../analog.ts';
import { NEW_ANALOG, recallAnalog, rememberAnalog } from '../analog.ts';
import { judgeAboveIdle } from '../above-idle.ts';
import { defineLevelRule } from '../rule.ts';

export const flame = defineLevelRule<AnalogState>({
  name: 'flame',
  role: 'flame',
  kind: 'flame',
  initial: () => NEW_ANALOG,
  judge: (state, window, _nowMs, plan, mayLearn) =>
    judgeAboveIdle(state, window, plan, plan.limits.flame, 'suspect', mayLearn),
  facts: (state) => state.facts,
  remember: rememberAnalog,
  recall: recallAnalog,
});
