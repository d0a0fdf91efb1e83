/** What the rules of analog channels share: polarity, rails, idle level, rise, confirmation. */
import type { LevelWindow } from '../domain/evidence.ts';
import type { Baseline, IdleRules } from './baseline.ts';
import {
  afterSilence,
  learnBaseline,
  learningPercent,
  NEW_BASELINE,
  rememberedBaseline,
} from './baseline.ts';
import type { Span, Streak } from './confirmation.ts';
import { advanceStreak, NO_STREAK } from './confirmation.ts';
import { followBaseline, idleTrouble } from './idle-follow.ts';
import type { Polarity, SourcePlan } from './plan.ts';
import type { Rail } from './rail.ts';
import { followRail, NO_RAIL, railTrouble } from './rail.ts';
import type { Rise, RiseRate } from './rise.ts';
import { followRise, NO_RISE, riseRate } from './rise.ts';
import type { ChannelFacts, IdleMemory } from './rule.ts';
import { NO_FACTS } from './rule.ts';

export interface AnalogState {
  readonly baseline: Baseline;
  readonly streak: Streak;
  readonly rail: Rail;
  readonly rise: Rise;
  /** The last reading rose fast enough to be suspect. */
  readonly rising: boolean;
  readonly heardAtMs: number | null;
  readonly facts: ChannelFacts;
}

export const NEW_ANALOG: AnalogState = {
  baseline: NEW_BASELINE,
  streak: NO_STREAK,
  rail: NO_RAIL,
  rise: NO_RISE,
  rising: false,
  heardAtMs: null,
  facts: { ...NO_FACTS, phase: 'warmingUp' },
};

/** How far a reading is from being dangerous, for a rule with a learnt idle. */
export interface AnalogMeasure extends IdleRules {
  readonly over: (value: number, idle: number) => boolean;
  readonly still: (value: number, idle: number) => boolean;
  readonly fallbackPercent: number;
  readonly hysteresisPercent: number;
  /** Infinity: no rise is suspect. */
  readonly risePercentPerMinute: number;
  /** Why the idle says that the sensor is worn out; null: it does not. */
  readonly wornOut: (idle: number, first: number) => string | null;
}

export interface AnalogOutcome {
  readonly state: AnalogState;
  /** Confirmed over its limit, or still held by the hysteresis. */
  readonly active: boolean;
  readonly pending: boolean;
  /** Counts as sub-alarm evidence at most, and why; null: it counts fully. */
  readonly doubt: string | null;
  /** Set while it rises fast, below its limit. */
  readonly rising: RiseRate | null;
  /** Highest reading of the window, turned so that higher is more dangerous. */
  readonly peak: number;
  /** Null while only the absolute fallback limit applies. */
  readonly idle: number | null;
}

/** Turns a window so that higher is more dangerous, whatever the polarity. */
export function dangerSpan(window: LevelWindow, polarity: Polarity): Span {
  if (polarity === 'rising') return window;
  return {
    first: 100 - window.first,
    last: 100 - window.last,
    min: 100 - window.max,
    max: 100 - window.min,
    count: window.count,
    firstAtMs: window.firstAtMs,
    lastAtMs: window.lastAtMs,
  };
}

/** Judges one window of an analog channel; the rule turns the outcome into a verdict. */
export function judgeAnalog(
  before: AnalogState,
  window: LevelWindow,
  plan: SourcePlan,
  measure: AnalogMeasure,
  mayLearn: boolean,
): AnalogOutcome {
  const state = heardAgain(before, window, plan, measure);
  const span = dangerSpan(window, plan.polarity);
  const { phase, idle } = state.baseline;
  const { fallbackPercent, hysteresisPercent } = measure;
  const over = (value: number) =>
    value >= fallbackPercent || (idle !== null && measure.over(value, idle));
  const still = (value: number) =>
    value >= fallbackPercent - hysteresisPercent || (idle !== null && measure.still(value, idle));
  const unsettled = (value: number) =>
    idle === null ? value >= fallbackPercent / 2 : measure.unsettled(value, idle);
  const streak = advanceStreak(state.streak, span, over, still, plan);
  const rail = followRail(state.rail, span, unsettled);
  const trouble = railTrouble(
    rail,
    window,
    span.min >= 100,
    plan.setup.restsAtRail,
    plan.limits.learning,
  );
  const { rise, rate } = risingOf(state, span, measure, unsettled);
  const calm =
    !streak.held &&
    rate === null &&
    !over(span.max) &&
    span.max <= measure.ceiling &&
    (rail.stuckSinceMs === null || (span.max <= 0 && plan.setup.restsAtRail)) &&
    // While it learns, its samples tell by themselves whether they agree.
    (phase !== 'learnt' || !unsettled(span.max));
  const baseline = follow(state.baseline, span.last, window, measure, mayLearn && calm);
  const heardAtMs = window.lastAtMs;
  const facts = factsOf(state.facts, baseline, trouble, window, plan, measure);
  const warming = phase === 'warmingUp' && measure.warmUpMs > 0;
  return {
    state: { baseline, streak, rail, rise, rising: rate !== null, heardAtMs, facts },
    active: streak.held && !trouble.blind,
    pending: !streak.held && streak.count > 0,
    doubt: doubtOf(warming, rail),
    rising: trouble.blind ? null : rate,
    peak: span.max,
    idle,
  };
}

