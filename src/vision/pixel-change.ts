/**
 * Parts of a scene that differ from the learnt background for good: a machine that has been put
 * there, a heater that stays on, something that hides the view. They are offered to a person.
 *
 * The present scene is a slow mean of all believed pictures, suspect ones too: it teaches the
 * background nothing until a person approves it.
 *
 * Typed arrays are read with `as number`: every index is bounded by the loop around it.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import type { PixelBackground } from './pixel-background.ts';
import { isUnremarkable } from './pixel-background.ts';
import type { PixelHealth } from './pixel-health.ts';
import {
  CHANGE_AFTER_MS,
  CHANGE_COLDER_CELSIUS,
  CHANGE_EVERY_MS,
  CHANGE_WARMER_CELSIUS,
  PRESENT_KNOWN_MS,
  PRESENT_MS,
  UNREMARKABLE_MS,
} from './pixel-limits.ts';
import { isPlausible } from './thermal-support.ts';

/** Pixels that differ for good, together. */
export interface SceneChange {
  /** 0: nothing does; the rest means nothing then. */
  pixels: number;
  /** Of them, those that were too hot to be learnt, or had no value. */
  unknown: number;
  row: number;
  column: number;
  /** Of the pixel named by row and column, the one that differs most. */
  celsius: number;
  /** Above (below if negative) what was learnt there; NaN where nothing was. */
  offCelsius: number;
  longestMs: number;
}

const NO_CHANGE: SceneChange = {
  pixels: 0,
  unknown: 0,
  row: 0,
  column: 0,
  celsius: Number.NaN,
  offCelsius: Number.NaN,
  longestMs: 0,
};

export class PixelChange {
  readonly #columns: number;
  /** NaN where nothing was seen yet. */
  readonly present = new Float32Array(FRAME_PIXELS).fill(Number.NaN);
  readonly #changedMs = new Float32Array(FRAME_PIXELS);
  readonly #unremarkableMs = new Float32Array(FRAME_PIXELS);
  readonly #found: SceneChange = { ...NO_CHANGE };
  #seenMs = 0;
  #sinceMs = 0;
  #calm = true;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** Whether the present scene has been seen for long enough to be approved. */
  get isKnown(): boolean {
    return this.#seenMs >= PRESENT_KNOWN_MS;
  }

  /** Starts the present scene anew, after a gap. */
  restart(): void {
    this.present.fill(Number.NaN);
    this.#seenMs = 0;
    this.#sinceMs = 0;
    this.#calm = true;
  }

  /** Forgets how long anything has differed: a person has approved the scene. */
  forget(): void {
    this.#changedMs.fill(0);
    this.#unremarkableMs.fill(0);
  }

  /**
   * Takes a believed picture in.
   * @returns what differs for good, when it was time to look; overwritten by the next look
   */
  take(
    picture: Float32Array,
    stepMs: number,
    calm: boolean,
    background: PixelBackground,
    health: PixelHealth,
  ): SceneChange | null {
    const present = this.present;
    const share = 1 - Math.exp(-stepMs / PRESENT_MS);
    for (let i = 0; i < FRAME_PIXELS; i++) {
      const celsius = picture[i] as number;
      if (!isPlausible(celsius)) continue;
      const before = present[i] as number;
      present[i] = Number.isNaN(before) ? celsius : before + share * (celsius - before);
    }
    this.#seenMs += stepMs;
    this.#sinceMs += stepMs;
    this.#calm &&= calm;
    if (this.#sinceMs < CHANGE_EVERY_MS || !background.isLearnt) return null;
    const found = this.#look(background, health);
    this.#sinceMs = 0;
    this.#calm = true;
    return found;
  }

  #look(background: PixelBackground, health: PixelHealth): SceneChange {
    const found = Object.assign(this.#found, NO_CHANGE);
    // While the background stands still the scene as a whole may go on: that is no change.
    const shift = background.shiftOf(this.present);
    const median = background.ambientCelsius + shift;
    for (let i = 0; i < FRAME_PIXELS; i++) {
      const celsius = this.present[i] as number;
      if (Number.isNaN(celsius) || health.isBad(i)) continue;
      const off = celsius - background.at(i) - shift;
      if (Number.isNaN(off)) this.#judgeUnknown(background, i, celsius, median);
      else if (off >= CHANGE_WARMER_CELSIUS || off <= -CHANGE_COLDER_CELSIUS) {
        const forMs = (this.#changedMs[i] as number) + this.#sinceMs;
        this.#changedMs[i] = forMs;
        // What came a little later belongs to it.
        if (forMs >= CHANGE_AFTER_MS / 2) this.#add(i, celsius, off, forMs);
      } else this.#changedMs[i] = 0;
    }
    if (found.unknown === 0 && found.longestMs < CHANGE_AFTER_MS) found.pixels = 0;
    return found;
  }

  /** What no longer stands out is learnt, as it would have been at first; the rest is offered. */
  #judgeUnknown(background: PixelBackground, at: number, celsius: number, median: number): void {
    if (!isUnremarkable(celsius, median)) {
      this.#unremarkableMs[at] = 0;
      this.#found.unknown += 1;
      this.#add(at, celsius, Number.NaN, 0);
      return;
    }
    if (!this.#calm) return;
    const forMs = (this.#unremarkableMs[at] as number) + this.#sinceMs;
    this.#unremarkableMs[at] = forMs;
    if (forMs >= UNREMARKABLE_MS) background.setAnchor(at, celsius);
  }

  #add(at: number, celsius: number, off: number, forMs: number): void {
    const found = this.#found;
    found.pixels += 1;
    if (forMs > found.longestMs) found.longestMs = forMs;
    const further = !(Math.abs(off) <= Math.abs(found.offCelsius));
    const leads = Number.isNaN(off) ? !(celsius <= found.celsius) : further;
    if (found.pixels > 1 && !leads) return;
    found.row = (at / this.#columns) | 0;
    found.column = at % this.#columns;
    found.celsius = celsius;
    found.offCelsius = off;
  }
}
