/**
 * Signs of fire over time: rise, growth and flicker of the robust peak, from frames that come every
 * 4.09 s as well as 32 times a second, irregularly, some missing.
 *
 * Rise and growth are the mean slope of the gentler half of the intervals of a window. A fire
 * climbs in nearly all of them; a kettle carried into view, a door that opens or a glitch that
 * slips through is one or two steep intervals and leaves nothing. Flicker is a median of second
 * differences, which a trend does not enter and a few steps cannot dominate.
 *
 * Typed arrays are read with `as number`: indices are taken modulo the capacity.
 */
import type { FireSigns } from '../domain/evidence.ts';

export const NO_SIGNS: FireSigns = {
  riseCelsiusPerMinute: null,
  growthPixelsPerMinute: null,
  flickerCelsius: null,
};

/** Three intervals of a 4.09 s board. */
const TREND_WINDOW_MS = 12_500;
/** Two intervals of a 4.09 s board: below, a slope says nothing. */
const TREND_MIN_SPAN_MS = 4_000;
/** Frames of one bin are averaged, so that flicker at 8 Hz does not look like a slope. */
const TREND_BIN_MS = 2_000;
const TREND_BINS = 16;
const TREND_MIN_BINS = 3;
/** A bin that averages several frames splits a step in two intervals: there must be a third. */
const TREND_MIN_AVERAGED_BINS = 4;
/** Areas are whole pixels and jump: three intervals at least. */
const GROWTH_MIN_BINS = 4;

const FLICKER_WINDOW_MS = 33_000;
/** With seven second differences or more, the three that a step causes are a minority. */
const FLICKER_MIN_SAMPLES = 9;
/** Time that something may take to come into view. */
const FLICKER_MIN_SPAN_MS = 7_000;
const FLICKER_MAX_SAMPLES = 64;
/** Median of |N(0,1)|, times the deviation of a second difference of independent samples. */
const FLICKER_SCALE = 0.6745 * Math.sqrt(6);

/** 33 s of 4.09 s frames, 32 s at 8 Hz; faster frames are thinned. */
const CAPACITY = 256;
const MIN_SPACING_MS = 110;

/** Remembers peaks of one array. Adding allocates nothing. */
export class PeakHistory {
  readonly #atMs = new Float64Array(CAPACITY);
  readonly #celsius = new Float64Array(CAPACITY);
  readonly #area = new Uint16Array(CAPACITY);
  readonly #binMs = new Float64Array(TREND_BINS);
  readonly #binCelsius = new Float64Array(TREND_BINS);
  readonly #binArea = new Float64Array(TREND_BINS);
  readonly #slopes = new Float64Array(TREND_BINS);
  readonly #wobbles = new Float64Array(FLICKER_MAX_SAMPLES);
  #count = 0;
  #next = 0;
  /** Whether a bin of the last trend holds several frames. */
  #averaged = false;

