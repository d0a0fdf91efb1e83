/**
 * One array's frames: RAM words in, temperatures and facts out.
 *
 *   words -> operating point (supply, ambient, gain) -> pixel compensation -> temperature curve
 *         -> repair of bad pixels -> plausibility -> facts
 *
 * The decoder makes no object for a frame that is `ok` (the engine boxes a few numbers: about 100
 * bytes). Its results live in buffers that the next frame overwrites.
 */
import { BadPixelRepair } from './bad-pixels.ts';
import type { Calibration } from './calibration.ts';
import { PixelCompensation } from './compensation.ts';
import { ObjectTemperature } from './object-temperature.ts';
import {
  type OperatingPoint,
  emptyOperatingPoint,
  measureOperatingPoint,
  missingAuxiliary,
  reflectedK4,
} from './operating-point.ts';
import {
  type FrameStatus,
  type FrameWarning,
  MOST_MISSING_PIXELS,
  type SubpageContrast,
  VDD_LOW_VOLTS,
  compareSubpages,
  judgePoint,
} from './plausibility.ts';
import {
  ARRAY_PIXELS,
  type Pattern,
  RAM_WORDS,
  TAIL_CONTROL_REGISTER,
  ZERO_CELSIUS_KELVIN,
  subpageOf,
} from './words.ts';

/** Where the control register (ADC resolution, read-out pattern) of a dump is found. */
export type ControlRegisterSource =
  /** EEPROM word 12: what the array starts with. Right for `#frame` dumps. */
  | { readonly from: 'eeprom' }
  /** Word 832 of each dump, as the vendor's driver appends it: a quirk of the device. */
  | { readonly from: 'driverTail' }
  | { readonly value: number };

export interface DecoderOptions {
  /** Of the objects in view, 0.05..1. Default 0.95. */
  readonly emissivity?: number;
  /** Temperature of what the objects reflect, in C; null: 8 below ambient. Default null. */
  readonly reflectedCelsius?: number | null;
  /** Default `{ from: 'eeprom' }`. */
  readonly controlRegister?: ControlRegisterSource;
}

export const EMISSIVITY_LOWEST = 0.05;
export const EMISSIVITY_HIGHEST = 1;
export const DEFAULT_EMISSIVITY = 0.95;
const REFLECTED_LOWEST_CELSIUS = -ZERO_CELSIUS_KELVIN;
/** The array's housing and surroundings radiate at about this below its die. */
const REFLECTED_BELOW_AMBIENT_CELSIUS = 8;

/** What one frame says beside its temperatures. Overwritten by the next `decode`. */
export interface FrameFacts {
  readonly status: FrameStatus;
  /** Why, with the values; empty when `ok`. */
  readonly detail: string;
  readonly warnings: readonly FrameWarning[];
  readonly vddVolts: number;
  /** Of the array's die. */
  readonly taCelsius: number;
  /** The gain word, and the EEPROM's gain over it. */
  readonly gain: number;
  readonly gainRatio: number;
  /** Mean of subpage 0 minus that of subpage 1; NaN when only one was decoded. */
  readonly subpageContrastCelsius: number;
  /** Interpolated pixels: those of the calibration, then this frame's; `badPixelCount` of them. */
  readonly badPixels: Uint16Array;
  readonly badPixelCount: number;
}

export interface FrameDecoder {
  /**
   * Decodes a dump of 832 words or more into `out` (768, row-major as in RAM, degrees C).
   *
   * The numbers are written whenever the formulas give any, whatever the status. NaN is written
   * where a pixel has no temperature and no good neighbour to interpolate from; everywhere, when
   * the status is `wordsMissing`, `auxiliaryMissing` or `tailMissing`, or when the operating point
   * is not finite. With `subpage` 0 or 1 only that subpage's pixels of `out` are touched, and the
   * subpages are not compared.
   */
  decode(words: Uint16Array, out: Float32Array, subpage?: 'both' | 0 | 1): FrameFacts;
}

/** @throws RangeError for options out of range: check user input first. */
export function createFrameDecoder(
  calibration: Calibration,
  options: DecoderOptions = {},
): FrameDecoder {
  return new Decoder(calibration, options);
}

type MutableFacts = { -readonly [Key in keyof FrameFacts]: FrameFacts[Key] };

