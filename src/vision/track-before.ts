/**
 * Pictures of the last seconds, a few seconds apart: what a place showed before a region appeared
 * there. Without them a thing that is put into view could not be told from one that became hot.
 *
 * Of older pictures each pixel's highest lasting temperature is remembered for one to two minutes:
 * a hot thing that a person hid for a while has not become hot when it is seen again.
 *
 * Typed arrays are read with `as number`: every index is checked against the picture first.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import { isPlausible } from './thermal-support.ts';
import { TREND_BIN_MS, TREND_WINDOW_MS } from './track-trend.ts';

/** A little less than a bin, so that frames that come late do not leave one empty. */
const SPACING_MS = 0.95 * TREND_BIN_MS;
const PICTURES = Math.ceil(TREND_WINDOW_MS / SPACING_MS) + 1;
/** Levels are remembered for this long at least, and for less than twice that. */
const LEVEL_MS = 60_000;

export class RecentPictures {
  readonly #columns: number;
  readonly #rows: number;
  readonly #pictures: Float32Array[] = [];
  readonly #atMs = new Float64Array(PICTURES);
  #newest = -1;
  /** Highest lasting temperature of each pixel in this minute, and in the one before. */
  #level = new Float32Array(FRAME_PIXELS).fill(-Infinity);
  #levelBefore = new Float32Array(FRAME_PIXELS).fill(-Infinity);
  #levelSinceMs = -Infinity;
  /** Time up to which pictures have been taken into them. */
  #levelUntilMs = -Infinity;

  constructor(columns: number) {
    this.#columns = columns;
    this.#rows = FRAME_PIXELS / columns;
  }

  /** Keeps a copy of a believed picture, unless one is young enough. */
  keep(picture: Float32Array, atMs: number): void {
    if (this.#newest >= 0) {
      const sinceMs = atMs - (this.#atMs[this.#newest] as number);
      if (sinceMs >= 0 && sinceMs < SPACING_MS) return;
      if (sinceMs < 0) this.#forget();
    }
    this.#rememberLevels(atMs);
    this.#newest = (this.#newest + 1) % PICTURES;
    const kept = this.#pictures[this.#newest];
    if (kept === undefined) this.#pictures[this.#newest] = picture.slice();
    else kept.set(picture);
    this.#atMs[this.#newest] = atMs;
  }

  /**
   * Tells what was seen around a pixel within the window of a trend, oldest first: the second
   * highest of its 3 x 3 pixels, which no single glitch can be.
   */
  around(at: number, nowMs: number, tell: (atMs: number, celsius: number) => void): void {
    for (let i = 1; i <= PICTURES; i++) {
      const slot = (this.#newest + i) % PICTURES;
      const picture = this.#pictures[slot];
      if (picture === undefined) continue;
      const atMs = this.#atMs[slot] as number;
      if (atMs >= nowMs || nowMs - atMs > TREND_WINDOW_MS) continue;
      const celsius = this.#secondHighest(picture, at);
      if (celsius !== null) tell(atMs, celsius);
    }
  }

  /**
   * What was seen around a pixel for a while, before the window of a trend and in the last one to
   * two minutes; the second highest of its 3 x 3 pixels. -Infinity where nothing is known.
   */
  levelAround(at: number): number {
    const now = this.#secondHighest(this.#level, at) ?? -Infinity;
    const before = this.#secondHighest(this.#levelBefore, at) ?? -Infinity;
    return Math.max(now, before);
  }

  /** Takes what has left the window of a trend into the levels; at most once in two seconds. */
  #rememberLevels(nowMs: number): void {
    for (let i = 2; i <= PICTURES; i++) {
      const slot = (this.#newest + i) % PICTURES;
      const picture = this.#pictures[slot];
      const older = this.#pictures[(slot + PICTURES - 1) % PICTURES];
      if (picture === undefined || older === undefined) continue;
      const atMs = this.#atMs[slot] as number;
      if (atMs <= this.#levelUntilMs || nowMs - atMs <= TREND_WINDOW_MS) continue;
      this.#levelUntilMs = atMs;
      for (let at = 0; at < FRAME_PIXELS; at++) {
        // What lasted from one picture to the next: no passing glitch did.
        const celsius = Math.min(older[at] as number, picture[at] as number);
        if (celsius > (this.#level[at] as number)) this.#level[at] = celsius;
      }
    }
    const sinceMs = nowMs - this.#levelSinceMs;
    if (sinceMs < LEVEL_MS) return;
    const oldest = this.#levelBefore;
    this.#levelBefore = this.#level;
    this.#level = oldest.fill(-Infinity);
    if (sinceMs >= 2 * LEVEL_MS) this.#levelBefore.fill(-Infinity);
    this.#levelSinceMs = nowMs;
  }

  #forget(): void {
    this.#pictures.length = 0;
    this.#newest = -1;
    this.#level.fill(-Infinity);
    this.#levelBefore.fill(-Infinity);
    this.#levelSinceMs = -Infinity;
    this.#levelUntilMs = -Infinity;
  }

  #secondHighest(picture: Float32Array, at: number): number | null {
    const row = (at / this.#columns) | 0;
    const column = at - row * this.#columns;
    let highest = -Infinity;
    let second = -Infinity;
    for (let r = Math.max(row - 1, 0); r <= Math.min(row + 1, this.#rows - 1); r++) {
      const lastColumn = Math.min(column + 1, this.#columns - 1);
      for (let c = Math.max(column - 1, 0); c <= lastColumn; c++) {
        const celsius = picture[r * this.#columns + c] as number;
        if (!isPlausible(celsius)) continue;
        if (celsius > highest) {
          second = highest;
          highest = celsius;
        } else if (celsius > second) second = celsius;
      }
    }
    return second === -Infinity ? null : second;
  }
}
