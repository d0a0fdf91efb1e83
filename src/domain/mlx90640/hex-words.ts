/**
 * Hexadecimal text to 16-bit words, straight from the bytes of a packet.
 *
 * Typed arrays are read with `as number`: every index here is below the length by construction.
 */
const DIGITS_PER_WORD = 4;
const SPACE = 0x20;
/** All bits set: whatever it is shifted by and combined with, the result is negative. */
const NO_DIGIT = -1;

/** Value of each byte as a hex digit of either case, or NO_DIGIT. */
const DIGIT = digitTable();
/**
 * Value of each pair of bytes (first one high) as two hex digits, or NO_DIGIT: 128 kB of which
 * valid text touches 3 kB. Two look-ups a word instead of four take a third off the time.
 */
const PAIR = pairTable();

/**
 * Decodes `bytes[start..end)`, four digits a word with nothing in between, into `out`.
 *
 * @returns the number of words; -1 where the text is no whole number of words, holds anything but
 *   hex digits (see `firstBadHexByte`), does not fit into `out`, or the bounds are not within
 *   `bytes`. After -1 the contents of `out` are undefined.
 */
export function decodeHexWords(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint16Array,
): number {
  const length = end - start;
  const count = length / DIGITS_PER_WORD;
  if (start < 0 || end > bytes.length || !(length >= 0)) return -1;
  if (!Number.isInteger(count) || count > out.length) return -1;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let bad = 0;
  for (let word = 0, at = start; word < count; word++, at += DIGITS_PER_WORD) {
    const text = view.getUint32(at);
    const value = ((PAIR[text >>> 16] as number) << 8) | (PAIR[text & 0xffff] as number);
    out[word] = value;
    bad |= value;
  }
  return bad < 0 ? -1 : count;
}

/** Offset within `bytes` of the first of `[start..end)` that is no hex digit; -1 where all are. */
export function firstBadHexByte(bytes: Uint8Array, start: number, end: number): number {
  for (let at = start; at < end; at++) {
    if ((DIGIT[bytes[at] as number] as number) < 0) return at;
  }
  return -1;
}

/**
 * Decodes words that are separated by single spaces or runs of them, each of 1..4 digits; spaces at
 * either end are allowed. Returns and fails like `decodeHexWords`.
 */
export function decodeSpacedHexWords(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint16Array,
): number {
  if (start < 0 || end > bytes.length || !(end >= start)) return -1;
  let count = 0;
  let digits = 0;
  let value = 0;
  for (let at = start; at <= end; at++) {
    const byte = at < end ? (bytes[at] as number) : SPACE;
    if (byte !== SPACE) {
      const digit = DIGIT[byte] as number;
      if (digit < 0 || digits === DIGITS_PER_WORD) return -1;
      value = (value << 4) | digit;
      digits += 1;
    } else if (digits > 0) {
      if (count === out.length) return -1;
      out[count] = value;
      count += 1;
      digits = 0;
      value = 0;
    }
  }
  return count;
}

function digitTable(): Int8Array {
  const table = new Int8Array(256).fill(NO_DIGIT);
  for (let value = 0; value < 16; value++) {
    const digit = value.toString(16);
    table[digit.charCodeAt(0)] = value;
    table[digit.toUpperCase().charCodeAt(0)] = value;
  }
  return table;
}

function pairTable(): Int16Array {
  const table = new Int16Array(65536).fill(NO_DIGIT);
  for (let first = 0; first < 256; first++) {
    const high = DIGIT[first] as number;
    if (high < 0) continue;
    for (let second = 0; second < 256; second++) {
      const low = DIGIT[second] as number;
      if (low >= 0) table[(first << 8) | second] = (high << 4) | low;
    }
  }
  return table;
}
