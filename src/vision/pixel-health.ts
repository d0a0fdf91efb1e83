/**
 * Pixels that fail at run time, which no EEPROM lists: dead, stuck, deaf to what all their
 * neighbours see, or far noisier than they.
 *
 * A pixel on which a small fire shines must never be taken for bad. So all of this takes minutes of
 * calm pictures, being warmer than the neighbours is no reason at all (a lamp is, and so is an
 * ember), and noise counts only if it strays to the cold side too.
 *
 * Typed arrays are read with `as number`: every index is checked against the picture first.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import {
  BAD_AFTER_MS,
  FOLLOW_CELSIUS,
  FOLLOW_EVERY,
  FOLLOW_HIT,
  FOLLOW_MISSES,
  FOLLOW_SHARE,
  INSPECT_MS,
  MAX_RUNTIME_BAD,
  NOISE_SCALE,
  NOISY_CELSIUS,
  NOISY_FACTOR,
  STRAY_CELSIUS,
  STRAY_SHARE,
} from './pixel-limits.ts';
import type { PixelNoise } from './pixel-noise.ts';
import { isPlausible } from './thermal-support.ts';

/** Strays are counted up to here and then halved, so that the share stays a recent one. */
const MOST_STRAYS = 64;
/** Too few strays say nothing about their sides. */
const LEAST_STRAYS = 8;
const NOISY_AFTER = BAD_AFTER_MS / INSPECT_MS;

export class PixelHealth {
  readonly #columns: number;
  readonly #noise: PixelNoise;
  readonly #bad = new Uint8Array(FRAME_PIXELS);
  readonly #misses = new Uint8Array(FRAME_PIXELS);
  readonly #noisy = new Uint8Array(FRAME_PIXELS);
  readonly #colder = new Uint8Array(FRAME_PIXELS);
  readonly #warmer = new Uint8Array(FRAME_PIXELS);
  readonly #reference = new Float32Array(FRAME_PIXELS).fill(Number.NaN);
  readonly #near = new Uint16Array(4);
  #list: readonly number[] = [];
  #sinceMs = 0;
  #inspections = 0;

  constructor(columns: number, noise: PixelNoise) {
    this.#columns = columns;
    this.#noise = noise;
  }

  /** Row-major numbers of the bad pixels, ascending; at most `MAX_RUNTIME_BAD`. */
  get list(): readonly number[] {
    return this.#list;
  }

  isBad(pixel: number): boolean {
    return this.#bad[pixel] === 1;
  }

  /** Takes over bad pixels from before a restart: each may prove itself again. */
  restore(pixels: readonly number[]): void {
    for (const pixel of pixels) {
      this.#bad[pixel] = 1;
      this.#noise.quietMs[pixel] = BAD_AFTER_MS;
    }
    this.#list = pixels;
  }

