/**
 * Rise and growth of a region over the last seconds: the mean slope of the gentler half of the
 * intervals. Frames of two seconds are averaged, so that flicker does not look like a slope.
 *
 * Typed arrays are read with `as number`: every index is below the number of bins.
 */

/** Three intervals of a 4.09 s board. */
export const TREND_WINDOW_MS = 12_500;
/** Frames of one bin are averaged. */
export const TREND_BIN_MS = 2_000;
/** Two intervals of a 4.09 s board: below, a slope says nothing. */
const MIN_SPAN_MS = 4_000;
const MOST_BINS = 16;
const MIN_BINS = 3;
/** A bin that averages several frames splits a step in two intervals: there must be a third. */
const MIN_AVERAGED_BINS = 4;
/** Cores are whole pixels and jump: three intervals at least. */
const GROWTH_MIN_BINS = 4;

export class Trend {
  readonly #ms = new Float64Array(MOST_BINS);
  readonly #celsius = new Float64Array(MOST_BINS);
  readonly #core = new Float64Array(MOST_BINS);
  readonly #slopes = new Float64Array(MOST_BINS);
  #bins = 0;
  #newestMs = 0;
  /** Of the bin that is being filled. */
  #startMs = 0;
  #frames = 0;
  /** Whether a bin holds several frames. */
  #averaged = false;

  /** Starts with nothing seen. */
  clear(): void {
    this.#bins = 0;
    this.#frames = 0;
    this.#averaged = false;
  }

  /** Takes the next older frame. Returns false when it is too old, as are all before it. */
  take(atMs: number, celsius: number, core: number): boolean {
    if (this.#bins === 0) this.#newestMs = atMs;
    if (this.#bins === 0 || this.#startMs - atMs >= TREND_BIN_MS) {
      if (this.#newestMs - atMs > TREND_WINDOW_MS || this.#bins === MOST_BINS) return false;
      this.#startMs = atMs;
      this.#frames = 0;
      this.#bins += 1;
    }
    const bin = this.#bins - 1;
    const share = 1 / (this.#frames + 1);
    if (this.#frames === 0) {
      this.#ms[bin] = atMs;
      this.#celsius[bin] = celsius;
      this.#core[bin] = core;
    } else {
      this.#ms[bin] = mixed(this.#ms[bin] as number, atMs, share);
      this.#celsius[bin] = mixed(this.#celsius[bin] as number, celsius, share);
      this.#core[bin] = mixed(this.#core[bin] as number, core, share);
      this.#averaged = true;
    }
    this.#frames += 1;
    return true;
  }

  /** Celsius per minute; null until enough has been seen. */
  rise(): number | null {
    return this.#isEnough() ? this.#gentleSlope(this.#celsius) : null;
  }

  /** Pixels per minute; 0 while the change is no more than the jitter of the region's edge. */
  growth(): number | null {
    if (!this.#isEnough() || this.#bins < GROWTH_MIN_BINS) return null;
    const slope = this.#gentleSlope(this.#core);
    const changed = (Math.abs(slope) * this.#spanMs()) / 60_000;
    return changed <= Math.sqrt(Math.max(this.#core[0] as number, 1)) ? 0 : slope;
  }

  #spanMs(): number {
    return (this.#ms[0] as number) - (this.#ms[this.#bins - 1] as number);
  }

  #isEnough(): boolean {
    const least = this.#averaged ? MIN_AVERAGED_BINS : MIN_BINS;
    return this.#bins >= least && this.#spanMs() >= MIN_SPAN_MS;
  }

  /** Mean of the gentler half of the slopes between bins, per minute. */
  #gentleSlope(values: Float64Array): number {
    const intervals = this.#bins - 1;
    const slopes = this.#slopes;
    for (let i = 0; i < intervals; i++) {
      const ms = (this.#ms[i] as number) - (this.#ms[i + 1] as number);
      const slope = (((values[i] as number) - (values[i + 1] as number)) * 60_000) / ms;
      // Sorted as they come: there are a dozen at most.
      let place = i;
      for (; place > 0 && (slopes[place - 1] as number) > slope; place--) {
        slopes[place] = slopes[place - 1] as number;
      }
      slopes[place] = slope;
    }
    const half = intervals / 2;
    const kept = this.#averaged ? Math.floor(half) : Math.ceil(half);
    let sum = 0;
    for (let i = 0; i < kept; i++) sum += slopes[i] as number;
    return sum / kept;
  }
}

function mixed(mean: number, value: number, share: number): number {
  return mean + share * (value - mean);
}
