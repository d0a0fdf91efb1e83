/**
 * Carbon monoxide in ppm by dose and time (dose.ts): enough on its own once the dose is taken in, a
 * pre-alarm on the way there. Silence is no clean air: the last reading is taken to last through it
 * for some minutes, and the dose never falls meanwhile. It survives a restart.
 */
import type { LevelWindow } from '../../domain/evidence.ts';
import { dangerSpan } from '../analog.ts';
import { inRange } from '../channel-setup.ts';
import { doseAfter, minutesAt } from '../dose.ts';
import type { SourcePlan } from '../plan.ts';
import type { Rail } from '../rail.ts';
import { followRail, NO_RAIL, railTrouble } from '../rail.ts';
import type { ChannelFacts, Verdict } from '../rule.ts';
import { CLEAR, defineLevelRule, NO_FACTS, PENDING } from '../rule.ts';

/** Readings further apart have a gap between them. */
const GAP_MS = 120_000;
/** The last reading before a gap is taken to have lasted this long into it. */
const GAP_COUNTS_MS = 300_000;
/** What alarms ends once the air is this share below the lowest concentration that counts. */
const CLEARS_AT = 0.8;

interface State {
  /** Share of the dose that alarms, 0..1. */
  readonly dose: number;
  readonly ppm: number | null;
  readonly atMs: number;
  /** Alarmed, and the air is not clean yet. */
  readonly held: boolean;
  readonly rail: Rail;
  readonly facts: ChannelFacts;
}

const NEW: State = {
  dose: 0,
  ppm: null,
  atMs: 0,
  held: false,
  rail: NO_RAIL,
  facts: { ...NO_FACTS, dosePercent: 0 },
};

export const carbonMonoxide = defineLevelRule<State>({
  name: 'carbonMonoxide',
  role: 'carbonMonoxide',
  kind: 'carbonMonoxide',
  initial: () => NEW,
  judge: (state, window, _nowMs, plan) => {
    const { doses } = plan.limits.carbonMonoxide;
    const span = dangerSpan(window, plan.polarity);
    const ppm = inRange(span.last, plan.setup.range);
    const dose = takenIn(state, ppm, window, plan);
    const lowest = doses[0]?.ppm ?? Infinity;
    const held = ppm >= lowest * CLEARS_AT && (state.held || (dose >= 1 && ppm >= lowest));
    const rail = followRail(state.rail, span, () => true);
    const next = { dose, ppm, atMs: window.lastAtMs, held, rail };
    const facts = factsOf(state.facts, next, window, span.min >= 100, plan);
    return { state: { ...next, facts }, verdict: verdictOf(next, plan) };
  },
  facts: (state) => state.facts,
  remember: ({ dose }, { role }) =>
    dose <= 0 ? null : { idlePercent: 0, anchorPercent: 0, dosePercent: 100 * dose, role },
  recall: ({ dosePercent = 0, role }, plan) => {
    if (role !== plan.role) return NEW;
    const facts = { ...NO_FACTS, dosePercent: Math.round(dosePercent) };
    return { ...NEW, dose: dosePercent / 100, facts };
  },
});

function takenIn(state: State, ppm: number, window: LevelWindow, plan: SourcePlan): number {
  const { dose, atMs } = state;
  if (state.ppm === null) return dose;
  const { doses } = plan.limits.carbonMonoxide;
  const ms = Math.max(0, window.lastAtMs - atMs);
  if (ms <= GAP_MS) return doseAfter(dose, doses, state.ppm, ppm, ms);
  const lasted = doseAfter(dose, doses, state.ppm, state.ppm, Math.min(ms, GAP_COUNTS_MS));
  return Math.max(dose, lasted);
}

function factsOf(
  known: ChannelFacts,
  { dose, rail }: Pick<State, 'dose' | 'rail'>,
  window: LevelWindow,
  danger: boolean,
  { setup, limits }: SourcePlan,
): ChannelFacts {
  const dosePercent = Math.round(100 * dose);
  // However it came to full scale: a dose that is not counted could kill.
  const risen: Rail = rail.ascent === null ? rail : { ...rail, ascent: 'passed' };
  const trouble = railTrouble(risen, window, danger, setup.restsAtRail, limits.learning);
  const same =
    known.dosePercent === dosePercent &&
    known.railStuck === trouble.fault &&
    known.blind === trouble.blind;
  if (same) return known;
  return { ...NO_FACTS, dosePercent, railStuck: trouble.fault, blind: trouble.blind };
}

function verdictOf({ dose, ppm, held }: Pick<State, 'dose' | 'ppm' | 'held'>, plan: SourcePlan) {
  const { doses, preAlarmPercent } = plan.limits.carbonMonoxide;
  const now = ppm ?? 0;
  const lasts = minutesAt(doses, now);
  if (!held && lasts === Infinity) return CLEAR;
  const warns = 100 * dose >= preAlarmPercent;
  if (!held && !warns) return PENDING;
  const verdict: Verdict = {
    level: held ? 'alarm' : 'suspect',
    value: 100 * dose,
    limit: held ? 100 : preAlarmPercent,
    unit: 'percent',
    note: `dose of carbon monoxide, now ${now.toFixed(0)} ppm${mayLast(lasts)}`,
  };
  return verdict;
}

function mayLast(minutes: number): string {
  return minutes === Infinity ? '' : `, which may last ${minutes.toPrecision(2)} minutes`;
}
