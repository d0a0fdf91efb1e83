/** Stages of a roll-out as an appliance sees them: its place in the crowd, and its hours; pure. */
import { createHash } from 'node:crypto';

/** Daily hours, minutes after midnight; `from` above `to` goes over midnight. */
export interface DailyWindow {
  readonly fromMinute: number;
  readonly toMinute: number;
  /** False: local time of the site. */
  readonly utc: boolean;
}

/**
 * Place of an appliance in a roll-out, 0 (inclusive) to 100 (exclusive): always the same for one
 * version, another one for the next, so that not the same appliances are first each time.
 */
export function placeOf(deviceId: string, version: string): number {
  const digest = createHash('sha256').update(`embereye-rollout\n${deviceId}\n${version}`).digest();
  return (digest.readUInt32BE(0) / 2 ** 32) * 100;
}

/** Whoever is among the first so many percent is also among the first of any larger number. */
export function isAmong(deviceId: string, version: string, percentage: number): boolean {
  return placeOf(deviceId, version) < percentage;
}

const TIME = /^([01]\d|2[0-3]):([0-5]\d)$/;

/** Null where they are no two different times as `HH:MM`. */
export function windowOf(from: unknown, to: unknown, utc: boolean): DailyWindow | null {
  const fromMinute = minuteOf(from);
  const toMinute = minuteOf(to);
  if (fromMinute === null || toMinute === null || fromMinute === toMinute) return null;
  return { fromMinute, toMinute, utc };
}

function minuteOf(value: unknown): number | null {
  const [, hours, minutes] = (typeof value === 'string' ? TIME.exec(value) : null) ?? [];
  return hours === undefined ? null : Number(hours) * 60 + Number(minutes);
}

/** Whether a minute of the day lies within: not before `from`, before `to`. */
export function isWithin({ fromMinute, toMinute }: DailyWindow, minute: number): boolean {
  return fromMinute < toMinute
    ? minute >= fromMinute && minute < toMinute
    : minute >= fromMinute || minute < toMinute;
}

export function windowText({ fromMinute, toMinute, utc }: DailyWindow): string {
  const time = (minute: number): string => `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
  return `${time(fromMinute)}..${time(toMinute)} ${utc ? 'UTC' : 'local time'}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/**
 * Minute of the day at a wall time.
 * @param timezone IANA name of the site's; null: that of the machine. Not asked in UTC.
 */
export function minuteOfDay(wallMs: number, { utc }: DailyWindow, timezone: string | null): number {
  const zone = utc ? 'UTC' : timezone;
  const format = new Intl.DateTimeFormat('en-US', {
    ...(zone === null ? {} : { timeZone: zone }),
    ...{ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  });
  const parts = format.formatToParts(wallMs);
  const number = (type: string): number => Number(parts.find((one) => one.type === type)?.value);
  return number('hour') * 60 + number('minute');
}