  /** Adds a frame. Time that goes back starts a new history; frames closer than 110 ms merge. */
  add(atMs: number, peakCelsius: number, areaPixels: number): void {
    if (this.#count > 0) {
      const last = this.#index(1);
      const sinceMs = atMs - (this.#atMs[last] as number);
      if (sinceMs < 0) this.#count = 0;
      else if (sinceMs < MIN_SPACING_MS) {
        if (peakCelsius > (this.#celsius[last] as number)) this.#celsius[last] = peakCelsius;
        if (areaPixels > (this.#area[last] as number)) this.#area[last] = areaPixels;
        return;
      }
    }
    this.#atMs[this.#next] = atMs;
    this.#celsius[this.#next] = peakCelsius;
    this.#area[this.#next] = areaPixels;
    this.#next = (this.#next + 1) % CAPACITY;
    if (this.#count < CAPACITY) this.#count += 1;
  }

  /** What the frames so far say, each sign null until enough of them were seen. */
  signs(): FireSigns {
    const bins = this.#fillBins();
    const spanMs = bins < 2 ? 0 : (this.#binMs[0] as number) - (this.#binMs[bins - 1] as number);
    const least = this.#averaged ? TREND_MIN_AVERAGED_BINS : TREND_MIN_BINS;
    const enough = bins >= least && spanMs >= TREND_MIN_SPAN_MS;
    return {
      riseCelsiusPerMinute: enough ? this.#gentleSlope(this.#binCelsius, bins) : null,
      growthPixelsPerMinute: enough && bins >= GROWTH_MIN_BINS ? this.#growth(bins, spanMs) : null,
      flickerCelsius: this.#flicker(),
    };
  }

  /** Ring index of the `back`-th newest entry, 1 being the newest. */
  #index(back: number): number {
    return (this.#next - back + CAPACITY) % CAPACITY;
  }

  /** Averages the window's frames into bins, newest first; returns how many bins. */
  #fillBins(): number {
    this.#averaged = false;
    if (this.#count === 0) return 0;
    const newestMs = this.#atMs[this.#index(1)] as number;
    let bins = 0;
    let back = 1;
    while (back <= this.#count && bins < TREND_BINS) {
      const binStartMs = this.#atMs[this.#index(back)] as number;
      if (newestMs - binStartMs > TREND_WINDOW_MS) break;
      let ms = 0;
      let celsius = 0;
      let area = 0;
      let frames = 0;
      while (back <= this.#count) {
        const index = this.#index(back);
        const atMs = this.#atMs[index] as number;
        if (binStartMs - atMs >= TREND_BIN_MS) break;
        ms += atMs;
        celsius += this.#celsius[index] as number;
        area += this.#area[index] as number;
        frames += 1;
        back += 1;
      }
      this.#binMs[bins] = ms / frames;
      this.#binCelsius[bins] = celsius / frames;
      this.#binArea[bins] = area / frames;
      if (frames > 1) this.#averaged = true;
      bins += 1;
    }
    return bins;
  }

  /** Slope of the area; 0 while the change is no more than the jitter of the region's edge. */
  #growth(bins: number, spanMs: number): number {
    const slope = this.#gentleSlope(this.#binArea, bins);
    const changed = (Math.abs(slope) * spanMs) / 60_000;
    return changed <= Math.sqrt(Math.max(this.#binArea[0] as number, 1)) ? 0 : slope;
  }

  /** Mean of the gentler half of the slopes between bins, per minute. */
  #gentleSlope(values: Float64Array, bins: number): number {
    const slopes = this.#slopes.subarray(0, bins - 1);
    for (let i = 0; i < bins - 1; i++) {
      const ms = (this.#binMs[i] as number) - (this.#binMs[i + 1] as number);
      slopes[i] = (((values[i] as number) - (values[i + 1] as number)) * 60_000) / ms;
    }
    slopes.sort();
    const half = (bins - 1) / 2;
    const kept = this.#averaged ? Math.floor(half) : Math.ceil(half);
    let sum = 0;
    for (let i = 0; i < kept; i++) sum += slopes[i] as number;
    return sum / kept;
  }

  #flicker(): number | null {
    if (this.#count < FLICKER_MIN_SAMPLES) return null;
    const newestMs = this.#atMs[this.#index(1)] as number;
    let wobbles = 0;
    let oldestMs = newestMs;
    for (let back = 1; back + 2 <= this.#count && wobbles < FLICKER_MAX_SAMPLES; back++) {
      const oldest = this.#index(back + 2);
      if (newestMs - (this.#atMs[oldest] as number) > FLICKER_WINDOW_MS) break;
      oldestMs = this.#atMs[oldest] as number;
      const newest = this.#celsius[this.#index(back)] as number;
      const middle = this.#celsius[this.#index(back + 1)] as number;
      this.#wobbles[wobbles] = Math.abs(newest - 2 * middle + (this.#celsius[oldest] as number));
      wobbles += 1;
    }
    if (wobbles < FLICKER_MIN_SAMPLES - 2) return null;
    if (newestMs - oldestMs < FLICKER_MIN_SPAN_MS) return null;
    const sorted = this.#wobbles.subarray(0, wobbles).sort();
    const middle = wobbles >> 1;
    const median =
      wobbles % 2 === 1
        ? (sorted[middle] as number)
        : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
    return median / FLICKER_SCALE;
  }
}
