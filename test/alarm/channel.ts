/** One analog channel under its rule, reading by reading. */
import type { SourceInput } from '../../src/alarm/make-plan.ts';
import type { SourcePlan } from '../../src/alarm/plan.ts';
import type { IdleMemory, RuleRun, Verdict } from '../../src/alarm/rule.ts';
import { rulesFor } from '../../src/alarm/rules/index.ts';
import { BOARD, level, onePlan } from './make.ts';

/** The cadence of the known boards. */
export const CADENCE_MS = 4_090;
export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;

/** The plan of one source, with one confirmation unless told otherwise. */
export function sourcePlan(role: SourcePlan['role'], more: Partial<SourceInput> = {}): SourcePlan {
  const plan = onePlan({ sources: [{ sensor: BOARD, channel: 'X', role, ...more }] });
  return plan.zones[0]!.sources[0]!;
}

export class Channel {
  readonly plan: SourcePlan;
  nowMs: number;
  run: RuleRun;
  /** Set to hold learning back, as a zone does that is off-normal. */
  mayLearn = true;

  constructor(
    role: SourcePlan['role'],
    more: Partial<SourceInput> = {},
    memory: IdleMemory | null = null,
    startMs = 0,
  ) {
    this.plan = sourcePlan(role, more);
    this.nowMs = startMs;
    this.run = rulesFor(role)[0]!.start(this.plan, memory);
  }

  /** Takes one window in. */
  hear(afterMs: number, values: number | readonly number[]): Verdict {
    this.nowMs += afterMs;
    const window = level('X', this.nowMs, values);
    this.run = this.run.judge(window, this.nowMs, this.plan, this.mayLearn);
    return this.run.verdict;
  }

  /** The same reading for a time, at the boards' cadence unless told otherwise. */
  hold(value: number, forMs: number, everyMs = CADENCE_MS): Verdict {
    return this.follow(() => value, forMs, everyMs);
  }

  /** @param value by the time since the beginning of this call. */
  follow(value: (ms: number) => number, forMs: number, everyMs = CADENCE_MS): Verdict {
    for (let ms = everyMs; ms <= forMs; ms += everyMs) this.hear(everyMs, value(ms));
    return this.run.verdict;
  }

  get level(): Verdict['level'] {
    return this.run.verdict.level;
  }

  get facts() {
    return this.run.facts!;
  }

  /** What would be written for a restart. */
  get memory(): IdleMemory | null {
    return this.run.remember(this.plan);
  }
}

/** An idle learnt before. */
export function idle(percent: number, more: Partial<IdleMemory> = {}): IdleMemory {
  return { idlePercent: percent, anchorPercent: percent, ...more };
}
