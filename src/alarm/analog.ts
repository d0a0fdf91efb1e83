/** What the rules of analog channels share: polarity, rails, idle level and confirmation. */
import type { LevelWindow } from '../domain/evidence.ts';
import type { Baseline } from './baseline.ts';
import { followBaseline, NEW_BASELINE, rememberedBaseline } from './baseline.ts';
import type { Span, Streak } from './confirmation.ts';
import { advanceStreak, NO_STREAK } from './confirmation.ts';
import type { Polarity, SourcePlan } from './plan.ts';
import type { ChannelFacts, IdleMemory } from './rule.ts';

export interface AnalogState {
  readonly baseline: Baseline;
  readonly streak: Streak;
  /** Since when every reading sat at one rail; null while it moves. */
  readonly railSinceMs: number | null;
  readonly facts: ChannelFacts;
}

export const NEW_ANALOG: AnalogState = {
  baseline: NEW_BASELINE,
  streak: NO_STREAK,
  railSinceMs: null,
  facts: { phase: 'warmingUp', idlePercent: null, railStuck: null },
};

/** How far a reading is from being dangerous, for a rule with a learnt idle. */
export interface AnalogMeasure {
  readonly over: (value: number, idle: number) => boolean;
  readonly still: (value: number, idle: number) => boolean;
  /** Idle stands still from here: a third of the margin is used up. */
  readonly unsettled: (value: number, idle: number) => boolean;
  readonly fallbackPercent: number;
  readonly hysteresisPercent: number;
}

export interface AnalogOutcome {
  readonly state: AnalogState;
  /** Confirmed over its limit, or still held by the hysteresis. */
  readonly active: boolean;
  readonly pending: boolean;
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
  state: AnalogState,
  window: LevelWindow,
  plan: SourcePlan,
  measure: AnalogMeasure,
  mayLearn: boolean,
): AnalogOutcome {
  const span = dangerSpan(window, plan.polarity);
  const { phase, idle } = state.baseline;
  const learnt = phase === 'learnt';
  const over = (value: number) =>
    (!learnt && value >= measure.fallbackPercent) || (idle !== null && measure.over(value, idle));
  const still = (value: number) =>
    (!learnt && value >= measure.fallbackPercent - measure.hysteresisPercent) ||
    (idle !== null && measure.still(value, idle));
  const streak = advanceStreak(state.streak, span, over, still, plan);
  const railSinceMs = railSince(state.railSinceMs, window);
  const calm =
    !streak.held &&
    !over(span.max) &&
    span.max < measure.fallbackPercent &&
    railSinceMs === null &&
    (idle === null || !measure.unsettled(span.max, idle));
  const baseline = followBaseline(
    state.baseline,
    span.last,
    window.lastAtMs,
    plan.warmUpMs,
    plan.limits.learning,
    mayLearn && calm,
  );
  const facts = factsOf(state.facts, baseline, railSinceMs, window, plan);
  return {
    state: { baseline, streak, railSinceMs, facts },
    active: streak.held,
    pending: !streak.held && streak.count > 0,
    peak: span.max,
    idle,
  };
}

function railSince(sinceMs: number | null, window: LevelWindow): number | null {
  const atRail = window.max <= 0 || window.min >= 100;
  return atRail ? (sinceMs ?? window.firstAtMs) : null;
}

function factsOf(
  known: ChannelFacts,
  baseline: Baseline,
  railSinceMs: number | null,
  window: LevelWindow,
  plan: SourcePlan,
): ChannelFacts {
  const heldMs = railSinceMs === null ? 0 : window.lastAtMs - railSinceMs;
  const railStuck =
    railSinceMs !== null && heldMs >= plan.limits.learning.railStuckMs
      ? `held at ${window.max <= 0 ? 0 : 100} % of full scale; check wiring and supply`
      : null;
  const idlePercent = baseline.idle === null ? null : turn(baseline.idle, plan.polarity);
  const same =
    known.phase === baseline.phase &&
    known.idlePercent === idlePercent &&
    known.railStuck === railStuck;
  return same ? known : { phase: baseline.phase, idlePercent, railStuck };
}

/** What to keep over a restart: only a finished learning. */
export function rememberAnalog(state: AnalogState, plan: SourcePlan): IdleMemory | null {
  const { phase, idle, anchor } = state.baseline;
  if (phase !== 'learnt' || idle === null) return null;
  return { idlePercent: turn(idle, plan.polarity), anchorPercent: turn(anchor, plan.polarity) };
}

export function recallAnalog(memory: IdleMemory, plan: SourcePlan): AnalogState {
  const idle = turn(memory.idlePercent, plan.polarity);
  const anchor = turn(memory.anchorPercent, plan.polarity);
  const cap = plan.limits.learning.driftCapPercent;
  return {
    ...NEW_ANALOG,
    baseline: rememberedBaseline(idle, anchor, cap),
    facts: { phase: 'learnt', idlePercent: memory.idlePercent, railStuck: null },
  };
}

function turn(percent: number, polarity: Polarity): number {
  return polarity === 'rising' ? percent : 100 - percent;
}
