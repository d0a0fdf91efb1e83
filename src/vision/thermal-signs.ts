/**
 * Signs of fire over time: rise, growth and flicker of one region, from frames that come every
 * 4.09 s as well as 32 times a second, irregularly, some missing.
 *
 * Rise and growth are the mean slope of the gentler half of the intervals of a window. A fire
 * climbs in nearly all of them; a kettle put into view, a door that opens, two regions that merge
 * or a glitch that slips through is one or two steep intervals and leaves nothing. Flicker is the
 * lower quartile of second differences, which a trend does not enter and which steps cannot
 * dominate: a person who passes in front of a hot thing spoils half of them.
 *
 * What a place has shown before, it does not rise to: a rise is counted above that level only. A
 * hot thing that a person hid and that is seen again, bit by bit, has not become hot.
 *
 * A fire burns where it burnt before. What has left its place within the window is moving: what it
 * did on the way says nothing, and its signs are unknown until it has stayed for long enough.
 *
 * Typed arrays are read with `as number`: indices are taken modulo the capacity.
 */
import type { FireSigns } from '../domain/evidence.ts';
import { Trend } from './track-trend.ts';

export const NO_SIGNS: FireSigns = {
  riseCelsiusPerMinute: null,
  growthPixelsPerMinute: null,
  flickerCelsius: null,
};

const FLICKER_WINDOW_MS = 33_000;
/** With seven second differences or more, steps do not reach the lower quarter. */
const FLICKER_MIN_SAMPLES = 9;
/** Time that something may take to come into view. */
const FLICKER_MIN_SPAN_MS = 7_000;
const FLICKER_MAX_SAMPLES = 64;
/** Quartile of |N(0,1)|, times the deviation of a second difference of independent samples. */
const FLICKER_SCALE = 0.3186 * Math.sqrt(6);

/**
 * A region has left its place when both its centre and its peak are farther away than this, or than
 * this many deviations of its own size. The centre of a fire that spreads to one side only moves by
 * 1.7 of them; two regions that merge move the centre and not the peak; the peak of a wide fire
 * jumps about within it and its centre does not.
 */
const PLACE_PIXELS = 2;
const PLACE_SPREADS = 2;
/** Speed is that of the centre's mean over the last second against the four seconds before. */
const MOTION_NOW_MS = 1_000;
const MOTION_WINDOW_MS = 5_000;

/** Under way is what moves by this much, or by its own size, between the two. */
const UNDER_WAY_PIXELS = 1;

/** 33 s of 4.09 s frames, 32 s at 8 Hz; faster frames are thinned. */
export const CAPACITY = 256;
export const MIN_SPACING_MS = 110;

/** What one frame adds to the history of a region. Places are rows and columns. */
export interface SignSample {
  readonly peakCelsius: number;
  readonly corePixels: number;
  readonly row: number;
  readonly column: number;
  readonly spreadRows: number;
  readonly spreadColumns: number;
}

interface Motion {
  /** Between the means that are compared; 0 while there is nothing to compare. */
  seconds: number;
  centrePixels: number;
  peakPixels: number;
}

/** Difference of the means of a column of two sums, of which column 0 is the count. */
function apart(now: Float64Array, then: Float64Array, column: number): number {
  return (
    (now[column] as number) / (now[0] as number) - (then[column] as number) / (then[0] as number)
  );
}

/** Remembers one region. Adding allocates nothing. */
export class SignHistory {
  readonly #atMs = new Float64Array(CAPACITY);
  readonly #celsius = new Float32Array(CAPACITY);
  readonly #core = new Uint16Array(CAPACITY);
  readonly #row = new Float32Array(CAPACITY);
  readonly #column = new Float32Array(CAPACITY);
  readonly #peakRow = new Uint8Array(CAPACITY);
  readonly #peakColumn = new Uint8Array(CAPACITY);
  readonly #trend = new Trend();
  readonly #wobbles = new Float32Array(FLICKER_MAX_SAMPLES);
  /** Frames, ages and places of the last second and of the seconds before, summed. */
  readonly #now = new Float64Array(6);
  readonly #then = new Float64Array(6);
  readonly #motion: Motion = { seconds: 0, centrePixels: 0, peakPixels: 0 };
  #spread = 0;
  #count = 0;
  #next = 0;

  clear(): void {
    this.#count = 0;
    this.#next = 0;
  }

  /**
   * Adds what the place of the region showed before there was a region, oldest first and before the
   * first `add`: that it appeared all at once is known only from that.
   */
  addBefore(atMs: number, celsius: number, row: number, column: number): void {
    this.#put(atMs, celsius, 0, row, column, row, column);
  }

