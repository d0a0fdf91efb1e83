/**
 * A point detector of heat in Celsius: the fixed limit alarms; a fast rise is suspect, and an alarm
 * from a temperature on that no draught of warm air explains.
 */
import type { LevelWindow } from '../../domain/evidence.ts';
import { dangerSpan } from '../analog.ts';
import { inRange } from '../channel-setup.ts';
import type { Span, Streak } from '../confirmation.ts';
import { advanceStreak, NO_STREAK } from '../confirmation.ts';
import type { SourcePlan } from '../plan.ts';
import type { Rail } from '../rail.ts';
import { followRail, NO_RAIL, railTrouble } from '../rail.ts';
import type { Rise } from '../rise.ts';
import { followRise, NO_RISE, riseRate } from '../rise.ts';
import type { ChannelFacts, Verdict } from '../rule.ts';
import { CLEAR, defineLevelRule, NO_FACTS, PENDING } from '../rule.ts';

interface State {
  readonly fixed: Streak;
  readonly rise: Rise;
  readonly rising: boolean;
  readonly rail: Rail;
  readonly facts: ChannelFacts;
}

const NEW: State = {
  fixed: NO_STREAK,
  rise: NO_RISE,
  rising: false,
  rail: NO_RAIL,
  facts: NO_FACTS,
};

export const heat = defineLevelRule<State>({
  name: 'heat',
  role: 'heat',
  kind: 'heat',
  initial: () => NEW,
  judge: (state, window, _nowMs, plan) => {
    const { fixedCelsius, hysteresisCelsius, riseCelsiusPerMinute } = plan.limits.heat;
    const span = dangerSpan(window, plan.polarity);
    const celsius = (percent: number) => inRange(percent, plan.setup.range);
    const fixed = advanceStreak(
      state.fixed,
      span,
      (value) => celsius(value) >= fixedCelsius,
      (value) => celsius(value) >= fixedCelsius - hysteresisCelsius,
      plan,
    );
    const rise = followRise(state.rise, celsius(span.last), span.lastAtMs);
    const rate = riseRate(rise);
    const enough = state.rising ? riseCelsiusPerMinute / 2 : riseCelsiusPerMinute;
    const rising = rate !== null && rate.perMinute >= enough;
    const { rail, facts } = railOf(state, window, span, plan);
    const next = { fixed, rise, rising, rail, facts };
    if (facts.blind) return { state: next, verdict: CLEAR };
    const perMinute = rising ? rate.perMinute : null;
    return { state: next, verdict: verdictOf(next, celsius(span.max), perMinute, plan) };
  },
  facts: (state) => state.facts,
});

function railOf(
  state: State,
  window: LevelWindow,
  span: Span,
  plan: SourcePlan,
): Pick<State, 'rail' | 'facts'> {
  const { limits, setup } = plan;
  const from = limits.heat.riseFromCelsius;
  const rail = followRail(state.rail, span, (value) => inRange(value, setup.range) >= from);
  const danger = span.min >= 100;
  const { fault, blind } = railTrouble(rail, window, danger, setup.restsAtRail, limits.learning);
  const same = fault === state.facts.railStuck && blind === state.facts.blind;
  return { rail, facts: same ? state.facts : { ...NO_FACTS, railStuck: fault, blind } };
}

function verdictOf(
  { fixed, rail }: State,
  celsius: number,
  perMinute: number | null,
  plan: SourcePlan,
): Verdict {
  const { fixedCelsius, riseCelsiusPerMinute, riseFromCelsius } = plan.limits.heat;
  const jumped = rail.ascent === 'jumped';
  if (fixed.held) {
    return {
      level: jumped ? 'suspect' : 'alarm',
      value: celsius,
      limit: fixedCelsius,
      unit: 'celsius',
      note: jumped ? 'jumped to full scale at once, as a short circuit does' : 'point detector',
    };
  }
  if (perMinute !== null) {
    return {
      level: celsius >= riseFromCelsius ? 'alarm' : 'suspect',
      value: perMinute,
      limit: riseCelsiusPerMinute,
      unit: 'celsiusPerMinute',
      note: `point detector at ${celsius.toFixed(1)} C`,
    };
  }
  return fixed.count > 0 ? PENDING : CLEAR;
}
