/**
 * Pictures that have stopped, and halves of them: an array can go on measuring one subpage only.
 * Sensor noise changes a living half between any two readings of it.
 *
 * Typed arrays are read with `as number`: every index is bounded by the loop around it.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import { FROZEN_FRAMES } from './thermal-limits.ts';

const HALF_KINDS = 3;

export class HalfWatch {
  readonly #columns: number;
  readonly #last = new Float32Array(FRAME_PIXELS).fill(Number.NaN);
  /** For how many frames each half has been the same: even and odd of chess, rows, columns. */
  readonly #same = new Uint32Array(2 * HALF_KINDS);
  #hasLast = false;
  /** For how many frames the whole picture has been bit for bit the same (NaN equals NaN). */
  unchangedFrames = 0;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /**
   * Takes the next picture.
   * @returns the half that has not changed for `FROZEN_FRAMES` frames while the other one has: kind
   *   (chess, rows, columns) x 2 + 1 for the odd one; -1 for none.
   */
  frozenHalf(picture: Float32Array): number {
    let changed = 0;
    const all = (1 << (2 * HALF_KINDS)) - 1;
    if (this.#hasLast) {
      const last = this.#last;
      const columns = this.#columns;
      // In a living picture the first few pixels settle it.
      for (let i = 0; i < FRAME_PIXELS && changed !== all; i++) {
        if (Object.is(picture[i], last[i])) continue;
        const row = (i / columns) | 0;
        const column = i - row * columns;
        changed |= 1 << ((row + column) & 1);
        changed |= 1 << (2 + (row & 1));
        changed |= 1 << (4 + (column & 1));
      }
    } else changed = all;
    this.#last.set(picture);
    this.#hasLast = true;
    this.unchangedFrames = changed === 0 ? this.unchangedFrames + 1 : 0;
    let frozen = -1;
    for (let half = 0; half < 2 * HALF_KINDS; half++) {
      const isSame = ((changed >> half) & 1) === 0;
      this.#same[half] = isSame ? (this.#same[half] as number) + 1 : 0;
      const otherChanged = ((changed >> (half ^ 1)) & 1) === 1;
      if ((this.#same[half] as number) >= FROZEN_FRAMES && otherChanged) frozen = half;
    }
    return frozen;
  }
}
