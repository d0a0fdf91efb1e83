/**
 * Bytes of the line protocol. The protocol is ASCII; a packet is read without making strings of it
 * wherever it is frequent.
 *
 * Typed arrays are read with `as number`: every index here is below the length by construction.
 */
export const LINE_FEED = 0x0a;
export const CARRIAGE_RETURN = 0x0d;
export const SPACE = 0x20;
export const BANG = 0x21;
export const QUOTE = 0x22;
export const HASH = 0x23;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const DOT = 0x2e;
export const ZERO = 0x30;
export const COLON = 0x3a;
export const EQUALS = 0x3d;
export const DELETE = 0x7f;

/** The bytes of an ASCII text. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0) & 0x7f);
}

/** Whether `word` stands at `start`, before `end`. */
export function startsWith(
  bytes: Uint8Array,
  start: number,
  end: number,
  word: Uint8Array,
): boolean {
  if (end - start < word.length) return false;
  for (let at = 0; at < word.length; at++) {
    if (bytes[start + at] !== word[at]) return false;
  }
  return true;
}

/** Text of `bytes[start..end)`; what is not printable ASCII shows as `.`. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    text += byte >= SPACE && byte < DELETE ? String.fromCharCode(byte) : '.';
  }
  return text;
}
