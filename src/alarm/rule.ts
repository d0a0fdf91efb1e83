/**
 * What a rule is. A rule judges the windows of one source; its state is its own and a zone only
 * sees verdicts. Adding a rule: one file in `rules/`, one line in `rules/index.ts`.
 */
import type { Vote } from '../domain/event.ts';
import type { LevelWindow, OpinionWindow, Role, ThermalWindow } from '../domain/evidence.ts';
import type { SourcePlan } from './plan.ts';

/**
 * What a verdict is evidence of; the fusion table speaks of these. `background` is heat above what
 * is learnt of a place, `thermal` heat above a limit: of one array they are one kind.
 */
export type EvidenceKind =
  'thermal' | 'background' | 'fireSign' | 'smoke' | 'gas' | 'flame' | 'carbonMonoxide' | 'heat';

export type BelievableWindow = LevelWindow | ThermalWindow;
/** What rules judge: readings, and what a model thinks of them. */
export type JudgedWindow = BelievableWindow | OpinionWindow;

/**
 * `clear` and `pending` (over a limit, not yet confirmed) do not vote; `suspect` is sub-alarm
 * evidence; `alarm` is enough on its own.
 */
export type Verdict =
  | { readonly level: 'clear' }
  | { readonly level: 'pending' }
  | ({
      readonly level: 'suspect' | 'alarm';
      /** Regions of the picture that it speaks of, by `HotRegion.track`; missing: of none. */
      readonly tracks?: readonly number[];
      /** When what it rests on was seen; where it is missing, when the source was last believed. */
      readonly atMs?: number;
    } & Pick<Vote, 'value' | 'limit' | 'unit' | 'note'>);

export const CLEAR: Verdict = { level: 'clear' };
export const PENDING: Verdict = { level: 'pending' };

/** What is known about an analog channel besides its verdict. */
export interface ChannelFacts {
  readonly phase: 'warmingUp' | 'learning' | 'learnt';
  /** Percent of full scale as the channel reports it; null before anything was learnt. */
  readonly idlePercent: number | null;
  /** Set while the channel sticks at a rail: what a fault should say. */
  readonly railStuck: string | null;
  /** It sticks so that what it says is no evidence: it has no data. */
  readonly blind: boolean;
  /** Set while its idle cannot be learnt or has gone too far: what a fault should say. */
  readonly idleTrouble: string | null;
  /** When the warm-up ends at the latest; null outside of it. */
  readonly warmUpUntilMs: number | null;
  /** How much of the learning is done, 0..100; null outside of it. */
  readonly learningPercent: number | null;
  /** Share of the dose of a gas that alarms, 0..100; null where none is counted. */
  readonly dosePercent: number | null;
}

/** A channel of which nothing is known yet and nothing needs to be. */
export const NO_FACTS: ChannelFacts = {
  phase: 'learnt',
  idlePercent: null,
  railStuck: null,
  blind: false,
  idleTrouble: null,
  warmUpUntilMs: null,
  learningPercent: null,
  dosePercent: null,
};

/** What survives a restart: without it a channel would learn anew, and perhaps during a fire. */
export interface IdleMemory {
  readonly idlePercent: number;
  /** The cleanest learnt idle, from which drift is capped. */
  readonly anchorPercent: number;
  /** The first learnt idle; where it is missing, the anchor. */
  readonly firstPercent?: number;
  /** Dose taken in, percent of the one that alarms; 0 where it is missing. */
  readonly dosePercent?: number;
  /** The role under which it was learnt: another role begins anew. */
  readonly role?: Role;
}

export interface Judgement<S> {
  readonly state: S;
  readonly verdict: Verdict;
}

interface RuleDefinition<S, W extends JudgedWindow> {
  readonly name: string;
  readonly role: Role;
  readonly kind: EvidenceKind;
  readonly initial: () => S;
  /**
   * Judges what came since the last judgement. Pure, and must not throw.
   * @param mayLearn false while anything in the zone is off-normal: idle levels stand still.
   */
  readonly judge: (
    state: S,
    evidence: W,
    nowMs: number,
    plan: SourcePlan,
    mayLearn: boolean,
  ) => Judgement<S>;
  /** What to show of an analog channel. */
  readonly facts?: (state: S) => ChannelFacts;
  readonly remember?: (state: S, plan: SourcePlan) => IdleMemory | null;
  readonly recall?: (memory: IdleMemory, plan: SourcePlan) => S;
}

/** A rule at work on one source: immutable, `judge` returns the next one. */
export interface RuleRun {
  readonly rule: string;
  readonly kind: EvidenceKind;
  readonly verdict: Verdict;
  readonly facts: ChannelFacts | null;
  judge(window: JudgedWindow, nowMs: number, plan: SourcePlan, mayLearn: boolean): RuleRun;
  remember(plan: SourcePlan): IdleMemory | null;
}

export interface Rule {
  readonly name: string;
  readonly role: Role;
  readonly kind: EvidenceKind;
  /** Starts on a source, from memory where there is some. */
  readonly start: (plan: SourcePlan, memory: IdleMemory | null) => RuleRun;
}

class Run<S, W extends JudgedWindow> implements RuleRun {
  readonly #definition: RuleDefinition<S, W>;
  readonly #accepts: (window: JudgedWindow) => window is W;
  readonly state: S;
  readonly verdict: Verdict;
  readonly facts: ChannelFacts | null;

  constructor(
    definition: RuleDefinition<S, W>,
    accepts: (window: JudgedWindow) => window is W,
    state: S,
    verdict: Verdict,
  ) {
    this.#definition = definition;
    this.#accepts = accepts;
    this.state = state;
    this.verdict = verdict;
    this.facts = definition.facts?.(state) ?? null;
  }

  get rule(): string {
    return this.#definition.name;
  }

  get kind(): EvidenceKind {
    return this.#definition.kind;
  }

  judge(window: JudgedWindow, nowMs: number, plan: SourcePlan, mayLearn: boolean): RuleRun {
    if (!this.#accepts(window)) return this;
    const next = this.#definition.judge(this.state, window, nowMs, plan, mayLearn);
    if (next.state === this.state && next.verdict === this.verdict) return this;
    return new Run(this.#definition, this.#accepts, next.state, next.verdict);
  }

  remember(plan: SourcePlan): IdleMemory | null {
    return this.#definition.remember?.(this.state, plan) ?? null;
  }
}

/** Makes a rule that judges thermal windows. */
export function defineThermalRule<S>(definition: RuleDefinition<S, ThermalWindow>): Rule {
  return ruleOf(definition, (window) => window.kind === 'thermal');
}

/** Makes a rule that judges thermal windows together with what a model thinks of them. */
export function defineVisionRule<S>(definition: RuleDefinition<S, ThermalWindow | OpinionWindow>) {
  return ruleOf(definition, (window) => window.kind !== 'level');
}

/** Makes a rule that judges analog or digital levels. */
export function defineLevelRule<S>(definition: RuleDefinition<S, LevelWindow>): Rule {
  return ruleOf(definition, (window) => window.kind === 'level');
}

function ruleOf<S, W extends JudgedWindow>(
  definition: RuleDefinition<S, W>,
  accepts: (window: JudgedWindow) => window is W,
): Rule {
  return {
    name: definition.name,
    role: definition.role,
    kind: definition.kind,
    start: (plan, memory) => {
      const recalled = memory === null ? undefined : definition.recall?.(memory, plan);
      return new Run(definition, accepts, recalled ?? definition.initial(), CLEAR);
    },
  };
}
