/**
 * What pixels without a reading probably show, from their neighbours, so that a region may go on
 * through them. The lower middle of the neighbours' values: a single glitch beside a broken pixel
 * does not get a second hot pixel to lean on.
 *
 * Typed arrays are read with `as number`: every index is checked against the picture first.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import { isPlausible } from './thermal-support.ts';

export class GapFiller {
  /** The picture with its gaps filled in. */
  readonly picture = new Float32Array(FRAME_PIXELS);
  /** 1 where a value is an estimate. */
  readonly estimated = new Uint8Array(FRAME_PIXELS);
  readonly #columns: number;
  readonly #rows: number;
  readonly #near = new Float32Array(8);

  constructor(columns: number) {
    this.#columns = columns;
    this.#rows = FRAME_PIXELS / columns;
  }

  /** Copies the picture and fills what has no possible temperature; NaN where all around is NaN. */
  fill(picture: Float32Array): void {
    this.picture.set(picture);
    for (let at = 0; at < FRAME_PIXELS; at++) {
      const isGap = !isPlausible(picture[at] as number);
      this.estimated[at] = isGap ? 1 : 0;
      if (isGap) this.picture[at] = this.#estimate(picture, at);
    }
  }

  #estimate(picture: Float32Array, at: number): number {
    const columns = this.#columns;
    const row = (at / columns) | 0;
    const column = at - row * columns;
    let count = 0;
    for (let r = Math.max(row - 1, 0); r <= Math.min(row + 1, this.#rows - 1); r++) {
      for (let c = Math.max(column - 1, 0); c <= Math.min(column + 1, columns - 1); c++) {
        const celsius = picture[r * columns + c] as number;
        if (isPlausible(celsius)) this.#near[count++] = celsius;
      }
    }
    if (count === 0) return Number.NaN;
    return this.#near.subarray(0, count).sort()[(count - 1) >> 1] as number;
  }
}