  /** Adds a frame. Time that goes back starts a new history; frames closer than 110 ms merge. */
  add(atMs: number, sample: SignSample, peakRow: number, peakColumn: number): void {
    const { peakCelsius, corePixels, row, column, spreadRows, spreadColumns } = sample;
    this.#spread = Math.sqrt(spreadRows * spreadRows + spreadColumns * spreadColumns);
    if (this.#count > 0) {
      const last = this.#index(1);
      const sinceMs = atMs - (this.#atMs[last] as number);
      if (sinceMs < 0) this.#count = 0;
      else if (sinceMs < MIN_SPACING_MS) {
        if (peakCelsius > (this.#celsius[last] as number)) this.#celsius[last] = peakCelsius;
        if (corePixels > (this.#core[last] as number)) this.#core[last] = corePixels;
        return;
      }
    }
    this.#put(atMs, peakCelsius, corePixels, row, column, peakRow, peakColumn);
  }

  #put(
    atMs: number,
    celsius: number,
    core: number,
    row: number,
    column: number,
    peakRow: number,
    peakColumn: number,
  ): void {
    const next = this.#next;
    this.#atMs[next] = atMs;
    this.#celsius[next] = celsius;
    this.#core[next] = core;
    this.#row[next] = row;
    this.#column[next] = column;
    this.#peakRow[next] = peakRow;
    this.#peakColumn[next] = peakColumn;
    this.#next = (next + 1) % CAPACITY;
    if (this.#count < CAPACITY) this.#count += 1;
  }

  /**
   * What the frames so far say, each sign null until enough of them were seen at one place.
   * @param levelCelsius that this place has shown for a while in the last minute or two.
   */
  signs(levelCelsius = -Infinity): FireSigns {
    const settled = this.#settled();
    const trend = this.#trend;
    trend.clear();
    for (let back = 1; back <= settled; back++) {
      const index = this.#index(back);
      const celsius = Math.max(this.#celsius[index] as number, levelCelsius);
      if (!trend.take(this.#atMs[index] as number, celsius, this.#core[index] as number)) break;
    }
    return {
      riseCelsiusPerMinute: trend.rise(),
      growthPixelsPerMinute: trend.growth(),
      flickerCelsius: this.#flicker(settled),
    };
  }

  /** Speed of the centre in pixels per second; null until a second has been seen. */
  speed(): number | null {
    const { seconds, centrePixels } = this.#measureMotion();
    return seconds === 0 ? null : centrePixels / seconds;
  }

  /** How far the means of the last second are from those of the four seconds before. */
  #measureMotion(): Motion {
    const motion = this.#motion;
    motion.seconds = 0;
    if (this.#count === 0) return motion;
    const now = this.#now;
    const then = this.#then;
    now.fill(0);
    then.fill(0);
    const newestMs = this.#atMs[this.#index(1)] as number;
    for (let back = 1; back <= this.#count; back++) {
      const index = this.#index(back);
      const ageMs = newestMs - (this.#atMs[index] as number);
      if (ageMs > MOTION_WINDOW_MS || this.#core[index] === 0) break;
      const sums = ageMs < MOTION_NOW_MS ? now : then;
      sums[0] = (sums[0] as number) + 1;
      sums[1] = (sums[1] as number) + ageMs;
      sums[2] = (sums[2] as number) + (this.#row[index] as number);
      sums[3] = (sums[3] as number) + (this.#column[index] as number);
      sums[4] = (sums[4] as number) + (this.#peakRow[index] as number);
      sums[5] = (sums[5] as number) + (this.#peakColumn[index] as number);
    }
    if (then[0] === 0) return motion;
    motion.seconds = -apart(now, then, 1) / 1_000;
    motion.centrePixels = Math.hypot(apart(now, then, 2), apart(now, then, 3));
    motion.peakPixels = Math.hypot(apart(now, then, 4), apart(now, then, 5));
    return motion;
  }

  /** Ring index of the `back`-th newest entry, 1 being the newest. */
  #index(back: number): number {
    return (this.#next - back + CAPACITY) % CAPACITY;
  }

  /** How many of the newest entries were seen where the region is now. */
  #settled(): number {
    if (this.#count === 0) return 0;
    const { seconds, centrePixels, peakPixels } = this.#measureMotion();
    // What turns round, or goes to and fro, is under way although it is near where it was.
    const away = Math.max(UNDER_WAY_PIXELS, this.#spread);
    if (seconds > 0 && centrePixels > away && peakPixels > away) return 0;
    const newest = this.#index(1);
    const row = this.#row[newest] as number;
    const column = this.#column[newest] as number;
    const peakRow = this.#peakRow[newest] as number;
    const peakColumn = this.#peakColumn[newest] as number;
    const reach = Math.max(PLACE_PIXELS, PLACE_SPREADS * this.#spread);
    const square = reach * reach;
    for (let back = 2; back <= this.#count; back++) {
      const index = this.#index(back);
      const rows = (this.#row[index] as number) - row;
      const columns = (this.#column[index] as number) - column;
      if (rows * rows + columns * columns <= square) continue;
      const peakRows = (this.#peakRow[index] as number) - peakRow;
      const peakColumns = (this.#peakColumn[index] as number) - peakColumn;
      if (peakRows * peakRows + peakColumns * peakColumns > square) return back - 1;
    }
    return this.#count;
  }

  #flicker(settled: number): number | null {
    if (settled < FLICKER_MIN_SAMPLES) return null;
    const newestMs = this.#atMs[this.#index(1)] as number;
    let wobbles = 0;
    let oldestMs = newestMs;
    for (let back = 1; back + 2 <= settled && wobbles < FLICKER_MAX_SAMPLES; back++) {
      const oldest = this.#index(back + 2);
      if (newestMs - (this.#atMs[oldest] as number) > FLICKER_WINDOW_MS) break;
      // What was there before the region is no part of its unrest.
      if (this.#core[oldest] === 0) break;
      oldestMs = this.#atMs[oldest] as number;
      const newest = this.#celsius[this.#index(back)] as number;
      const middle = this.#celsius[this.#index(back + 1)] as number;
      this.#wobbles[wobbles] = Math.abs(newest - 2 * middle + (this.#celsius[oldest] as number));
      wobbles += 1;
    }
    if (wobbles < FLICKER_MIN_SAMPLES - 2) return null;
    if (newestMs - oldestMs < FLICKER_MIN_SPAN_MS) return null;
    const sorted = this.#wobbles.subarray(0, wobbles).sort();
    return (sorted[wobbles >> 2] as number) / FLICKER_SCALE;
  }
}
