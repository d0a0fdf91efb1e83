/**
 * Hot regions: connected groups of hot pixels, each measured once. Nothing is allocated per frame
 * once as many regions have been seen as there can be.
 *
 * Typed arrays are read with `as number`: every index is checked against the picture first.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import type { AreaMap } from './areas.ts';
import type { SceneKnowledge } from './thermal-heat.ts';
import { CoreCounter } from './thermal-core.ts';
import { radiance } from './thermal-support.ts';

/** Marks of pixels that belong to no region. */
export const COLD = 0;
export const REJECTED = 1;
const FIRST_HOT = 2;

/** Mark of a hot pixel of an area. */
export function hotMark(area: number): number {
  return FIRST_HOT + area;
}

/** Regions that are measured in one area, hottest first; and in all areas of a picture. */
export const AREA_REGIONS = 8;
const PICTURE_REGIONS = 64;

/** One region of one frame. Reused: it is another region in the next frame. */
export interface Region {
  area: number;
  peakCelsius: number;
  /** Pixel of the peak. */
  peakAt: number;
  meanCelsius: number;
  areaPixels: number;
  corePixels: number;
  excess: number;
  row: number;
  column: number;
  spreadRows: number;
  spreadColumns: number;
  behindCelsius: number;
  aboveBackgroundCelsius: number | null;
  touchesEdge: boolean;
  /** Its pixels are `RegionFinder.members[first..end)`. */
  first: number;
  end: number;
}

/** What is behind the regions of a picture. */
export interface Backdrop {
  readonly medianCelsius: number;
  /** What is learnt of each pixel; null where nothing is kept. */
  readonly knowledge: SceneKnowledge | null;
}

const EXCESS_SCALE = 1e8;
/** Weight of a pixel that radiates no more than what lies behind it. */
const LEAST_WEIGHT = 1e-6;

export class RegionFinder {
  /** Pixels of the regions that were found last, region after region. */
  readonly members = new Uint16Array(FRAME_PIXELS);
  readonly #columns: number;
  readonly #rows: number;
  readonly #areaOf: Uint8Array | null;
  readonly #perArea: number;
  readonly #areas: number;
  readonly #pool: Region[] = [];
  readonly #found: Region[] = [];
  readonly #kept: Region[] = [];
  readonly #core: CoreCounter;

  constructor(columns: number, areas: AreaMap) {
    this.#columns = columns;
    this.#rows = FRAME_PIXELS / columns;
    this.#areaOf = areas.areaOf;
    this.#areas = areas.channels.length;
    this.#core = new CoreCounter(columns, areas.areaOf);
    const share = Math.floor(PICTURE_REGIONS / this.#areas);
    this.#perArea = Math.max(1, Math.min(AREA_REGIONS, share));
  }

  /**
   * Finds and measures the regions of a picture: of each area the hottest, area after area, hottest
   * first. The list and what is in it are valid until the next call.
   *
   * @param marks `COLD`, `REJECTED` or a `hotMark` per pixel; found pixels become `COLD`.
   * @param estimated pixels (1) whose value is no reading: in a region, never its peak; or null.
   */
  find(
    picture: Float32Array,
    marks: Uint8Array,
    estimated: Uint8Array | null,
    backdrop: Backdrop,
  ): readonly Region[] {
    const found = this.#found;
    found.length = 0;
    let end = 0;
    for (let at = 0; at < FRAME_PIXELS; at++) {
      const mark = marks[at] as number;
      if (mark < FIRST_HOT) continue;
      const region = this.#take(found.length);
      region.area = mark - FIRST_HOT;
      region.first = end;
      end = this.#collect(marks, at, mark, end);
      region.end = end;
      this.#findPeak(region, picture, estimated);
      // Estimates alone are no region.
      if (region.peakAt >= 0) found.push(region);
    }
    const kept = this.#keepHottest();
    for (const region of kept) this.#measure(region, picture, marks, backdrop);
    return kept;
  }

  #take(index: number): Region {
    let region = this.#pool[index];
    if (region === undefined) {
      region = emptyRegion();
      this.#pool.push(region);
    }
    return region;
  }

