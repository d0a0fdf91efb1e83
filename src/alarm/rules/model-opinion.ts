/**
 * A trained model that believes in fire: one more fire sign, which alone means nothing. A region
 * without a fresh opinion of its own is judged by the other rules alone.
 */
import type { OpinionWindow } from '../../domain/evidence.ts';
import { likeliest } from '../../domain/opinion.ts';
import { isFresh, opinionText } from '../opinion.ts';
import type { Verdict } from '../rule.ts';
import { CLEAR, defineVisionRule } from '../rule.ts';

interface State {
  readonly opinion: OpinionWindow | null;
  /** Opinions in a row that believed in a fire of that region. */
  readonly beliefs: number;
  readonly verdict: Verdict;
}

const NOTHING: State = { opinion: null, beliefs: 0, verdict: CLEAR };
/** One opinion is of one picture: what spoils that picture must not be enough. */
const BELIEFS_NEEDED = 2;

function saidOf({ opinion }: OpinionWindow): string {
  return opinionText(opinion, likeliest(opinion));
}

export const modelOpinion = defineVisionRule<State>({
  name: 'modelOpinion',
  role: 'thermal',
  kind: 'fireSign',
  initial: () => NOTHING,
  judge: (state, window, nowMs, plan) => {
    if (window.kind === 'thermal') {
      if (state.opinion === null) return { state, verdict: CLEAR };
      const fresh = isFresh(state.opinion, nowMs, plan.freshnessMs);
      return fresh ? { state, verdict: state.verdict } : { state: NOTHING, verdict: CLEAR };
    }
    const { fire } = window.opinion;
    const limit = plan.limits.vision.fire;
    const goesOn = state.opinion?.track === window.track;
    const believes = fire >= limit && isFresh(window, nowMs, plan.freshnessMs);
    const beliefs = believes ? (goesOn ? state.beliefs : 0) + 1 : 0;
    const verdict: Verdict =
      beliefs < BELIEFS_NEEDED
        ? CLEAR
        : {
            level: 'suspect',
            value: fire * 100,
            limit: limit * 100,
            unit: 'percent',
            note: `the model takes it for ${saidOf(window)}`,
            tracks: [window.track],
            atMs: window.atMs,
          };
    return { state: { opinion: window, beliefs, verdict }, verdict };
  },
});
