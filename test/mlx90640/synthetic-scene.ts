/**
 * What a synthetic array measures: temperatures of a scene in, RAM words out. The datasheet's
 * formulas read backwards; shares no code with `src`.
 */
import {
  ALPHA_PTAT,
  KTPTAT,
  KVDD,
  KVPTAT,
  type SyntheticFields,
  VDD25,
  VPTAT25,
  columnAlpha,
  columnOffset,
  rowAlpha,
  rowOffset,
} from './synthetic.ts';

export interface SyntheticConditions {
  taCelsius: number;
  vddVolts: number;
  /** The gain word that the array reports. */
  gainWord: number;
  emissivity: number;
  /** null: 8 C below ambient. */
  reflectedCelsius: number | null;
  controlRegister: number;
}

const VBE = 19800;

/** Counts per K^4 of a pixel, ambient temperature and compensation pixels taken into account. */
export function sensitivityOf(
  fields: SyntheticFields,
  eeprom: Uint16Array,
  pixel: number,
  taCelsius: number,
): number {
  const own = ((eeprom[64 + pixel]! >> 4) & 63) << 26;
  const counts =
    fields.alphaMean +
    rowAlpha(Math.floor(pixel / 32)) * 128 +
    columnAlpha(pixel % 32) * 128 +
    (own >> 26) * 16;
  const cp0 = fields.cpAlpha / 2 ** (fields.alphaScale + 27);
  const cpMean = cp0 * (1 + fields.cpAlphaRatio / 256);
  const alpha = counts / 2 ** (fields.alphaScale + 30) - (fields.tgc32 / 32) * cpMean;
  return alpha * (1 + (fields.ksTa8192 / 8192) * (taCelsius - 25));
}

/**
 * The RAM words that the array measures when pixel `i` looks at `celsius[i]`. Counts are rounded,
 * and a scene that drives a pixel out of 16 bits is an error of the test.
 */
export function measure(
  fields: SyntheticFields,
  eeprom: Uint16Array,
  celsius: ArrayLike<number>,
  conditions: SyntheticConditions,
): Uint16Array {
  const words = new Uint16Array(832);
  const cp = measureAuxiliary(fields, conditions, words);
  const { taCelsius: ta, emissivity } = conditions;
  const supply = conditions.vddVolts - 3.3;
  const warm = ta - 25;
  const gain = fields.gain / conditions.gainWord;
  const chess = isChess(conditions);
  const foreign = chess !== fields.chessCalibrated;
  const [, c2, c3] = [0, fields.ilChess[1] / 2, fields.ilChess[2] / 8];
  const reflected = (conditions.reflectedCelsius ?? ta - 8) + 273.15;
  const background = reflected ** 4 - (reflected ** 4 - (ta + 273.15) ** 4) / emissivity;
  for (let pixel = 0; pixel < 768; pixel++) {
    const row = Math.floor(pixel / 32);
    const column = pixel % 32;
    const parity = 2 * (row % 2) + (column % 2);
    const kta = (fields.kta[parity]! + pixelKtaOf(eeprom, pixel) * 2) / 8192;
    const offset =
      (fields.offsetMean +
        rowOffset(row) * 4 +
        columnOffset(column) * 2 +
        (((eeprom[64 + pixel]! >> 10) << 26) >> 26)) *
      (1 + kta * warm) *
      (1 + (fields.kv[parity]! / 8) * supply);
    const subpage = chess ? (row + column) % 2 : row % 2;
    const sensitivity = sensitivityOf(fields, eeprom, pixel, ta);
    let counts = netK4For(fields, celsius[pixel]!, background) * sensitivity * emissivity;
    counts += (fields.tgc32 / 32) * cp[subpage]!;
    if (foreign) {
      const sign = row % 2 === 0 ? -1 : 1;
      counts -= c3 * sign + c2 * sign * [0, -1, 0, 1][column % 4]!;
    }
    put(words, pixel, (counts + offset) / gain);
  }
  return words;
}

