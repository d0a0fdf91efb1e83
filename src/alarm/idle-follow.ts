/**
 * Follows a learnt idle: slowly up, faster down, and says when it would have to go too far.
 *
 * Up, a smouldering fire must not teach itself away: at most `driftPercentPerHour` (and a 15th of
 * the margin), never more than the drift cap above the cleanest idle so far, never above the
 * ceiling, and not at all while the reading has used up a third of its margin.
 *
 * Down, air that proves cleaner is better evidence than what was learnt before it: up to
 * `fallPercentPerHour` (and one and a half margins), and the cap goes down with it. So a first idle
 * that was learnt in bad air is soon put right, and a dip of some minutes costs little.
 */
import type { Baseline, IdleRules } from './baseline.ts';

/** A gap between readings counts as at most this long. */
const LONGEST_STEP_MS = 60_000;
/** Following once a second is enough for percents per hour, and spares a flood the work. */
const STEP_MS = 1_000;
/** Learning that has not ended after this many times its length is in trouble. */
const LEARNING_TIMES = 60;

/**
 * Takes one reading of a channel with a learnt idle in.
 * @param learnable false while anything is suspect: the idle stands still.
 */
export function followBaseline(
  base: Baseline,
  value: number,
  atMs: number,
  rules: IdleRules,
  learnable: boolean,
): Baseline {
  const { idle, sampledAtMs } = base;
  if (base.phase !== 'learnt' || idle === null) return base;
  if (sampledAtMs !== null && atMs - sampledAtMs < STEP_MS) return base;
  const highest = Math.min(rules.highest(base.anchor), rules.ceiling);
  const strained = rules.unsettled(value, idle) || (idle >= highest && value > idle);
  const strainedSinceMs = strained ? (base.strainedSinceMs ?? atMs) : null;
  if (!learnable) return { ...base, sampledAtMs: atMs, strainedSinceMs };
  const hours = Math.min(Math.max(atMs - (sampledAtMs ?? atMs), 0), LONGEST_STEP_MS) / 3_600_000;
  const { driftPercentPerHour, fallPercentPerHour } = rules.learning;
  const margin = Math.max(rules.margin(idle), 0);
  const up = Math.min(driftPercentPerHour, margin / 15) * hours;
  const down = Math.min(fallPercentPerHour, 1.5 * margin) * hours;
  const next = Math.min(idle + Math.min(Math.max(value - idle, -down), up), highest);
  const anchor = Math.min(base.anchor, next);
  return { ...base, sampledAtMs: atMs, strainedSinceMs, idle: next, anchor };
}

/** What a fault about the idle should say, in readings as the channel reports them. */
export function idleTrouble(
  base: Baseline,
  atMs: number,
  rules: IdleRules,
  wornOut: (idle: number, first: number) => string | null,
): string | null {
  const { phase, sinceMs, idle, first, strainedSinceMs } = base;
  const { learnMs, strainMs } = rules.learning;
  if (phase === 'learning') {
    const lastedMs = atMs - (sinceMs ?? atMs);
    if (lastedMs < LEARNING_TIMES * learnMs) return null;
    return (
      `no idle learnt in ${LEARNING_TIMES} times its ${learnMs / 1000} s: readings are unsteady, ` +
      'too high, or the zone was never at rest; until then the absolute limit judges'
    );
  }
  if (phase !== 'learnt' || idle === null) return null;
  if (strainedSinceMs !== null && atMs - strainedSinceMs >= strainMs) {
    return (
      `has read above what its idle may follow for ${strainMs / 3_600_000} h: ` +
      'look for smouldering, clean or replace the sensor, and mind its limits'
    );
  }
  return wornOut(idle, first);
}
