/** Words as boards write them: four upper-case hex digits each, nothing between. */

const DIGITS = '0123456789ABCDEF';
/** Both digits of each byte, so that a word costs two look-ups. */
const BYTES = Uint16Array.from({ length: 256 }, (_, byte) => {
  return (DIGITS.charCodeAt(byte >> 4) << 8) | DIGITS.charCodeAt(byte & 15);
});

/** Returns `4 * words.length` bytes of ASCII. */
export function hexOfWords(words: Uint16Array): Uint8Array {
  const text = new Uint8Array(words.length * 4);
  for (const [i, word] of words.entries()) {
    const high = BYTES[word >> 8] ?? 0;
    const low = BYTES[word & 0xff] ?? 0;
    text.set([high >> 8, high & 0xff, low >> 8, low & 0xff], 4 * i);
  }
  return text;
}
