/**
 * A room as the board sees it: walls with a gradient, perhaps a person, perhaps a fire, and the
 * smoke and light that reach the analog channels. Deterministic: a seed and a time give a picture.
 *
 * Pixels mix by area in radiated power, which goes with the fourth power of temperature, and the
 * lens spreads a part of each pixel over its neighbours.
 * Loops index arrays of 768; `as number` says that the index is in range.
 */
import { FRAME_COLUMNS, FRAME_PIXELS, FRAME_ROWS } from '../domain/frame.ts';
import { Fire, FLAME_CELSIUS, type FireGrowth } from './fire.ts';
import type { AnalogSample } from './packets.ts';
import { between, gaussian, type SeededRandom, seededRandom } from './random.ts';
import { fourth } from './response.ts';

const KELVIN = 273.15;
/** Field of view of the wide lens: 55 x 35 degrees (MLX90640 datasheet rev 12, section 13). */
const WIDTH_PER_DISTANCE = 2 * Math.tan((27.5 * Math.PI) / 180);
const HEIGHT_PER_DISTANCE = 2 * Math.tan((17.5 * Math.PI) / 180);
/** Share of a pixel's light that stays in its column or row; the rest goes to both sides. */
const BLUR_CENTRE = 0.76;

export interface SceneOptions {
  readonly seed: number | string;
  /** Mean of the walls, C. */
  readonly roomCelsius?: number;
  readonly person?: boolean;
  /** From the board to what may burn. */
  readonly distanceMetres?: number;
  readonly growth?: FireGrowth;
  /** When the fire starts, in seconds of the scene; null: nothing burns until `ignite`. */
  readonly fireAtSeconds?: number | null;
  /** Where it starts, in pixels. */
  readonly fireRow?: number;
  readonly fireColumn?: number;
  readonly peakKw?: number;
}

/** What the array measures in one cycle of a board. */
export interface SceneSample {
  /** 768 true temperatures without noise, row-major 24 x 32. */
  readonly celsius: Float32Array;
  readonly ambientCelsius: number;
  readonly supplyVolts: number;
}

/** An upright ellipse of one temperature, in pixels. */
interface Blob {
  readonly row: number;
  readonly column: number;
  readonly halfHeight: number;
  readonly halfWidth: number;
}

export class Scene {
  readonly #options: Required<Omit<SceneOptions, 'fireAtSeconds'>>;
  readonly #walls: Float64Array;
  readonly #fire: Fire;
  readonly #random: SeededRandom;
  readonly #walkPhase: number;
  readonly #idle: { readonly smoke: number; readonly flame: number };
  #ignitionSeconds: number | null;

  constructor(options: SceneOptions) {
    const random = seededRandom(options.seed);
    this.#options = { ...DEFAULTS, ...dropUndefined(options) };
    this.#ignitionSeconds = options.fireAtSeconds ?? null;
    this.#walls = wallsOf(this.#options.roomCelsius, random.fork('walls'));
    this.#fire = new Fire(this.#options, random.fork('fire'));
    this.#random = random.fork('readings');
    this.#walkPhase = between(random, 0, 60);
    this.#idle = { smoke: between(random, 272, 288), flame: between(random, 1304, 1318) };
  }

  /** Sets fire to the scene; a second call starts it anew. */
  ignite(atSeconds: number): void {
    this.#ignitionSeconds = atSeconds;
  }

  /** Everything is cold again at once; only a simulation can do that. */
  extinguish(): void {
    this.#ignitionSeconds = null;
  }

  /** Hottest true temperature at that moment, without noise and without drawing any. */
  peakCelsius(seconds: number): number {
    return this.#picture(seconds).reduce((a, b) => Math.max(a, b), -KELVIN);
  }

  /** Each call draws new noise for the supply; the picture depends on `seconds` alone. */
  sample(seconds: number): SceneSample {
    const drift = Math.sin(seconds / 900);
    return {
      celsius: this.#picture(seconds),
      ambientCelsius: this.#options.roomCelsius + 9 + 0.4 * drift,
      supplyVolts: 3.28 + 0.002 * drift + 0.0004 * gaussian(this.#random),
    };
  }

  #burning(seconds: number): number {
    return this.#ignitionSeconds === null ? -1 : seconds - this.#ignitionSeconds;
  }

