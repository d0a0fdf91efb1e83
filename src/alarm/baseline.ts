/**
 * The idle level of an analog channel, learnt and then followed slowly.
 *
 *   warmingUp --warmUpMs--> learning --learnMs, 8 samples, steady--> learnt (follows, capped)
 *       ^  '--known idle: warmUpMs, or settled at it for 30 s--------^  |
 *       '----------- a heated sensor was silent for long ---------------'
 *
 * All values are in percent of full scale, turned so that higher is more dangerous.
 *
 * A fire cannot teach itself away, nor be taken for normal at a first start:
 * - no idle lies above the ceiling, from which the absolute limit is still reached in time, so that
 *   whatever was learnt the absolute limit alarms;
 * - samples that differ by a third of the margin are no idle: learning goes on until they agree;
 * - nothing is learnt while anything in the zone is off-normal, or the reading is itself;
 * - how a learnt idle is followed: idle-follow.ts.
 */
import type { LearningLimits } from './plan.ts';

/** Median of this many samples becomes the idle; they are spread over the learning time. */
const SAMPLES = 15;
const SAMPLES_NEEDED = 8;
/** With this many samples their median already serves as a provisional idle. */
const SAMPLES_PROVISIONAL = 3;
/** A sensor that reads its known clean air for this long is warm. */
const SETTLED_MS = 30_000;

export interface Baseline {
  readonly phase: 'warmingUp' | 'learning' | 'learnt';
  /** Since when it is in this phase; null before the first reading. */
  readonly sinceMs: number | null;
  /** Since when a warming sensor reads its known idle. */
  readonly settledSinceMs: number | null;
  readonly samples: readonly number[];
  /** Of the last sample, or of the last time the idle was followed; null before. */
  readonly sampledAtMs: number | null;
  readonly idle: number | null;
  /** The cleanest idle so far: upward drift is capped from here. */
  readonly anchor: number;
  /** The idle as it was learnt first. */
  readonly first: number;
  /** Since when the idle would have to go where it may not. */
  readonly strainedSinceMs: number | null;
}

export const NEW_BASELINE: Baseline = {
  phase: 'warmingUp',
  sinceMs: null,
  settledSinceMs: null,
  samples: [],
  sampledAtMs: null,
  idle: null,
  anchor: 0,
  first: 0,
  strainedSinceMs: null,
};

/** What differs from one kind of channel to the other. */
export interface IdleRules {
  readonly warmUpMs: number;
  readonly learning: LearningLimits;
  /** Highest idle that may be believed. */
  readonly ceiling: number;
  /** Highest idle that drift may lead to. */
  readonly highest: (anchor: number) => number;
  /** Percent between an idle and its limit. */
  readonly margin: (idle: number) => number;
  /** Whether a reading has used up a third of the margin. */
  readonly unsettled: (value: number, idle: number) => boolean;
}

/** A baseline from before a restart; a heated sensor may have lost its supply meanwhile. */
export function rememberedBaseline(
  known: { readonly idle: number; readonly anchor: number; readonly first: number },
  rules: IdleRules,
): Baseline {
  const highest = Math.min(rules.highest(known.anchor), rules.ceiling);
  return {
    ...NEW_BASELINE,
    ...known,
    phase: rules.warmUpMs > 0 ? 'warmingUp' : 'learnt',
    idle: Math.min(known.idle, highest),
  };
}

/** After a long silence: samples from before it are no company for new ones. */
export function afterSilence(base: Baseline, rules: IdleRules): Baseline {
  const known = base.phase === 'learnt' || isKnown(base);
  if (rules.warmUpMs <= 0) {
    return base.phase === 'learning' ? { ...NEW_BASELINE, phase: 'learning' } : base;
  }
  if (!known) return NEW_BASELINE;
  const again = { phase: 'warmingUp', sinceMs: null, settledSinceMs: null } as const;
  return { ...base, ...again, strainedSinceMs: null };
}

/** Whether the idle was learnt to the end, and not only provisionally. */
function isKnown(base: Baseline): boolean {
  return base.phase === 'warmingUp' && base.idle !== null;
}

/**
 * Takes one reading of a channel that is warming up or learning in.
 * @param learnable false while anything is suspect: then only the clock of the phases moves on.
 */
export function learnBaseline(
  base: Baseline,
  value: number,
  atMs: number,
  rules: IdleRules,
  learnable: boolean,
): Baseline {
  if (base.phase === 'learnt') return base;
  const sinceMs = base.sinceMs ?? atMs;
  if (base.phase === 'learning') {
    return learnable ? learn({ ...base, sinceMs }, value, atMs, rules) : { ...base, sinceMs };
  }
  const settledSinceMs = settledSince(base, value, atMs, rules);
  const settled = settledSinceMs !== null && atMs - settledSinceMs >= SETTLED_MS;
  if (!settled && atMs - sinceMs < rules.warmUpMs) {
    const same = base.sinceMs !== null && base.settledSinceMs === settledSinceMs;
    return same ? base : { ...base, sinceMs, settledSinceMs };
  }
  const phase = isKnown(base) ? 'learnt' : 'learning';
  const next: Baseline = { ...base, phase, sinceMs: atMs, settledSinceMs: null, sampledAtMs: null };
  return learnable && phase === 'learning' ? learn(next, value, atMs, rules) : next;
}

/** Since when the reading has been about the known idle, neither above nor below. */
function settledSince(
  { idle, settledSinceMs }: Baseline,
  value: number,
  atMs: number,
  rules: IdleRules,
): number | null {
  if (idle === null || rules.unsettled(value, idle) || rules.unsettled(idle, value)) return null;
  return settledSinceMs ?? atMs;
}

function learn(base: Baseline, value: number, atMs: number, rules: IdleRules): Baseline {
  const { learnMs } = rules.learning;
  if (base.sampledAtMs !== null && atMs - base.sampledAtMs < learnMs / SAMPLES) return base;
  const samples = [...base.samples.slice(-(SAMPLES - 1)), value];
  const idle = samples.length >= SAMPLES_PROVISIONAL ? median(samples) : null;
  const steady = !rules.unsettled(Math.max(...samples), Math.min(...samples));
  const learntMs = atMs - (base.sinceMs ?? atMs);
  if (idle !== null && steady && samples.length >= SAMPLES_NEEDED && learntMs >= learnMs) {
    return {
      ...NEW_BASELINE,
      phase: 'learnt',
      sinceMs: atMs,
      sampledAtMs: atMs,
      idle,
      anchor: idle,
      first: idle,
    };
  }
  return { ...base, samples, sampledAtMs: atMs, idle };
}

/** How much of the learning is done, 0..100; null outside of it. */
export function learningPercent(base: Baseline, atMs: number, learnMs: number): number | null {
  if (base.phase !== 'learning') return null;
  const time = learnMs <= 0 ? 1 : (atMs - (base.sinceMs ?? atMs)) / learnMs;
  const share = Math.min(time, base.samples.length / SAMPLES_NEEDED);
  // 99: all is there, and it is not steady.
  return Math.max(0, Math.min(99, Math.floor(share * 100)));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return (upper + lower) / 2;
}
