/**
 * The thermal data of one array that this appliance reads itself: EEPROM and subpages in,
 * temperatures or a reason why there are none out. The counterpart of a board's `ThermalIntake`.
 *
 * Each subpage is computed with the supply, ambient temperature and gain of its own dump (vendor
 * chain), and a picture is handed on when both are new:
 *
 *   subpage 0 ──► [0] ──► subpage 1 ──► [0,1] ──► compare ──► sink ──► []
 *   a subpage that cannot be believed empties the picture; one that comes twice replaces itself
 *
 * Each subpage is watched for being frozen by itself: an array can go on measuring one of them.
 */
import type { NoDataReason } from '../evidence.ts';
import { THERMAL_CHANNEL } from '../evidence.ts';
import type { EvidenceBank } from '../evidence-bank.ts';
import type { CalibrationCache } from '../line-protocol/calibrations.ts';
import { sameWords } from '../line-protocol/calibrations.ts';
import type { LineCounters } from '../line-protocol/line-counters.ts';
import type { FrameSink } from '../line-protocol/thermal-intake.ts';
import type { OpenRawTap, RawTap } from '../raw-tap.ts';
import type { SensorNotice } from '../step.ts';
import type { SensorId } from '../units.ts';
import { BadPixelRepair } from './bad-pixels.ts';
import { whyBlended } from './blended.ts';
import type { Calibration } from './calibration.ts';
import { parseCalibration } from './calibration.ts';
import type { FrameDecoder, FrameFacts } from './frame-decoder.ts';
import { createFrameDecoder } from './frame-decoder.ts';
import { FrozenWatch } from './frozen-watch.ts';
import { NO_DATA_OF } from './no-data.ts';
import type { SubpageContrast } from './plausibility.ts';
import {
  compareSubpages,
  GAIN_RATIO_HIGHEST,
  GAIN_RATIO_LOWEST,
  MOST_MISSING_PIXELS,
  TA_HIGHEST_CELSIUS,
  TA_LOWEST_CELSIUS,
} from './plausibility.ts';
import type { Pattern } from './words.ts';
import {
  adcResolutionOf,
  ARRAY_PIXELS,
  patternOf,
  subpageOf,
  TAIL_CONTROL_REGISTER,
} from './words.ts';

export interface ArrayIntakeDeps {
  readonly bank: EvidenceBank;
  readonly calibrations: CalibrationCache;
  readonly counters: Pick<
    LineCounters,
    'framesDecoded' | 'framesWithheld' | 'calibrationsAccepted' | 'calibrationsRefused'
  >;
  readonly frameSinkOf: (sensor: SensorId) => FrameSink;
  readonly onNotice: (notice: SensorNotice) => void;
  /** Where raw words are recorded; absent: nowhere. */
  readonly openRawTap?: OpenRawTap;
}

export interface ArrayOptions {
  /** Of what is looked at, 0.05..1. */
  readonly emissivity: number;
  /** Null: 8 C below the array's ambient temperature. */
  readonly reflectedCelsius: number | null;
}

/**
 * What became of what was handed in: a whole picture went on, half of one is waiting for its other
 * half, or there is no data, with the reason in the bank and in `refusal`.
 */
export type Taken = 'picture' | 'half' | 'withheld';

/**
 * Objects of -40..300 C are within the array's range (datasheet, features). A module's signed
 * hundredths end at 327.67 C: something hotter comes out below what any object has here.
 */
const OBJECT_LOWEST_CELSIUS = -60;

interface Calibrated {
  readonly calibration: Calibration;
  readonly eeprom: Uint16Array;
  readonly decoder: FrameDecoder;
}

export class ArrayIntake {
  readonly #sensor: SensorId;
  readonly #deps: ArrayIntakeDeps;
  readonly #options: ArrayOptions;
  readonly #sink: FrameSink;
  readonly #raw: RawTap | null;
  readonly #frozen: readonly [FrozenWatch, FrozenWatch] = [new FrozenWatch(), new FrozenWatch()];
  /** The words of one subpage, those of the other being 0. */
  readonly #half = new Uint16Array(ARRAY_PIXELS);
  readonly #celsius = new Float32Array(ARRAY_PIXELS);
  readonly #contrast: SubpageContrast = { meanCelsius: NaN, checkerboard: false };
  /** For pictures of modules, whose bad pixels nobody lists. */
  readonly #repair = new BadPixelRepair([]);
  /** Once a picture has come that was computed elsewhere. */
  #isModule = false;
  #calibrated: Calibrated | null = null;
  #fresh = 0;
  #refusal = '';