  #picture(seconds: number): Float32Array {
    const power = Float64Array.from(this.#walls);
    if (this.#options.person) this.#addPerson(power, seconds);
    this.#addFire(power, this.#burning(seconds));
    const seen = blurred(power);
    return Float32Array.from(seen, (value) => Math.sqrt(Math.sqrt(value)) - KELVIN);
  }

  /** Somebody walks to and fro, two metres away, with a warmer face above warm clothes. */
  #addPerson(power: Float64Array, seconds: number): void {
    const turn = ((seconds + this.#walkPhase) / 14) % 2;
    const across = turn < 1 ? turn : 2 - turn;
    const column = 4 + across * (FRAME_COLUMNS - 8);
    const step = Math.sin(seconds * 6) * 0.3;
    mix(power, { row: 16 + step, column, halfHeight: 8, halfWidth: 3 }, 28.5, 0.9);
    mix(power, { row: 6 + step, column, halfHeight: 2.6, halfWidth: 1.8 }, 33, 0.95);
  }

  #addFire(power: Float64Array, seconds: number): void {
    const fire = this.#fire.at(seconds);
    if (fire.heatKw === 0) return;
    const { distanceMetres, fireRow, fireColumn } = this.#options;
    const halfWidth = (fire.widthMetres / 2 / distanceMetres / WIDTH_PER_DISTANCE) * FRAME_COLUMNS;
    const halfHeight = (fire.heightMetres / 2 / distanceMetres / HEIGHT_PER_DISTANCE) * FRAME_ROWS;
    // The flame stands on what burns, so it grows upwards.
    const flame = { row: fireRow - halfHeight, column: fireColumn, halfHeight, halfWidth };
    mix(power, flame, FLAME_CELSIUS, Math.min(1, fire.emissivity));
  }

  /** The analog channels at that moment; each call draws new noise. */
  analog(seconds: number): AnalogSample {
    const since = this.#burning(seconds);
    const smokeKw = this.#fire.heatFollowed(since, 6, 8);
    const fire = this.#fire.at(since);
    const light = fire.emissivity * fire.widthMetres * fire.heightMetres;
    const glow = (light * 400) / this.#options.distanceMetres ** 2;
    const smoke = saturating(this.#idle.smoke, smokeKw / 25) + 3 * gaussian(this.#random);
    const flame = saturating(this.#idle.flame, glow) + 3 * gaussian(this.#random);
    return {
      smoke: converted(smoke),
      flame: converted(flame),
      third: Math.min(16, converted(Math.abs(3 * gaussian(this.#random)))),
      digitalFlame: glow > 0.5 ? 1 : 0,
    };
  }
}

const DEFAULTS = {
  roomCelsius: 22,
  person: false,
  distanceMetres: 4,
  growth: 'fast' as FireGrowth,
  fireRow: 17,
  fireColumn: 20,
  peakKw: 500,
};

function dropUndefined<T extends object>(options: T): T {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as T;
}

/** Warm ceiling, cool floor, a cool window, and patches of a few tenths; radiated power. */
function wallsOf(roomCelsius: number, random: SeededRandom): Float64Array {
  const windowColumn = between(random, 2, FRAME_COLUMNS - 8);
  const tilt = between(random, -0.5, 0.5);
  return Float64Array.from({ length: FRAME_PIXELS }, (_, i) => {
    const row = Math.floor(i / FRAME_COLUMNS);
    const column = i % FRAME_COLUMNS;
    const upwards = 1.2 * (0.5 - row / (FRAME_ROWS - 1));
    const sideways = tilt * (column / (FRAME_COLUMNS - 1) - 0.5);
    const isWindow = row >= 3 && row < 10 && column >= windowColumn && column < windowColumn + 6;
    const patch = 0.15 * gaussian(random);
    return fourth(roomCelsius + upwards + sideways + patch - (isWindow ? 1.8 : 0));
  });
}

/** Lays an ellipse over the picture; `opacity` is the share of what it hides that it replaces. */
function mix(power: Float64Array, blob: Blob, celsius: number, opacity: number): void {
  const own = fourth(celsius);
  const firstRow = Math.max(0, Math.floor(blob.row - blob.halfHeight));
  const lastRow = Math.min(FRAME_ROWS - 1, Math.floor(blob.row + blob.halfHeight));
  const firstColumn = Math.max(0, Math.floor(blob.column - blob.halfWidth));
  const lastColumn = Math.min(FRAME_COLUMNS - 1, Math.floor(blob.column + blob.halfWidth));
  for (let row = firstRow; row <= lastRow; row++) {
    for (let column = firstColumn; column <= lastColumn; column++) {
      const i = row * FRAME_COLUMNS + column;
      const share = opacity * coverage(blob, row, column);
      power[i] = (power[i] as number) * (1 - share) + own * share;
    }
  }
}

/** Share of a pixel that an ellipse covers, from 8 x 8 points in it or its own size if small. */
function coverage(blob: Blob, row: number, column: number): number {
  const points = 8;
  if (blob.halfWidth < 0.25 || blob.halfHeight < 0.25) return smallCoverage(blob, row, column);
  let inside = 0;
  for (let i = 0; i < points * points; i++) {
    const y = row + ((i >> 3) + 0.5) / points - blob.row;
    const x = column + ((i & 7) + 0.5) / points - blob.column;
    if ((y / blob.halfHeight) ** 2 + (x / blob.halfWidth) ** 2 <= 1) inside++;
  }
  return inside / points / points;
}

/** What is smaller than the points of `coverage` counts as a rectangle of the ellipse's area. */
function smallCoverage(blob: Blob, row: number, column: number): number {
  const overlap = (centre: number, half: number, cell: number): number =>
    Math.max(0, Math.min(centre + half, cell + 1) - Math.max(centre - half, cell));
  const area =
    overlap(blob.row, blob.halfHeight, row) * overlap(blob.column, blob.halfWidth, column);
  return (Math.PI / 4) * area;
}

/** The lens: each pixel keeps its centre share along columns, then along rows. */
function blurred(power: Float64Array): Float64Array {
  const side = (1 - BLUR_CENTRE) / 2;
  const spread = (from: Float64Array, stride: number, count: number): Float64Array =>
    from.map((value, i) => {
      const place = Math.floor(i / stride) % count;
      const before = place > 0 ? (from[i - stride] as number) : value;
      const after = place < count - 1 ? (from[i + stride] as number) : value;
      return BLUR_CENTRE * value + side * (before + after);
    });
  return spread(spread(power, 1, FRAME_COLUMNS), FRAME_COLUMNS, FRAME_ROWS);
}

/** From idle towards full scale as a sensor that cannot go beyond it. */
function saturating(idle: number, strength: number): number {
  return idle + (4095 - idle) * (1 - Math.exp(-strength));
}

function converted(value: number): number {
  return Math.min(4095, Math.max(0, Math.round(value)));
}
