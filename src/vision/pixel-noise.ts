/**
 * The noise floor of each pixel, from the differences between pictures: half of them are smaller
 * than 0.6745 x sqrt(2) standard deviations, whatever the cadence. The median is followed by steps
 * up and down, so that a person who walks past counts no more than any other difference.
 *
 * The same pass sees pixels that give nothing or always the same.
 *
 * Typed arrays are read with `as number`: every index is bounded by the loop around it.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import {
  BAD_AFTER_MS,
  LEAST_NOISE_CELSIUS,
  NOISE_SCALE,
  NOISE_STEPS,
  NOISE_STEP_UPDATES,
  REVIVAL,
} from './pixel-limits.ts';
import { isPlausible } from './thermal-support.ts';

export class PixelNoise {
  /** Median difference between two pictures; NaN until two were seen. */
  readonly medians = new Float32Array(FRAME_PIXELS).fill(Number.NaN);
  /** For how long each pixel has been without a value or without a change. */
  readonly quietMs = new Float32Array(FRAME_PIXELS);
  readonly #previous = new Float32Array(FRAME_PIXELS).fill(Number.NaN);
  #hasPrevious = false;
  #updates = 0;

  /** Standard deviation of a pixel's noise; NaN until enough pictures were seen. */
  at(pixel: number): number {
    if (this.#updates < NOISE_STEP_UPDATES[0]) return Number.NaN;
    return (this.medians[pixel] as number) / NOISE_SCALE;
  }

  /** Takes over what was learnt before a restart; the medians have been filled. */
  restore(): void {
    this.#updates = NOISE_STEP_UPDATES[1];
  }

  /** Takes a calm picture in; `skip` marks pixels not to learn from. */
  take(picture: Float32Array, stepMs: number, skip: Uint8Array | null): void {
    const { medians, quietMs } = this;
    const previous = this.#previous;
    const step = this.#step();
    for (let i = 0; i < FRAME_PIXELS; i++) {
      const celsius = picture[i] as number;
      const moved = Math.abs(celsius - (previous[i] as number));
      previous[i] = celsius;
      if (moved === 0 || !isPlausible(celsius)) {
        const quiet = (quietMs[i] as number) + stepMs;
        quietMs[i] = quiet > BAD_AFTER_MS ? BAD_AFTER_MS : quiet;
        continue;
      }
      // NaN: the first picture, or the first after a hole.
      if (!(moved > 0)) continue;
      const quiet = quietMs[i] as number;
      if (quiet > 0) quietMs[i] = Math.max(0, quiet - REVIVAL * stepMs);
      if (skip !== null && skip[i] !== 0) continue;
      const median = medians[i] as number;
      if (Number.isNaN(median)) medians[i] = Math.max(moved, LEAST_NOISE_CELSIUS);
      else if (moved > median) medians[i] = median * (1 + step);
      else medians[i] = Math.max(median / (1 + step), LEAST_NOISE_CELSIUS);
    }
    this.#hasPrevious = true;
    this.#updates += 1;
  }

  /** Forgets the last picture: what follows is no difference to it. */
  pause(): void {
    if (!this.#hasPrevious) return;
    this.#previous.fill(Number.NaN);
    this.#hasPrevious = false;
  }

  #step(): number {
    if (this.#updates < NOISE_STEP_UPDATES[0]) return NOISE_STEPS[0];
    return this.#updates < NOISE_STEP_UPDATES[1] ? NOISE_STEPS[1] : NOISE_STEPS[2];
  }
}