  constructor(sensor: SensorId, deps: ArrayIntakeDeps, options: ArrayOptions) {
    this.#sensor = sensor;
    this.#deps = deps;
    this.#options = options;
    this.#sink = deps.frameSinkOf(sensor);
    this.#raw = deps.openRawTap?.(sensor) ?? null;
    this.#raw?.decoding({ ...options, kind: 'subpages' }, null);
  }

  /** Whether the EEPROM of an array has been taken. */
  get calibrated(): boolean {
    return this.#calibrated !== null;
  }

  /** Why there was no data the last time; for people. */
  get refusal(): string {
    return this.#refusal;
  }

  /**
   * Takes a whole EEPROM dump, 832 words. A new serial number is an `arraySwapped` notice.
   * @returns why it cannot be used, or null
   */
  eeprom(words: Uint16Array, nowMs: number): string | null {
    this.#fresh = 0;
    if (this.#calibrated !== null && sameWords(this.#calibrated.eeprom, words)) return null;
    const parsed = parseCalibration(words);
    if (!parsed.ok) return this.#refuse(`${parsed.reason}: ${parsed.detail}`, nowMs);
    const blended = whyBlended(words);
    if (blended !== null) return this.#refuse(blended, nowMs);
    const { calibration } = parsed;
    this.#deps.counters.calibrationsAccepted += 1;
    const was = this.#deps.calibrations.remember(this.#sensor, words);
    if (was !== null) {
      const is = calibration.arrayId;
      this.#deps.onNotice({ kind: 'arraySwapped', sensor: this.#sensor, was, is });
    }
    for (const watch of this.#frozen) watch.reset();
    const decoder = createFrameDecoder(calibration, {
      emissivity: this.#options.emissivity,
      reflectedCelsius: this.#options.reflectedCelsius,
      controlRegister: { from: 'driverTail' },
    });
    this.#calibrated = { calibration, eeprom: words.slice(), decoder };
    this.#raw?.decoding({ ...this.#options, kind: 'subpages' }, words);
    return null;
  }

  /**
   * Takes the dump in which `subpage` is new.
   * @param words 834: the 832 of the RAM, the control register, the subpage; as the vendor's
   *   driver lays them out
   */
  subpage(words: Uint16Array, subpage: 0 | 1, nowMs: number): Taken {
    this.#raw?.words(words, subpage, nowMs, NaN);
    if (this.#calibrated === null) {
      return this.noData('noCalibration', 'the EEPROM of this array has not been read yet', nowMs);
    }
    const { decoder, calibration } = this.#calibrated;
    const facts = decoder.decode(words, this.#celsius, subpage);
    const control = words[TAIL_CONTROL_REGISTER] ?? 0;
    if (facts.status !== 'ok' && !isGainOfResolution(facts, calibration, control)) {
      return this.noData(NO_DATA_OF[facts.status], `subpage ${subpage}: ${facts.detail}`, nowMs);
    }
    const pattern = patternOf(control);
    if (this.#isFrozen(words, pattern, subpage)) {
      const repeats = this.#frozen[subpage].unchangedFrames;
      const detail = `subpage ${subpage} has repeated itself ${repeats} times`;
      return this.noData('frozen', detail, nowMs);
    }
    this.#fresh |= 1 << subpage;
    return this.#fresh === 0b11 ? this.#complete(pattern, facts.taCelsius, facts, nowMs) : 'half';
  }

  /**
   * Takes the picture of a module that computes temperatures itself.
   * @param hundredths 768 words as on its line, signed hundredths of a degree: what a frozen module
   *   repeats to the bit
   */
  computed(hundredths: Uint16Array, taCelsius: number, nowMs: number): Taken {
    if (!this.#isModule) this.#raw?.decoding({ kind: 'module' }, null);
    this.#isModule = true;
    this.#raw?.words(hundredths, null, nowMs, taCelsius);
    const strange = moduleCelsius(hundredths, this.#celsius);
    if (!(taCelsius >= TA_LOWEST_CELSIUS && taCelsius <= TA_HIGHEST_CELSIUS)) {
      const detail = `ambient ${taCelsius.toFixed(2)} C, plausible are -40..85 C`;
      return this.noData('implausibleTa', detail, nowMs);
    }
    if (strange > MOST_MISSING_PIXELS) {
      const detail =
        `${strange} pixels are below ${OBJECT_LOWEST_CELSIUS} C or beyond the 327 C that the ` +
        `module can say, at most ${MOST_MISSING_PIXELS} may be`;
      return this.noData('outOfRange', detail, nowMs);
    }
    if (this.#frozen[0].offer(hundredths)) {
      const repeats = this.#frozen[0].unchangedFrames;
      return this.noData('frozen', `${repeats} pictures in a row repeat the one before`, nowMs);
    }
    this.#repair.repair(this.#celsius, strange > 0);
    return this.#complete('chess', taCelsius, null, nowMs);
  }

  /** Says why there is no picture; what was collected of one is dropped. */
  noData(reason: NoDataReason, detail: string, nowMs: number): 'withheld' {
    this.#fresh = 0;
    this.#refusal = detail;
    this.#raw?.withheld(reason);
    const { framesWithheld } = this.#deps.counters;
    framesWithheld[reason] = (framesWithheld[reason] ?? 0) + 1;
    this.#deps.bank.noData(this.#sensor, THERMAL_CHANNEL, reason, detail, nowMs);
    return 'withheld';
  }

  #refuse(refusal: string, nowMs: number): string {
    this.#deps.counters.calibrationsRefused += 1;
    this.#calibrated = null;
    this.noData('badCalibration', refusal, nowMs);
    return refusal;
  }

  #isFrozen(words: Uint16Array, pattern: Pattern, subpage: 0 | 1): boolean {
    for (let pixel = 0; pixel < ARRAY_PIXELS; pixel++) {
      this.#half[pixel] = subpageOf(pixel, pattern) === subpage ? (words[pixel] ?? 0) : 0;
    }
    return this.#frozen[subpage].offer(this.#half);
  }

  #complete(pattern: Pattern, taCelsius: number, facts: FrameFacts | null, nowMs: number): Taken {
    this.#fresh = 0;
    compareSubpages(this.#celsius, pattern, taCelsius, this.#contrast);
    if (this.#contrast.checkerboard) {
      const difference = this.#contrast.meanCelsius.toFixed(1);
      const detail = `the subpages differ by ${difference} C on the mean`;
      return this.noData('subpageMismatch', detail, nowMs);
    }
    this.#deps.counters.framesDecoded += 1;
    this.#raw?.picture(this.#celsius, true);
    this.#sink.accept(this.#celsius, { calibrated: true, facts }, nowMs);
    return 'picture';
  }
}

/**
 * A module's hundredths of a degree as temperatures; NaN where an object cannot be so cold, or is
 * beyond what a module can say.
 * @returns how many are NaN
 */
export function moduleCelsius(hundredths: Uint16Array, celsius: Float32Array): number {
  let strange = 0;
  for (let pixel = 0; pixel < ARRAY_PIXELS; pixel++) {
    const value = (((hundredths[pixel] ?? 0) << 16) >> 16) / 100;
    const isStrange = value < OBJECT_LOWEST_CELSIUS;
    celsius[pixel] = isStrange ? NaN : value;
    if (isStrange) strange += 1;
  }
  return strange;
}

/**
 * Whether a gain that seems wrong is that of another converter resolution than the calibrated one:
 * the gain word then goes with the resolution as the pixels do, and cancels theirs (datasheet,
 * 11.2.2.1 corrects the supply alone).
 */
function isGainOfResolution(facts: FrameFacts, calibration: Calibration, control: number): boolean {
  if (facts.status !== 'gainImplausible') return false;
  const ratio = facts.gainRatio / 2 ** (calibration.device.resolution - adcResolutionOf(control));
  const interpolated = facts.badPixelCount - calibration.badPixels.length;
  return (
    ratio >= GAIN_RATIO_LOWEST && ratio <= GAIN_RATIO_HIGHEST && interpolated <= MOST_MISSING_PIXELS
  );
}
