/** ISO 8601 text of a wall time, without asking the system for the time. */

const MS_PER_DAY = 86_400_000;
/** 9999-12-31T23:59:59.999Z: the last instant with a four-digit year. */
const LATEST_WALL_MS = 253_402_300_799_999;

/**
 * `YYYY-MM-DDTHH:mm:ss.sssZ` for milliseconds since 1970. A time before 1970 or after 9999, which
 * only a broken clock shows, becomes the nearest instant that can be written; a fraction is cut.
 * Days to date: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days.
 */
export function isoFromWallMs(wallMs: number): string {
  const whole = Number.isFinite(wallMs) ? Math.floor(wallMs) : 0;
  const ms = Math.min(Math.max(whole, 0), LATEST_WALL_MS);
  const days = Math.floor(ms / MS_PER_DAY);
  const { year, month, day } = civilFromDays(days);
  const rest = ms - days * MS_PER_DAY;
  const hour = Math.floor(rest / 3_600_000);
  const minute = Math.floor(rest / 60_000) % 60;
  const second = Math.floor(rest / 1000) % 60;
  const date = `${digits(year, 4)}-${digits(month, 2)}-${digits(day, 2)}`;
  const time = `${digits(hour, 2)}:${digits(minute, 2)}:${digits(second, 2)}`;
  return `${date}T${time}.${digits(rest % 1000, 3)}Z`;
}

/** Years are counted from March, so that the leap day is the last of its year. */
function civilFromDays(daysSince1970: number): { year: number; month: number; day: number } {
  const shifted = daysSince1970 + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const monthFromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * monthFromMarch + 2) / 5) + 1;
  const month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}

function digits(value: number, width: number): string {
  return String(value).padStart(width, '0');
}
