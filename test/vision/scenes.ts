/**
 * Pictures of made-up rooms, in true Celsius: background with a gradient, people, hot objects and
 * flames, mixed in radiance (T^4) by the area they cover, blurred by the lens, with sensor noise.
 *
 * The truth of a picture is its hottest pixel before noise is added.
 */
export interface Chance {
  /** Uniform in [0, 1). */
  uniform(): number;
  /** Standard normal. */
  normal(): number;
  /** Integer in [0, below). */
  below(below: number): number;
}

/** mulberry32: small, seeded, good enough for scenes. */
export function seededRandom(seed: number): Chance {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
    below: (below) => Math.floor(uniform() * below),
  };
}

export const COLUMNS = 32;
export const ROWS = 24;
export const PIXELS = COLUMNS * ROWS;

export type SceneObject =
  /** Standing person, about 3 x 8 pixels, head on top. */
  | {
      readonly kind: 'person';
      readonly row: number;
      readonly column: number;
      readonly celsius: number;
    }
  /** Opaque rectangle of any size in pixels, also below one. */
  | {
      readonly kind: 'object';
      readonly row: number;
      readonly column: number;
      readonly height: number;
      readonly width: number;
      readonly celsius: number;
    }
  /** Flame of `areaPixels` (fractions of a pixel count), taller than wide. */
  | {
      readonly kind: 'flame';
      readonly row: number;
      readonly column: number;
      readonly flameCelsius: number;
      readonly areaPixels: number;
    };

export interface Optics {
  readonly backgroundCelsius: number;
  /** In the centre; corners have three times as much. */
  readonly noiseCelsius: number;
  /** Sigma of the lens in pixels. */
  readonly blurPixels: number;
}

const OVERSAMPLING = 4;
const FINE_COLUMNS = COLUMNS * OVERSAMPLING;
const FINE_ROWS = ROWS * OVERSAMPLING;

function radiance(celsius: number): number {
  return (celsius + 273.15) ** 4;
}

function celsiusOf(radiated: number): number {
  return radiated ** 0.25 - 273.15;
}

/** Part of the fine grid; `bottom` and `right` are just outside. */
interface Box {
  top: number;
  bottom: number;
  left: number;
  right: number;
}

export class SceneCamera {
  readonly #optics: Optics;
  readonly #random: Chance;
  readonly #kernel: Float64Array;
  /** Radiance of the empty room on the fine grid, and the picture of it. */
  readonly #background: Float64Array;
  readonly #bare = new Float32Array(PIXELS);

  constructor(optics: Optics, random: Chance) {
    this.#optics = optics;
    this.#random = random;
    this.#kernel = pixelSpread(optics.blurPixels);
    const down = random.uniform() * 3 - 1.5;
    const across = random.uniform() * 3 - 1.5;
    this.#background = Float64Array.from({ length: FINE_ROWS * FINE_COLUMNS }, (_, i) => {
      const row = Math.floor(i / FINE_COLUMNS) / FINE_ROWS - 0.5;
      const column = (i % FINE_COLUMNS) / FINE_COLUMNS - 0.5;
      return radiance(optics.backgroundCelsius + down * row + across * column);
    });
    const everything = { top: 0, bottom: FINE_ROWS, left: 0, right: FINE_COLUMNS };
    this.#expose(this.#background, this.#bare, everything);
  }

  /** One picture with noise; both subpages at the same moment. */
  picture(objects: readonly SceneObject[]): Float32Array {
    return this.noisy(this.truth(objects));
  }

  /** One picture whose chess subpages saw different moments, as moving things are seen. */
  torn(first: readonly SceneObject[], second: readonly SceneObject[]): Float32Array {
    const picture = this.truth(first);
    const other = this.truth(second);
    for (let i = 0; i < PIXELS; i++) if (subpageOf(i) === 1) picture[i] = other[i]!;
    return this.noisy(picture);
  }

  /** The picture before noise. */
  truth(objects: readonly SceneObject[]): Float32Array {
    const picture = this.#bare.slice();
    if (objects.length === 0) return picture;
    const fine = this.#background.slice();
    const boxes = objects.map((object) => {
      const touched: Box = { top: FINE_ROWS, bottom: 0, left: FINE_COLUMNS, right: 0 };
      paint(fine, object, touched);
      return touched;
    });
    for (const touched of boxes) this.#expose(fine, picture, touched);
    return picture;
  }

  /**
   * Blur and sampling in one: each pixel that `touched` can reach gathers its surroundings, weighted
   * by the lens.
   */
  #expose(fine: Float64Array, picture: Float32Array, touched: Box): void {
    const kernel = this.#kernel;
    const reach = (kernel.length - OVERSAMPLING) / 2;
    const firstRow = pixelOf(touched.top - reach);
    const lastRow = Math.min(pixelOf(touched.bottom + reach), ROWS - 1);
    const firstColumn = pixelOf(touched.left - reach);
    const lastColumn = Math.min(pixelOf(touched.right + reach), COLUMNS - 1);
    const across = new Float64Array(FINE_ROWS);
    for (let column = firstColumn; column <= lastColumn; column++) {
      const start = clamp(firstRow * OVERSAMPLING - reach, FINE_ROWS);
      const end = clamp((lastRow + 1) * OVERSAMPLING + reach, FINE_ROWS);
      for (let row = start; row <= end; row++) {
        let sum = 0;
        for (let k = 0; k < kernel.length; k++) {
          const from = clamp(column * OVERSAMPLING + k - reach, FINE_COLUMNS);
          sum += kernel[k]! * fine[row * FINE_COLUMNS + from]!;
        }
        across[row] = sum;
      }
      for (let row = firstRow; row <= lastRow; row++) {
        let sum = 0;
        for (let k = 0; k < kernel.length; k++) {
          sum += kernel[k]! * across[clamp(row * OVERSAMPLING + k - reach, FINE_ROWS)]!;
        }
        picture[row * COLUMNS + column] = celsiusOf(sum);
      }
    }
  }

  /** A copy with the noise of one more frame. */
  noisy(truth: Float32Array): Float32Array {
    const picture = truth.slice();
    for (let i = 0; i < PIXELS; i++) {
      const row = Math.floor(i / COLUMNS) / (ROWS - 1) - 0.5;
      const column = (i % COLUMNS) / (COLUMNS - 1) - 0.5;
      const corner = 1 + 4 * (row * row + column * column);
      picture[i] = picture[i]! + this.#random.normal() * this.#optics.noiseCelsius * corner;
    }
    return picture;
  }
}

