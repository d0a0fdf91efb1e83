/**
 * The connected region around a peak: area, mean, place.
 *
 * Typed arrays are read with `as number`: every index is checked against the picture first.
 */
import type { HotRegion } from '../domain/evidence.ts';
import { FRAME_PIXELS } from '../domain/frame.ts';

/** Pixel marks that the detector hands to the region search. */
export const COLD = 0;
export const HOT = 1;
export const REJECTED = 2;

export interface FoundRegion {
  readonly region: HotRegion;
  /**
   * Pixels of the region above the middle between `medianCelsius` and the peak: unlike the area,
   * this does not grow when a thing merely gets hotter, only when heat spreads.
   */
  readonly corePixels: number;
}

/**
 * Grows the region of `HOT` pixels (eight neighbours) around `peakAt`.
 *
 * @param marks one of `COLD`, `HOT`, `REJECTED` per pixel; visited pixels become `COLD`.
 * @param stack scratch of at least `FRAME_PIXELS` entries.
 */
export function regionAround(
  picture: Float32Array,
  marks: Uint8Array,
  peakAt: number,
  columns: number,
  stack: Uint16Array,
  medianCelsius: number,
): FoundRegion {
  const peakCelsius = picture[peakAt] as number;
  const coreCelsius = (medianCelsius + peakCelsius) / 2;
  const rows = FRAME_PIXELS / columns;
  let depth = 0;
  let area = 0;
  let core = 0;
  let sum = 0;
  stack[depth++] = peakAt;
  marks[peakAt] = COLD;
  while (depth > 0) {
    const at = stack[--depth] as number;
    const celsius = picture[at] as number;
    area += 1;
    sum += celsius;
    if (celsius >= coreCelsius) core += 1;
    const row = (at / columns) | 0;
    const column = at - row * columns;
    const lastRow = Math.min(row + 1, rows - 1);
    const lastColumn = Math.min(column + 1, columns - 1);
    for (let r = Math.max(row - 1, 0); r <= lastRow; r++) {
      for (let c = Math.max(column - 1, 0); c <= lastColumn; c++) {
        const index = r * columns + c;
        if (marks[index] !== HOT) continue;
        marks[index] = COLD;
        stack[depth++] = index;
      }
    }
  }
  return {
    region: {
      peakCelsius,
      meanCelsius: sum / area,
      areaPixels: area,
      row: (peakAt / columns) | 0,
      column: peakAt % columns,
    },
    corePixels: core,
  };
}
