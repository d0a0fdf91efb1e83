/**
 * Formulas of heated metal-oxide gas sensors (the MQ family); pure.
 *
 *   supply ──[ sensor Rs ]──┬──[ load RL ]── ground        Rs = RL x (supply / V - 1)
 *                           └── V, to the converter
 *
 * Gas lowers Rs. What alarms is the ratio of Rs to R0, the Rs of this very sensor in clean air: RL
 * and the supply cancel out of it as long as they are right for both. A concentration in ppm is an
 * estimate for people: it needs the curve of a data sheet, which holds for one gas at one
 * temperature and humidity, and published constants disagree up to fivefold. It has no limits.
 */

/** The circuit around a sensor. */
export interface GasDivider {
  /** Load resistance RL, kOhm. */
  readonly loadKiloohm: number;
  /** What the divider hangs on, volts. */
  readonly supplyVolts: number;
  /** What the converter calls 100 %, in volts at the divider's tap. */
  readonly fullScaleVolts: number;
}

/** A usual module: 10 kOhm on 5 V, with the converter's full scale at 5 V. */
export const USUAL_DIVIDER: GasDivider = { loadKiloohm: 10, supplyVolts: 5, fullScaleVolts: 5 };

/** Below it the sensor is as good as short-circuited: a divider cannot tell. */
const SMALLEST_KILOOHM = 0.1;
/** One step of a 12 bit converter: below it the divider says nothing. */
const SMALLEST_PERCENT = 100 / 4095;

/** Rs in kOhm, at least 0.1, of a channel at `percent` of full scale. */
export function sensorKiloohm(percent: number, divider: GasDivider = USUAL_DIVIDER): number {
  const { loadKiloohm, supplyVolts, fullScaleVolts } = divider;
  const volts = (Math.max(percent, SMALLEST_PERCENT) / 100) * fullScaleVolts;
  return Math.max(SMALLEST_KILOOHM, loadKiloohm * (supplyVolts / volts - 1));
}

/** The inverse: percent of full scale, 0..100, at which a sensor of `kiloohm` is read. */
export function percentAtKiloohm(kiloohm: number, divider: GasDivider = USUAL_DIVIDER): number {
  const { loadKiloohm, supplyVolts, fullScaleVolts } = divider;
  const volts = (supplyVolts * loadKiloohm) / (loadKiloohm + kiloohm);
  return Math.min(100, Math.max(0, (100 * volts) / fullScaleVolts));
}

/** Rs/R0, where R0 is Rs at the clean-air level. Both in percent of full scale. */
export function gasRatio(
  percent: number,
  cleanPercent: number,
  divider: GasDivider = USUAL_DIVIDER,
): number {
  return sensorKiloohm(percent, divider) / sensorKiloohm(cleanPercent, divider);
}

export const GASES = [
  'carbonDioxide',
  'carbonMonoxide',
  'ammonia',
  'alcohol',
  'acetone',
  'toluene',
] as const;
/** Gases that an MQ-135 has a published curve for. */
export type Gas = (typeof GASES)[number];

/** ppm = a x (Rs/R0)^b: the curves of the MQ-135 as this project was given them. */
export const GAS_CURVES: Readonly<Record<Gas, { readonly a: number; readonly b: number }>> = {
  carbonDioxide: { a: 116.6020682, b: -2.769034857 },
  carbonMonoxide: { a: 605.18, b: -3.937 },
  ammonia: { a: 102.2, b: -2.473 },
  alcohol: { a: 77.255, b: -3.18 },
  acetone: { a: 34.668, b: -3.369 },
  toluene: { a: 44.947, b: -3.445 },
};

/** Rs in clean air over the R0 of the published curves. */
export const CLEAN_AIR_RATIO = 3.6;
/** What clean air itself holds: outdoor air, rounded to the first band. */
const CLEAN_AIR_CO2_PPM = 400;
/** No estimate is worth a larger number. */
const MOST_PPM = 1_000_000;

/** Bands of air quality by the estimate of carbon dioxide; each begins at its ppm. */
export const AIR_BANDS = [
  { band: 'outdoor', fromPpm: 0 },
  { band: 'excellent', fromPpm: 400 },
  { band: 'good', fromPpm: 600 },
  { band: 'moderate', fromPpm: 1000 },
  { band: 'poor', fromPpm: 1500 },
  { band: 'bad', fromPpm: 2000 },
] as const;
export type AirBand = (typeof AIR_BANDS)[number]['band'];

/** What is shown beside the ratio, and never compared with anything. */
export interface GasEstimate {
  /** Parts per million, rounded to two digits: more would be a lie. */
  readonly ppm: number;
  readonly gas: Gas;
  /** Air quality, of carbon dioxide only. */
  readonly band: AirBand | null;
}

/** The published curve itself. @param ratio Rs over the curve's own R0, above 0. */
export function curvePpm(gas: Gas, ratio: number): number {
  const { a, b } = GAS_CURVES[gas];
  return a * ratio ** b;
}

/**
 * The curve's R0 is not the clean-air Rs. For carbon dioxide, which clean air holds, the curve is
 * pinned to 400 ppm in clean air; any other gas is absent there, and the published clean-air ratio
 * of 3.6 leads from one to the other.
 * @param ratio Rs over the learnt clean-air Rs, above 0.
 */
export function estimateOf(gas: Gas, ratio: number): GasEstimate {
  const { a, b } = GAS_CURVES[gas];
  const clean = gas === 'carbonDioxide' ? (CLEAN_AIR_CO2_PPM / a) ** (1 / b) : CLEAN_AIR_RATIO;
  const ppm = twoDigits(Math.min(MOST_PPM, curvePpm(gas, ratio * clean)));
  return { ppm, gas, band: gas === 'carbonDioxide' ? airBand(ppm) : null };
}

/** The band in which an estimate of carbon dioxide lies. */
export function airBand(ppm: number): AirBand {
  let found: AirBand = AIR_BANDS[0].band;
  for (const { band, fromPpm } of AIR_BANDS) if (ppm >= fromPpm) found = band;
  return found;
}

function twoDigits(value: number): number {
  return Number(value.toPrecision(2));
}
