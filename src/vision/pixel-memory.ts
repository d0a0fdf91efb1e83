/**
 * What one array remembers of its scene, pixel by pixel: the learnt background, the noise floor,
 * pixels that have failed at run time, and lasting changes that a person should look at.
 *
 *                 suspect or unsure              calm for a minute
 *   picture ──► [present scene only] ──► [present scene, background, noise, bad pixels]
 *
 * Nothing is learnt from a suspect picture. Only differences of monotonic time count, each for at
 * most 10 s, so that neither gaps nor clock steps teach anything. A picture allocates nothing.
 */
import type { Mount } from '../domain/frame.ts';
import { FRAME_PIXELS, mountOrder } from '../domain/frame.ts';
import { PixelBackground } from './pixel-background.ts';
import { PixelChange } from './pixel-change.ts';
import type { SceneChange } from './pixel-change.ts';
import { PixelHealth } from './pixel-health.ts';
import {
  CALM_AGAIN_MS,
  LEAST_SPACING_MS,
  LONGEST_STEP_MS,
  NO_BACKGROUND_CELSIUS,
  NO_CALM_MS,
  PRESENT_STALE_MS,
} from './pixel-limits.ts';
import { PixelNoise } from './pixel-noise.ts';
import type { MemoryIdentity } from './pixel-text.ts';
import { recordFromText, recordToText } from './pixel-text.ts';

export type { MemoryIdentity };

export interface SceneInfo {
  /** Monotonic time of the picture. */
  readonly atMs: number;
  /**
   * True while anything hot or unsure is in the picture. A hot thing that the background explains
   * (approved, and no warmer than it was) is not suspect: it would stop the learning for ever.
   */
  readonly suspect: boolean;
  /** Mounted pixels not to learn from (1), such as repaired or hot ones; null: all are good. */
  readonly hot: Uint8Array | null;
}

/** The scene differs for good from what was learnt, or does so no longer. */
export interface BackgroundChange {
  readonly raised: boolean;
  /** For people: where, by how much, for how long. */
  readonly detail: string;
  /** Monotonic time since when. */
  readonly sinceMs: number;
}

export interface Approval {
  readonly ok: boolean;
  /** For people: what was done, or why nothing was. */
  readonly detail: string;
}

export type MemoryResult =
  | { readonly ok: true; readonly memory: PixelMemory }
  | { readonly ok: false; readonly problem: string };

export class PixelMemory {
  readonly columns: number;
  readonly mount: Mount;
  #identity: MemoryIdentity;
  #background = new PixelBackground();
  #noise = new PixelNoise();
  #health: PixelHealth;
  #change: PixelChange;
  #atMs = Number.NaN;
  #calmMs = CALM_AGAIN_MS;
  /** Time without any calm picture while nothing is learnt. */
  #uncalmMs = 0;
  #raised: BackgroundChange | null = null;
  #told: BackgroundChange | null = null;

  constructor(identity: MemoryIdentity) {
    this.columns = mountOrder(identity.mount).columns;
    this.mount = identity.mount;
    this.#identity = identity;
    this.#health = new PixelHealth(this.columns, this.#noise);
    this.#change = new PixelChange(this.columns);
  }

  /** Whether there is a background, of most of the picture at least. */
  get isLearnt(): boolean {
    return this.#background.isLearnt;
  }

  /** The array that this is of: 12 hex digits, or empty while unknown. */
  get array(): string {
    return this.#identity.array;
  }

  /**
   * Names the array that is there. If it was unknown, what was learnt is of this one; if it was
   * another one, its pixels have learnt nothing yet.
   */
  identify(array: string): void {
    const isOther = this.array !== '' && this.array !== array;
    this.#identity = { array, mount: this.mount };
    if (!isOther) return;
    this.#background = new PixelBackground();
    this.#noise = new PixelNoise();
    this.#health = new PixelHealth(this.columns, this.#noise);
    this.#change = new PixelChange(this.columns);
    this.#atMs = Number.NaN;
    this.#calmMs = CALM_AGAIN_MS;
    this.#uncalmMs = 0;
    this.#raised = null;
  }

  /**
   * Takes a believed picture in.
   * @param picture 768 temperatures after mounting, NaN where there is none; only read, not kept
   */
  observe(picture: Float32Array, { atMs, suspect, hot }: SceneInfo): void {
    if (suspect) this.#calmMs = 0;
    const sinceMs = atMs - this.#atMs;
    if (sinceMs >= 0 && sinceMs < LEAST_SPACING_MS) return;
    // The first picture, and one after a step back, only start the time.
    const stepMs = sinceMs > 0 ? Math.min(sinceMs, LONGEST_STEP_MS) : 0;
    this.#atMs = atMs;
    if (!(sinceMs >= 0 && sinceMs <= PRESENT_STALE_MS)) {
      this.#change.restart();
      this.#noise.pause();
    }
    if (!suspect) this.#calmMs = Math.min(this.#calmMs + stepMs, CALM_AGAIN_MS);
    const calm = this.#calmMs >= CALM_AGAIN_MS;
    const found = this.#change.take(picture, stepMs, calm, this.#background, this.#health);
    if (found !== null) this.#report(found, atMs);
    if (!calm) {
      this.#noise.pause();
      if (!this.isLearnt) this.#wait(stepMs, atMs);
      return;
    }
    this.#uncalmMs = 0;
    this.#noise.take(picture, stepMs, hot);
    this.#health.take(picture, stepMs);
    this.#background.take(picture, stepMs, hot);
  }

