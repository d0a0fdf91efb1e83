/**
 * From pixel words to what each pixel receives: gain, offset, drift, gradient and sensitivity.
 *
 * The datasheet computes, for each pixel, IR = raw * gain - offset * (1 + Kta dTa) * (1 + Kv dV),
 * takes off TGC times the compensation pixel, and divides by emissivity and by sensitivity. All
 * that is linear in `raw`, so what belongs to a pixel is divided by its sensitivity once per array,
 * what belongs to a frame becomes a few factors per frame, and a pixel costs four products.
 *
 * Typed arrays are read with `as number`: every index here is below the length by construction.
 */
import { parityOf } from './calibration-pixels.ts';
import type { Calibration } from './calibration.ts';
import type { OperatingPoint } from './operating-point.ts';
import { ARRAY_COLUMNS, ARRAY_PIXELS, NO_MEASUREMENT } from './words.ts';

/** Numbers kept side by side for each pixel: 1, offset, offset * Kta, all over its sensitivity. */
const STRIDE = 3;

/** Compensates the frames of one array. Holds about 25 kB; allocates nothing per frame. */
export class PixelCompensation {
  readonly #calibration: Calibration;
  readonly #factors: Float64Array;
  /** What reading in the other pattern than the calibrated one adds, over the sensitivity. */
  readonly #otherPattern: Float64Array;

  constructor(calibration: Calibration) {
    this.#calibration = calibration;
    this.#factors = factorsOf(calibration);
    this.#otherPattern = otherPatternOf(calibration);
  }

  /**
   * Writes what each pixel receives above the reflected background, in K^4, to `netK4` (768): NaN
   * where the word says that there is no measurement, 0 for the bad pixels of the calibration.
   *
   * Formulas: MLX90640 datasheet rev 12, 11.2.2.5 (pixels), 11.2.2.7 (gradient), 11.2.2.8
   * (sensitivity); the gradient is taken off before the division by emissivity.
   */
  run(words: Uint16Array, point: OperatingPoint, emissivity: number, netK4: Float64Array): void {
    const { device, pixels } = this.#calibration;
    const factors = this.#factors;
    const ambientShift = point.taCelsius - 25;
    const supplyShift = point.vddVolts - 3.3;
    const scale = 1 / (emissivity * (1 + device.ksTa * ambientShift));
    const slope = point.gainRatio * scale;
    const gradient0 = gradientOf(device.tgc, point.compensation0) * scale;
    const gradient1 = gradientOf(device.tgc, point.compensation1) * scale;
    const chess = point.pattern === 'chess';
    const kv = pixels.kvByParity;
    for (let first = 0; first < ARRAY_PIXELS; first += ARRAY_COLUMNS) {
      const oddRow = (first & ARRAY_COLUMNS) !== 0;
      const drift0 = scale * (1 + supplyShift * (oddRow ? kv[2] : kv[0]));
      const drift1 = scale * (1 + supplyShift * (oddRow ? kv[3] : kv[1]));
      const warming0 = drift0 * ambientShift;
      const warming1 = drift1 * ambientShift;
      const evenGradient = oddRow ? gradient1 : gradient0;
      // Even columns belong to the subpage of their row's parity; odd ones, in chess, to the other.
      const oddGradient = chess === oddRow ? gradient0 : gradient1;
      for (let pixel = first; pixel < first + ARRAY_COLUMNS; pixel += 2) {
        const at = pixel * STRIDE;
        const word0 = words[pixel] as number;
        const word1 = words[pixel + 1] as number;
        netK4[pixel] =
          (factors[at] as number) * (((word0 << 16) >> 16) * slope - evenGradient) -
          (factors[at + 1] as number) * drift0 -
          (factors[at + 2] as number) * warming0;
        netK4[pixel + 1] =
          (factors[at + 3] as number) * (((word1 << 16) >> 16) * slope - oddGradient) -
          (factors[at + 4] as number) * drift1 -
          (factors[at + 5] as number) * warming1;
        if (word0 === NO_MEASUREMENT) netK4[pixel] = NaN;
        if (word1 === NO_MEASUREMENT) netK4[pixel + 1] = NaN;
      }
    }
    if (point.pattern !== device.calibratedPattern) this.#addOtherPattern(netK4, scale);
  }

  #addOtherPattern(netK4: Float64Array, scale: number): void {
    const correction = this.#otherPattern;
    for (let pixel = 0; pixel < ARRAY_PIXELS; pixel++) {
      netK4[pixel] = (netK4[pixel] as number) + (correction[pixel] as number) * scale;
    }
  }
}

/** An unused compensation pixel must not matter, not even where it is infinite or no number. */
function gradientOf(tgc: number, compensation: number): number {
  return tgc === 0 ? 0 : tgc * compensation;
}

function factorsOf(calibration: Calibration): Float64Array {
  const { offset, kta } = calibration.pixels;
  const factors = new Float64Array(ARRAY_PIXELS * STRIDE);
  for (const [pixel, sensitivity] of calibration.sensitivity.entries()) {
    const inverse = 1 / sensitivity;
    factors[pixel * STRIDE] = inverse;
    factors[pixel * STRIDE + 1] = (offset[pixel] as number) * inverse;
    factors[pixel * STRIDE + 2] = (offset[pixel] as number) * (kta[pixel] as number) * inverse;
  }
  for (const { index } of calibration.badPixels) {
    factors.fill(0, index * STRIDE, (index + 1) * STRIDE);
  }
  return factors;
}

/**
 * The correction of a pixel read in the other pattern, in counts over its sensitivity
 * (datasheet rev 12, 11.2.2.5.3: C3 by row, C2 by row and place within a group of four columns).
 */
function otherPatternOf(calibration: Calibration): Float64Array {
  const { c2, c3 } = calibration.device.ilChess;
  const correction = new Float64Array(ARRAY_PIXELS);
  for (const [pixel, sensitivity] of calibration.sensitivity.entries()) {
    const oddRow = parityOf(pixel) >> 1;
    const rowSign = 2 * oddRow - 1;
    correction[pixel] = (c3 * rowSign + c2 * rowSign * groupSign(pixel)) / sensitivity;
  }
  for (const { index } of calibration.badPixels) correction[index] = 0;
  return correction;
}

/** 0, -1, 0, 1 for the columns of each group of four: the datasheet's conversion pattern. */
function groupSign(pixel: number): number {
  return [0, -1, 0, 1][pixel & 3] ?? 0;
}
