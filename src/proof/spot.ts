/** Where a proof's spot goes in an array's picture, and how much its words must rise. */
import { mountOrder } from '../domain/frame.ts';
import type { Mount } from '../domain/frame.ts';
import type { AreaSpec } from '../vision/areas.ts';
import { layOutAreas } from '../vision/areas.ts';
import type { Spot } from './shadow-array.ts';

/** The middle of the spot in the mounted picture. */
export interface SpotPlace {
  readonly row: number;
  readonly column: number;
  /** Its nine pixels, as in RAM. */
  readonly pixels: readonly number[];
}

/**
 * The 3 x 3 pixels nearest to the middle of an area, all of them the area's own; null where it has
 * none: masks and earlier areas cover it.
 * @param areas of the mounted picture, as the detector has them
 */
export function placeInArea(
  mount: Mount,
  areas: readonly AreaSpec[],
  channel: string,
): SpotPlace | null {
  const { columns, rows } = mountOrder(mount);
  const { channels, areaOf } = layOutAreas(areas, columns, rows);
  const area = channels.indexOf(channel);
  if (area < 0) return null;
  const isOwn = (row: number, column: number): boolean =>
    areaOf === null || areaOf[row * columns + column] === area;
  const middle = middleOf(rows, columns, isOwn);
  let best: { readonly row: number; readonly column: number; readonly away: number } | null = null;
  for (let row = 1; row < rows - 1; row++) {
    for (let column = 1; column < columns - 1; column++) {
      const away = (row - middle.row) ** 2 + (column - middle.column) ** 2;
      if (best !== null && away >= best.away) continue;
      if (isWhole(row, column, isOwn)) best = { row, column, away };
    }
  }
  return best === null ? null : placeAt(mount, best.row, best.column);
}

/** The spot around a pixel of the mounted picture that is not at its border. */
export function placeAt(mount: Mount, row: number, column: number): SpotPlace {
  const { columns, order } = mountOrder(mount);
  const pixels = around(row, column).map(([r, c]) => {
    const at = r * columns + c;
    return order?.[at] ?? at;
  });
  return { row, column, pixels };
}

/** The middle of the mounted picture: for an area that has no place of its own. */
export function middlePlace(mount: Mount): SpotPlace {
  const { columns, rows } = mountOrder(mount);
  return placeAt(mount, rows / 2, columns / 2);
}

function around(row: number, column: number): readonly (readonly [number, number])[] {
  return [-1, 0, 1].flatMap((down) =>
    [-1, 0, 1].map((right) => [row + down, column + right] as const),
  );
}

type IsOwn = (row: number, column: number) => boolean;

/** As `around`, without making anything: it is asked hundreds of times. */
function isWhole(row: number, column: number, isOwn: IsOwn): boolean {
  for (let r = row - 1; r <= row + 1; r++) {
    for (let c = column - 1; c <= column + 1; c++) if (!isOwn(r, c)) return false;
  }
  return true;
}

function middleOf(
  rows: number,
  columns: number,
  isOwn: (row: number, column: number) => boolean,
): { readonly row: number; readonly column: number } {
  let [count, rowSum, columnSum] = [0, 0, 0];
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      if (!isOwn(row, column)) continue;
      count += 1;
      rowSum += row;
      columnSum += column;
    }
  }
  return { row: rowSum / Math.max(1, count), column: columnSum / Math.max(1, count) };
}

/** More than any word can rise. */
const MOST_COUNTS = 0xffff;

/** Looks for the counts that show a temperature, all pixels at once, by bisection. */
export class SpotSearch {
  readonly spot: Spot;
  readonly #low: Int32Array;
  readonly #high: Int32Array;

  constructor({ pixels }: SpotPlace) {
    this.#low = new Int32Array(pixels.length);
    this.#high = new Int32Array(pixels.length).fill(MOST_COUNTS);
    this.spot = { pixels, counts: new Int32Array(pixels.length) };
    this.#guess();
  }

  /** Whether the counts are known to one. */
  get isDone(): boolean {
    return this.#high.every((high, i) => high - (this.#low[i] ?? 0) <= 1);
  }

  /** @param celsius the picture that the present counts gave; NaN counts as too hot */
  narrow(celsius: Float32Array, targetCelsius: number): void {
    this.spot.pixels.forEach((pixel, i) => {
      const guess = this.spot.counts[i] ?? 0;
      const isCooler = (celsius[pixel] ?? NaN) < targetCelsius;
      if (isCooler) this.#low[i] = guess;
      else this.#high[i] = guess;
    });
    this.#guess();
  }

  #guess(): void {
    this.spot.counts.forEach((_, i) => {
      const [low, high] = [this.#low[i] ?? 0, this.#high[i] ?? 0];
      // At the end the one that is hot enough.
      this.spot.counts[i] = high - low <= 1 ? high : (low + high) >> 1;
    });
  }
}