/** Supply, ambient temperature, gain; returns what the compensation pixels see, in counts. */
export function measureAuxiliary(
  fields: SyntheticFields,
  conditions: SyntheticConditions,
  words: Uint16Array,
): readonly number[] {
  const { vddVolts, gainWord } = conditions;
  const supply = vddVolts - 3.3;
  const warm = conditions.taCelsius - 25;
  const gain = fields.gain / gainWord;
  const c1 = isChess(conditions) === fields.chessCalibrated ? 0 : fields.ilChess[0] / 16;
  const resolution = (conditions.controlRegister >> 10) & 3;
  put(words, 810, (supply * KVDD + VDD25) * 2 ** (resolution - fields.resolution));
  const art = (warm * KTPTAT + VPTAT25) * (1 + KVPTAT * supply);
  put(words, 768, VBE);
  // art = ptat / (ptat * alpha + vbe) * 2^18, solved for ptat.
  put(words, 800, (art * VBE) / (2 ** 18 - art * ALPHA_PTAT));
  put(words, 778, gainWord);
  const cpDrift = (1 + (fields.cpKta / 8192) * warm) * (1 + (fields.cpKv / 8) * supply);
  // What each compensation pixel sees beyond its offset, in counts.
  const cpSeen = [3, -2];
  put(words, 776, (fields.cpOffset * cpDrift + cpSeen[0]!) / gain);
  const cpOffset1 = fields.cpOffset + fields.cpOffsetDelta + c1;
  put(words, 808, (cpOffset1 * cpDrift + cpSeen[1]!) / gain);
  return [
    signed16(words[776]!) * gain - fields.cpOffset * cpDrift,
    signed16(words[808]!) * gain - cpOffset1 * cpDrift,
  ];
}

function isChess(conditions: SyntheticConditions): boolean {
  return (conditions.controlRegister & 0x1000) !== 0;
}

function put(words: Uint16Array, at: number, value: number): void {
  const rounded = Math.round(value);
  if (rounded < -32768 || rounded > 32767) throw new RangeError(`word ${at}: ${rounded}`);
  words[at] = rounded & 0xffff;
}

/** Smallest change of an object's temperature that one count of a pixel shows, in C. */
export function celsiusPerCount(
  fields: SyntheticFields,
  eeprom: Uint16Array,
  pixel: number,
  celsius: number,
  conditions: SyntheticConditions,
): number {
  const slope = 4 * (celsius + 273.15) ** 3 * relativeSensitivity(fields, celsius);
  const gain = fields.gain / conditions.gainWord;
  const own = sensitivityOf(fields, eeprom, pixel, conditions.taCelsius) * conditions.emissivity;
  return gain / (own * slope);
}

function pixelKtaOf(eeprom: Uint16Array, pixel: number): number {
  return (((eeprom[64 + pixel]! >> 1) & 7) << 29) >> 29;
}

function signed16(word: number): number {
  return word > 32767 ? word - 65536 : word;
}

/** Sensitivity at an object's temperature over that at 0 C: piecewise linear by range. */
function relativeSensitivity(fields: SyntheticFields, celsius: number): number {
  const [k1, k2, k3, k4] = fields.ksTo17.map((k) => k / 2 ** 17) as [
    number,
    number,
    number,
    number,
  ];
  const ct3 = fields.ct3Steps * 10;
  const ct4 = ct3 + fields.ct4Steps * 10;
  if (celsius < 0) return (1 + k1 * (celsius + 40)) / (1 + k1 * 40);
  if (celsius < ct3) return 1 + k2 * celsius;
  const at3 = 1 + k2 * ct3;
  if (celsius < ct4) return at3 * (1 + k3 * (celsius - ct3));
  return at3 * (1 + k3 * (ct4 - ct3)) * (1 + k4 * (celsius - ct4));
}

/** Radiation that makes the datasheet's two steps arrive at `celsius`: found by bisection. */
function netK4For(fields: SyntheticFields, celsius: number, background: number): number {
  const k2 = fields.ksTo17[1] / 2 ** 17;
  const root = (k4: number): number => Math.sqrt(Math.sqrt(k4)) - 273.15;
  const temperature = (net: number): number => {
    const guess = root(net + background);
    const first = root(net / (1 + k2 * guess) + background);
    return root(net / relativeSensitivity(fields, first) + background);
  };
  const exact = (celsius + 273.15) ** 4 - background;
  let low = exact * relativeSensitivity(fields, celsius) - 0.4 * (celsius + 273.15) ** 4;
  let high = low + 0.8 * (celsius + 273.15) ** 4;
  for (let turn = 0; turn < 60; turn++) {
    const middle = (low + high) / 2;
    // A guess below absolute zero is NaN and too low.
    if (temperature(middle) > celsius) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}
