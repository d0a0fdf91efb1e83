/**
 * Is a hot pixel real? Judged in space and between subpages, by what optics must do to the
 * neighbours of a real source (see `WEAK_SUPPORT`), in radiance (fourth power of the absolute
 * temperature), where shares of light add up.
 *
 * Typed arrays are read with `as number`: every index is checked against the picture first.
 */
import {
  APPEARED_CELSIUS,
  APPEARED_FRAMES,
  APPEARED_SUPPORT,
  FADING_SUPPORT,
  HIGHEST_CELSIUS,
  LOWEST_CELSIUS,
  PLAIN_CELSIUS,
  STRONG_SUPPORT,
  WEAK_SUPPORT,
} from './thermal-limits.ts';
import { FRAME_PIXELS } from '../domain/frame.ts';

/** Tells whether a value can be a temperature that the array has seen; false for NaN. */
export function isPlausible(celsius: number): boolean {
  return celsius >= LOWEST_CELSIUS && celsius <= HIGHEST_CELSIUS;
}

/** Total radiance of a black surface, without its constant: kelvins to the fourth power. */
export function radiance(celsius: number): number {
  const kelvin = celsius + 273.15;
  const square = kelvin * kelvin;
  return square * square;
}

/**
 * Judges hot pixels of one array, frame after frame.
 *
 * A frame goes `isReal` for each hot pixel, then `accept` once, which makes it the reference for
 * the next. A frame that turned out to be unusable is not accepted.
 */
export class SupportJudge {
  readonly #columns: number;
  readonly #rows: number;
  readonly #previous = new Float32Array(FRAME_PIXELS);
  readonly #heldFrames = new Uint8Array(FRAME_PIXELS);
  readonly #held: number[] = [];
  readonly #kept: number[] = [];
  #hasPrevious = false;
  #anyHeld = false;
  #background = 0;

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
  }

  /** Starts a frame whose scene has this median. */
  begin(medianCelsius: number): void {
    this.#background = radiance(medianCelsius);
    this.#held.length = 0;
  }

  /**
   * Tells whether pixel `at` is a real source: supported by a neighbour along each axis, and, if it
   * has only just become hot (was below `levelCelsius`), having warmed them as well.
   */
  isReal(picture: Float32Array, at: number, levelCelsius: number): boolean {
    const row = (at / this.#columns) | 0;
    const column = at - row * this.#columns;
    const celsius = picture[at] as number;
    const helper = Math.min(
      Math.max(
        usable(picture, at - 1, column > 0),
        usable(picture, at + 1, column < this.#columns - 1),
      ),
      Math.max(
        usable(picture, at - this.#columns, row > 0),
        usable(picture, at + this.#columns, row < this.#rows - 1),
      ),
    );
    if (helper === -Infinity) return false;
    if (helper >= celsius - PLAIN_CELSIUS) return true;
    const own = radiance(celsius) - this.#background;
    const support = radiance(helper) - this.#background;
    if (support < WEAK_SUPPORT * own) return false;
    if (support < STRONG_SUPPORT * own && !this.#fades(picture, at, row, column, own)) return false;
    return this.#hasWarmed(picture, at, row, column, levelCelsius);
  }

  /** Keeps the frame as the reference for what appears in the next. */
  accept(picture: Float32Array): void {
    const kept = this.#kept;
    kept.length = 0;
    for (const at of this.#held) {
      for (const step of [0, -1, 1, -this.#columns, this.#columns]) {
        const index = at + step;
        if (index < 0 || index >= FRAME_PIXELS) continue;
        kept.push(index, this.#previous[index] as number);
      }
    }
    this.#previous.set(picture);
    this.#hasPrevious = true;
    for (let i = 0; i < kept.length; i += 2) {
      this.#previous[kept[i] as number] = kept[i + 1] as number;
    }
    if (this.#held.length === 0 && this.#anyHeld) {
      this.#heldFrames.fill(0);
      this.#anyHeld = false;
    }
  }

  /** Tells whether the picture is bit for bit the accepted one (NaN equals NaN). */
  isUnchanged(picture: Float32Array): boolean {
    if (!this.#hasPrevious) return false;
    const previous = this.#previous;
    for (let i = 0; i < FRAME_PIXELS; i++) {
      if (!Object.is(picture[i], previous[i])) return false;
    }
    return true;
  }

  #fades(picture: Float32Array, at: number, row: number, column: number, own: number): boolean {
    const across = Math.max(
      this.#fade(picture, at, column, -1),
      this.#fade(picture, at, this.#columns - 1 - column, 1),
    );
    const along = Math.max(
      this.#fade(picture, at, row, -this.#columns),
      this.#fade(picture, at, this.#rows - 1 - row, this.#columns),
    );
    return Math.min(across, along) >= FADING_SUPPORT * own;
  }

  /** By how much the neighbour one `step` away outshines the scene and the pixel behind it. */
  #fade(picture: Float32Array, at: number, room: number, step: number): number {
    if (room < 1) return -Infinity;
    const near = picture[at + step] as number;
    if (!isPlausible(near)) return -Infinity;
    let behind = this.#background;
    if (room >= 2) {
      const far = picture[at + 2 * step] as number;
      if (isPlausible(far)) behind = Math.max(behind, radiance(far));
    }
    return radiance(near) - behind;
  }

  #hasWarmed(
    picture: Float32Array,
    at: number,
    row: number,
    column: number,
    levelCelsius: number,
  ): boolean {
    if (!this.#hasPrevious) return true;
    const before = this.#previous[at] as number;
    const now = picture[at] as number;
    if (!isPlausible(before) || before >= levelCelsius) return true;
    if (now - before < APPEARED_CELSIUS) return true;
    const needed = APPEARED_SUPPORT * (radiance(now) - radiance(before));
    const across = Math.max(
      this.#warming(picture, at, column > 0, -1),
      this.#warming(picture, at, column < this.#columns - 1, 1),
    );
    const along = Math.max(
      this.#warming(picture, at, row > 0, -this.#columns),
      this.#warming(picture, at, row < this.#rows - 1, this.#columns),
    );
    if (Math.min(across, along) >= needed) return true;
    const frames = (this.#heldFrames[at] as number) + 1;
    if (frames > APPEARED_FRAMES) return true;
    this.#heldFrames[at] = frames;
    this.#anyHeld = true;
    this.#held.push(at);
    return false;
  }

  #warming(picture: Float32Array, at: number, exists: boolean, step: number): number {
    if (!exists) return -Infinity;
    const now = picture[at + step] as number;
    const before = this.#previous[at + step] as number;
    if (!isPlausible(now)) return -Infinity;
    return radiance(now) - (isPlausible(before) ? radiance(before) : this.#background);
  }
}

function usable(picture: Float32Array, at: number, exists: boolean): number {
  if (!exists) return -Infinity;
  const celsius = picture[at] as number;
  return isPlausible(celsius) ? celsius : -Infinity;
}