  /** Takes a calm picture in. Returns whether a pixel has become bad or good. */
  take(picture: Float32Array, stepMs: number): boolean {
    this.#sinceMs += stepMs;
    if (this.#sinceMs < INSPECT_MS) return false;
    this.#sinceMs = 0;
    this.#inspections += 1;
    const compare = this.#inspections % FOLLOW_EVERY === 0;
    for (let i = 0; i < FRAME_PIXELS; i++) {
      if (!isPlausible(picture[i] as number)) continue;
      // Most pixels are quiet, and most of the time nothing is asked of their neighbours.
      const isLoud = (this.#noise.medians[i] as number) > NOISY_CELSIUS * NOISE_SCALE;
      const asked = isLoud || (this.#noisy[i] as number) > 0;
      if (!compare && !asked) continue;
      const count = this.#nearOf(picture, i);
      if (count < 3) continue;
      if (asked) this.#judgeNoise(picture, i, count, isLoud);
      if (compare) this.#judgeFollowing(picture, i, count);
    }
    if (compare) this.#reference.set(picture);
    return this.#decide();
  }

  /** Fills `#near` with the good pixels beside `at`; returns how many there are. */
  #nearOf(picture: Float32Array, at: number): number {
    const columns = this.#columns;
    const column = at % columns;
    let count = 0;
    if (column > 0) count = this.#addNear(picture, at - 1, count);
    if (column < columns - 1) count = this.#addNear(picture, at + 1, count);
    if (at >= columns) count = this.#addNear(picture, at - columns, count);
    if (at < FRAME_PIXELS - columns) count = this.#addNear(picture, at + columns, count);
    return count;
  }

  #addNear(picture: Float32Array, at: number, count: number): number {
    if (this.#bad[at] === 1 || !isPlausible(picture[at] as number)) return count;
    this.#near[count] = at;
    return count + 1;
  }

  #judgeNoise(picture: Float32Array, at: number, count: number, isLoud: boolean): void {
    const near = this.#near;
    let celsius = 0;
    let noise = 0;
    for (let k = 0; k < count; k++) {
      celsius += picture[near[k] as number] as number;
      noise += this.#noise.medians[near[k] as number] as number;
    }
    const stray = (picture[at] as number) - celsius / count;
    if (stray < -STRAY_CELSIUS) countUp(this.#colder, this.#warmer, at);
    else if (stray > STRAY_CELSIUS) countUp(this.#warmer, this.#colder, at);
    const own = this.#noise.medians[at] as number;
    const isNoisy = isLoud && own > (NOISY_FACTOR * noise) / count && this.#straysBothWays(at);
    const score = this.#noisy[at] as number;
    if (isNoisy && score < NOISY_AFTER) this.#noisy[at] = score + 1;
    else if (!isNoisy && score > 0) this.#noisy[at] = score - 1;
  }

  #straysBothWays(at: number): boolean {
    const colder = this.#colder[at] as number;
    const warmer = this.#warmer[at] as number;
    const strays = colder + warmer;
    if (strays < LEAST_STRAYS) return false;
    return colder >= STRAY_SHARE * strays && warmer >= STRAY_SHARE * strays;
  }

  /** What happens to all neighbours alike happens to the pixel between them. */
  #judgeFollowing(picture: Float32Array, at: number, count: number): void {
    const reference = this.#reference;
    let least = Infinity;
    let greatest = -Infinity;
    for (let k = 0; k < count; k++) {
      const near = this.#near[k] as number;
      const move = (picture[near] as number) - (reference[near] as number);
      // A neighbour that has no earlier value says nothing about the pixel.
      if (Number.isNaN(move)) return;
      if (move < least) least = move;
      if (move > greatest) greatest = move;
    }
    let common = 0;
    if (least >= FOLLOW_CELSIUS) common = least;
    else if (greatest <= -FOLLOW_CELSIUS) common = greatest;
    else return;
    const share = ((picture[at] as number) - (reference[at] as number)) / common;
    const misses = this.#misses[at] as number;
    if (Math.abs(share) < FOLLOW_SHARE) this.#misses[at] = Math.min(misses + 1, FOLLOW_MISSES);
    else if (misses > 0) this.#misses[at] = Math.max(0, misses - FOLLOW_HIT);
  }

  /** A pixel becomes bad at full score and good again at half of it. */
  #decide(): boolean {
    let changed = false;
    let suspects = 0;
    for (let i = 0; i < FRAME_PIXELS; i++) {
      const was = this.#bad[i] === 1;
      const is = this.#score(i) >= (was ? 0.5 : 1);
      if (is) suspects += 1;
      if (is !== was) changed = true;
    }
    if (!changed) return false;
    // With too many suspects it is not the pixels: none is added, those that recovered go.
    const mayJoin = suspects <= MAX_RUNTIME_BAD;
    const list: number[] = [];
    for (let i = 0; i < FRAME_PIXELS; i++) {
      const was = this.#bad[i] === 1;
      const is = was ? this.#score(i) >= 0.5 : mayJoin && this.#score(i) >= 1;
      this.#bad[i] = is ? 1 : 0;
      if (is) list.push(i);
    }
    const same = list.length === this.#list.length && list.every((at, k) => at === this.#list[k]);
    this.#list = list;
    return !same;
  }

  /** 1 when one of the reasons is proven; at least 0. */
  #score(at: number): number {
    if (this.#noise.quietMs[at] === 0 && this.#misses[at] === 0 && this.#noisy[at] === 0) return 0;
    return Math.max(
      (this.#noise.quietMs[at] as number) / BAD_AFTER_MS,
      (this.#misses[at] as number) / FOLLOW_MISSES,
      (this.#noisy[at] as number) / NOISY_AFTER,
    );
  }
}

function countUp(counts: Uint8Array, others: Uint8Array, at: number): void {
  const count = (counts[at] as number) + 1;
  counts[at] = count;
  if (count < MOST_STRAYS) return;
  counts[at] = count >> 1;
  others[at] = (others[at] as number) >> 1;
}
