/**
 * What a rule is. A rule judges the windows of one source; its state is its own and a zone only
 * sees verdicts. Adding a rule: one file in `rules/`, one line in `rules/index.ts`.
 */
import type { Vote } from '../domain/event.ts';
import type { LevelWindow, Role, ThermalWindow } from '../domain/evidence.ts';
import type { SourcePlan } from './plan.ts';

/** What a verdict is evidence of; the fusion table speaks of these. */
export type EvidenceKind = 'thermal' | 'fireSign' | 'smoke' | 'gas' | 'flame';

export type BelievableWindow = LevelWindow | ThermalWindow;

/**
 * `clear` and `pending` (over a limit, not yet confirmed) do not vote; `suspect` is sub-alarm
 * evidence; `alarm` is enough on its own.
 */
export type Verdict =
  | { readonly level: 'clear' }
  | { readonly level: 'pending' }
  | ({ readonly level: 'suspect' | 'alarm' } & Pick<Vote, 'value' | 'limit' | 'unit' | 'note'>);

export const CLEAR: Verdict = { level: 'clear' };
export const PENDING: Verdict = { level: 'pending' };

/** What is known about an analog channel besides its verdict. */
export interface ChannelFacts {
  readonly phase: 'warmingUp' | 'learning' | 'learnt';
  /** Percent of full scale as the channel reports it; null before anything was learnt. */
  readonly idlePercent: number | null;
  /** Set while the channel sticks at a rail: what a fault should say. */
  readonly railStuck: string | null;
}

/** What survives a restart: without it a channel would learn anew, and perhaps during a fire. */
export interface IdleMemory {
  readonly idlePercent: number;
  /** The first learnt idle, from which drift is capped. */
  readonly anchorPercent: number;
}

export interface Judgement<S> {
  readonly state: S;
  readonly verdict: Verdict;
}

interface RuleDefinition<S, W extends BelievableWindow> {
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
  judge(window: BelievableWindow, nowMs: number, plan: SourcePlan, mayLearn: boolean): RuleRun;
  remember(plan: SourcePlan): IdleMemory | null;
}

export interface Rule {
  readonly name: string;
  readonly role: Role;
  readonly kind: EvidenceKind;
  /** Starts on a source, from memory where there is some. */
  readonly start: (plan: SourcePlan, memory: IdleMemory | null) => RuleRun;
}

class Run<S, W extends BelievableWindow> implements RuleRun {
  readonly #definition: RuleDefinition<S, W>;
  readonly #accepts: (window: BelievableWindow) => window is W;
  readonly state: S;
  readonly verdict: Verdict;
  readonly facts: ChannelFacts | null;

  constructor(
    definition: RuleDefinition<S, W>,
    accepts: (window: BelievableWindow) => window is W,
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

  judge(window: BelievableWindow, nowMs: number, plan: SourcePlan, mayLearn: boolean): RuleRun {
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

/** Makes a rule that judges analog or digital levels. */
export function defineLevelRule<S>(definition: RuleDefinition<S, LevelWindow>): Rule {
  return ruleOf(definition, (window) => window.kind === 'level');
}

function ruleOf<S, W extends BelievableWindow>(
  definition: RuleDefinition<S, W>,
  accepts: (window: BelievableWindow) => window is W,
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
