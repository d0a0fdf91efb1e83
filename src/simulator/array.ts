/**
 * A synthetic MLX90640: true temperatures in, the words of its RAM out.
 *
 * Written from the datasheet's chain read backwards (MLX90640 datasheet rev 12, 11.2), apart from
 * the radiometry that turns words into temperatures, so that the two check each other.
 * Loops here index typed arrays whose lengths the constructor fixes; `as number` says so.
 */
import { FRAME_COLUMNS, FRAME_PIXELS } from '../domain/frame.ts';
import type { Random } from '../domain/ports.ts';
import {
  eepromWords,
  type FactoryFields,
  type FactoryOptions,
  manufacture,
  type Terms,
} from './array-factory.ts';
import { between, gaussian, seededRandom } from './random.ts';
import { fourth, type Response, responseOf, signalOf } from './response.ts';

export const RAM_WORDS = 834;
const KELVIN = 273.15;
/** 0x7FFF marks a word without a value, so a saturated pixel stops one below. */
const HIGHEST_COUNT = 0x7ffe;
const LOWEST_COUNT = -0x8000;

export interface ArrayOptions extends FactoryOptions {
  /** The same seed makes the same array. */
  readonly seed: number | string;
  /** Standard deviation of a pixel's noise in counts; real arrays show about 1.2. */
  readonly noiseCounts?: number;
}

/** What the array looks out from. */
export interface ArrayConditions {
  /** Temperature of the array itself, -40..85 C. */
  readonly ambientCelsius: number;
  /** Supply, 2.6..3.6 V. */
  readonly supplyVolts: number;
  /** Of the surfaces looked at, above 0 and at most 1. */
  readonly emissivity?: number;
  /** Of what the surfaces reflect; 8 C below the array where not given. */
  readonly reflectedCelsius?: number;
}

/** The per-pixel quantities in physical units, and the response that all pixels share. */
interface Model {
  readonly offset: Float64Array;
  readonly kta: Float64Array;
  readonly kv: Float64Array;
  readonly alpha: Float64Array;
  readonly response: Response;
}

export class SimulatedArray {
  /** 832 words from address 0x2400. */
  readonly eeprom: Uint16Array;
  /** 12 lower-case hex digits of EEPROM words 7..9. */
  readonly id: string;
  readonly #fields: FactoryFields;
  readonly #model: Model;
  readonly #noiseCounts: number;
  readonly #gainDrift: number;
  readonly #random: Random;

