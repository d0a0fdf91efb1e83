/**
 * The datasheet's chain written down step by step, in the datasheet's order and with its names: the
 * oracle of the property tests and the yardstick of the benchmark. Shares no code with `src`.
 *
 * Source: MLX90640 datasheet, chapter 11 (words by EEPROM address). Two things follow the vendor's
 * library instead: the compensation pixels' sensitivity is the mean of both subpages, and the
 * gradient is taken off before the division by emissivity.
 */
export interface ReferenceParameters {
  kVdd: number;
  vdd25: number;
  kvPtat: number;
  ktPtat: number;
  vPtat25: number;
  alphaPtat: number;
  gainEe: number;
  tgc: number;
  resolutionEe: number;
  ksTa: number;
  ct: number[];
  ksTo: number[];
  alphaCorr: number[];
  offset: number[];
  alpha: number[];
  kta: number[];
  kv: number[];
  cpAlpha: number[];
  cpOffset: number[];
  cpKta: number;
  cpKv: number;
  ilChessC: number[];
  chessCalibrated: boolean;
}

export interface ReferenceFrame {
  vdd: number;
  ta: number;
  celsius: number[];
}

function signed(value: number, bits: number): number {
  return value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
}

/** Fields of the EEPROM by address. */
function reader(words: Uint16Array) {
  const ee = (address: number): number => words[address - 0x2400]!;
  return {
    ee,
    nibble: (address: number, place: number): number => (ee(address) >> (4 * place)) & 0xf,
    high: (address: number): number => signed(ee(address) >> 8, 8),
    low: (address: number): number => signed(ee(address) & 0xff, 8),
  };
}

type Reader = ReturnType<typeof reader>;

function ranges({
  ee,
  nibble,
  high,
  low,
}: Reader): Pick<ReferenceParameters, 'ct' | 'ksTo' | 'alphaCorr'> {
  const step = ((ee(0x243f) >> 12) & 3) * 10;
  const ct3 = nibble(0x243f, 1) * step;
  const ct4 = ct3 + nibble(0x243f, 2) * step;
  const ksToScale = 2 ** (nibble(0x243f, 0) + 8);
  const ksTo = [low(0x243d), high(0x243d), low(0x243e), high(0x243e)].map((k) => k / ksToScale);
  const alphaCorr = [
    1 / (1 + ksTo[0]! * 40),
    1,
    1 + ksTo[1]! * ct3,
    (1 + ksTo[1]! * ct3) * (1 + ksTo[2]! * (ct4 - ct3)),
  ];
  return { ct: [-40, 0, ct3, ct4], ksTo, alphaCorr };
}

function pixels({
  ee,
  nibble,
  high,
  low,
}: Reader): Pick<ReferenceParameters, 'offset' | 'alpha' | 'kta' | 'kv'> {
  const kvScale = 2 ** nibble(0x2438, 2);
  const ktaScale1 = 2 ** (nibble(0x2438, 1) + 8);
  const ktaScale2 = 2 ** nibble(0x2438, 0);
  const alphaScale = nibble(0x2420, 3);
  const offset: number[] = [];
  const alpha: number[] = [];
  const kta: number[] = [];
  const kv: number[] = [];
  for (let row = 1; row <= 24; row++) {
    for (let column = 1; column <= 32; column++) {
      const pixel = ee(0x2440 + (row - 1) * 32 + column - 1);
      const r = row - 1;
      const c = column - 1;
      const occRow = signed(nibble(0x2412 + Math.floor(r / 4), r % 4), 4);
      const occColumn = signed(nibble(0x2418 + Math.floor(c / 4), c % 4), 4);
      offset.push(
        signed(ee(0x2411), 16) +
          occRow * 2 ** nibble(0x2410, 2) +
          occColumn * 2 ** nibble(0x2410, 1) +
          signed(pixel >> 10, 6) * 2 ** nibble(0x2410, 0),
      );
      const accRow = signed(nibble(0x2422 + Math.floor(r / 4), r % 4), 4);
      const accColumn = signed(nibble(0x2428 + Math.floor(c / 4), c % 4), 4);
      alpha.push(
        (ee(0x2421) +
          accRow * 2 ** nibble(0x2420, 2) +
          accColumn * 2 ** nibble(0x2420, 1) +
          signed((pixel >> 4) & 63, 6) * 2 ** nibble(0x2420, 0)) /
          2 ** (alphaScale + 30),
      );
      // "Odd" and "even" count rows and columns from 1.
      const oddRow = row % 2 === 1;
      const oddColumn = column % 2 === 1;
      const ktaWord = oddColumn ? 0x2436 : 0x2437;
      const ktaMean = oddRow ? high(ktaWord) : low(ktaWord);
      kta.push((ktaMean + signed((pixel >> 1) & 7, 3) * ktaScale2) / ktaScale1);
      const kvPlace = oddRow ? (oddColumn ? 3 : 1) : oddColumn ? 2 : 0;
      kv.push(signed(nibble(0x2434, kvPlace), 4) / kvScale);
    }
  }

  return { offset, alpha, kta, kv };
}

