/**
 * Which pixels of a picture cannot be believed, by comparison with the last believed picture and
 * with each other: whole subpages (chess, or every other line), single lines, scattered pixels.
 *
 * A scene changes both subpages alike, and a line never alone: light spreads over the lines beside
 * it. So a half, or a line, that is off where the rest is not was not seen but damaged.
 *
 * Typed arrays are read with `as number`: every index is bounded by the loop around it.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import {
  HIGHEST_CELSIUS,
  LINE_CELSIUS,
  LINE_SHARE,
  LOWEST_CELSIUS,
  MAX_SPOILT_LINES,
  OFF_CELSIUS,
  OFF_SHARE,
  SOUND_SHARE,
} from './thermal-limits.ts';

/** A half of the pixels: those for which the sum (chess), the row or the column is even or odd. */
export const HALVES = ['chess', 'rows', 'columns'] as const;

const HALF = FRAME_PIXELS / 2;

export class SpoiltPixels {
  /** 1 for each pixel that cannot be believed. */
  readonly marks = new Uint8Array(FRAME_PIXELS);
  /** How many are marked. */
  count = 0;
  /** Of them, pixels without a possible temperature or never read. */
  impossible = 0;
  /** Pixels with a possible temperature that are far from the last believed one. */
  off = 0;
  /** The half that is spoilt, for people; null when none is. */
  half: string | null = null;
  readonly #columns: number;
  readonly #rows: number;
  /** Pixels that are off or impossible: even and odd of each of `HALVES`, rows, columns. */
  readonly #halves = new Uint16Array(6);
  readonly #inRow: Uint16Array;
  readonly #inColumn: Uint16Array;

  constructor(columns: number) {
    this.#columns = columns;
    this.#rows = FRAME_PIXELS / columns;
    this.#inRow = new Uint16Array(this.#rows);
    this.#inColumn = new Uint16Array(columns);
  }

  /**
   * Marks the pixels of a picture that cannot be believed.
   *
   * @param previous the last believed picture, or null: then only impossible values tell.
   * @param zeroIsUnread whether exactly 0 means that a pixel was never read.
   */
  find(picture: Float32Array, previous: Float32Array | null, zeroIsUnread: boolean): void {
    this.#count(picture, previous, zeroIsUnread);
    this.half = null;
    if (this.impossible + this.off === 0) return;
    const isHalf = HALVES.some((_, kind) => this.#judgeHalf(picture, kind));
    if (!isHalf && previous !== null && this.off > 0) {
      this.#judgeLines(picture, previous, this.#inRow, this.#columns, 1);
      this.#judgeLines(picture, previous, this.#inColumn, 1, this.#columns);
    }
  }

  /** Marks one more pixel. */
  mark(at: number): void {
    if (this.marks[at] === 1) return;
    this.marks[at] = 1;
    this.count += 1;
  }

  /** Marks one of the two halves of a kind. */
  markHalf(kind: number, odd: number): void {
    const columns = this.#columns;
    for (let row = 0; row < this.#rows; row++) {
      for (let column = 0; column < columns; column++) {
        const side = kind === 0 ? row + column : kind === 1 ? row : column;
        if ((side & 1) === odd) this.mark(row * columns + column);
      }
    }
    this.half = `${odd === 0 ? 'even' : 'odd'} ${HALVES[kind] ?? ''}`;
  }

  #count(picture: Float32Array, previous: Float32Array | null, zeroIsUnread: boolean): void {
    const { marks } = this;
    const columns = this.#columns;
    const halves = this.#halves.fill(0);
    const inRow = this.#inRow.fill(0);
    const inColumn = this.#inColumn.fill(0);
    marks.fill(0);
    let impossible = 0;
    let off = 0;
    for (let row = 0, i = 0; row < this.#rows; row++) {
      for (let column = 0; column < columns; column++, i++) {
        const celsius = picture[i] as number;
        if (!isReading(celsius) || (zeroIsUnread && celsius === 0)) {
          marks[i] = 1;
          impossible += 1;
        } else if (previous !== null && isOff(celsius, previous[i] as number)) off += 1;
        else continue;
        const chess = (row + column) & 1;
        halves[chess] = (halves[chess] as number) + 1;
        halves[2 + (row & 1)] = (halves[2 + (row & 1)] as number) + 1;
        halves[4 + (column & 1)] = (halves[4 + (column & 1)] as number) + 1;
        inRow[row] = (inRow[row] as number) + 1;
        inColumn[column] = (inColumn[column] as number) + 1;
      }
    }
    this.impossible = impossible;
    this.count = impossible;
    this.off = off;
  }