  constructor(options: ArrayOptions) {
    const random = seededRandom(options.seed);
    this.#fields = manufacture(random.fork('factory'), options);
    this.eeprom = eepromWords(this.#fields);
    this.id = this.#fields.id.map((word) => word.toString(16).padStart(4, '0')).join('');
    this.#model = modelOf(this.#fields);
    this.#noiseCounts = options.noiseCounts ?? 1.2;
    this.#gainDrift = between(random, 0.992, 0.998);
    this.#random = random.fork('noise');
  }

  /**
   * Measures once: both subpages of a chess pattern under the same conditions.
   *
   * `celsius` holds 768 true temperatures, row-major 24 x 32, above -273.15 C; pixels beyond the
   * array's reach saturate. Returns 834 words from RAM address 0x0400, the last two 0x0001 as on
   * real boards.
   */
  dump(celsius: Float32Array, conditions: ArrayConditions): Uint16Array {
    const f = this.#fields;
    const words = new Uint16Array(RAM_WORDS);
    const gainWord = Math.round(f.gain * this.#gainDrift + between(this.#random, -5, 5));
    const gain = f.gain / gainWord;
    const warmth = conditions.ambientCelsius - 25;
    const overVolts = conditions.supplyVolts - 3.3;
    this.#writeAuxiliary(words, conditions, gainWord);
    // The compensation pixels see no picture, only the drift that all pixels share through TGC.
    const drift = between(this.#random, -6, 6);
    const [idle0, idle1] = this.#compensationIdle(warmth, overVolts);
    words[776] = Math.round((idle0 + drift) / gain);
    words[808] = Math.round((idle1 + drift) / gain);
    const reflected = conditions.reflectedCelsius ?? conditions.ambientCelsius - 8;
    const emissivity = conditions.emissivity ?? 0.95;
    const background =
      fourth(reflected) - (fourth(reflected) - fourth(conditions.ambientCelsius)) / emissivity;
    const m = this.#model;
    const ambientFactor = 1 + (f.ksTa / 2 ** 13) * warmth;
    const radiance = this.#pixelRadiance(celsius, background, ambientFactor);
    const shared = (f.tgc / 32) * drift;
    for (let i = 0; i < FRAME_PIXELS; i++) {
      const idle =
        (m.offset[i] as number) *
        (1 + (m.kta[i] as number) * warmth) *
        (1 + (m.kv[i] as number) * overVolts);
      const signal = (radiance[i] as number) * emissivity + shared;
      words[i] = this.#counts((signal + idle) / gain);
    }
    return words;
  }

  /** Counts at unit gain that the picture gives, before emissivity. */
  #pixelRadiance(celsius: Float32Array, background: number, ambientFactor: number): Float64Array {
    const m = this.#model;
    const share = (this.#fields.tgc / 32) * this.#compensationAlpha();
    const radiance = new Float64Array(FRAME_PIXELS);
    for (let i = 0; i < FRAME_PIXELS; i++) {
      const alpha = ((m.alpha[i] as number) - share) * ambientFactor;
      radiance[i] = alpha * signalOf(m.response, celsius[i] as number, background);
    }
    return radiance;
  }

  /** Mean over both subpages. */
  #compensationAlpha(): number {
    const f = this.#fields;
    return (f.cpAlpha / 2 ** (f.alphaScale + 27)) * (1 + f.cpAlphaRatio / 256);
  }

  #compensationIdle(warmth: number, overVolts: number): readonly [number, number] {
    const f = this.#fields;
    const factor =
      (1 + (f.cpKta / 2 ** (f.ktaScale1 + 8)) * warmth) *
      (1 + (f.cpKv / 2 ** f.kvScale) * overVolts);
    return [f.cpOffset * factor, (f.cpOffset + f.cpOffsetDelta) * factor];
  }

  /** Supply, own temperature, gain, and around them words as real boards show them. */
  #writeAuxiliary(words: Uint16Array, conditions: ArrayConditions, gainWord: number): void {
    const f = this.#fields;
    const kVdd = f.kVdd * 32;
    const vdd25 = (f.vdd25 - 256) * 32 - 8192;
    const overVolts = conditions.supplyVolts - 3.3;
    const art =
      ((conditions.ambientCelsius - 25) * (f.ktPtat / 8) + f.ptat25) *
      (1 + (f.kvPtat / 4096) * overVolts);
    const ptat = Math.round((1641 * (conditions.ambientCelsius + KELVIN)) / 305.2);
    const vbe = Math.round(ptat * (2 ** 18 / art - (f.alphaPtat / 4 + 8)));
    const echo = Math.round(ptat * 4);
    for (let i = 769; i < 776; i += 2) words.set([echo, 0x7fff], i);
    for (let i = 801; i < 808; i += 2) words.set([0x7fff, echo], i);
    words.fill(1, 792, 800);
    words.fill(1, 824, 832);
    words.set([0x1977, 0x03f7, 0x0261, 0x7fff, 0x1976, 0x03f7, 0x0261, 0x7fff], 784);
    words.set([0x00f8, 0x003d, 0x274e, 0x003a, 0x00f8, 0x003d, 0x274e, 0x003a], 816);
    words.set([0xcd42, gainWord, 0xd79f, 0xfff6, 8, 0xfffe, 0], 777);
    words.set([0xf4d4, Math.round(vdd25 + overVolts * kVdd), 0xd6ce, 8, 0xfffa, 0xfffe], 809);
    words[768] = vbe;
    words[800] = ptat;
    words.fill(1, 832);
  }

  /** One sample of the converter: noise, whole numbers, two's complement. */
  #counts(value: number): number {
    const noisy = Math.round(value + this.#noiseCounts * gaussian(this.#random));
    return Math.min(HIGHEST_COUNT, Math.max(LOWEST_COUNT, noisy));
  }
}

function modelOf(f: FactoryFields): Model {
  const ktaUnit = 2 ** -(f.ktaScale1 + 8);
  const kta = new Float64Array(FRAME_PIXELS);
  const kv = new Float64Array(FRAME_PIXELS);
  for (let i = 0; i < FRAME_PIXELS; i++) {
    const parity = (Math.floor(i / FRAME_COLUMNS) % 2) * 2 + (i % 2);
    const average = f.ktaAverages[parity] ?? 0;
    kta[i] = (average + (f.ktaRemnants[i] as number) * 2 ** f.ktaScale2) * ktaUnit;
    kv[i] = (f.kvAverages[parity] ?? 0) / 2 ** f.kvScale;
  }
  const unit = 2 ** -(f.ksToScale + 8);
  const [k1, k2, k3, k4] = f.ksTo;
  const corner3 = f.corner3 * f.cornerStep * 10;
  const corner4 = corner3 + f.corner4 * f.cornerStep * 10;
  return {
    offset: expand(f.offset, 1),
    alpha: expand(f.alpha, 2 ** -(f.alphaScale + 30)),
    kta,
    kv,
    response: responseOf([k1 * unit, k2 * unit, k3 * unit, k4 * unit], corner3, corner4),
  };
}

function expand(terms: Terms, unit: number): Float64Array {
  return Float64Array.from({ length: FRAME_PIXELS }, (_, i) => {
    const row = (terms.rows[Math.floor(i / FRAME_COLUMNS)] as number) * 2 ** terms.rowScale;
    const column = (terms.columns[i % FRAME_COLUMNS] as number) * 2 ** terms.columnScale;
    const remnant = (terms.remnants[i] as number) * 2 ** terms.remnantScale;
    return (terms.average + row + column + remnant) * unit;
  });
}
