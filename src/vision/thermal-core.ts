/**
 * The core of a region: what of it is above the middle between what lies behind and the peak.
 *
 * Typed arrays are read with `as number`: every index is checked against the picture first.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import { CONTRAST_CELSIUS } from './thermal-limits.ts';
import { REJECTED } from './thermal-region.ts';
import type { Region } from './thermal-region.ts';

export class CoreCounter {
  readonly #columns: number;
  readonly #rows: number;
  readonly #areaOf: Uint8Array | null;
  readonly #stack = new Uint16Array(FRAME_PIXELS);
  /** Which flood has visited a pixel. */
  readonly #visited = new Uint32Array(FRAME_PIXELS);
  #flood = 0;

  constructor(columns: number, areaOf: Uint8Array | null) {
    this.#columns = columns;
    this.#rows = FRAME_PIXELS / columns;
    this.#areaOf = areaOf;
  }

  /**
   * Pixels of the area, connected with the peak, above the middle between what lies behind and the
   * peak. Unlike `areaPixels` this has no fixed limit in it: it does not grow when a thing merely
   * gets hotter, only when heat spreads.
   */
  count(region: Region, picture: Float32Array, marks: Uint8Array): number {
    const { peakAt, peakCelsius, behindCelsius } = region;
    const depth = Math.max(peakCelsius - behindCelsius, CONTRAST_CELSIUS) / 2;
    const level = peakCelsius - depth;
    const areaOf = this.#areaOf;
    const columns = this.#columns;
    const stack = this.#stack;
    const visited = this.#visited;
    this.#flood += 1;
    const flood = this.#flood;
    let core = 0;
    let end = 0;
    stack[end++] = peakAt;
    visited[peakAt] = flood;
    while (core < end) {
      const from = stack[core++] as number;
      const row = (from / columns) | 0;
      const column = from - row * columns;
      const lastRow = row + 1 < this.#rows ? row + 1 : row;
      const firstColumn = column > 0 ? column - 1 : 0;
      const lastColumn = column + 1 < columns ? column + 1 : column;
      for (let r = row > 0 ? row - 1 : 0; r <= lastRow; r++) {
        for (let index = r * columns + firstColumn; index <= r * columns + lastColumn; index++) {
          if (visited[index] === flood || !((picture[index] as number) >= level)) continue;
          if (areaOf !== null && areaOf[index] !== region.area) continue;
          if (marks[index] === REJECTED) continue;
          visited[index] = flood;
          stack[end++] = index;
        }
      }
    }
    return core;
  }
}
