/**
 * The learnt background of one array: how much each pixel differs from the scene as a whole, and
 * where the scene as a whole is.
 *
 *   learning --3 minutes of calm--> learnt (adapts slowly, never far from its anchor)
 *
 * The scene as a whole may go where it wants, so that a heated room is no change; a pixel may leave
 * what was first learnt or approved by at most `DRIFT_CAP_CELSIUS`, so that a smouldering fire
 * cannot teach itself away. What is hot at the first learning stays unknown.
 *
 * Typed arrays are read with `as number`: every index is bounded by the loop around it.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import {
  ADAPT_GATE_CELSIUS,
  ADAPT_MS,
  AMBIENT_CELSIUS_PER_MINUTE,
  AMBIENT_CLIP_CELSIUS,
  DRIFT_CAP_CELSIUS,
  LEARN_MS,
  LEARN_SAMPLES,
  LEARN_SAMPLES_NEEDED,
  NO_BACKGROUND_CELSIUS,
} from './pixel-limits.ts';
import { middleOf, pictureMedian } from './pixel-median.ts';
import { ALWAYS_HOT_CELSIUS, CONTRAST_CELSIUS, WARM_CELSIUS } from './thermal-limits.ts';
import { isPlausible } from './thermal-support.ts';

/** Whether something so warm may be learnt without asking, in a scene with this median. */
export function isUnremarkable(celsius: number, medianCelsius: number): boolean {
  if (celsius >= ALWAYS_HOT_CELSIUS || celsius >= medianCelsius + CONTRAST_CELSIUS) return false;
  // In a hot scene, such as a boiler room, warm is what everything is.
  return celsius < WARM_CELSIUS || celsius < medianCelsius + CONTRAST_CELSIUS / 2;
}

export class PixelBackground {
  /** Degrees above the scene as a whole; NaN while unknown. */
  readonly offsets = new Float32Array(FRAME_PIXELS).fill(Number.NaN);
  /** What was first learnt, or approved. */
  readonly anchors = new Float32Array(FRAME_PIXELS).fill(Number.NaN);
  /** Where the scene as a whole is; NaN until the first calm picture. */
  ambientCelsius = Number.NaN;
  #learnt = false;
  /** After a restart the scene may be anywhere. */
  #ambientIsOld = false;
  #samples: Float32Array | null = null;
  #sampled = 0;
  #learntForMs = 0;

  get isLearnt(): boolean {
    return this.#learnt;
  }

  /** NaN while unknown. */
  at(pixel: number): number {
    return this.ambientCelsius + (this.offsets[pixel] as number);
  }

  /** Takes over what was learnt before a restart; offsets and anchors have been filled. */
  restore(ambientCelsius: number): void {
    this.ambientCelsius = ambientCelsius;
    this.#learnt = true;
    this.#ambientIsOld = true;
    this.#samples = null;
  }

