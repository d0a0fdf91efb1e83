/**
 * Frozen arrays. Real pixels are noisy by about one count, so a frame that repeats the last one to
 * the bit was not measured. One repetition is harmless (a board asked on demand may send its last
 * frame again); three are a frozen sensor.
 *
 * Typed arrays are read with `as number`: every index here is below the length by construction.
 */
import { ARRAY_PIXELS } from './words.ts';

/** How many new frames must equal the one before them. */
export const FROZEN_AFTER_FRAMES = 3;

/** Watches the frames of one array. Keeps one copy of the pixel words; allocates nothing. */
export class FrozenWatch {
  readonly #last = new Uint16Array(ARRAY_PIXELS);
  #seen = false;
  #unchangedFrames = 0;

  /** How many of the latest frames equal the one before them. */
  get unchangedFrames(): number {
    return this.#unchangedFrames;
  }

  /** True while the array is frozen. Ends with the first frame that differs. */
  get frozen(): boolean {
    return this.#unchangedFrames >= FROZEN_AFTER_FRAMES;
  }

  /** Takes the words of a new frame, of which the first 768 are compared. Returns `frozen`. */
  offer(words: Uint16Array): boolean {
    const last = this.#last;
    let at = 0;
    while (at < ARRAY_PIXELS && words[at] === last[at]) at += 1;
    this.#unchangedFrames = at === ARRAY_PIXELS && this.#seen ? this.#unchangedFrames + 1 : 0;
    for (; at < ARRAY_PIXELS; at++) last[at] = words[at] as number;
    this.#seen = true;
    return this.frozen;
  }

  /** Forgets the last frame: after a reconnection or a new calibration. */
  reset(): void {
    this.#seen = false;
    this.#unchangedFrames = 0;
  }
}
