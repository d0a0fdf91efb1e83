/**
 * The warmest believable pixel of each area where no region stands out, and how much of an area can
 * be seen at all.
 *
 * Typed arrays are read with `as number`: every index is checked against the picture first.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import type { AreaMap } from './areas.ts';
import { IGNORED } from './areas.ts';
import { LONE_PIXEL_CELSIUS, LONE_PIXELS } from './thermal-limits.ts';
import { REJECTED } from './thermal-region.ts';
import { isPlausible } from './thermal-support.ts';

export class AreaMaxima {
  readonly #columns: number;
  readonly #areaOf: Uint8Array | null;
  readonly #max: Float64Array;
  readonly #maxAt: Int16Array;
  readonly #usable: Uint16Array;

  constructor(columns: number, areas: AreaMap) {
    this.#columns = columns;
    this.#areaOf = areas.areaOf;
    const count = areas.channels.length;
    this.#max = new Float64Array(count);
    this.#maxAt = new Int16Array(count);
    this.#usable = new Uint16Array(count);
  }

  /** Takes what a survey of a picture without areas has found already. */
  takeWhole(maxCelsius: number, maxAt: number, usablePixels: number): void {
    this.#max[0] = maxCelsius;
    this.#maxAt[0] = maxAt;
    this.#usable[0] = usablePixels;
  }

  /** Looks at each pixel once. @param marks of which `REJECTED` pixels are left out, or null. */
  take(picture: Float32Array, marks: Uint8Array | null): void {
    const areaOf = this.#areaOf;
    this.#max.fill(-Infinity);
    this.#maxAt.fill(-1);
    this.#usable.fill(0);
    for (let at = 0; at < FRAME_PIXELS; at++) {
      const celsius = picture[at] as number;
      const area = areaOf === null ? 0 : (areaOf[at] as number);
      if (area === IGNORED || !isPlausible(celsius)) continue;
      if (marks !== null && marks[at] === REJECTED) continue;
      this.#usable[area] = (this.#usable[area] as number) + 1;
      if (celsius <= (this.#max[area] as number)) continue;
      this.#max[area] = celsius;
      this.#maxAt[area] = at;
    }
  }

  /** Pixels of an area that have a possible temperature and are no glitch. */
  usablePixels(area: number): number {
    return this.#usable[area] as number;
  }

  /**
   * The maximum of an area without pixels that stand alone above all their neighbours; -Infinity
   * when the area has no usable pixel.
   */
  maxCelsius(picture: Float32Array, area: number): number {
    let ceiling = this.#max[area] as number;
    let at = this.#maxAt[area] as number;
    for (let tries = 0; tries < LONE_PIXELS; tries++) {
      if (at < 0 || ceiling - this.#warmestNeighbour(picture, at) <= LONE_PIXEL_CELSIUS) break;
      let next = -Infinity;
      for (let i = 0; i < FRAME_PIXELS; i++) {
        const celsius = picture[i] as number;
        if (!(celsius > next && celsius < ceiling) || !isPlausible(celsius)) continue;
        if (this.#areaOf !== null && this.#areaOf[i] !== area) continue;
        next = celsius;
        at = i;
      }
      if (next === -Infinity) break;
      ceiling = next;
    }
    return ceiling;
  }

  #warmestNeighbour(picture: Float32Array, at: number): number {
    const columns = this.#columns;
    const column = at % columns;
    let warmest = -Infinity;
    if (column > 0) warmest = Math.max(warmest, usable(picture[at - 1]));
    if (column < columns - 1) warmest = Math.max(warmest, usable(picture[at + 1]));
    if (at >= columns) warmest = Math.max(warmest, usable(picture[at - columns]));
    if (at < FRAME_PIXELS - columns) warmest = Math.max(warmest, usable(picture[at + columns]));
    return warmest;
  }
}

function usable(celsius: number | undefined): number {
  return celsius !== undefined && isPlausible(celsius) ? celsius : -Infinity;
}
