/**
 * The thermal detector: pictures of one array in true Celsius -> what the zone may believe.
 *
 * Most pictures are quiet: one pass finds nothing hot and nothing odd. Only the others are searched
 * for glitches and regions. A picture that cannot be believed is "no data" with a reason, never a
 * temperature and never "cool".
 *
 * Typed arrays are read with `as number`: every index is bounded by the loop around it.
 */
import type { ThermalEvidence } from '../domain/evidence.ts';
import { FRAME_PIXELS, mountOrder } from '../domain/frame.ts';
import type { Mount } from '../domain/frame.ts';
import { doubtAbout, judgeMissing, judgeRejections } from './thermal-integrity.ts';
import type { RejectedFrame } from './thermal-integrity.ts';
import {
  ALWAYS_HOT_CELSIUS,
  CONTRAST_CELSIUS,
  FROZEN_FRAMES,
  LONE_PIXEL_CELSIUS,
  LONE_PIXELS,
  WARM_CELSIUS,
} from './thermal-limits.ts';
import { COLD, HOT, REJECTED, regionAround } from './thermal-region.ts';
import { NO_SIGNS, PeakHistory } from './thermal-signs.ts';
import { SupportJudge, isPlausible } from './thermal-support.ts';
import { createSurveyor } from './thermal-survey.ts';
import type { Survey } from './thermal-survey.ts';

export interface ThermalDetectorOptions {
  readonly mount: Mount;
  /** Mounted pixels to leave out (1 = masked), row-major after mounting; null masks nothing. */
  readonly mask: Uint8Array | null;
}

export const DEFAULT_THERMAL_OPTIONS: ThermalDetectorOptions = {
  mount: { rotate: 0, mirror: false },
  mask: null,
};

export interface FrameInfo {
  /** Monotonic time of the frame; may be irregular. */
  readonly atMs: number;
  readonly calibrated: boolean;
}

export type { RejectedFrame };

export type ThermalOutcome = ThermalEvidence | RejectedFrame;

export function isRejected(outcome: ThermalOutcome): outcome is RejectedFrame {
  return 'noData' in outcome;
}

export interface ThermalDetector {
  readonly columns: number;
  readonly rows: number;
  /**
   * Judges the next frame of the array.
   *
   * @param celsius 768 temperatures, row-major as in RAM, NaN where there is none; only read, and
   *   not kept: the caller may reuse it.
   */
  detect(celsius: Float32Array, info: FrameInfo): ThermalOutcome;
}

/**
 * Makes the detector of one array; it remembers that array's recent frames.
 * @throws RangeError when a mask has not one entry per pixel.
 */
export function createThermalDetector(
  options: ThermalDetectorOptions = DEFAULT_THERMAL_OPTIONS,
): ThermalDetector {
  if (options.mask !== null && options.mask.length !== FRAME_PIXELS) {
    throw new RangeError(
      `the mask has ${options.mask.length} entries: give one for each of ${FRAME_PIXELS} pixels`,
    );
  }
  return new Detector(options);
}

class Detector implements ThermalDetector {
  readonly columns: number;
  readonly rows: number;
  readonly #order: Uint16Array | null;
  readonly #mask: Uint8Array | null;
  readonly #maskedPixels: number;
  readonly #mounted: Float32Array | null;
  readonly #survey: (picture: Float32Array) => Survey;
  readonly #judge: SupportJudge;
  readonly #history = new PeakHistory();
  readonly #marks = new Uint8Array(FRAME_PIXELS);
  readonly #stack = new Uint16Array(FRAME_PIXELS);
  #unchangedFrames = 0;

  constructor(options: ThermalDetectorOptions) {
    const { columns, rows, order } = mountOrder(options.mount);
    this.columns = columns;
    this.rows = rows;
    this.#order = order;
    this.#mask = options.mask;
    this.#maskedPixels =
      options.mask?.reduce((sum, masked) => sum + (masked === 0 ? 0 : 1), 0) ?? 0;
    this.#mounted = order === null && options.mask === null ? null : new Float32Array(FRAME_PIXELS);
    this.#survey = createSurveyor(columns);
    this.#judge = new SupportJudge(columns, rows);
  }

