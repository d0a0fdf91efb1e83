/**
 * An array's factory calibration: 832 EEPROM words in, parameters or a reason out.
 *
 * A calibration that cannot be true is refused, because temperatures computed with it would look
 * like temperatures. What is merely unusual is a warning.
 */
import { type DeviceParameters, unpackDevice } from './calibration-device.ts';
import { type BadPixel, type PixelParameters, unpackPixels } from './calibration-pixels.ts';
import { arrayIdOf } from './identity.ts';
import { ARRAY_PIXELS, EEPROM_WORDS } from './words.ts';

/** Everything that the decoder needs to know of one array. Immutable by agreement. */
export interface Calibration {
  /** 12 hex digits; see `arrayIdOf`. */
  readonly arrayId: string;
  readonly device: DeviceParameters;
  readonly pixels: PixelParameters;
  /** Counts per K^4 with the compensation pixels' share taken off; > 0 except at bad pixels. */
  readonly sensitivity: Float64Array;
  /** Pixels whose temperature is interpolated, in rising order of index. */
  readonly badPixels: readonly BadPixel[];
  /** What is unusual, in words for people; the calibration is used all the same. */
  readonly warnings: readonly string[];
}

/** Why an EEPROM image cannot be a calibration. */
export type CalibrationReason =
  | 'wrongLength'
  | 'allZero'
  | 'allOnes'
  | 'allSame'
  | 'gainNotPositive'
  | 'vddSlopeZero'
  | 'ptatNotPositive'
  | 'rangeCorrectionNotPositive'
  | 'offsetOverflow'
  | 'ktaOverflow'
  | 'sensitivityOverflow'
  | 'sensitivityNotPositive'
  | 'tooManyBadPixels';

export type CalibrationResult =
  | { readonly ok: true; readonly calibration: Calibration }
  | { readonly ok: false; readonly reason: CalibrationReason; readonly detail: string };

type Refusal = Extract<CalibrationResult, { ok: false }>;

/**
 * Most pixels that may be bad before interpolation is invention. The datasheet promises at most 4;
 * a quarter of the image leaves a wide margin for an array that aged.
 */
const MOST_BAD_PIXELS = ARRAY_PIXELS / 4;
/** Most pixels without sensitivity that the EEPROM does not list itself: the datasheet's 4. */
const MOST_INSENSITIVE_PIXELS = 4;
/** An offset must fit the 16-bit word that it is subtracted from. */
const LARGEST_OFFSET_COUNTS = 0x7fff;
/** The mean is a 16-bit word, and no pixel of a working array reaches twice the largest mean. */
const LARGEST_ALPHA_COUNTS = 0x1ffff;
/** The mean is an 8-bit number, and the remainder refines it. */
const LARGEST_KTA_COUNTS = 0x1ff;

/** Words that have the same value in every EEPROM known: a cheap hint that the read went wrong. */
const USUAL_WORDS: readonly (readonly [at: number, value: number])[] = [
  [3, 0x2061],
  [5, 0x0320],
  [6, 0x03e0],
];

/**
 * Unpacks and checks a dump of the EEPROM (832 words from address 0x2400).
 *
 * Never throws and takes bounded time for any words. Formulas: MLX90640 datasheet rev 12, 11.1;
 * the compensation pixels' share of the sensitivity is the mean of both subpages.
 */
export function parseCalibration(eeprom: Uint16Array): CalibrationResult {
  const blank = refuseBlank(eeprom);
  if (blank !== null) return blank;
  const device = unpackDevice(eeprom);
  const pixels = unpackPixels(eeprom);
  const refusal = refuseDevice(device) ?? refuseOverflow(pixels);
  if (refusal !== null) return refusal;
  const sensitivity = sensitivityOf(device, pixels);
  const badPixels = badPixelsOf(pixels, sensitivity);
  const tooMany = refuseBadPixels(badPixels);
  if (tooMany !== null) return tooMany;
  const warnings = warningsOf(eeprom, device, badPixels);
  const arrayId = arrayIdOf(eeprom);
  return {
    ok: true,
    calibration: { arrayId, device, pixels, sensitivity, badPixels, warnings },
  };
}

function refuse(reason: CalibrationReason, detail: string): Refusal {
  return { ok: false, reason, detail };
}

