/**
 * Registers of ADS1115 and ADS1015. Sources: Texas Instruments SBAS444 (ADS1113/4/5), section
 * "Register Map", tables of the address pointer, conversion and config registers; SBAS473
 * (ADS1013/4/5), the same section: the result is 12 bits, left-aligned, and the data rates differ.
 *
 *   config   15   14..12   11..9    8     7..5      4      3      2      1..0
 *            OS    MUX      PGA    MODE    DR    COMP_MODE POL   LAT   COMP_QUE
 */
export const CONVERSION_REGISTER = 0x00;
export const CONFIG_REGISTER = 0x01;
/** Written: start one conversion. Read: none is under way. */
export const OS_BIT = 0x8000;
const SINGLE_SHOT = 0x0100;
const COMPARATOR_OFF = 0x0003;
/** What the config register holds after power-on, in both families. */
export const CONFIG_AFTER_RESET = 0x8583;

export type AdsModel = 'ads1115' | 'ads1015';

/** MUX codes in their order: differential first, then against ground. */
export const ADS_INPUTS = [
  'ain0-ain1',
  'ain0-ain3',
  'ain1-ain3',
  'ain2-ain3',
  'ain0',
  'ain1',
  'ain2',
  'ain3',
] as const;
export type AdsInput = (typeof ADS_INPUTS)[number];

/** Full scale in volts by PGA code; codes 6 and 7 are 0.256 too. */
export const ADS_RANGES_VOLTS = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256] as const;

/** Samples per second by DR code. */
export const ADS_DATA_RATES: Readonly<Record<AdsModel, readonly number[]>> = {
  ads1115: [8, 16, 32, 64, 128, 250, 475, 860],
  ads1015: [128, 250, 490, 920, 1600, 2400, 3300],
};

/** The internal oscillator may be this much slow (electrical characteristics, data rate). */
const OSCILLATOR = 1.1;

export interface AdsConversion {
  readonly input: AdsInput;
  /** One of `ADS_RANGES_VOLTS`. */
  readonly rangeVolts: number;
  /** One of `ADS_DATA_RATES`. */
  readonly dataRate: number;
}

/** The word that starts one conversion. */
export function configWord(model: AdsModel, conversion: AdsConversion): number {
  const mux = ADS_INPUTS.indexOf(conversion.input);
  const pga = ADS_RANGES_VOLTS.findIndex((volts) => volts === conversion.rangeVolts);
  const rate = ADS_DATA_RATES[model].indexOf(conversion.dataRate);
  return OS_BIT | (mux << 12) | (pga << 9) | SINGLE_SHOT | (rate << 5) | COMPARATOR_OFF;
}

/** How long one conversion takes at most. */
export function conversionMs(dataRate: number): number {
  return (OSCILLATOR * 1000) / dataRate;
}

/** Voltages that the codes before the two ends stand for. */
export function adsRange(
  model: AdsModel,
  rangeVolts: number,
): { lowVolts: number; highVolts: number } {
  const codes = model === 'ads1115' ? 0x8000 : 0x800;
  return { lowVolts: -rangeVolts, highVolts: (rangeVolts * (codes - 1)) / codes };
}

export interface AdsReading {
  readonly volts: number;
  readonly end: 'within' | 'low' | 'high';
}

/** The voltage of a conversion word; null where this model cannot give such a word. */
export function adsReading(model: AdsModel, word: number, rangeVolts: number): AdsReading | null {
  if (model === 'ads1015' && (word & 0x000f) !== 0) return null;
  const code = (word << 16) >> 16;
  const highest = model === 'ads1115' ? 0x7fff : 0x7ff0;
  const end = code >= highest ? 'high' : code === -0x8000 ? 'low' : 'within';
  return { volts: (code * rangeVolts) / 0x8000, end };
}
