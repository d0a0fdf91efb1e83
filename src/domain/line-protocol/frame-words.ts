/**
 * The data of a `#frame` packet as 16-bit words.
 *
 * Typed arrays are read with `as number`: every index here is below the length by construction.
 */
import { decodeHexWords, decodeSpacedHexWords } from '../mlx90640/hex-words.ts';
import { ARRAY_PIXELS, RAM_WORDS_WITH_TAIL } from '../mlx90640/words.ts';
import { SPACE } from './bytes.ts';

const DIGITS = 4;
/** A word has at most four digits, so spaced words show a space within the first five bytes. */
const FIRST_SPACE_WITHIN = DIGITS + 1;

/**
 * Reads 3336 hex digits (834 words), 3072 (768), or 768 hex words with spaces between them.
 *
 * @param out at least 834 words; undefined contents after an error
 * @returns 834 or 768, or why the data is none of the three
 */
export function readFrameWords(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint16Array,
): number | 'frameLength' | 'notHex' {
  if (startsSpaced(bytes, start, end)) {
    const count = decodeSpacedHexWords(bytes, start, end, out);
    if (count < 0) return 'notHex';
    return count === ARRAY_PIXELS ? count : 'frameLength';
  }
  const length = end - start;
  if (length !== RAM_WORDS_WITH_TAIL * DIGITS && length !== ARRAY_PIXELS * DIGITS) {
    return 'frameLength';
  }
  if (decodeHexWords(bytes, start, end, out) < 0) return 'notHex';
  return length === ARRAY_PIXELS * DIGITS ? ARRAY_PIXELS : RAM_WORDS_WITH_TAIL;
}

function startsSpaced(bytes: Uint8Array, start: number, end: number): boolean {
  const stop = Math.min(end, start + FIRST_SPACE_WITHIN);
  for (let at = start; at < stop; at++) {
    if (bytes[at] === SPACE) return true;
  }
  return false;
}
