/**
 * Small sums that the features are made of. Everything is finite for finite input, and depends on
 * differences of times only.
 *
 * Numbers are read with `as number`: every index is bounded by the loop around it.
 */

/** Equal parts of a window in time that are averaged before a slope is taken. */
export const MOST_PARTS = 8;

/** Means of equal parts of a window in time, oldest first; parts without a sample are left out. */
export interface Parts {
  readonly count: number;
  /** Seconds before the newest sample, so at most 0. */
  readonly seconds: readonly number[];
  /** Column by column, `MOST_PARTS` apart. */
  readonly means: readonly number[];
}

/**
 * Averages samples into at most `MOST_PARTS` parts.
 *
 * @param seconds of each sample before the newest, oldest first, at most 0.
 * @param columns values to average, each as long as `seconds`.
 */
export function partsOf(
  seconds: readonly number[],
  columns: readonly (readonly number[])[],
): Parts {
  const samples = seconds.length;
  const wanted = Math.min(MOST_PARTS, samples);
  const oldest = seconds[0] ?? 0;
  const width = -oldest / wanted;
  const means = new Array<number>(MOST_PARTS * columns.length).fill(0);
  const middles: number[] = [];
  let from = 0;
  for (let part = 0; part < wanted && from < samples; part++) {
    const end = part === wanted - 1 ? Infinity : oldest + (part + 1) * width;
    let to = from;
    while (to < samples && ((seconds[to] as number) < end || to === 0)) to += 1;
    if (to === from) continue;
    for (let c = 0; c < columns.length; c++) {
      means[c * MOST_PARTS + middles.length] = mean(columns[c] as readonly number[], from, to);
    }
    middles.push(mean(seconds, from, to));
    from = to;
  }
  return { count: middles.length, seconds: middles, means };
}

function mean(values: readonly number[], from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i] as number;
  return sum / (to - from);
}

/**
 * Slope per minute of column `column` over parts `from` (included) to `to` (excluded): the median
 * of the slopes of all pairs (Theil and Sen), which one odd part does not move. 0 with fewer than
 * two parts.
 */
export function slopePerMinute(parts: Parts, column: number, from: number, to: number): number {
  const slopes: number[] = [];
  const offset = column * MOST_PARTS;
  for (let a = from; a < to; a++) {
    for (let b = a + 1; b < to; b++) {
      const seconds = (parts.seconds[b] as number) - (parts.seconds[a] as number);
      if (seconds <= 0) continue;
      const rise = (parts.means[offset + b] as number) - (parts.means[offset + a] as number);
      slopes.push((rise * 60) / seconds);
    }
  }
  return medianOf(slopes);
}

/** Median; sorts what it is given. 0 of nothing. */
export function medianOf(values: number[] | Float64Array): number {
  if (values.length === 0) return 0;
  if (values instanceof Float64Array) values.sort();
  else sortFew(values);
  const middle = values.length >> 1;
  return values.length % 2 === 1
    ? (values[middle] as number)
    : ((values[middle - 1] as number) + (values[middle] as number)) / 2;
}

/** By insertion: for some dozen numbers the quickest. NaN stays where it is met. */
function sortFew(values: number[]): void {
  for (let i = 1; i < values.length; i++) {
    const value = values[i] as number;
    let at = i;
    while (at > 0 && (values[at - 1] as number) > value) {
      values[at] = values[at - 1] as number;
      at -= 1;
    }
    values[at] = value;
  }
}

/** Median of |N(0,1)|, times the deviation of a second difference of independent samples. */
const SECOND_DIFFERENCE = 0.6745 * Math.sqrt(6);

/**
 * Standard deviation of a value around its own trend, from the median of second differences, which
 * a trend does not enter and a few steps cannot dominate. 0 with fewer than three samples.
 */
export function restlessness(values: readonly number[], from: number): number {
  const count = values.length - from - 2;
  if (count < 1) return 0;
  const wobbles: number[] = [];
  for (let i = 0; i < count; i++) {
    const a = values[from + i] as number;
    const b = values[from + i + 1] as number;
    const c = values[from + i + 2] as number;
    wobbles.push(Math.abs(a - 2 * b + c));
  }
  return medianOf(wobbles) / SECOND_DIFFERENCE;
}

/**
 * Half the mean square of steps over the variance around the straight line (von Neumann): near 1
 * when every sample is independent of the last, near 0 when the value drifts smoothly. 0..2; 0 with
 * fewer than four samples.
 */
export function roughness(
  seconds: readonly number[],
  values: readonly number[],
  from: number,
): number {
  const count = values.length - from;
  if (count < 4) return 0;
  const middleSeconds = mean(seconds, from, values.length);
  const middleValue = mean(values, from, values.length);
  let across = 0;
  let along = 0;
  for (let i = from; i < values.length; i++) {
    const s = (seconds[i] as number) - middleSeconds;
    across += s * ((values[i] as number) - middleValue);
    along += s * s;
  }
  const slope = along > 0 ? across / along : 0;
  let steps = 0;
  let squares = 0;
  let before = 0;
  for (let i = from; i < values.length; i++) {
    const away =
      (values[i] as number) - middleValue - slope * ((seconds[i] as number) - middleSeconds);
    squares += away * away;
    if (i > from) steps += (away - before) * (away - before);
    before = away;
  }
  return squares <= 1e-12 ? 0 : Math.min(steps / (2 * squares), 2);
}

/**
 * Deviation from the parabola that fits best: unlike second differences, a smooth rise leaves
 * nothing even where samples are far apart. 0 with fewer than five samples.
 */
export function unsmoothness(
  seconds: readonly number[],
  values: readonly number[],
  from: number,
): number {
  const count = values.length - from;
  if (count < 5) return 0;
  const reach = Math.max(-(seconds[from] as number) / 2, 1e-3);
  // Orthogonal in turn: constant, straight line, parabola over -1..1.
  const rest: number[] = [];
  const flat: number[] = [];
  const line: number[] = [];
  const curve: number[] = [];
  for (let i = from; i < values.length; i++) {
    const x = (seconds[i] as number) / reach + 1;
    rest.push(values[i] as number);
    flat.push(1);
    line.push(x);
    curve.push(x * x);
  }
  for (const target of [line, curve, rest]) removeShare(target, flat);
  for (const target of [curve, rest]) removeShare(target, line);
  removeShare(rest, curve);
  let squares = 0;
  for (let i = 0; i < count; i++) squares += (rest[i] as number) ** 2;
  return Math.sqrt(squares / (count - 3));
}

/** Takes out of `target` what is along `direction`. */
function removeShare(target: number[], direction: readonly number[]): void {
  let along = 0;
  let size = 0;
  for (let i = 0; i < target.length; i++) {
    along += (target[i] as number) * (direction[i] as number);
    size += (direction[i] as number) ** 2;
  }
  if (size <= 1e-12) return;
  for (let i = 0; i < target.length; i++) {
    target[i] = (target[i] as number) - (along / size) * (direction[i] as number);
  }
}

/** Way from first to last value over the way in all: 1 only up, -1 only down, 0 to and fro. */
export function straightness(values: readonly number[], from: number): number {
  let way = 0;
  for (let i = from + 1; i < values.length; i++) {
    way += Math.abs((values[i] as number) - (values[i - 1] as number));
  }
  const net = (values[values.length - 1] as number) - (values[from] as number);
  return way <= 1e-9 ? 0 : net / way;
}

/** How much faster `late` is than `early`, -1..1; near 0 while both are small against `scale`. */
export function quickening(late: number, early: number, scale: number): number {
  return (late - early) / (Math.abs(late) + Math.abs(early) + scale);
}