  /**
   * Takes a calm picture in.
   * @param skip pixels not to learn from (1), or null
   * @returns whether the first learning has just ended
   */
  take(picture: Float32Array, stepMs: number, skip: Uint8Array | null): boolean {
    if (!this.#learnt) return this.#learn(picture, stepMs, skip);
    if (this.#ambientIsOld) {
      this.#ambientIsOld = false;
      this.ambientCelsius += this.shiftOf(picture);
    }
    this.#adapt(picture, stepMs, skip);
    return false;
  }

  /** Median by which a picture differs from the background; 0 where nothing can be compared. */
  shiftOf(picture: Float32Array): number {
    const shift = pictureMedian(picture, this.offsets) - this.ambientCelsius;
    return Number.isNaN(shift) ? 0 : shift;
  }

  /**
   * Makes `scene` the background and the new anchor, but for pixels that are too hot for one.
   * @returns how many pixels were left out
   */
  adopt(scene: Float32Array): number {
    this.ambientCelsius = pictureMedian(scene, null);
    this.#learnt = true;
    this.#ambientIsOld = false;
    this.#samples = null;
    let left = 0;
    for (let i = 0; i < FRAME_PIXELS; i++) {
      const celsius = scene[i] as number;
      const fits = isPlausible(celsius) && celsius < NO_BACKGROUND_CELSIUS;
      if (isPlausible(celsius) && !fits) left += 1;
      this.setAnchor(i, fits ? celsius : Number.NaN);
    }
    return left;
  }

  /** Makes `celsius` the background of a pixel and its anchor; NaN makes it unknown. */
  setAnchor(pixel: number, celsius: number): void {
    this.offsets[pixel] = celsius - this.ambientCelsius;
    this.anchors[pixel] = celsius - this.ambientCelsius;
  }

  #learn(picture: Float32Array, stepMs: number, skip: Uint8Array | null): boolean {
    const samples = (this.#samples ??= new Float32Array(LEARN_SAMPLES * FRAME_PIXELS));
    this.#learntForMs += stepMs;
    if (this.#learntForMs >= (this.#sampled * LEARN_MS) / LEARN_SAMPLES) {
      const start = (this.#sampled % LEARN_SAMPLES) * FRAME_PIXELS;
      const median = pictureMedian(picture, null);
      for (let i = 0; i < FRAME_PIXELS; i++) {
        const celsius = picture[i] as number;
        const usable = isPlausible(celsius) && (skip === null || skip[i] === 0);
        samples[start + i] = usable ? celsius - median : Number.NaN;
      }
      this.ambientCelsius = median;
      this.#sampled += 1;
    }
    if (this.#learntForMs < LEARN_MS || this.#sampled < LEARN_SAMPLES) return false;
    this.#fix(samples);
    return true;
  }

  #fix(samples: Float32Array): void {
    const own = new Float32Array(LEARN_SAMPLES);
    for (let i = 0; i < FRAME_PIXELS; i++) {
      let count = 0;
      for (let sample = 0; sample < LEARN_SAMPLES; sample++) {
        const offset = samples[sample * FRAME_PIXELS + i] as number;
        if (!Number.isNaN(offset)) own[count++] = offset;
      }
      const offset = count < LEARN_SAMPLES_NEEDED ? Number.NaN : middleOf(own, count);
      const celsius = this.ambientCelsius + offset;
      this.setAnchor(i, isUnremarkable(celsius, this.ambientCelsius) ? celsius : Number.NaN);
    }
    this.#samples = null;
    this.#learnt = true;
  }

  #adapt(picture: Float32Array, stepMs: number, skip: Uint8Array | null): void {
    const { offsets, anchors, ambientCelsius } = this;
    const share = 1 - Math.exp(-stepMs / ADAPT_MS);
    let sum = 0;
    let known = 0;
    for (let i = 0; i < FRAME_PIXELS; i++) {
      const offset = offsets[i] as number;
      const off = (picture[i] as number) - ambientCelsius - offset;
      // False for NaN as well.
      if (!(off > -Infinity && off < Infinity) || (skip !== null && skip[i] !== 0)) continue;
      known += 1;
      if (off > AMBIENT_CLIP_CELSIUS) sum += AMBIENT_CLIP_CELSIUS;
      else if (off < -AMBIENT_CLIP_CELSIUS) sum -= AMBIENT_CLIP_CELSIUS;
      else sum += off;
      if (off > ADAPT_GATE_CELSIUS || off < -ADAPT_GATE_CELSIUS) continue;
      const anchor = anchors[i] as number;
      const moved = offset + share * off;
      if (moved > anchor + DRIFT_CAP_CELSIUS) offsets[i] = anchor + DRIFT_CAP_CELSIUS;
      else if (moved < anchor - DRIFT_CAP_CELSIUS) offsets[i] = anchor - DRIFT_CAP_CELSIUS;
      else offsets[i] = moved;
    }
    if (known === 0) return;
    const most = (AMBIENT_CELSIUS_PER_MINUTE * stepMs) / 60_000;
    this.ambientCelsius += Math.min(Math.max(sum / known, -most), most);
  }
}
