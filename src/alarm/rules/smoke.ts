/** Smoke in percent of full scale above the channel's learnt idle; enough on its own. */
import type { AnalogState } from '../analog.ts';
import { NEW_ANALOG } from '../analog.ts';
import { judgeAboveIdle, recallAboveIdle, rememberAboveIdle } from '../above-idle.ts';
import { defineLevelRule } from '../rule.ts';

export const smoke = defineLevelRule<AnalogState>({
  name: 'smoke',
  role: 'smoke',
  kind: 'smoke',
  initial: () => NEW_ANALOG,
  judge: (state, window, _nowMs, plan, mayLearn) =>
    judgeAboveIdle(state, window, plan, plan.limits.smoke, 'alarm', mayLearn),
  facts: (state) => state.facts,
  remember: rememberAboveIdle,
  recall: (memory, plan) => recallAboveIdle(memory, plan, plan.limits.smoke),
});