  /** Collects the pixels with `mark` (eight neighbours) around `at` into `members` from `first`. */
  #collect(marks: Uint8Array, at: number, mark: number, first: number): number {
    const members = this.members;
    const columns = this.#columns;
    let end = first;
    members[end++] = at;
    marks[at] = COLD;
    for (let next = first; next < end; next++) {
      const from = members[next] as number;
      const row = (from / columns) | 0;
      const column = from - row * columns;
      const lastRow = row + 1 < this.#rows ? row + 1 : row;
      const firstColumn = column > 0 ? column - 1 : 0;
      const lastColumn = column + 1 < columns ? column + 1 : column;
      for (let r = row > 0 ? row - 1 : 0; r <= lastRow; r++) {
        for (let index = r * columns + firstColumn; index <= r * columns + lastColumn; index++) {
          if (marks[index] !== mark) continue;
          marks[index] = COLD;
          members[end++] = index;
        }
      }
    }
    return end;
  }

  #findPeak(region: Region, picture: Float32Array, estimated: Uint8Array | null): void {
    let peak = -Infinity;
    let peakAt = -1;
    for (let i = region.first; i < region.end; i++) {
      const at = this.members[i] as number;
      const celsius = picture[at] as number;
      if (celsius <= peak || (estimated !== null && estimated[at] !== 0)) continue;
      peak = celsius;
      peakAt = at;
    }
    region.peakCelsius = peak;
    region.peakAt = peakAt;
  }

  /** Of each area the hottest few, area after area, hottest first. */
  #keepHottest(): Region[] {
    const kept = this.#kept;
    kept.length = 0;
    for (let area = 0; area < this.#areas; area++) {
      const start = kept.length;
      for (const region of this.#found) {
        if (region.area !== area) continue;
        let place = kept.length;
        if (place - start === this.#perArea) {
          if ((kept[place - 1] as Region).peakCelsius >= region.peakCelsius) continue;
          place -= 1;
        }
        while (place > start && (kept[place - 1] as Region).peakCelsius < region.peakCelsius) {
          kept[place] = kept[place - 1] as Region;
          place -= 1;
        }
        kept[place] = region;
      }
    }
    return kept;
  }

  #measure(region: Region, picture: Float32Array, marks: Uint8Array, backdrop: Backdrop): void {
    const { first, end, peakAt } = region;
    const above =
      region.peakCelsius - (backdrop.knowledge?.backgroundCelsius(peakAt) ?? Number.NaN);
    region.aboveBackgroundCelsius = Number.isNaN(above) ? null : above;
    region.behindCelsius = this.#behind(region, backdrop);
    region.areaPixels = end - first;
    const behind = radiance(region.behindCelsius);
    let sum = 0;
    let excess = 0;
    let weights = 0;
    let rows = 0;
    let columns = 0;
    let rowSquares = 0;
    let columnSquares = 0;
    let edge = false;
    for (let i = first; i < end; i++) {
      const at = this.members[i] as number;
      const celsius = picture[at] as number;
      const row = (at / this.#columns) | 0;
      const column = at - row * this.#columns;
      const own = Math.max(0, (radiance(celsius) - behind) / EXCESS_SCALE);
      const weight = own + LEAST_WEIGHT;
      sum += celsius;
      excess += own;
      weights += weight;
      rows += weight * row;
      columns += weight * column;
      rowSquares += weight * row * row;
      columnSquares += weight * column * column;
      edge ||= this.#isEdge(at, row, column);
    }
    region.meanCelsius = sum / (end - first);
    region.excess = excess;
    region.row = rows / weights;
    region.column = columns / weights;
    region.spreadRows = deviation(rowSquares / weights, region.row);
    region.spreadColumns = deviation(columnSquares / weights, region.column);
    region.touchesEdge = edge;
    region.corePixels = this.#core.count(region, picture, marks);
  }

  #behind(region: Region, { medianCelsius, knowledge }: Backdrop): number {
    if (knowledge === null) return medianCelsius;
    let sum = 0;
    let learnt = 0;
    for (let i = region.first; i < region.end; i++) {
      const background = knowledge.backgroundCelsius(this.members[i] as number);
      if (Number.isNaN(background)) continue;
      sum += background;
      learnt += 1;
    }
    return learnt === 0 ? medianCelsius : sum / learnt;
  }

  /** Whether the region may go on where nobody looks: the picture or the area ends here. */
  #isEdge(at: number, row: number, column: number): boolean {
    const columns = this.#columns;
    if (row === 0 || column === 0 || row === this.#rows - 1 || column === columns - 1) return true;
    const areaOf = this.#areaOf;
    if (areaOf === null) return false;
    const area = areaOf[at];
    return (
      areaOf[at - 1] !== area ||
      areaOf[at + 1] !== area ||
      areaOf[at - columns] !== area ||
      areaOf[at + columns] !== area
    );
  }
}

function deviation(meanSquare: number, mean: number): number {
  return Math.sqrt(Math.max(0, meanSquare - mean * mean));
}

function emptyRegion(): Region {
  return {
    area: 0,
    peakCelsius: Number.NaN,
    peakAt: -1,
    meanCelsius: Number.NaN,
    areaPixels: 0,
    corePixels: 0,
    excess: 0,
    row: 0,
    column: 0,
    spreadRows: 0,
    spreadColumns: 0,
    behindCelsius: Number.NaN,
    aboveBackgroundCelsius: null,
    touchesEdge: false,
    first: 0,
    end: 0,
  };
}
