/**
 * Counts consecutive readings over a limit when only first, last, min, max and count of each window
 * are known. It counts what is certain:
 *
 * - a window that lies over the limit altogether adds all its readings;
 * - in a mixed window the first reading ends the run before it, any reading is a run of one, and
 *   the last one starts the next run.
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
  /** Readings of the present run, 0 when the last reading was under the limit. */
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
 * @param still whether a value keeps a confirmed limit held (the limit less its hysteresis).
 */
export function advanceStreak(
  streak: Streak,
  span: Span,
  over: (value: number) => boolean,
  still: (value: number) => boolean,
  needed: Needed,
): Streak {
  if (!over(span.max)) {
    const held = streak.held && still(span.last);
    return streak.count === 0 && held === streak.held ? streak : { count: 0, sinceMs: 0, held };
  }
  const all = over(span.min);
  const reached =
    leadConfirms(streak, span, all, over, needed) ||
    (needed.confirmations <= 1 && needed.confirmMs <= 0);
  const held = reached || (streak.held && still(span.last));
  if (all) {
    const fresh = streak.count === 0;
    return {
      count: streak.count + span.count,
      sinceMs: fresh ? span.firstAtMs : streak.sinceMs,
      held,
    };
  }
  if (over(span.last)) return { count: 1, sinceMs: span.lastAtMs, held };
  return { count: 0, sinceMs: 0, held };
}

function leadConfirms(
  streak: Streak,
  span: Span,
  all: boolean,
  over: (value: number) => boolean,
  needed: Needed,
): boolean {
  if (!all && !over(span.first)) return false;
  const run = streak.count + (all ? span.count : 1);
  const sinceMs = streak.count === 0 ? span.firstAtMs : streak.sinceMs;
  const untilMs = all ? span.lastAtMs : span.firstAtMs;
  return run >= needed.confirmations && untilMs - sinceMs >= needed.confirmMs;
}
