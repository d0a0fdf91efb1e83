/**
 * An array that does not exist: a calibration with chosen parameters, packed into EEPROM words as
 * the datasheet lays them out. `synthetic-scene.ts` is what it measures. Shares no code with `src`.
 */
export interface SyntheticFields {
  /** Three words. */
  serial: readonly [number, number, number];
  /** Counts; the EEPROM's gain word. */
  gain: number;
  /** In 1/32. */
  tgc32: number;
  /** In 1/8192 per kelvin. */
  ksTa8192: number;
  /** In 1/2^17 per kelvin, by range. */
  ksTo17: readonly [number, number, number, number];
  /** In 10 C steps: widths of 0..CT3 and CT3..CT4, 1..15 each. */
  ct3Steps: number;
  ct4Steps: number;
  /** 0..3. */
  resolution: number;
  chessCalibrated: boolean;
  controlRegister: number;
  alphaMean: number;
  /** 0..15: sensitivities are counts / 2^(30 + this). */
  alphaScale: number;
  offsetMean: number;
  cpAlpha: number;
  cpAlphaRatio: number;
  cpOffset: number;
  cpOffsetDelta: number;
  cpKta: number;
  cpKv: number;
  /** Signed, in the EEPROM's units: C1 / 16, C2 / 2, C3 / 8. */
  ilChess: readonly [number, number, number];
  /** By parity of row and column: Kta / 2^13 and Kv / 8, signed. */
  kta: readonly [number, number, number, number];
  kv: readonly [number, number, number, number];
  broken: readonly number[];
  outliers: readonly number[];
}

export const PLAIN_FIELDS: SyntheticFields = {
  serial: [0x0a1b, 0x2c3d, 0x4e5f],
  gain: 5900,
  tgc32: 0,
  ksTa8192: -18,
  ksTo17: [-30, -26, -40, -50],
  ct3Steps: 10,
  ct4Steps: 10,
  resolution: 2,
  chessCalibrated: true,
  controlRegister: 0x1901,
  alphaMean: 12000,
  alphaScale: 7,
  offsetMean: -64,
  cpAlpha: 120,
  cpAlphaRatio: 3,
  cpOffset: -70,
  cpOffsetDelta: 4,
  cpKta: 40,
  cpKv: 3,
  ilChess: [10, 7, 1],
  kta: [55, 50, 52, 49],
  kv: [4, 3, 2, 1],
  broken: [],
  outliers: [],
};

export const KVDD = -3104;
export const VDD25 = -12544;
export const VPTAT25 = 12200;
export const KTPTAT = 42.5;
export const KVPTAT = 11 / 4096;
export const ALPHA_PTAT = 9;

/** A small deterministic texture, so that no two neighbours have the same calibration. */
function texture(index: number, span: number, salt: number): number {
  const mixed = Math.imul(index + 1, 0x9e3779b1 + salt * 0x7f4a7c15) >>> 16;
  return (mixed % span) - Math.floor(span / 2);
}

export const rowOffset = (row: number): number => texture(row, 5, 1);
export const columnOffset = (column: number): number => texture(column, 5, 2);
const pixelOffset = (pixel: number): number => texture(pixel, 9, 3);
export const rowAlpha = (row: number): number => texture(row, 7, 4);
export const columnAlpha = (column: number): number => texture(column, 7, 5);
const pixelAlpha = (pixel: number): number => texture(pixel, 31, 6);
const pixelKta = (pixel: number): number => texture(pixel, 5, 7);

type Setter = (at: number, ...parts: readonly (readonly [value: number, low: number])[]) => void;

const byte = (value: number): number => value & 0xff;

/** The 832 words of the array's EEPROM. */
export function packEeprom(fields: SyntheticFields): Uint16Array {
  const words = new Uint16Array(832);
  const set: Setter = (at, ...parts) => {
    words[at] = parts.reduce((word, [value, low]) => word | (value << low), 0) & 0xffff;
  };
  words.set([0x00b0, 0x999f, 0x0000, 0x2061, 0x0004, 0x0320, 0x03e0, ...fields.serial]);
  set(10, [fields.chessCalibrated ? 0x048d : 0x0c8d, 0]);
  set(12, [fields.controlRegister, 0]);
  set(16, [(ALPHA_PTAT - 8) * 4, 12], [2, 8], [1, 4], [0, 0]);
  set(17, [fields.offsetMean, 0]);
  for (let row = 0; row < 24; row++) {
    words[18 + (row >> 2)]! |= (rowOffset(row) & 15) << ((row & 3) * 4);
    words[34 + (row >> 2)]! |= (rowAlpha(row) & 15) << ((row & 3) * 4);
  }
  for (let column = 0; column < 32; column++) {
    words[24 + (column >> 2)]! |= (columnOffset(column) & 15) << ((column & 3) * 4);
    words[40 + (column >> 2)]! |= (columnAlpha(column) & 15) << ((column & 3) * 4);
  }
  set(32, [fields.alphaScale, 12], [7, 8], [7, 4], [4, 0]);
  set(33, [fields.alphaMean, 0]);
  packDevice(fields, set);
  for (let pixel = 0; pixel < 768; pixel++) {
    const outlier = fields.outliers.includes(pixel) ? 1 : 0;
    set(
      64 + pixel,
      [pixelOffset(pixel) & 63, 10],
      [pixelAlpha(pixel) & 63, 4],
      [pixelKta(pixel) & 7, 1],
      [outlier, 0],
    );
    if (words[64 + pixel] === 0) words[64 + pixel] = 0x0010;
  }
  for (const pixel of fields.broken) words[64 + pixel] = 0;
  return words;
}

function packDevice(fields: SyntheticFields, set: Setter): void {
  set(48, [fields.gain, 0]);
  set(49, [VPTAT25, 0]);
  set(50, [KVPTAT * 4096, 10], [KTPTAT * 8, 0]);
  set(51, [byte(KVDD / 32), 8], [(VDD25 + 8192) / 32 + 256, 0]);
  const [kv0, kv1, kv2, kv3] = fields.kv;
  set(52, [kv0 & 15, 12], [kv2 & 15, 8], [kv1 & 15, 4], [kv3 & 15, 0]);
  const [c1, c2, c3] = fields.ilChess;
  set(53, [c3 & 31, 11], [c2 & 31, 6], [c1 & 63, 0]);
  const [kta0, kta1, kta2, kta3] = fields.kta;
  set(54, [byte(kta0), 8], [byte(kta2), 0]);
  set(55, [byte(kta1), 8], [byte(kta3), 0]);
  set(56, [fields.resolution, 12], [3, 8], [5, 4], [1, 0]);
  set(57, [fields.cpAlphaRatio & 63, 10], [fields.cpAlpha & 1023, 0]);
  set(58, [fields.cpOffsetDelta & 63, 10], [fields.cpOffset & 1023, 0]);
  set(59, [byte(fields.cpKv), 8], [byte(fields.cpKta), 0]);
  set(60, [byte(fields.ksTa8192), 8], [byte(fields.tgc32), 0]);
  set(61, [byte(fields.ksTo17[1]), 8], [byte(fields.ksTo17[0]), 0]);
  set(62, [byte(fields.ksTo17[3]), 8], [byte(fields.ksTo17[2]), 0]);
  set(63, [1, 12], [fields.ct4Steps, 8], [fields.ct3Steps, 4], [9, 0]);
}
