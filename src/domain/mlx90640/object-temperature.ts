/**
 * From received radiation to degrees (MLX90640 datasheet rev 12, 11.2.2.9).
 *
 * `netK4` is what a pixel receives above the reflected background, over its sensitivity at 0 C.
 * The datasheet's Sx over that sensitivity is the fourth root of (netK4 + background), so within a
 * frame a pixel's temperature depends on its netK4 alone: one smooth curve. It is tabulated once
 * per frame over the temperatures where nearly all pixels lie, and a pixel there costs one cubic
 * instead of six square roots and two divisions. All others go through the formulas themselves.
 *
 * Typed arrays are read with `as number`: every index here is below the length by construction.
 */
import type { DeviceParameters } from './calibration-device.ts';
import { ARRAY_PIXELS, ZERO_CELSIUS_KELVIN } from './words.ts';

/**
 * The table lies within 0..120 C and ends where the next of the datasheet's ranges begins, so that
 * its curve has no kink.
 */
const TABLE_TOP_CELSIUS = 120;
/** Equal steps of netK4: a cubic through four nodes is then within 0.0001 C of the formulas. */
const INTERVALS = 64;
const NODES = INTERVALS + 3;
const COEFFICIENTS = 4;
/** Real arrays have -0.0002..-0.0008; the accuracy of the table is proved up to here. */
const TABLE_KSTO_LIMIT = 0.001;

/** Temperatures of one array's pixels. Call `prepare` for each frame first; allocates nothing. */
export class ObjectTemperature {
  readonly #ksTo2: number;
  readonly #ct3: number;
  readonly #ct4: number;
  /** Relative sensitivity in each range: `base + slope * celsius`. */
  readonly #base: Float64Array;
  readonly #slope: Float64Array;
  readonly #tabulates: boolean;
  /** Of each node: radiation of the object if the sensitivity were that at 0 C; first divisor. */
  readonly #nodeK4 = new Float64Array(NODES);
  readonly #nodeDivisor = new Float64Array(NODES);
  readonly #nodeCelsius = new Float64Array(NODES);
  readonly #cubics = new Float64Array(INTERVALS * COEFFICIENTS);
  #backgroundK4 = NaN;
  #tableStartK4 = NaN;
  #intervalsPerK4 = NaN;
  #intervals = 0;

  constructor(device: DeviceParameters) {
    const { cornerCelsius, ksTo, rangeCorrection } = device;
    this.#ksTo2 = ksTo[1];
    this.#ct3 = cornerCelsius[2];
    this.#ct4 = cornerCelsius[3];
    this.#slope = Float64Array.from(rangeCorrection, (at, range) => at * (ksTo[range] ?? NaN));
    this.#base = Float64Array.from(
      rangeCorrection,
      (at, range) => at * (1 - (ksTo[range] ?? NaN) * (cornerCelsius[range] ?? NaN)),
    );
    const firstK4 = ZERO_CELSIUS_KELVIN ** 4;
    const lastK4 = (ZERO_CELSIUS_KELVIN + TABLE_TOP_CELSIUS) ** 4;
    for (let node = 0; node < NODES; node++) {
      const k4 = firstK4 + ((lastK4 - firstK4) * node) / (NODES - 1);
      this.#nodeK4[node] = k4;
      this.#nodeDivisor[node] = 1 + this.#ksTo2 * (fourthRoot(k4) - ZERO_CELSIUS_KELVIN);
    }
    this.#tabulates = Math.abs(this.#ksTo2) <= TABLE_KSTO_LIMIT;
  }

  /** Sets the background of a frame, `reflectedK4`, and tabulates the curve for it. */
  prepare(backgroundK4: number): void {
    this.#backgroundK4 = backgroundK4;
    this.#intervals = this.#tabulates ? this.#measureNodes() - 3 : 0;
    const nodes = this.#nodeCelsius;
    const cubics = this.#cubics;
    for (let interval = 0, at = 0; interval < this.#intervals; interval++, at += COEFFICIENTS) {
      const y0 = nodes[interval] as number;
      const y1 = nodes[interval + 1] as number;
      const y2 = nodes[interval + 2] as number;
      const y3 = nodes[interval + 3] as number;
      cubics[at] = y1;
      cubics[at + 1] = y2 - y0 / 3 - y1 / 2 - y3 / 6;
      cubics[at + 2] = (y0 + y2) / 2 - y1;
      cubics[at + 3] = (y1 - y2) / 2 + (y3 - y0) / 6;
    }
    const second = this.#nodeK4[1] as number;
    this.#tableStartK4 = second - backgroundK4;
    this.#intervalsPerK4 = 1 / (second - (this.#nodeK4[0] as number));
  }

  /** Temperatures of all pixels into `out` (768). Returns how many have none (NaN). */
  fill(netK4: Float64Array, out: Float32Array): number {
    const cubics = this.#cubics;
    const start = this.#tableStartK4;
    const perK4 = this.#intervalsPerK4;
    const intervals = this.#intervals;
    let missing = 0;
    for (let pixel = 0; pixel < ARRAY_PIXELS; pixel++) {
      const net = netK4[pixel] as number;
      const place = (net - start) * perK4;
      if (place >= 0 && place < intervals) {
        const interval = place | 0;
        const t = place - interval;
        const at = interval * COEFFICIENTS;
        out[pixel] =
          (((cubics[at + 3] as number) * t + (cubics[at + 2] as number)) * t +
            (cubics[at + 1] as number)) *
            t +
          (cubics[at] as number);
      } else {
        const celsius = this.celsius(net);
        out[pixel] = celsius;
        if (celsius !== celsius) missing += 1;
      }
    }
    return missing;
  }

  /** The formulas themselves: NaN where no temperature above absolute zero explains `netK4`. */
  celsius(netK4: number): number {
    const background = this.#backgroundK4;
    const start = fourthRoot(netK4 + background) - ZERO_CELSIUS_KELVIN;
    const first = fourthRoot(netK4 / (1 + this.#ksTo2 * start) + background) - ZERO_CELSIUS_KELVIN;
    const range = first < 0 ? 0 : first < this.#ct3 ? 1 : first < this.#ct4 ? 2 : 3;
    const relative = (this.#base[range] as number) + (this.#slope[range] as number) * first;
    const celsius = fourthRoot(netK4 / relative + background) - ZERO_CELSIUS_KELVIN;
    return Number.isFinite(celsius) ? celsius : NaN;
  }

  /** The formulas at the nodes. Returns how many lie in range 2, where the table may be used. */
  #measureNodes(): number {
    const background = this.#backgroundK4;
    for (let node = 0; node < NODES; node++) {
      const net = (this.#nodeK4[node] as number) - background;
      const divided = net / (this.#nodeDivisor[node] as number);
      const first = fourthRoot(divided + background) - ZERO_CELSIUS_KELVIN;
      if (!(first < this.#ct3)) return node;
      this.#nodeCelsius[node] =
        fourthRoot(net / (1 + this.#ksTo2 * first) + background) - ZERO_CELSIUS_KELVIN;
    }
    return NODES;
  }
}

function fourthRoot(k4: number): number {
  return Math.sqrt(Math.sqrt(k4));
}
