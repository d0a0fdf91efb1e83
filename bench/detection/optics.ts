/**
 * The eye of the test scenes: what a 32x24 array sees of flat things in front of a background.
 * Written apart from the simulator's scenes and from the training's generator, so that a mistake in
 * one of them cannot hide in all.
 *
 * Radiated power goes with the fourth power of temperature and is what mixes within a pixel. The
 * lens spreads each point as a Gaussian; for rectangles the spread and the pixel's own area
 * integrate in closed form, so that a flame of a tenth of a pixel is as exact as a wall.
 */
import { FRAME_COLUMNS, FRAME_PIXELS, FRAME_ROWS } from '../../src/domain/frame.ts';
import type { SeededRandom } from '../../src/simulator/random.ts';
import { gaussian } from '../../src/simulator/random.ts';

const KELVIN = 273.15;

/** A flat thing, in pixels of the picture; `share` is how much of what lies behind it hides. */
export interface Patch {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
  readonly celsius: number;
  readonly share: number;
}

export interface EyeOptions {
  /** Standard deviation of the lens's spread, pixels. */
  readonly blurPixels: number;
  /** Noise of a pixel in the centre, C; corners have four times that. */
  readonly noiseCelsius: number;
  /** 768 temperatures of the empty scene. */
  readonly background: Float32Array;
}

export const power = (celsius: number): number => (celsius + KELVIN) ** 4;
const celsiusOf = (radiated: number): number => Math.sqrt(Math.sqrt(radiated)) - KELVIN;

export class Eye {
  readonly #blur: number;
  readonly #noise: Float32Array;
  readonly #background: Float64Array;
  readonly #power = new Float64Array(FRAME_PIXELS);
  readonly #across = new Float64Array(FRAME_COLUMNS);
  readonly #down = new Float64Array(FRAME_ROWS);

  constructor({ blurPixels, noiseCelsius, background }: EyeOptions) {
    this.#blur = blurPixels;
    this.#background = Float64Array.from(background, power);
    this.#noise = Float32Array.from({ length: FRAME_PIXELS }, (_, i) => {
      const x = ((i % FRAME_COLUMNS) + 0.5) / FRAME_COLUMNS - 0.5;
      const y = (Math.floor(i / FRAME_COLUMNS) + 0.5) / FRAME_ROWS - 0.5;
      return noiseCelsius * (1 + 6 * (x * x + y * y));
    });
  }

  /** The true picture, without noise; a buffer that the next call overwrites. */
  see(patches: readonly Patch[], into: Float32Array): number {
    this.#power.set(this.#background);
    for (const patch of patches) this.#lay(patch);
    let peak = -Infinity;
    for (let i = 0; i < FRAME_PIXELS; i++) {
      const celsius = celsiusOf(this.#power[i] ?? 0);
      into[i] = celsius;
      if (celsius > peak) peak = celsius;
    }
    return peak;
  }

  /** Adds the array's noise. */
  noisy(picture: Float32Array, random: SeededRandom): Float32Array {
    return picture.map((celsius, i) => celsius + (this.#noise[i] ?? 0) * gaussian(random));
  }

  #lay({ left, right, top, bottom, celsius, share }: Patch): void {
    fillCover(this.#across, left, right, this.#blur);
    fillCover(this.#down, top, bottom, this.#blur);
    const own = power(celsius);
    for (let row = 0; row < FRAME_ROWS; row++) {
      const down = share * (this.#down[row] ?? 0);
      if (down < 1e-6) continue;
      for (let column = 0; column < FRAME_COLUMNS; column++) {
        const cover = down * (this.#across[column] ?? 0);
        const at = row * FRAME_COLUMNS + column;
        const behind = this.#power[at] ?? 0;
        this.#power[at] = behind + (own - behind) * cover;
      }
    }
  }
}

/** Share of each pixel's light along one axis that comes from between `from` and `to`. */
function fillCover(cover: Float64Array, from: number, to: number, blur: number): void {
  for (let pixel = 0; pixel < cover.length; pixel++) {
    cover[pixel] = ramp(pixel, from, blur) - ramp(pixel, to, blur);
  }
}

/** Light of pixel [p, p+1] from everything to the right of an edge, spread by the lens. */
function ramp(pixel: number, edge: number, blur: number): number {
  return integral(pixel + 1 - edge, blur) - integral(pixel - edge, blur);
}

/** Integral of the normal distribution function with deviation `sigma`. */
function integral(x: number, sigma: number): number {
  const z = x / sigma;
  return x * normal(z) + (sigma * Math.exp(-0.5 * z * z)) / Math.sqrt(2 * Math.PI);
}

/** Normal distribution function, within 1.5e-7 (Abramowitz and Stegun, formula 7.1.26). */
function normal(z: number): number {
  const t = 1 / (1 + (0.3275911 * Math.abs(z)) / Math.SQRT2);
  const poly =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = 0.5 * poly * Math.exp((-z * z) / 2);
  return z >= 0 ? 1 - tail : tail;
}
