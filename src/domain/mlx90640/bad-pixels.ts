/**
 * Pixels without a temperature of their own: interpolated from their neighbours, and reported.
 *
 * Typed arrays are read with `as number`: every index here is below the length by construction.
 */
import { ARRAY_COLUMNS, ARRAY_PIXELS, ARRAY_ROWS } from './words.ts';

/**
 * The bad pixels of one array and of its current frame. A bad pixel gets the mean of those of its
 * up to eight neighbours that are good themselves: half of them belong to either subpage, so a
 * difference between the subpages does not show. Without a good neighbour it stays NaN.
 */
export class BadPixelRepair {
  /** Indices of the bad pixels; the first `count` are valid. Those of the EEPROM come first. */
  readonly indices = new Uint16Array(ARRAY_PIXELS);
  count: number;
  readonly #listed: number;
  readonly #isBad = new Uint8Array(ARRAY_PIXELS);

  /** @param listed indices that the calibration names, each at most once */
  constructor(listed: readonly number[]) {
    this.indices.set(listed);
    this.count = listed.length;
    this.#listed = listed.length;
    for (const index of listed) this.#isBad[index] = 1;
  }

  /** Repairs `celsius` in place; pixels that are NaN join the calibration's for this frame. */
  repair(celsius: Float32Array, hasMissing: boolean): void {
    this.#forgetFrame();
    if (hasMissing) this.#collectMissing(celsius);
    for (let at = 0; at < this.count; at++) {
      const index = this.indices[at] as number;
      celsius[index] = this.#meanOfGoodNeighbours(celsius, index);
    }
  }

  #forgetFrame(): void {
    for (let at = this.#listed; at < this.count; at++) {
      this.#isBad[this.indices[at] as number] = 0;
    }
    this.count = this.#listed;
  }

  #collectMissing(celsius: Float32Array): void {
    for (let index = 0; index < ARRAY_PIXELS; index++) {
      if (!Number.isNaN(celsius[index]) || this.#isBad[index] === 1) continue;
      this.#isBad[index] = 1;
      this.indices[this.count] = index;
      this.count += 1;
    }
  }

  #meanOfGoodNeighbours(celsius: Float32Array, index: number): number {
    const row = Math.floor(index / ARRAY_COLUMNS);
    const column = index % ARRAY_COLUMNS;
    let sum = 0;
    let good = 0;
    for (let y = Math.max(0, row - 1); y <= Math.min(ARRAY_ROWS - 1, row + 1); y++) {
      for (let x = Math.max(0, column - 1); x <= Math.min(ARRAY_COLUMNS - 1, column + 1); x++) {
        const neighbour = y * ARRAY_COLUMNS + x;
        if (this.#isBad[neighbour] === 1) continue;
        sum += celsius[neighbour] as number;
        good += 1;
      }
    }
    return sum / good;
  }
}
