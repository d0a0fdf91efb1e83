/**
 * Counts consecutive readings over a limit when only first, last, min, max and count of each
 * window are known. A run begins with a reading at or over the limit and goes on while readings
 * stay within the hysteresis: a flame that flickers below its limit for one frame of a slow board
 * must not lose what the frame before has shown. It counts what is certain:
 *
 * - a window whose readings all belong to the run adds them all;
 * - in any other window the first reading ends the run before it, any reading over the limit is a
 *   run of one, and the last one starts the next run.
 *
 * So one confirmation is exact: any single reading over the limit counts, whatever follows it in
 * the same window. More confirmations are exact for windows of one or two readings and for windows
 * that lie altogether on one side; otherwise a run inside a mixed window may be missed, never
 * invented, and a signal that stays over the limit is confirmed by the readings that follow.
 */

/** One window, turned so that higher is more dangerous. */
export interface Span {
  readonly first: number;
  readonly last: number;
  readonly min: number;
  readonly max: number;
  readonly count: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

export interface Streak {
  /** Readings of the present run, 0 when the last reading does not belong to one. */
  readonly count: number;
  readonly sinceMs: number;
  /** Confirmed before and not yet left through the hysteresis. */
  readonly held: boolean;
}

export const NO_STREAK: Streak = { count: 0, sinceMs: 0, held: false };

export interface Needed {
  readonly confirmations: number;
  readonly confirmMs: number;
}

/**
 * @param over whether a value is at or over the limit; must be monotone.
 * @param still whether a value is not yet below the limit less its hysteresis; must be monotone.
 */
export function advanceStreak(
  streak: Streak,
  span: Span,
  over: (value: number) => boolean,
  still: (value: number) => boolean,
  needed: Needed,
): Streak {
  const alive = streak.count > 0 ? still(span.first) : over(span.first);
  const all = alive && still(span.min);
  const single = over(span.max) && needed.confirmations <= 1 && needed.confirmMs <= 0;
  const reached = single || (alive && runConfirms(streak, span, all, needed));
  const held = reached || (streak.held && still(span.last));
  if (all) {
    const sinceMs = streak.count === 0 ? span.firstAtMs : streak.sinceMs;
    return { count: streak.count + span.count, sinceMs, held };
  }
  if (over(span.last)) return { count: 1, sinceMs: span.lastAtMs, held };
  const unchanged = streak.count === 0 && held === streak.held;
  return unchanged ? streak : { count: 0, sinceMs: 0, held };
}

/** A streak that something else than waiting has confirmed. */
export function heldAtOnce(streak: Streak, atMs: number): Streak {
  return streak.count > 0 ? { ...streak, held: true } : { count: 1, sinceMs: atMs, held: true };
}

/** Whether the run, with the part of this window that surely belongs to it, is long enough. */
function runConfirms(streak: Streak, span: Span, all: boolean, needed: Needed): boolean {
  const run = streak.count + (all ? span.count : 1);
  const sinceMs = streak.count === 0 ? span.firstAtMs : streak.sinceMs;
  const untilMs = all ? span.lastAtMs : span.firstAtMs;
  return run >= needed.confirmations && untilMs - sinceMs >= needed.confirmMs;
}