function doubtOf(warming: boolean, rail: Rail): string | null {
  if (rail.ascent === 'jumped') return 'jumped to full scale at once, as a short circuit does';
  return warming ? 'warming up' : null;
}

/** What a long silence leaves: perhaps a cold sensor, and nothing that rose. */
function heardAgain(
  state: AnalogState,
  window: LevelWindow,
  plan: SourcePlan,
  rules: IdleRules,
): AnalogState {
  if (state.heardAtMs === null) return state;
  if (window.firstAtMs - state.heardAtMs <= plan.setup.warmUpAgainMs) return state;
  return { ...state, baseline: afterSilence(state.baseline, rules), rise: NO_RISE, rising: false };
}

/** Rises that count have used up a third of the margin, or gained as much before any idle. */
function risingOf(
  state: AnalogState,
  span: Span,
  measure: AnalogMeasure,
  unsettled: (value: number) => boolean,
): { readonly rise: Rise; readonly rate: RiseRate | null } {
  const limit = measure.risePercentPerMinute;
  if (limit === Infinity) return { rise: NO_RISE, rate: null };
  const rise = followRise(state.rise, span.last, span.lastAtMs);
  const rate = riseRate(rise);
  const enough = state.rising ? limit / 2 : limit;
  if (rate === null || rate.perMinute < enough) return { rise, rate: null };
  const { idle } = state.baseline;
  const gained = idle === null ? rate.gained >= measure.margin(0) / 3 : unsettled(span.last);
  return { rise, rate: gained ? rate : null };
}

function follow(
  baseline: Baseline,
  value: number,
  { lastAtMs }: LevelWindow,
  rules: IdleRules,
  learnable: boolean,
): Baseline {
  return baseline.phase === 'learnt'
    ? followBaseline(baseline, value, lastAtMs, rules, learnable)
    : learnBaseline(baseline, value, lastAtMs, rules, learnable);
}

function factsOf(
  known: ChannelFacts,
  baseline: Baseline,
  rail: { readonly fault: string | null; readonly blind: boolean },
  window: LevelWindow,
  plan: SourcePlan,
  measure: AnalogMeasure,
): ChannelFacts {
  const { phase, sinceMs, idle } = baseline;
  const { lastAtMs } = window;
  const warming = phase === 'warmingUp' && measure.warmUpMs > 0;
  const facts: ChannelFacts = {
    phase,
    idlePercent: idle === null ? null : turn(idle, plan.polarity),
    railStuck: rail.fault,
    blind: rail.blind,
    idleTrouble: idleTrouble(baseline, lastAtMs, measure, measure.wornOut),
    warmUpUntilMs: warming ? (sinceMs ?? lastAtMs) + measure.warmUpMs : null,
    learningPercent: learningPercent(baseline, lastAtMs, measure.learning.learnMs),
    dosePercent: null,
  };
  const same =
    known.phase === facts.phase &&
    known.idlePercent === facts.idlePercent &&
    known.railStuck === facts.railStuck &&
    known.blind === facts.blind &&
    known.idleTrouble === facts.idleTrouble &&
    known.warmUpUntilMs === facts.warmUpUntilMs &&
    known.learningPercent === facts.learningPercent;
  return same ? known : facts;
}

/** What to keep over a restart: only a finished learning. */
export function rememberAnalog(state: AnalogState, plan: SourcePlan): IdleMemory | null {
  const { phase, idle, anchor, first } = state.baseline;
  if (phase === 'learning' || idle === null) return null;
  return {
    idlePercent: turn(idle, plan.polarity),
    anchorPercent: turn(anchor, plan.polarity),
    firstPercent: turn(first, plan.polarity),
    role: plan.role,
  };
}

/** A channel from before a restart; what was learnt under another role is forgotten. */
export function recallAnalog(
  memory: IdleMemory,
  plan: SourcePlan,
  measure: IdleRules,
): AnalogState {
  if (memory.role !== undefined && memory.role !== plan.role) return NEW_ANALOG;
  const { polarity } = plan;
  const known = {
    idle: turn(memory.idlePercent, polarity),
    anchor: turn(memory.anchorPercent, polarity),
    first: turn(memory.firstPercent ?? memory.anchorPercent, polarity),
  };
  const baseline = rememberedBaseline(known, measure);
  const { phase, idle } = baseline;
  const idlePercent = idle === null ? null : turn(idle, polarity);
  return { ...NEW_ANALOG, baseline, facts: { ...NO_FACTS, phase, idlePercent } };
}

function turn(percent: number, polarity: Polarity): number {
  return polarity === 'rising' ? percent : 100 - percent;
}
