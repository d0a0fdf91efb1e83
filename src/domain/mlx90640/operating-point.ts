/**
 * What the auxiliary words of a dump say about the array itself: supply, ambient temperature, gain.
 *
 * Typed arrays are read with `as number`: the caller has checked that the words are there.
 */
import type { DeviceParameters } from './calibration-device.ts';
import {
  NO_MEASUREMENT,
  type Pattern,
  ZERO_CELSIUS_KELVIN,
  adcResolutionOf,
  patternOf,
  signedBits,
} from './words.ts';

/** Where the auxiliary words lie in a RAM dump (datasheet rev 12, 11.2.2). */
export const AUXILIARY = {
  vbe: 768,
  compensation0: 776,
  gain: 778,
  ptat: 800,
  compensation1: 808,
  vdd: 810,
} as const;

/** The state of the array during one dump. One object is reused for all frames of a decoder. */
export interface OperatingPoint {
  vddVolts: number;
  /** Of the array's die. */
  taCelsius: number;
  /** The gain word, and the EEPROM's gain over it: what each reading is multiplied by. */
  gain: number;
  gainRatio: number;
  pattern: Pattern;
  /** Readings of the compensation pixels of subpage 0 and 1, compensated, in counts. */
  compensation0: number;
  compensation1: number;
}

/** An operating point with nothing in it yet. */
export function emptyOperatingPoint(): OperatingPoint {
  return {
    vddVolts: NaN,
    taCelsius: NaN,
    gain: NaN,
    gainRatio: NaN,
    pattern: 'chess',
    compensation0: 0,
    compensation1: 0,
  };
}

/**
 * Computes the operating point of a dump of at least 832 words into `into`. Values are whatever the
 * formulas give, NaN and infinities included; judging them is not done here.
 *
 * Formulas: MLX90640 datasheet rev 12, 11.2.2.1 (resolution), 11.2.2.2 (supply), 11.2.2.3 (ambient
 * temperature), 11.2.2.4 (gain), 11.2.2.6 (compensation pixels).
 */
export function measureOperatingPoint(
  words: Uint16Array,
  device: DeviceParameters,
  controlRegister: number,
  into: OperatingPoint,
): void {
  const at = (index: number): number => signedBits(words[index] as number, 0, 16);
  const resolution = 2 ** (device.resolution - adcResolutionOf(controlRegister));
  const supplyShift = (resolution * at(AUXILIARY.vdd) - device.vdd25) / device.kVdd;
  const ptat = at(AUXILIARY.ptat);
  const ptatArt = (ptat / (ptat * device.alphaPtat + at(AUXILIARY.vbe))) * 2 ** 18;
  const ambientShift =
    (ptatArt / (1 + device.kvPtat * supplyShift) - device.vPtat25) / device.ktPtat;
  into.vddVolts = supplyShift + 3.3;
  into.taCelsius = ambientShift + 25;
  into.gain = at(AUXILIARY.gain);
  into.gainRatio = device.gain / into.gain;
  into.pattern = patternOf(controlRegister);
  const { offset, kta, kv } = device.compensation;
  const drift = (1 + kta * ambientShift) * (1 + kv * supplyShift);
  const c1 = into.pattern === device.calibratedPattern ? 0 : device.ilChess.c1;
  into.compensation0 = at(AUXILIARY.compensation0) * into.gainRatio - offset[0] * drift;
  into.compensation1 = at(AUXILIARY.compensation1) * into.gainRatio - (offset[1] + c1) * drift;
}

/**
 * The T^4 that the sensor would see of a perfect mirror: what the object's own radiation adds to.
 * In K^4. Formula: datasheet rev 12, 11.2.2.9.
 */
export function reflectedK4(
  taCelsius: number,
  reflectedCelsius: number,
  emissivity: number,
): number {
  const ambient = (taCelsius + ZERO_CELSIUS_KELVIN) ** 4;
  const reflected = (reflectedCelsius + ZERO_CELSIUS_KELVIN) ** 4;
  return reflected - (reflected - ambient) / emissivity;
}

/** The first auxiliary word that holds no measurement, named for people; null when all do. */
export function missingAuxiliary(words: Uint16Array, usesCompensation: boolean): string | null {
  if (words[AUXILIARY.vdd] === NO_MEASUREMENT) return 'word 810 (supply)';
  if (words[AUXILIARY.ptat] === NO_MEASUREMENT) return 'word 800 (PTAT)';
  if (words[AUXILIARY.vbe] === NO_MEASUREMENT) return 'word 768 (Vbe)';
  if (words[AUXILIARY.gain] === NO_MEASUREMENT) return 'word 778 (gain)';
  if (!usesCompensation) return null;
  if (words[AUXILIARY.compensation0] === NO_MEASUREMENT) return 'word 776 (compensation pixel)';
  if (words[AUXILIARY.compensation1] === NO_MEASUREMENT) return 'word 808 (compensation pixel)';
  return null;
}
