/**
 * How small a fire an array can tell: from lens, distance and limits to the side of the smallest
 * square source that brings a pixel to a temperature. Geometry and radiation only; what the rules
 * make of that temperature is theirs.
 *
 * A pixel averages radiated power, which goes with the fourth power of absolute temperature: a
 * source of emissivity e that fills the share s of a pixel adds e s (T^4 - Tb^4) to its power. The
 * lens spreads light over about half a pixel, and the worst place for a small source is where four
 * pixels meet, so that each gets a quarter: that place is what is computed.
 */
import { FRAME_COLUMNS, FRAME_ROWS } from '../domain/frame.ts';

const KELVIN = 273.15;
/** Spread of the lens, standard deviation in pixels: the wider end of what these arrays show. */
export const BLUR_PIXELS = 0.5;
/** A wall of this many pixels a side fills any pixel whatever its place. */
const LARGEST_PIXELS = 64;

/** Field of view of the array itself, before mounting: across its 32 columns, down its 24 rows. */
export interface Lens {
  readonly acrossDegrees: number;
  readonly downDegrees: number;
}

/** The two lenses that the MLX90640 is sold with (datasheet, ordering information: BAB and BAA). */
export const LENSES = {
  '55x35': { acrossDegrees: 55, downDegrees: 35 },
  '110x75': { acrossDegrees: 110, downDegrees: 75 },
} as const satisfies Record<string, Lens>;
export type LensName = keyof typeof LENSES;

/** A kind of fire, by what it radiates. */
export interface FireSource {
  readonly name: string;
  readonly celsius: number;
  /** Of the source itself, 0..1: small flames are partly transparent. */
  readonly emissivity: number;
}

/** Rows and columns of the mounted picture, first and last, both included. */
export interface PixelBox {
  readonly rows: readonly [number, number];
  readonly columns: readonly [number, number];
}

export interface View {
  readonly lens: Lens;
  /** Whether the picture lies on its side: mounted turned by 90 or 270 degrees. */
  readonly turned: boolean;
  /** To the watched surface, straight ahead of the array. */
  readonly distanceMetres: number;
}

/** What one pixel sees of a surface that stands square to the array, in metres. */
export interface Footprint {
  readonly widthMetres: number;
  readonly heightMetres: number;
}

/** Of the pixel of the box that sees most of the surface: the one farthest from the axis. */
export function widestFootprint(box: PixelBox, { lens, turned, distanceMetres }: View): Footprint {
  const columns = turned ? FRAME_ROWS : FRAME_COLUMNS;
  const rows = turned ? FRAME_COLUMNS : FRAME_ROWS;
  const across = turned ? lens.downDegrees : lens.acrossDegrees;
  const down = turned ? lens.acrossDegrees : lens.downDegrees;
  return {
    widthMetres: distanceMetres * widest(box.columns, columns, across),
    heightMetres: distanceMetres * widest(box.rows, rows, down),
  };
}

/** Equal angles to each pixel; the tangent makes those at the edge see more of a wall. */
function widest(range: readonly [number, number], count: number, fovDegrees: number): number {
  const pitch = ((fovDegrees / count) * Math.PI) / 180;
  const seen = (index: number): number => {
    const middle = (index + 0.5 - count / 2) * pitch;
    return Math.tan(middle + pitch / 2) - Math.tan(middle - pitch / 2);
  };
  return Math.max(seen(range[0]), seen(range[1]));
}

export interface SmallestFireInput {
  readonly footprint: Footprint;
  readonly source: FireSource;
  /** What lies behind it, and what the pixel must reach. */
  readonly behindCelsius: number;
  readonly reachCelsius: number;
  /** Emissivity that the array's temperatures are computed with. */
  readonly assumedEmissivity: number;
  /** Smallest area that counts, whole pixels. */
  readonly smallestPixels: number;
}

/**
 * Area in square metres of the smallest square fire that brings some pixel to `reachCelsius`
 * wherever it stands; null where no fire of this kind does, however large.
 */
export function smallestFireSquareMetres(input: SmallestFireInput): number | null {
  const { footprint, source, behindCelsius, reachCelsius, assumedEmissivity } = input;
  const needed = power(reachCelsius) - power(behindCelsius);
  const offered =
    (source.emissivity / assumedEmissivity) * (power(source.celsius) - power(behindCelsius));
  if (needed <= 0) return 0;
  if (offered < needed) return null;
  const enough = (sidePixels: number): boolean => offered * worstShare(sidePixels) ** 2 >= needed;
  let low = 0;
  let high = LARGEST_PIXELS;
  for (let i = 0; i < 40; i++) {
    const middle = (low + high) / 2;
    if (enough(middle)) high = middle;
    else low = middle;
  }
  // So many pixels stand out at once only where the source is as large as they are.
  const side = Math.max(high, input.smallestPixels <= 1 ? 0 : Math.sqrt(input.smallestPixels));
  return side * footprint.widthMetres * side * footprint.heightMetres;
}

/** Along one axis: the share that a source centred on the border of two pixels gives to each. */
export function worstShare(sidePixels: number): number {
  const edge = sidePixels / 2;
  return ramp(1 + edge) - ramp(edge) - (ramp(1 - edge) - ramp(-edge));
}

/** Integral of the normal distribution function of the lens's spread. */
function ramp(x: number): number {
  const z = x / BLUR_PIXELS;
  return x * normal(z) + (BLUR_PIXELS * Math.exp(-0.5 * z * z)) / Math.sqrt(2 * Math.PI);
}

/** Normal distribution function, within 7.5e-8 (Abramowitz and Stegun, formula 26.2.17). */
function normal(z: number): number {
  const t = 1 / (1 + 0.2316419 * Math.abs(z));
  const series =
    t *
    (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  const tail = (Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)) * series;
  return z >= 0 ? 1 - tail : tail;
}

function power(celsius: number): number {
  return (celsius + KELVIN) ** 4;
}
