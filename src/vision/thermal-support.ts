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
  COOLER_CELSIUS,
  COOLER_SHARE,
  FADING_SUPPORT,
  PLAIN_CELSIUS,
  SPREAD_SUPPORT,
  STRONG_SUPPORT,
  WEAK_SUPPORT,
} from './thermal-limits.ts';
import { FRAME_PIXELS } from '../domain/frame.ts';
import { BorderWatch, isCutOff } from './thermal-border.ts';
import { isPlausible, radiance } from './thermal-light.ts';

export { isPlausible, radiance };

/**
 * Judges hot pixels of one array, frame after frame.
 *
 * A frame goes `isReal` for each hot pixel, then `accept` once, which makes it the reference for
 * the next. A frame that turned out to be unusable is not accepted.
 */
export class SupportJudge {
  readonly #columns: number;
  readonly #rows: number;
  readonly #previous = new Float32Array(FRAME_PIXELS).fill(Number.NaN);
  readonly #heldFrames = new Uint8Array(FRAME_PIXELS);
  readonly #held: number[] = [];
  readonly #kept: number[] = [];
  readonly #border: BorderWatch;
  /** Pixels that were found real (1) in this frame, and in the last accepted one. */
  #real = new Uint8Array(FRAME_PIXELS);
  #wasReal = new Uint8Array(FRAME_PIXELS);
  #anyReal = false;
  #wasHot = false;
  /** Of the real pixels of this frame, and of the last accepted one. */
  #hottestCelsius = -Infinity;
  #lastHottestCelsius = -Infinity;
  #medianCelsius = Number.NaN;
  #hasPrevious = false;
  #anyHeld = false;
  #background = 0;

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rows = rows;
    this.#border = new BorderWatch(columns);
  }

  /** The last accepted picture; null before the first. Changed by the next. */
  get previous(): Float32Array | null {
    return this.#hasPrevious ? this.#previous : null;
  }

  /** Whether a hot pixel of the last accepted picture was real. */
  get wasHot(): boolean {
    return this.#wasHot;
  }

  /** Whether the hottest real pixel is clearly colder than that of the last accepted frame. */
  get isCooler(): boolean {
    const height = this.#lastHottestCelsius - this.#medianCelsius;
    const margin = Math.max(COOLER_CELSIUS, COOLER_SHARE * height);
    return this.#hottestCelsius < this.#lastHottestCelsius - margin;
  }

  /** Starts a frame whose scene has this median. */
  begin(medianCelsius: number): void {
    this.#background = radiance(medianCelsius);
    this.#medianCelsius = medianCelsius;
    this.#border.begin();
    this.#held.length = 0;
    if (this.#anyReal) this.#real.fill(0);
    this.#anyReal = false;
    this.#hottestCelsius = -Infinity;
  }

  /**
   * Tells whether pixel `at` is a real source: supported by a neighbour along each axis, and, if it
   * has only just become hot (was below `levelCelsius`), having warmed them as well.
   */
  isReal(picture: Float32Array, at: number, levelCelsius: number): boolean {
    if (!this.#isSource(picture, at, levelCelsius)) return false;
    this.#real[at] = 1;
    this.#anyReal = true;
    const celsius = picture[at] as number;
    if (celsius > this.#hottestCelsius) this.#hottestCelsius = celsius;
    return true;
  }

  #isSource(picture: Float32Array, at: number, levelCelsius: number): boolean {
    const row = (at / this.#columns) | 0;
    const column = at - row * this.#columns;
    const celsius = picture[at] as number;
    const across = Math.max(
      usable(picture, at - 1, column > 0),
      usable(picture, at + 1, column < this.#columns - 1),
    );
    const along = Math.max(
      usable(picture, at - this.#columns, row > 0),
      usable(picture, at + this.#columns, row < this.#rows - 1),
    );
    const helper = Math.min(across, along);
    if (helper === -Infinity) {
      return (
        this.#wasRealNear(row, column) || this.#isSpread(picture, at, row, column, levelCelsius)
      );
    }
    if (helper >= celsius - PLAIN_CELSIUS) return true;
    const own = radiance(celsius) - this.#background;
    const support = radiance(helper) - this.#background;
    if (support < WEAK_SUPPORT * own) {
      const scene = { picture, previous: this.#previous, columns: this.#columns, levelCelsius };
      if (isCutOff(scene, at, this.#background)) return true;
      return this.#border.isLasting(picture, at, this.#background);
    }
    if (support < STRONG_SUPPORT * own && !this.#fades(picture, at, row, column, own)) return false;
    return this.#hasWarmed(picture, at, row, column, levelCelsius);
  }

  /** Keeps the frame as the reference for what appears in the next. */
  accept(picture: Float32Array): void {
    this.#border.accept();
    const kept = this.#kept;
    kept.length = 0;
    for (const at of this.#held) {
      for (const step of [0, -1, 1, -this.#columns, this.#columns]) {
        const index = at + step;
        if (index < 0 || index >= FRAME_PIXELS) continue;
        kept.push(index, this.#previous[index] as number);
      }
    }
    const previous = this.#previous;
    for (let i = 0; i < FRAME_PIXELS; i++) {
      const celsius = picture[i] as number;
      // A pixel without a reading keeps its last one.
      if (!Number.isNaN(celsius)) previous[i] = celsius;
    }
    this.#hasPrevious = true;
    this.#wasHot = this.#anyReal;
    this.#lastHottestCelsius = this.#hottestCelsius;
    this.#hottestCelsius = -Infinity;
    const before = this.#wasReal;
    this.#wasReal = this.#real;
    this.#real = before;
    // A quiet frame has no `begin`: what it finds here must be empty.
    this.#real.fill(0);
    this.#anyReal = false;
    for (let i = 0; i < kept.length; i += 2) {
      this.#previous[kept[i] as number] = kept[i + 1] as number;
    }
    if (this.#held.length === 0 && this.#anyHeld) {
      this.#heldFrames.fill(0);
      this.#anyHeld = false;
    }
    this.#held.length = 0;
  }

  /** Whether a pixel of the 3 x 3 was a real source in the last accepted frame. */
  #wasRealNear(row: number, column: number): boolean {
    if (!this.#wasHot) return false;
    const columns = this.#columns;
    const lastRow = Math.min(row + 1, this.#rows - 1);
    const lastColumn = Math.min(column + 1, columns - 1);
    for (let r = Math.max(row - 1, 0); r <= lastRow; r++) {
      for (let c = Math.max(column - 1, 0); c <= lastColumn; c++) {
        if (this.#wasReal[r * columns + c] === 1) return true;
      }
    }
    return false;
  }

  /**
   * Without a reading on either side of an axis: whether the light has spread to both diagonals,
   * or, where whole lines are missing, to both sides along the line.
   */
  #isSpread(
    picture: Float32Array,
    at: number,
    row: number,
    column: number,
    levelCelsius: number,
  ): boolean {
    const columns = this.#columns;
    const up = row > 0;
    const down = row < this.#rows - 1;
    const left = column > 0;
    const right = column < columns - 1;
    const before = this.#previous[at] as number;
    const celsius = picture[at] as number;
    const own = radiance(celsius) - this.#background;
    const appeared = before < levelCelsius && celsius - before >= APPEARED_CELSIUS;
    const needed = SPREAD_SUPPORT * own;
    const step = appeared ? SPREAD_SUPPORT * (radiance(celsius) - radiance(before)) : -Infinity;
    const shows = (near: number, exists: boolean): boolean =>
      usable(picture, near, exists) > -Infinity &&
      radiance(picture[near] as number) - this.#background >= needed &&
      this.#warming(picture, near, true, 0) >= step;
    const falling = shows(at - columns - 1, up && left) || shows(at + columns + 1, down && right);
    const rising = shows(at - columns + 1, up && right) || shows(at + columns - 1, down && left);
    if (falling && rising) return true;
    if (shows(at - 1, left) && shows(at + 1, right)) return true;
    return shows(at - columns, up) && shows(at + columns, down);
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
