/**
 * Which telemetry rows may be merged or dropped without a reader counting a reading twice. A row
 * that a reader has been handed may be published although it is not acknowledged yet, and a merged
 * row must not sum up what one side of a reader's position has had and the other has not. Pure.
 */

/** Rows above `after`, up to and with `upTo`. */
export interface RowRange {
  readonly after: number;
  readonly upTo: number;
}

/** Readers are told apart by how they go on: each asks for what follows its last answer. */
const MOST_STREAMS = 32;

/** How far each reader has been handed rows since the database was opened. */
export class HandedOut {
  #ends: number[] = [];

  /** A reader that had everything up to `after` was given rows up to `upTo`. */
  note(after: number, upTo: number): void {
    const at = this.#ends.indexOf(after);
    if (at >= 0) this.#ends.splice(at, 1);
    this.#ends.push(upTo);
    if (this.#ends.length > MOST_STREAMS) this.#ends.shift();
  }

  get ends(): readonly number[] {
    return this.#ends;
  }
}

/**
 * @param positions acknowledged rows of each reader that counts
 * @param ends how far readers were handed rows, acknowledged or not
 * @param last the newest row
 * @returns ranges in order; none of them holds a row in a reader's hands or crosses a position.
 */
export function freeRanges(
  positions: readonly number[],
  ends: readonly number[],
  last: number,
): readonly RowRange[] {
  const cuts = [...new Set(positions.map((row) => Math.min(row, last)))].sort((a, b) => a - b);
  const ranges: RowRange[] = [];
  let from = 0;
  for (const [i, position] of cuts.entries()) {
    if (position > from) ranges.push({ after: from, upTo: position });
    from = Math.max(from, handedFrom(position, cuts[i + 1] ?? last, ends));
  }
  if (last > from) ranges.push({ after: from, upTo: last });
  return ranges;
}

/** Up to where rows above a position are in hands, looking no further than `limit`. */
function handedFrom(position: number, limit: number, ends: readonly number[]): number {
  const ahead = ends.filter((end) => end > position);
  if (ahead.length === 0) return position;
  const near = ahead.filter((end) => end <= limit);
  return near.length === 0 ? limit : Math.max(...near);
}

/** The part of a range above a row; null when nothing is left. */
export function above(range: RowRange, row: number): RowRange | null {
  const after = Math.max(range.after, row);
  return after < range.upTo ? { ...range, after } : null;
}