/** Chess subpage of a pixel. */
export function subpageOf(index: number): 0 | 1 {
  return ((Math.floor(index / COLUMNS) + index) & 1) === 0 ? 0 : 1;
}

/** Highest value of a picture. */
export function peakOf(picture: Float32Array): number {
  return picture.reduce((highest, celsius) => Math.max(highest, celsius), -Infinity);
}

/** Gaussian of the lens, convolved with the square of a pixel, on the fine grid; sums to 1. */
function pixelSpread(sigmaPixels: number): Float64Array {
  const sigma = Math.max(sigmaPixels * OVERSAMPLING, 1e-6);
  const reach = Math.ceil(3 * sigma);
  const kernel = new Float64Array(OVERSAMPLING + 2 * reach);
  for (let inside = 0; inside < OVERSAMPLING; inside++) {
    for (let offset = -reach; offset <= reach; offset++) {
      const at = inside + reach + offset;
      kernel[at] = kernel[at]! + Math.exp(-(offset * offset) / (2 * sigma * sigma));
    }
  }
  const sum = kernel.reduce((total, weight) => total + weight, 0);
  return kernel.map((weight) => weight / sum);
}

function paint(fine: Float64Array, object: SceneObject, touched: Box): void {
  if (object.kind === 'person') {
    const { row, column, celsius } = object;
    fill(fine, row, column, 1.6, 1.4, celsius + 1, touched);
    fill(fine, row + 1.6, column - 0.8, 6, 3, celsius - 2, touched);
  } else if (object.kind === 'object') {
    const { row, column, height, width, celsius } = object;
    fill(fine, row, column, height, width, celsius, touched);
  } else {
    const width = Math.sqrt(object.areaPixels / 1.6);
    const height = width * 1.6;
    const row = object.row - height / 2;
    const column = object.column - width / 2;
    fill(fine, row, column, height, width, object.flameCelsius, touched);
  }
}

/** Mixes a rectangle (pixels) into the fine grid by the area of each fine cell that it covers. */
function fill(
  fine: Float64Array,
  row: number,
  column: number,
  height: number,
  width: number,
  celsius: number,
  touched: Box,
): void {
  const top = row * OVERSAMPLING;
  const bottom = (row + height) * OVERSAMPLING;
  const left = column * OVERSAMPLING;
  const right = (column + width) * OVERSAMPLING;
  touched.top = Math.min(touched.top, Math.floor(top));
  touched.bottom = Math.max(touched.bottom, Math.ceil(bottom));
  touched.left = Math.min(touched.left, Math.floor(left));
  touched.right = Math.max(touched.right, Math.ceil(right));
  const radiated = radiance(celsius);
  for (let r = Math.max(0, Math.floor(top)); r < Math.min(FINE_ROWS, bottom); r++) {
    const high = Math.min(bottom, r + 1) - Math.max(top, r);
    for (let c = Math.max(0, Math.floor(left)); c < Math.min(FINE_COLUMNS, right); c++) {
      const covered = high * (Math.min(right, c + 1) - Math.max(left, c));
      const at = r * FINE_COLUMNS + c;
      fine[at] = fine[at]! * (1 - covered) + radiated * covered;
    }
  }
}

/** Pixel that holds a cell of the fine grid; never below 0. */
function pixelOf(cell: number): number {
  return Math.max(0, Math.floor(cell / OVERSAMPLING));
}

function clamp(index: number, length: number): number {
  return index < 0 ? 0 : index < length ? index : length - 1;
}
