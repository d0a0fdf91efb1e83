/**
 * The parameters of the whole array, unpacked from its EEPROM
 * (MLX90640 datasheet rev 12, 11.1 "Restoring calibration data").
 */
import { type Pattern, bits, signedBits } from './words.ts';

/** One value for each of the four ranges: below 0 C, 0..CT3, CT3..CT4, above CT4. */
export type FourRanges = readonly [number, number, number, number];

/** What is the same for all pixels of one array. */
export interface DeviceParameters {
  /** Counts per volt, and counts at 3.3 V, both at the calibrated resolution (11.1.1). */
  readonly kVdd: number;
  readonly vdd25: number;
  /** ADC resolution at calibration, 0..3 for 16..19 bit (11.1.17). */
  readonly resolution: number;
  /** Ambient temperature: supply dependence, counts per kelvin, counts at 25 C, weight (11.1.2). */
  readonly kvPtat: number;
  readonly ktPtat: number;
  readonly vPtat25: number;
  readonly alphaPtat: number;
  /** Counts of the gain word at calibration (11.1.7). */
  readonly gain: number;
  /** Share of the compensation pixel that is taken off each pixel, -4..4 (11.1.16). */
  readonly tgc: number;
  /** Change of sensitivity per kelvin of ambient temperature (11.1.8). */
  readonly ksTa: number;
  /** Lower ends of the four ranges, in C (11.1.9). */
  readonly cornerCelsius: FourRanges;
  /** Change of sensitivity per kelvin of object temperature, by range (11.1.10). */
  readonly ksTo: FourRanges;
  /** Sensitivity at the lower end of each range, relative to that at 0 C (11.1.11). */
  readonly rangeCorrection: FourRanges;
  /** Compensation pixels; pairs are by subpage (11.1.12..11.1.15). */
  readonly compensation: {
    readonly alpha: readonly [number, number];
    readonly offset: readonly [number, number];
    readonly kta: number;
    readonly kv: number;
  };
  /** Corrections for reading in another pattern than the calibrated one (11.1.3.1). */
  readonly ilChess: { readonly c1: number; readonly c2: number; readonly c3: number };
  readonly calibratedPattern: Pattern;
  /** EEPROM word 12: the control register that the array starts with. */
  readonly controlRegister: number;
}

/** Unpacks the array-wide parameters; never throws, and may return values that cannot be true. */
export function unpackDevice(eeprom: Uint16Array): DeviceParameters {
  const word = (at: number): number => eeprom[at] ?? 0;
  const kvScale = 2 ** bits(word(56), 8, 4);
  const ktaScale = 2 ** (bits(word(56), 4, 4) + 8);
  const alphaCp = signedBits(word(57), 0, 10) / 2 ** (bits(word(32), 12, 4) + 27);
  const offsetCp = signedBits(word(58), 0, 10);
  const ranges = unpackRanges(word);
  return {
    kVdd: signedBits(word(51), 8, 8) * 32,
    vdd25: (bits(word(51), 0, 8) - 256) * 32 - 8192,
    resolution: bits(word(56), 12, 2),
    kvPtat: signedBits(word(50), 10, 6) / 4096,
    ktPtat: signedBits(word(50), 0, 10) / 8,
    vPtat25: signedBits(word(49), 0, 16),
    alphaPtat: bits(word(16), 12, 4) / 4 + 8,
    gain: signedBits(word(48), 0, 16),
    tgc: signedBits(word(60), 0, 8) / 32,
    ksTa: signedBits(word(60), 8, 8) / 8192,
    ...ranges,
    compensation: {
      alpha: [alphaCp, alphaCp * (1 + signedBits(word(57), 10, 6) / 128)],
      offset: [offsetCp, offsetCp + signedBits(word(58), 10, 6)],
      kta: signedBits(word(59), 0, 8) / ktaScale,
      kv: signedBits(word(59), 8, 8) / kvScale,
    },
    ilChess: {
      c1: signedBits(word(53), 0, 6) / 16,
      c2: signedBits(word(53), 6, 5) / 2,
      c3: signedBits(word(53), 11, 5) / 8,
    },
    calibratedPattern: bits(word(10), 11, 1) === 0 ? 'chess' : 'interleaved',
    controlRegister: word(12),
  };
}

function unpackRanges(
  word: (at: number) => number,
): Pick<DeviceParameters, 'cornerCelsius' | 'ksTo' | 'rangeCorrection'> {
  const step = bits(word(63), 12, 2) * 10;
  const ct3 = bits(word(63), 4, 4) * step;
  const ct4 = ct3 + bits(word(63), 8, 4) * step;
  const scale = 2 ** (bits(word(63), 0, 4) + 8);
  const ksTo: FourRanges = [
    signedBits(word(61), 0, 8) / scale,
    signedBits(word(61), 8, 8) / scale,
    signedBits(word(62), 0, 8) / scale,
    signedBits(word(62), 8, 8) / scale,
  ];
  const atCt3 = 1 + ksTo[1] * ct3;
  return {
    cornerCelsius: [-40, 0, ct3, ct4],
    ksTo,
    rangeCorrection: [1 / (1 + ksTo[0] * 40), 1, atCt3, atCt3 * (1 + ksTo[2] * (ct4 - ct3))],
  };
}
