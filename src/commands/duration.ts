/** Lengths of time on the command line: `90s`, `30m`, `2h`, `1h30m`. */

const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000 } as const;
const HINT = 'write a time such as 90s, 30m, 2h or 1h30m';

/**
 * @returns milliseconds, above 0
 * @throws RangeError that says what would be right
 */
export function duration(text: string): number {
  const trimmed = text.trim().toLowerCase();
  if (/^\d+(\.\d+)?$/.test(trimmed)) {
    throw new RangeError(`"${text}" has no unit: ${HINT}`);
  }
  const parts =
    /^(?:(\d{1,6}(?:\.\d+)?)h)?(?:(\d{1,6}(?:\.\d+)?)m)?(?:(\d{1,6}(?:\.\d+)?)s)?$/.exec(trimmed);
  if (parts === null || trimmed === '') throw new RangeError(`"${text}" is no time: ${HINT}`);
  const [, hours = '0', minutes = '0', seconds = '0'] = parts;
  const ms = Number(hours) * UNIT_MS.h + Number(minutes) * UNIT_MS.m + Number(seconds) * UNIT_MS.s;
  if (!(ms > 0)) throw new RangeError(`"${text}" is no time at all: ${HINT}`);
  return Math.round(ms);
}

/** A length of time for people: `45 s`, `30 min`, `1.5 h`. */
export function durationText(ms: number): string {
  if (ms < 120_000) return `${Math.max(0, Math.round(ms / 1000))} s`;
  if (ms < 7_200_000) return `${Math.round(ms / 60_000)} min`;
  return `${Number((ms / 3_600_000).toFixed(1))} h`;
}
