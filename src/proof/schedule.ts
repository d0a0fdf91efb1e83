/**
 * When a round of proofs is due. Once a day at a local time; a clock that is stepped neither runs
 * it twice in a day nor lets more than a day go by; one that is not right: every 24 hours. Pure.
 */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Of two rounds: a clock that is set forward must not make two of one day's. */
const CLOSEST_MS = 12 * HOUR_MS;
/** A clock that is set back must not skip one; the longest day of summer time fits in. */
const FARTHEST_MS = 25 * HOUR_MS;

export type Period =
  | { readonly kind: 'daily'; readonly minute: number }
  | { readonly kind: 'every'; readonly ms: number };

/** Now, as far as it is known. */
export interface Moment {
  readonly monotonicMs: number;
  /** Local date, such as `2026-03-29`, and minutes after midnight; null: the clock is not right. */
  readonly local: { readonly day: string; readonly minute: number } | null;
}

export interface LastRound {
  /** Local date of the last round; null where it is not known. */
  readonly day: string | null;
  /** On the monotonic clock of now; negative for one before the start. */
  readonly monotonicMs: number;
}

/**
 * @param last the round before this one; null: none is known
 * @param startedMs when the appliance started
 */
export function isRoundDue(
  period: Period,
  now: Moment,
  last: LastRound | null,
  startedMs: number,
): boolean {
  const sinceMs = now.monotonicMs - (last?.monotonicMs ?? startedMs);
  if (period.kind === 'every') return sinceMs >= period.ms;
  if (now.local === null) return sinceMs >= DAY_MS;
  if (sinceMs >= FARTHEST_MS) return true;
  const isToday = now.local.minute >= period.minute && now.local.day !== last?.day;
  if (last === null) {
    // Started after today's time: tomorrow is soon enough, and nobody expects a siren now.
    return isToday && now.local.minute < period.minute + STARTED_SINCE_MINUTES;
  }
  return isToday && sinceMs >= CLOSEST_MS;
}

/** How long after its time a first round may still begin. */
const STARTED_SINCE_MINUTES = 10;

/** From when on a zone without a success is overdue: two periods. */
export function overdueAfterMs(period: Period): number {
  return 2 * (period.kind === 'every' ? period.ms : DAY_MS);
}

/** Reads local date and time off a wall clock. */
export function localClock(timezone: string): (wallMs: number) => NonNullable<Moment['local']> {
  const format = new Intl.DateTimeFormat('en-CA', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return (wallMs) => {
    const parts = new Map(format.formatToParts(wallMs).map(({ type, value }) => [type, value]));
    const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? '';
    return {
      day: `${part('year')}-${part('month')}-${part('day')}`,
      minute: Number(part('hour')) * 60 + Number(part('minute')),
    };
  };
}
