/**
 * How fast a reading rises, from a few averages in time. The rate is the mean slope of the gentler
 * half of the intervals between them: a fire climbs in nearly all of them, while a puff of steam, a
 * door or a cable that moves is one or two steep ones and leaves nothing.
 */

/** Two readings of a 4.09 s board are averaged, and as many as come in that time of any other. */
const BIN_MS = 8_000;
/** Half a minute: a fire of 12 % a minute has then gone a good third of the way to its limit. */
const BINS = 5;
/** Slower channels look back further, and no further than this. */
const LONGEST_MS = 300_000;
const BINS_NEEDED = 4;
const SPAN_NEEDED_MS = 20_000;

interface Bin {
  readonly startMs: number;
  readonly sumMs: number;
  readonly sum: number;
  readonly count: number;
}

/** Averages of the last readings, oldest first. */
export interface Rise {
  readonly bins: readonly Bin[];
}

export const NO_RISE: Rise = { bins: [] };

/** Takes one reading in; time that goes back begins anew. */
export function followRise({ bins }: Rise, value: number, atMs: number): Rise {
  const last = bins.at(-1);
  if (last === undefined || atMs < last.startMs) return { bins: [only(value, atMs)] };
  if (atMs - last.startMs < BIN_MS) {
    const { startMs, sumMs, sum, count } = last;
    const grown = { startMs, sumMs: sumMs + atMs, sum: sum + value, count: count + 1 };
    return { bins: bins.with(-1, grown) };
  }
  const recent = bins.slice(-(BINS - 1)).filter((bin) => atMs - bin.startMs <= LONGEST_MS);
  return { bins: [...recent, only(value, atMs)] };
}

function only(value: number, atMs: number): Bin {
  return { startMs: atMs, sumMs: atMs, sum: value, count: 1 };
}

export interface RiseRate {
  readonly perMinute: number;
  /** From the oldest average to the newest. */
  readonly gained: number;
}

/** The rate, per minute; null until enough has been seen. */
export function riseRate({ bins }: Rise): RiseRate | null {
  const first = bins[0];
  const last = bins.at(-1);
  if (first === undefined || last === undefined || bins.length < BINS_NEEDED) return null;
  if (timeOf(last) - timeOf(first) < SPAN_NEEDED_MS) return null;
  const slopes = bins.slice(1).map((bin, i) => {
    const before = bins[i] ?? bin;
    return ((meanOf(bin) - meanOf(before)) * 60_000) / (timeOf(bin) - timeOf(before));
  });
  const gentle = slopes.sort((a, b) => a - b).slice(0, Math.floor(slopes.length / 2));
  const sum = gentle.reduce((total, slope) => total + slope, 0);
  return { perMinute: sum / gentle.length, gained: meanOf(last) - meanOf(first) };
}

function timeOf(bin: Bin): number {
  return bin.sumMs / bin.count;
}

function meanOf(bin: Bin): number {
  return bin.sum / bin.count;
}