export function referenceParameters(words: Uint16Array): ReferenceParameters {
  const fields = reader(words);
  const { ee, nibble, high, low } = fields;
  const kvScale = 2 ** nibble(0x2438, 2);
  const ktaScale1 = 2 ** (nibble(0x2438, 1) + 8);
  const alphaScale = nibble(0x2420, 3);
  const cpAlpha0 = signed(ee(0x2439) & 0x3ff, 10) / 2 ** (alphaScale + 27);
  const cpOffset0 = signed(ee(0x243a) & 0x3ff, 10);
  return {
    kVdd: high(0x2433) * 32,
    vdd25: ((ee(0x2433) & 0xff) - 256) * 32 - 8192,
    kvPtat: signed(ee(0x2432) >> 10, 6) / 4096,
    ktPtat: signed(ee(0x2432) & 0x3ff, 10) / 8,
    vPtat25: signed(ee(0x2431), 16),
    alphaPtat: nibble(0x2410, 3) / 4 + 8,
    gainEe: signed(ee(0x2430), 16),
    tgc: low(0x243c) / 32,
    resolutionEe: (ee(0x2438) >> 12) & 3,
    ksTa: high(0x243c) / 8192,
    ...ranges(fields),
    ...pixels(fields),
    cpAlpha: [cpAlpha0, cpAlpha0 * (1 + signed(ee(0x2439) >> 10, 6) / 128)],
    cpOffset: [cpOffset0, cpOffset0 + signed(ee(0x243a) >> 10, 6)],
    cpKta: low(0x243b) / ktaScale1,
    cpKv: high(0x243b) / kvScale,
    ilChessC: [
      signed(ee(0x2435) & 63, 6) / 16,
      signed((ee(0x2435) >> 6) & 31, 5) / 2,
      signed(ee(0x2435) >> 11, 5) / 8,
    ],
    chessCalibrated: (ee(0x240a) & 0x0800) === 0,
  };
}

export interface ReferenceSettings {
  controlRegister: number;
  emissivity: number;
  /** null: 8 C below ambient. */
  reflectedCelsius: number | null;
}

/** Both subpages of one dump, each with its own compensation pixel; no repair of bad pixels. */
export function referenceFrame(
  p: ReferenceParameters,
  words: Uint16Array,
  settings: ReferenceSettings,
): ReferenceFrame {
  const ram = (address: number): number => signed(words[address - 0x0400]!, 16);
  const resolution = (settings.controlRegister >> 10) & 3;
  const resolutionCorr = 2 ** p.resolutionEe / 2 ** resolution;
  const vdd = (resolutionCorr * ram(0x072a) - p.vdd25) / p.kVdd + 3.3;
  const vPtat = ram(0x0720);
  const vPtatArt = (vPtat / (vPtat * p.alphaPtat + ram(0x0700))) * 2 ** 18;
  const ta = (vPtatArt / (1 + p.kvPtat * (vdd - 3.3)) - p.vPtat25) / p.ktPtat + 25;
  const tr = settings.reflectedCelsius ?? ta - 8;
  const taK4 = Math.pow(ta + 273.15, 4);
  const trK4 = Math.pow(tr + 273.15, 4);
  const taR = trK4 - (trK4 - taK4) / settings.emissivity;
  const alphaCp = (p.tgc * (p.cpAlpha[0]! + p.cpAlpha[1]!)) / 2;
  const celsius: number[] = [];
  for (let number = 0; number < 768; number++) {
    const ir = compensatedIr(p, ram, number, settings, ta, vdd) / settings.emissivity;
    const alpha = (p.alpha[number]! - alphaCp) * (1 + p.ksTa * (ta - 25));
    celsius.push(objectTemperature(p, ir, alpha, taR));
  }
  return { vdd, ta, celsius };
}

function compensatedIr(
  p: ReferenceParameters,
  ram: (address: number) => number,
  number: number,
  settings: ReferenceSettings,
  ta: number,
  vdd: number,
): number {
  const gain = p.gainEe / ram(0x070a);
  const chess = (settings.controlRegister & 0x1000) !== 0;
  const otherPattern = chess !== p.chessCalibrated;
  const ilPattern = Math.floor(number / 32) % 2;
  const chessPattern = ilPattern ^ (number % 2);
  const conversion =
    (Math.floor((number + 2) / 4) -
      Math.floor((number + 3) / 4) +
      Math.floor((number + 1) / 4) -
      Math.floor(number / 4)) *
    (1 - 2 * ilPattern);
  const subpage = chess ? chessPattern : ilPattern;
  const cpOffset = p.cpOffset[subpage]! + (otherPattern && subpage === 1 ? p.ilChessC[0]! : 0);
  const cp =
    ram(subpage === 0 ? 0x0708 : 0x0728) * gain -
    cpOffset * (1 + p.cpKta * (ta - 25)) * (1 + p.cpKv * (vdd - 3.3));
  let ir =
    ram(0x0400 + number) * gain -
    p.offset[number]! * (1 + p.kta[number]! * (ta - 25)) * (1 + p.kv[number]! * (vdd - 3.3));
  if (otherPattern) ir += p.ilChessC[2]! * (2 * ilPattern - 1) - p.ilChessC[1]! * conversion;
  return ir - p.tgc * cp;
}

/** Datasheet 11.2.2.9: first with the basic range, then with the range that this gives. */
export function objectTemperature(
  p: Pick<ReferenceParameters, 'ct' | 'ksTo' | 'alphaCorr'>,
  ir: number,
  alpha: number,
  taR: number,
): number {
  const k2 = p.ksTo[1]!;
  const sx = k2 * Math.pow(Math.pow(alpha, 3) * ir + Math.pow(alpha, 4) * taR, 1 / 4);
  const first = Math.pow(ir / (alpha * (1 - k2 * 273.15) + sx) + taR, 1 / 4) - 273.15;
  const range = first < p.ct[1]! ? 0 : first < p.ct[2]! ? 1 : first < p.ct[3]! ? 2 : 3;
  const ranged = alpha * p.alphaCorr[range]! * (1 + p.ksTo[range]! * (first - p.ct[range]!));
  return Math.pow(ir / ranged + taR, 1 / 4) - 273.15;
}
