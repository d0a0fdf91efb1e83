/**
 * The idle level of an analog channel, learnt and then followed slowly.
 *
 *   warmingUp --warmUpMs--> learning --learnMs and 8 samples--> learnt (follows, capped)
 *
 * All values are in percent of full scale, turned so that higher is more dangerous.
 *
 * A smouldering fire cannot teach itself away: the idle moves by at most `driftPercentPerHour`, it
 * never leaves `driftCapPercent` around the first learnt idle (so a reading that is `limit + cap`
 * above that one always counts), it stands still while anything in the zone is off-normal or the
 * reading has used up a third of its margin, and nothing at or above the fallback limit is learnt.
 */
import type { LearningLimits } from './plan.ts';

/** Median of this many samples becomes the idle; they are spread over the learning time. */
const SAMPLES = 15;
const SAMPLES_NEEDED = 8;
/** With this many samples their median already serves as a provisional idle. */
const SAMPLES_PROVISIONAL = 3;
/** A gap between readings counts as at most this long when the idle follows. */
const LONGEST_STEP_MS = 60_000;

export interface Baseline {
  readonly phase: 'warmingUp' | 'learning' | 'learnt';
  readonly sinceMs: number | null;
  readonly samples: readonly number[];
  readonly sampledAtMs: number;
  readonly idle: number | null;
  readonly anchor: number;
}

export const NEW_BASELINE: Baseline = {
  phase: 'warmingUp',
  sinceMs: null,
  samples: [],
  sampledAtMs: 0,
  idle: null,
  anchor: 0,
};

/** A baseline from before a restart. */
export function rememberedBaseline(idle: number, anchor: number, capPercent: number): Baseline {
  const kept = clamp(idle, anchor - capPercent, anchor + capPercent);
  return { ...NEW_BASELINE, phase: 'learnt', idle: kept, anchor };
}

/**
 * Takes one reading in.
 * @param learnable false while anything is suspect: then only the clock of the phases moves on.
 */
export function followBaseline(
  base: Baseline,
  value: number,
  atMs: number,
  warmUpMs: number,
  limits: LearningLimits,
  learnable: boolean,
): Baseline {
  switch (base.phase) {
    case 'warmingUp': {
      const sinceMs = base.sinceMs ?? atMs;
      if (atMs - sinceMs < warmUpMs) return base.sinceMs === null ? { ...base, sinceMs } : base;
      const learning: Baseline = { ...base, phase: 'learning', sinceMs: atMs, sampledAtMs: -1 };
      return learnable ? learn(learning, value, atMs, limits) : learning;
    }
    case 'learning':
      return learnable ? learn(base, value, atMs, limits) : base;
    case 'learnt':
      return adapt(base, value, atMs, limits, learnable);
  }
}

function learn(base: Baseline, value: number, atMs: number, limits: LearningLimits): Baseline {
  const first = base.samples.length === 0;
  if (!first && atMs - base.sampledAtMs < limits.learnMs / SAMPLES) return base;
  const samples = [...base.samples.slice(-(SAMPLES - 1)), value];
  const middle = median(samples);
  const learntMs = atMs - (base.sinceMs ?? atMs);
  if (samples.length >= SAMPLES_NEEDED && learntMs >= limits.learnMs) {
    return {
      phase: 'learnt',
      sinceMs: atMs,
      samples: [],
      sampledAtMs: atMs,
      idle: middle,
      anchor: middle,
    };
  }
  const idle = samples.length >= SAMPLES_PROVISIONAL ? middle : null;
  return { ...base, samples, sampledAtMs: atMs, idle };
}

function adapt(
  base: Baseline,
  value: number,
  atMs: number,
  limits: LearningLimits,
  learnable: boolean,
): Baseline {
  const lastMs = base.sinceMs === null ? atMs : base.sampledAtMs;
  // Once a second is enough for a drift of a percent per hour, and spares a flood the work.
  if (base.sinceMs !== null && atMs - lastMs < 1_000) return base;
  const moved: Baseline = { ...base, sinceMs: atMs, sampledAtMs: atMs };
  if (!learnable || base.idle === null) return moved;
  const spanMs = Math.min(Math.max(atMs - lastMs, 0), LONGEST_STEP_MS);
  const step = (limits.driftPercentPerHour * spanMs) / 3_600_000;
  const towards = base.idle + clamp(value - base.idle, -step, step);
  const cap = limits.driftCapPercent;
  return { ...moved, idle: clamp(towards, base.anchor - cap, base.anchor + cap) };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
  return (upper + lower) / 2;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