  /** The learnt background of a pixel, moved with the scene as a whole; NaN where unknown. */
  backgroundCelsius(at: number): number {
    return this.#background.at(at);
  }

  /** Standard deviation of a pixel's noise; NaN until enough calm pictures were seen. */
  noiseCelsius(at: number): number {
    return this.#noise.at(at);
  }

  /** Whether a pixel has proved at run time that it cannot be believed. */
  isBad(at: number): boolean {
    return this.#health.isBad(at);
  }

  /** The bad pixels, ascending, row-major after mounting; at most 16. */
  get badPixels(): readonly number[] {
    return this.#health.list;
  }

  /** What has changed for good since the last call, or is no longer so; null: no news. */
  takeChange(): BackgroundChange | null {
    if (this.#raised === this.#told) return null;
    const before = this.#told;
    this.#told = this.#raised;
    if (this.#raised !== null) return this.#raised;
    const sinceMs = before?.sinceMs ?? 0;
    return { raised: false, detail: 'the scene is as it was learnt or approved', sinceMs };
  }

  /**
   * Makes the present scene the background; a person has looked at it.
   * @param nowMs monotonic time
   */
  approve(nowMs: number): Approval {
    const ageMs = nowMs - this.#atMs;
    if (!this.#change.isKnown || !(ageMs <= PRESENT_STALE_MS)) {
      const detail =
        'nothing was approved: there have been no believable pictures of the scene for the last ' +
        'half minute; mend the array, then approve again';
      return { ok: false, detail };
    }
    const { present } = this.#change;
    let moved = 0;
    for (let i = 0; i < FRAME_PIXELS; i++) {
      if (!(Math.abs((present[i] ?? 0) - this.#background.at(i)) < 1)) moved += 1;
    }
    const left = this.#background.adopt(present);
    this.#change.forget();
    this.#raised = null;
    const changed = `${moved} of ${FRAME_PIXELS} pixels by 1 C or more`;
    const detail = `the present scene is the background now: it moved ${changed}`;
    if (left === 0) return { ok: true, detail };
    const hot = `${left} at or above ${NO_BACKGROUND_CELSIUS} C were left out`;
    return { ok: true, detail: `${detail}; ${hot}` };
  }

  /** All that must survive a restart, about 6.3 kB; read again by `fromMemory`. */
  toMemory(): string {
    const { ambientCelsius, offsets, anchors } = this.#background;
    const { medians } = this.#noise;
    const record = { ambientCelsius, offsets, anchors, medians, bad: this.badPixels };
    return recordToText(record, this.#identity);
  }

  /**
   * The memory that `toMemory` wrote, or why it cannot be used: damaged, of another array, or of
   * another mounting. Never throws.
   */
  static fromMemory(text: string, identity: MemoryIdentity): MemoryResult {
    const result = recordFromText(text, identity);
    if (!result.ok) return result;
    const { ambientCelsius, offsets, anchors, medians, bad } = result.record;
    const memory = new PixelMemory(identity);
    memory.#background.offsets.set(offsets);
    memory.#background.anchors.set(anchors);
    memory.#background.restore(ambientCelsius);
    memory.#noise.medians.set(medians);
    memory.#noise.restore();
    memory.#health.restore(bad);
    return { ok: true, memory };
  }

  /** Counts the time in which nothing could be learnt, and asks a person in the end. */
  #wait(stepMs: number, atMs: number): void {
    this.#uncalmMs += stepMs;
    if (this.#raised !== null || this.#uncalmMs < NO_CALM_MS) return;
    const detail =
      `no background could be learnt for ${hours(this.#uncalmMs)}: something warm or unsure has ` +
      'been in the picture all the time; look at the scene, then approve it or remove the cause';
    this.#raised = { raised: true, detail, sinceMs: atMs - this.#uncalmMs };
  }

  #report(found: SceneChange, atMs: number): void {
    if (found.pixels === 0) {
      this.#raised = null;
      return;
    }
    // What has been told stands until it is over: a person reads it once.
    if (this.#raised !== null) return;
    const sinceMs = atMs - found.longestMs;
    this.#raised = { raised: true, detail: changeText(found), sinceMs };
  }
}

function changeText(found: SceneChange): string {
  const { pixels, unknown, row, column, celsius, offCelsius, longestMs } = found;
  const count = pixels === 1 ? '1 pixel' : `${pixels} pixels`;
  const where = `${count}, most at row ${row}, column ${column}`;
  if (Number.isNaN(offCelsius) || unknown === pixels) {
    return (
      `${where} (${celsius.toFixed(1)} C) stood out when the background was learnt and still ` +
      'does: look at the scene, then approve it or remove the cause'
    );
  }
  const side = offCelsius > 0 ? 'warmer' : 'colder';
  const off = `${Math.abs(offCelsius).toFixed(1)} C ${side} than learnt`;
  return `${where}: ${off} (${celsius.toFixed(1)} C) for ${hours(longestMs)}`;
}

function hours(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  return minutes < 120 ? `${minutes} min` : `${(ms / 3_600_000).toFixed(1)} h`;
}