  detect(celsius: Float32Array, info: FrameInfo): ThermalOutcome {
    if (celsius.length < FRAME_PIXELS) {
      return { noData: 'missingWords', detail: `${celsius.length} of ${FRAME_PIXELS} pixels` };
    }
    const picture = this.#mount(celsius);
    if (this.#judge.isUnchanged(picture)) this.#unchangedFrames += 1;
    else this.#unchangedFrames = 0;
    if (this.#unchangedFrames >= FROZEN_FRAMES) {
      return { noData: 'frozen', detail: `unchanged for ${this.#unchangedFrames} frames` };
    }

    const survey = this.#survey(picture);
    const badPixels = survey.badPixels - this.#maskedPixels;
    const missing = judgeMissing(badPixels);
    if (missing !== null) return missing;
    const doubt = doubtAbout(picture, survey, this.columns);
    if (doubt !== null) return doubt;

    const level = Math.min(
      Math.max(survey.medianCelsius + CONTRAST_CELSIUS, WARM_CELSIUS),
      ALWAYS_HOT_CELSIUS,
    );
    if (survey.maxCelsius < level) return this.#quiet(picture, survey, info, badPixels);
    return this.#hot(picture, survey, info, badPixels, level);
  }

  #mount(celsius: Float32Array): Float32Array {
    const mounted = this.#mounted;
    if (mounted === null) return celsius;
    const order = this.#order;
    const mask = this.#mask;
    for (let i = 0; i < FRAME_PIXELS; i++) {
      const from = order === null ? i : (order[i] as number);
      mounted[i] = mask !== null && mask[i] !== 0 ? Number.NaN : (celsius[from] as number);
    }
    return mounted;
  }

  #quiet(
    picture: Float32Array,
    survey: Survey,
    info: FrameInfo,
    badPixels: number,
  ): ThermalEvidence {
    const maxCelsius = this.#quietMax(picture, survey);
    this.#judge.accept(picture);
    this.#history.add(info.atMs, maxCelsius, 0);
    return {
      atMs: info.atMs,
      medianCelsius: survey.medianCelsius,
      maxCelsius,
      hottest: null,
      signs: NO_SIGNS,
      calibrated: info.calibrated,
      rejectedPixels: badPixels,
    };
  }

  /** The maximum without pixels that stand alone above all their neighbours. */
  #quietMax(picture: Float32Array, survey: Survey): number {
    let ceiling = survey.maxCelsius;
    let at = survey.maxAt;
    for (let tries = 0; tries < LONE_PIXELS; tries++) {
      if (ceiling - this.#warmestNeighbour(picture, at) <= LONE_PIXEL_CELSIUS) return ceiling;
      let next = -Infinity;
      for (let i = 0; i < FRAME_PIXELS; i++) {
        const celsius = picture[i] as number;
        if (celsius > next && celsius < ceiling) {
          next = celsius;
          at = i;
        }
      }
      if (next === -Infinity) return ceiling;
      ceiling = next;
    }
    return ceiling;
  }

  #warmestNeighbour(picture: Float32Array, at: number): number {
    const columns = this.columns;
    const column = at % columns;
    let warmest = -Infinity;
    if (column > 0) warmest = Math.max(warmest, usable(picture[at - 1]));
    if (column < columns - 1) warmest = Math.max(warmest, usable(picture[at + 1]));
    if (at >= columns) warmest = Math.max(warmest, usable(picture[at - columns]));
    if (at < FRAME_PIXELS - columns) warmest = Math.max(warmest, usable(picture[at + columns]));
    return warmest;
  }

  #hot(
    picture: Float32Array,
    survey: Survey,
    info: FrameInfo,
    badPixels: number,
    level: number,
  ): ThermalOutcome {
    const marks = this.#marks;
    this.#judge.begin(survey.medianCelsius);
    let real = 0;
    let rejected = 0;
    let peakAt = -1;
    let peak = -Infinity;
    let coolMax = -Infinity;
    for (let i = 0; i < FRAME_PIXELS; i++) {
      const celsius = picture[i] as number;
      if (!isPlausible(celsius)) {
        marks[i] = REJECTED;
      } else if (celsius < level) {
        marks[i] = COLD;
        if (celsius > coolMax) coolMax = celsius;
      } else if (this.#judge.isReal(picture, i, level)) {
        marks[i] = HOT;
        real += 1;
        if (celsius > peak) {
          peak = celsius;
          peakAt = i;
        }
      } else {
        marks[i] = REJECTED;
        rejected += 1;
      }
    }
    const untrusted = judgeRejections(rejected, real, badPixels);
    if (untrusted !== null) return untrusted;
    this.#judge.accept(picture);
    const { medianCelsius } = survey;
    const found =
      peakAt < 0
        ? null
        : regionAround(picture, marks, peakAt, this.columns, this.#stack, medianCelsius);
    const maxCelsius = found === null ? coolMax : peak;
    this.#history.add(info.atMs, maxCelsius, found?.corePixels ?? 0);
    return {
      atMs: info.atMs,
      medianCelsius,
      maxCelsius,
      hottest: found?.region ?? null,
      signs: found === null ? NO_SIGNS : this.#history.signs(),
      calibrated: info.calibrated,
      rejectedPixels: badPixels + rejected,
    };
  }
}

function usable(celsius: number | undefined): number {
  return celsius !== undefined && isPlausible(celsius) ? celsius : -Infinity;
}
