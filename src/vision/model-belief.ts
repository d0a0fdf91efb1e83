/** From the numbers that a model gives to an opinion, or to what is wrong with them. */
import type { Opinion } from '../domain/opinion.ts';
import { SCENE_KINDS } from '../domain/opinion.ts';
import { KINDS } from './model-protocol.ts';

/** Shares of single precision add up to 1 within this. */
const SUM_TOLERANCE = 0.01;
/** A share may miss its bounds by rounding. */
const SHARE_TOLERANCE = 1e-4;

/** What is wrong with the shares of one row. */
function troubleIn(belief: Float32Array, row: number): string | null {
  let sum = 0;
  for (let i = 0; i < KINDS; i++) {
    const share = belief[row * KINDS + i];
    const kind = SCENE_KINDS[i] ?? '';
    if (share === undefined) return `${belief.length} numbers, which do not reach row ${row + 1}`;
    if (!Number.isFinite(share)) return `the share of ${kind} is ${share}`;
    if (share < -SHARE_TOLERANCE || share > 1 + SHARE_TOLERANCE) {
      return `the share of ${kind} is ${share.toPrecision(4)}, not within 0..1`;
    }
    sum += share;
  }
  if (Math.abs(sum - 1) <= SUM_TOLERANCE) return null;
  return `the shares add up to ${sum.toPrecision(4)}, not to 1`;
}

/** @returns what is wrong with a belief that should have `rows` rows, or null. */
export function troubleInRows(belief: Float32Array, rows: number): string | null {
  for (let row = 0; row < rows; row++) {
    const trouble = troubleIn(belief, row);
    if (trouble !== null) return trouble;
  }
  if (belief.length === rows * KINDS) return null;
  return `${belief.length} numbers for ${rows} rows of ${KINDS}`;
}

/** The opinion in row `row` of a belief without trouble. */
export function opinionIn(belief: Float32Array, row: number): Opinion {
  const share = (i: number): number => Math.min(Math.max(belief[row * KINDS + i] ?? 0, 0), 1);
  return {
    fire: share(0),
    overheating: share(1),
    warmBody: share(2),
    hotObject: share(3),
    other: share(4),
  };
}

/** Largest difference between a row of shares and the ones expected. */
export function differenceTo(expected: Float32Array, belief: Float32Array, row: number): number {
  let most = 0;
  for (let i = 0; i < KINDS; i++) {
    most = Math.max(most, Math.abs((belief[row * KINDS + i] ?? NaN) - (expected[i] ?? NaN)));
  }
  return most;
}
