/**
 * Medians without allocation.
 *
 * Typed arrays are read with `as number`: every index is bounded by the loop around it.
 */
import { FRAME_PIXELS } from '../domain/frame.ts';
import { HIGHEST_CELSIUS, LOWEST_CELSIUS } from './thermal-limits.ts';

/** Halvings of the range of temperatures: leaves 0.02 C. */
const HALVINGS = 16;

/**
 * Median of a picture, of each pixel less `offsets` if given, within 0.02 C. Pixels without a
 * possible temperature or without an offset do not count; NaN when none is left.
 */
export function pictureMedian(picture: Float32Array, offsets: Float32Array | null): number {
  let low = LOWEST_CELSIUS;
  let high = HIGHEST_CELSIUS;
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = (low + high) / 2;
    let below = 0;
    let above = 0;
    for (let i = 0; i < FRAME_PIXELS; i++) {
      const celsius = picture[i] as number;
      const value = offsets === null ? celsius : celsius - (offsets[i] as number);
      const isReading = celsius >= LOWEST_CELSIUS && celsius <= HIGHEST_CELSIUS;
      // Neither for NaN. Sums instead of branches: which way it goes is anybody's guess.
      below += Number(isReading && value < middle);
      above += Number(isReading && value >= middle);
    }
    if (below + above === 0) return Number.NaN;
    if (below > above) high = middle;
    else low = middle;
  }
  return (low + high) / 2;
}

/** Median of the first `count` values, which it sorts; NaN when there are none. */
export function middleOf(values: Float32Array, count: number): number {
  if (count === 0) return Number.NaN;
  for (let i = 1; i < count; i++) {
    const value = values[i] as number;
    let at = i;
    for (; at > 0 && (values[at - 1] as number) > value; at--)
      values[at] = values[at - 1] as number;
    values[at] = value;
  }
  return ((values[(count - 1) >> 1] as number) + (values[count >> 1] as number)) / 2;
}