  #judgeHalf(picture: Float32Array, kind: number): boolean {
    const even = this.#halves[2 * kind] as number;
    const odd = this.#halves[2 * kind + 1] as number;
    const isOneSided =
      Math.max(even, odd) >= OFF_SHARE * HALF && Math.min(even, odd) <= SOUND_SHARE * HALF;
    if (!isOneSided || !this.#disagree(picture, kind)) return false;
    this.markHalf(kind, odd > even ? 1 : 0);
    return true;
  }

  /**
   * Whether most neighbours of opposite halves differ. A half that is off from what it was and does
   * not differ from the other one has recovered: what it was is old.
   */
  #disagree(picture: Float32Array, kind: number): boolean {
    const step = kind === 1 ? this.#columns : 1;
    let differ = 0;
    let pairs = 0;
    for (let row = 0; row < this.#rows; row += kind === 1 ? 2 : 1) {
      for (let column = 0; column < this.#columns; column += kind === 1 ? 1 : 2) {
        const i = row * this.#columns + column;
        pairs += 1;
        // False for NaN: what has no temperature agrees with nothing.
        const agrees =
          this.marks[i] === 0 &&
          this.marks[i + step] === 0 &&
          Math.abs((picture[i] as number) - (picture[i + step] as number)) <= OFF_CELSIUS;
        if (!agrees) differ += 1;
      }
    }
    return differ > OFF_SHARE * pairs;
  }

  /** Lines of pixels `step` apart, that begin `stride` apart. */
  #judgeLines(
    picture: Float32Array,
    previous: Float32Array,
    counts: Uint16Array,
    stride: number,
    step: number,
  ): void {
    const lines = counts.length;
    const pixels = FRAME_PIXELS / lines;
    let spoilt = 0;
    for (let line = 0; line < lines && spoilt < MAX_SPOILT_LINES; line++) {
      if ((counts[line] as number) < LINE_SHARE * pixels) continue;
      const before = line > 0 ? (counts[line - 1] as number) : 0;
      const after = line < lines - 1 ? (counts[line + 1] as number) : 0;
      if (Math.max(before, after) > SOUND_SHARE * pixels) continue;
      let jumped = 0;
      for (let k = 0; k < pixels; k++) {
        const i = line * stride + k * step;
        if (this.marks[i] === 1) jumped += 1;
        else if (Math.abs((picture[i] as number) - (previous[i] as number)) > LINE_CELSIUS)
          jumped += 1;
      }
      if (jumped < LINE_SHARE * pixels) continue;
      spoilt += 1;
      for (let k = 0; k < pixels; k++) this.mark(line * stride + k * step);
    }
  }
}

/**
 * Takes the marked pixels out of a picture.
 * @returns how many of them have no unmarked pixel among their eight neighbours
 */
export function blankMarked(picture: Float32Array, marks: Uint8Array, columns: number): number {
  const rows = FRAME_PIXELS / columns;
  let lost = 0;
  for (let i = 0; i < FRAME_PIXELS; i++) {
    if (marks[i] !== 1) continue;
    picture[i] = Number.NaN;
    const row = (i / columns) | 0;
    const column = i - row * columns;
    let good = 0;
    for (let r = Math.max(row - 1, 0); r <= Math.min(row + 1, rows - 1); r++) {
      const lastColumn = Math.min(column + 1, columns - 1);
      for (let c = Math.max(column - 1, 0); c <= lastColumn; c++) {
        if (marks[r * columns + c] === 0) good += 1;
      }
    }
    if (good === 0) lost += 1;
  }
  return lost;
}

function isReading(celsius: number): boolean {
  return celsius >= LOWEST_CELSIUS && celsius <= HIGHEST_CELSIUS;
}

/** False where there was nothing before. */
function isOff(celsius: number, before: number): boolean {
  return Math.abs(celsius - before) > OFF_CELSIUS;
}