function refuseBlank(eeprom: Uint16Array): Refusal | null {
  if (eeprom.length !== EEPROM_WORDS) {
    return refuse(
      'wrongLength',
      `${eeprom.length} words instead of ${EEPROM_WORDS}: read it again`,
    );
  }
  const first = eeprom[0];
  if (!eeprom.every((word) => word === first)) return null;
  if (first === 0) return refuse('allZero', 'all words are 0000: the EEPROM was not read');
  if (first === 0xffff) return refuse('allOnes', 'all words are FFFF: the array does not answer');
  return refuse('allSame', 'all words are the same: the EEPROM was not read');
}

function refuseDevice(device: DeviceParameters): Refusal | null {
  if (device.gain <= 0) {
    return refuse('gainNotPositive', `word 48 (gain) is ${device.gain}, must be above 0`);
  }
  if (device.kVdd === 0) return refuse('vddSlopeZero', 'word 51 (supply): counts per volt are 0');
  if (device.ktPtat <= 0 || device.vPtat25 <= 0) {
    return refuse(
      'ptatNotPositive',
      `words 49, 50 (ambient): ${device.vPtat25} counts at 25 C, ${device.ktPtat} per kelvin`,
    );
  }
  const { rangeCorrection } = device;
  const bad = rangeCorrection.findIndex((factor) => !(factor > 0 && Number.isFinite(factor)));
  if (bad < 0) return null;
  return refuse(
    'rangeCorrectionNotPositive',
    `words 61..63 (ranges): range ${bad + 1} starts at sensitivity ${rangeCorrection[bad] ?? NaN}`,
  );
}

function refuseOverflow({ largest }: PixelParameters): Refusal | null {
  if (largest.offset > LARGEST_OFFSET_COUNTS) {
    return refuse('offsetOverflow', `words 16..31: an offset of ${largest.offset} counts`);
  }
  if (largest.kta > LARGEST_KTA_COUNTS) {
    return refuse('ktaOverflow', `words 54..56: a Kta of ${largest.kta} counts`);
  }
  if (largest.alpha > LARGEST_ALPHA_COUNTS) {
    return refuse('sensitivityOverflow', `words 32..47: a sensitivity of ${largest.alpha} counts`);
  }
  return null;
}

function refuseBadPixels(badPixels: readonly BadPixel[]): Refusal | null {
  const insensitive = badPixels.filter((pixel) => pixel.kind === 'insensitive').length;
  if (insensitive > MOST_INSENSITIVE_PIXELS) {
    return refuse(
      'sensitivityNotPositive',
      `words 32..47, 60: ${insensitive} pixels have no positive sensitivity`,
    );
  }
  if (badPixels.length <= MOST_BAD_PIXELS) return null;
  return refuse(
    'tooManyBadPixels',
    `${badPixels.length} pixels are bad, at most ${MOST_BAD_PIXELS} can be interpolated`,
  );
}

function sensitivityOf(device: DeviceParameters, pixels: PixelParameters): Float64Array {
  const { tgc, compensation } = device;
  const share = (tgc * (compensation.alpha[0] + compensation.alpha[1])) / 2;
  return pixels.alpha.map((alpha) => alpha - share);
}

function badPixelsOf(pixels: PixelParameters, sensitivity: Float64Array): readonly BadPixel[] {
  const kinds = new Map(pixels.listed.map(({ index, kind }) => [index, kind]));
  for (const [index, value] of sensitivity.entries()) {
    if (!(value > 0) && !kinds.has(index)) kinds.set(index, 'insensitive');
  }
  return [...kinds]
    .map(([index, kind]) => ({ index, kind }))
    .sort((left, right) => left.index - right.index);
}

function warningsOf(
  eeprom: Uint16Array,
  device: DeviceParameters,
  badPixels: readonly BadPixel[],
): readonly string[] {
  const warnings: string[] = [];
  for (const [at, usual] of USUAL_WORDS) {
    const found = eeprom[at] ?? 0;
    if (found !== usual) warnings.push(`word ${at} is ${hex(found)}, usually ${hex(usual)}`);
  }
  if (arrayIdOf(eeprom) === '000000000000') warnings.push('words 7..9: no serial number');
  if (device.cornerCelsius[2] <= 0) warnings.push('word 63: the range 0 C..CT3 is empty');
  const insensitive = badPixels.filter((pixel) => pixel.kind === 'insensitive').length;
  if (insensitive > 0) warnings.push(`${insensitive} pixels without positive sensitivity`);
  return warnings;
}

function hex(word: number): string {
  return word.toString(16).toUpperCase().padStart(4, '0');
}