const NO_WARNINGS: readonly FrameWarning[] = [];
const VDD_LOW: readonly FrameWarning[] = ['vddLow'];
const INTERPOLATED: readonly FrameWarning[] = ['pixelsInterpolated'];
const VDD_LOW_INTERPOLATED: readonly FrameWarning[] = ['vddLow', 'pixelsInterpolated'];

class Decoder implements FrameDecoder {
  readonly #calibration: Calibration;
  readonly #emissivity: number;
  readonly #reflectedCelsius: number | null;
  readonly #controlRegister: ControlRegisterSource;
  readonly #compensation: PixelCompensation;
  readonly #temperature: ObjectTemperature;
  readonly #repair: BadPixelRepair;
  readonly #point: OperatingPoint = emptyOperatingPoint();
  readonly #contrast: SubpageContrast = { meanCelsius: NaN, checkerboard: false };
  readonly #netK4 = new Float64Array(ARRAY_PIXELS);
  readonly #celsius = new Float32Array(ARRAY_PIXELS);
  readonly #facts: MutableFacts;

  constructor(calibration: Calibration, options: DecoderOptions) {
    this.#calibration = calibration;
    this.#emissivity = checkedEmissivity(options.emissivity ?? DEFAULT_EMISSIVITY);
    this.#reflectedCelsius = checkedReflected(options.reflectedCelsius ?? null);
    this.#controlRegister = options.controlRegister ?? { from: 'eeprom' };
    this.#compensation = new PixelCompensation(calibration);
    this.#temperature = new ObjectTemperature(calibration.device);
    this.#repair = new BadPixelRepair(calibration.badPixels.map((pixel) => pixel.index));
    this.#facts = {
      status: 'ok',
      detail: '',
      warnings: NO_WARNINGS,
      vddVolts: NaN,
      taCelsius: NaN,
      gain: NaN,
      gainRatio: NaN,
      subpageContrastCelsius: NaN,
      badPixels: this.#repair.indices,
      badPixelCount: this.#repair.count,
    };
  }

  decode(words: Uint16Array, out: Float32Array, subpage: 'both' | 0 | 1 = 'both'): FrameFacts {
    const impossible = this.#whyImpossible(words);
    if (impossible !== null) return this.#withoutNumbers(impossible, words.length, out, subpage);
    const { device } = this.#calibration;
    const point = this.#point;
    measureOperatingPoint(words, device, this.#controlRegisterOf(words), point);
    const reflected = this.#reflectedCelsius ?? point.taCelsius - REFLECTED_BELOW_AMBIENT_CELSIUS;
    this.#compensation.run(words, point, this.#emissivity, this.#netK4);
    this.#temperature.prepare(reflectedK4(point.taCelsius, reflected, this.#emissivity));
    const celsius = subpage === 'both' ? out : this.#celsius;
    const missing = this.#temperature.fill(this.#netK4, celsius);
    this.#repair.repair(celsius, missing > 0);
    if (subpage !== 'both') copySubpage(celsius, out, point.pattern, subpage);
    this.#compare(celsius, subpage);
    return this.#report(words);
  }

  #whyImpossible(words: Uint16Array): FrameStatus | null {
    if (words.length < ARRAY_PIXELS) return 'wordsMissing';
    if (words.length < RAM_WORDS) return 'auxiliaryMissing';
    return 'from' in this.#controlRegister &&
      this.#controlRegister.from === 'driverTail' &&
      words.length <= TAIL_CONTROL_REGISTER
      ? 'tailMissing'
      : null;
  }

  #controlRegisterOf(words: Uint16Array): number {
    const source = this.#controlRegister;
    if ('value' in source) return source.value;
    if (source.from === 'eeprom') return this.#calibration.device.controlRegister;
    return words[TAIL_CONTROL_REGISTER] ?? NaN;
  }

  #compare(celsius: Float32Array, subpage: 'both' | 0 | 1): void {
    if (subpage === 'both') {
      compareSubpages(celsius, this.#point.pattern, this.#point.taCelsius, this.#contrast);
    } else {
      this.#contrast.meanCelsius = NaN;
      this.#contrast.checkerboard = false;
    }
  }

  #report(words: Uint16Array): FrameFacts {
    const facts = this.#facts;
    const point = this.#point;
    const interpolated = this.#repair.count - this.#calibration.badPixels.length;
    facts.vddVolts = point.vddVolts;
    facts.taCelsius = point.taCelsius;
    facts.gain = point.gain;
    facts.gainRatio = point.gainRatio;
    facts.subpageContrastCelsius = this.#contrast.meanCelsius;
    facts.badPixelCount = this.#repair.count;
    facts.warnings = warningsOf(point.vddVolts < VDD_LOW_VOLTS, interpolated > 0);
    const absent = missingAuxiliary(words, this.#calibration.device.tgc !== 0);
    facts.status = absent === null ? judgePoint(point) : 'auxiliaryInvalid';
    if (facts.status === 'ok' && interpolated > MOST_MISSING_PIXELS) facts.status = 'pixelsMissing';
    if (facts.status === 'ok' && this.#contrast.checkerboard) facts.status = 'checkerboard';
    facts.detail =
      facts.status === 'ok' ? '' : explain(facts, absent, interpolated, this.#calibration);
    return facts;
  }

  #withoutNumbers(
    status: FrameStatus,
    wordCount: number,
    out: Float32Array,
    subpage: 'both' | 0 | 1,
  ): FrameFacts {
    const facts = this.#facts;
    this.#celsius.fill(NaN);
    if (subpage === 'both') out.set(this.#celsius);
    else copySubpage(this.#celsius, out, this.#point.pattern, subpage);
    facts.status = status;
    facts.detail = `${wordCount} words, needed are ${
      status === 'tailMissing' ? 'the 832 of the RAM and the control register' : RAM_WORDS
    }`;
    facts.warnings = NO_WARNINGS;
    facts.vddVolts = NaN;
    facts.taCelsius = NaN;
    facts.gain = NaN;
    facts.gainRatio = NaN;
    facts.subpageContrastCelsius = NaN;
    facts.badPixelCount = this.#calibration.badPixels.length;
    return facts;
  }
}

function checkedEmissivity(emissivity: number): number {
  if (emissivity >= EMISSIVITY_LOWEST && emissivity <= EMISSIVITY_HIGHEST) return emissivity;
  throw new RangeError(`emissivity ${emissivity}: use 0.05..1`);
}

function checkedReflected(celsius: number | null): number | null {
  if (celsius === null || (celsius > REFLECTED_LOWEST_CELSIUS && Number.isFinite(celsius))) {
    return celsius;
  }
  throw new RangeError(`reflected temperature ${celsius} C: use a number above -273.15, or null`);
}

function copySubpage(from: Float32Array, to: Float32Array, pattern: Pattern, subpage: 0 | 1): void {
  for (let pixel = 0; pixel < ARRAY_PIXELS; pixel++) {
    if (subpageOf(pixel, pattern) === subpage) to[pixel] = from[pixel] as number;
  }
}

function warningsOf(vddLow: boolean, interpolated: boolean): readonly FrameWarning[] {
  if (vddLow) return interpolated ? VDD_LOW_INTERPOLATED : VDD_LOW;
  return interpolated ? INTERPOLATED : NO_WARNINGS;
}

function explain(
  facts: FrameFacts,
  absent: string | null,
  interpolated: number,
  calibration: Calibration,
): string {
  switch (facts.status) {
    case 'auxiliaryInvalid':
      return absent === null
        ? 'supply, ambient temperature or gain is not a finite number'
        : `${absent} holds no measurement (7FFF)`;
    case 'vddImplausible':
      return `supply ${facts.vddVolts.toFixed(3)} V, plausible are 2.6..3.6 V`;
    case 'taImplausible':
      return `ambient ${facts.taCelsius.toFixed(2)} C, plausible are -40..85 C`;
    case 'gainImplausible':
      return `gain ${facts.gain}, the calibration's is ${calibration.device.gain}`;
    case 'pixelsMissing':
      return `${interpolated} pixels have no temperature, at most ${MOST_MISSING_PIXELS} may`;
    case 'checkerboard':
      return `the subpages differ by ${facts.subpageContrastCelsius.toFixed(1)} C on the mean`;
    case 'ok':
    case 'wordsMissing':
    case 'auxiliaryMissing':
    case 'tailMissing':
      return '';
  }
}
