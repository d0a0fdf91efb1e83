/**
 * The site's hours: whether people are at work. Local time comes from the IANA time zone, so summer
 * time needs no setting: a period is a span of local clock times, whatever the clock does in it.
 */
import type { Config } from './config-schema.ts';
import { DAYS } from './config-regions.ts';
import type { ClockQuality } from './domain/event.ts';
import type { Clock } from './domain/ports.ts';
import type { Hours } from './domain/step.ts';

const MINUTE_MS = 60_000;
const DAY_MINUTES = 1440;

/** A span of one day's local time, minutes after midnight; `from` < `to` <= 1440. */
interface Period {
  /** 0 is Monday. */
  readonly day: number;
  readonly from: number;
  readonly to: number;
}

/** Working hours, ready to be asked. */
export interface Schedule {
  readonly local: Intl.DateTimeFormat;
  readonly periods: readonly Period[];
}

type HoursConfig = NonNullable<Config['hours']>;

/** Whether the time zone is in the IANA list of this machine. */
export function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** Minutes after midnight of "07:30"; "24:00" is the end of the day. */
export function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number);
  return hours * 60 + minutes;
}

/**
 * Prepares checked hours. A period that ends no later than it begins ends on the next day.
 * @throws RangeError for a time zone that does not exist: check it with `isTimezone` first.
 */
export function scheduleOf({ timezone, working }: HoursConfig): Schedule {
  const periods = working.flatMap(({ days, from, to }) =>
    days.flatMap((name): Period[] => {
      const day = DAYS.indexOf(name);
      const begins = minutesOf(from);
      const ends = minutesOf(to);
      if (begins < ends) return [{ day, from: begins, to: ends }];
      return [
        { day, from: begins, to: DAY_MINUTES },
        { day: (day + 1) % DAYS.length, from: 0, to: ends },
      ];
    }),
  );
  const local = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    weekday: 'long',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  return { local, periods };
}

/**
 * Whether people are at work. Pure.
 * @param wallMs milliseconds since 1970, UTC.
 */
export function hoursAt(wallMs: number, { local, periods }: Schedule): 'working' | 'off' {
  let day = -1;
  let minute = 0;
  for (const { type, value } of local.formatToParts(wallMs)) {
    if (type === 'weekday') day = DAYS.findIndex((name) => name === value.toLowerCase());
    else if (type === 'hour') minute += Number(value) * 60;
    else if (type === 'minute') minute += Number(value);
  }
  const isIn = (period: Period) =>
    period.day === day && period.from <= minute && minute < period.to;
  return periods.some(isIn) ? 'working' : 'off';
}

/**
 * What the step asks each time: costs a division, and a look at the calendar once a minute.
 * `unknown` as long as the clock cannot be trusted; null where the site has no hours.
 */
export function siteHours(
  config: Config,
  clock: Pick<Clock, 'wallMs'>,
  quality: () => ClockQuality,
): () => Hours | null {
  if (config.hours === null) return () => null;
  const schedule = scheduleOf(config.hours);
  let minute = Number.NaN;
  let known: 'working' | 'off' = 'off';
  return () => {
    if (quality() !== 'synchronised') return 'unknown';
    const now = Math.floor(clock.wallMs() / MINUTE_MS);
    if (now !== minute) {
      known = hoursAt(now * MINUTE_MS, schedule);
      minute = now;
    }
    return known;
  };
}
