import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeHexWords,
  decodeSpacedHexWords,
  firstBadHexByte,
} from '../../src/domain/mlx90640/hex-words.ts';
import { decodeLegacyUnsafe } from '../../src/domain/mlx90640/legacy.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const words = fc.uint16Array({ maxLength: 50 });
const hexWord = (word: number): string => word.toString(16).padStart(4, '0');
const mixedCase = (text: string): string =>
  text.replace(/[a-f]/g, (digit, at: number) => (at % 2 === 0 ? digit.toUpperCase() : digit));

describe('hex words without spaces', () => {
  it('come back in either case, from anywhere within a buffer', () => {
    fc.assert(
      fc.property(words, fc.integer({ min: 0, max: 9 }), (list, lead) => {
        const text = mixedCase(Array.from(list, hexWord).join(''));
        const packet = bytes(`${'#'.repeat(lead)}${text}!\r\n`);
        const padded = new Uint8Array(packet.length + 3);
        padded.set(packet, 3);
        const out = new Uint16Array(60);
        const count = decodeHexWords(padded.subarray(3), lead, lead + text.length, out);
        expect(count).toBe(list.length);
        expect(out.subarray(0, count)).toEqual(list);
      }),
    );
  });

  it('are refused for any byte that is no digit, at any place, which is then found', () => {
    const out = new Uint16Array(8);
    for (let byte = 0; byte < 256; byte++) {
      const digit = /[0-9a-f]/i.test(String.fromCharCode(byte));
      for (let at = 0; at < 8; at++) {
        const text = bytes('00FFa9C1');
        text[at] = byte;
        expect(decodeHexWords(text, 0, 8, out)).toBe(digit ? 2 : -1);
        expect(firstBadHexByte(text, 0, 8)).toBe(digit ? -1 : at);
      }
    }
  });

  it('are refused where they are cut, do not fit, or lie outside the buffer', () => {
    const text = bytes('00010002');
    const out = new Uint16Array(2);
    expect(decodeHexWords(text, 0, 8, out)).toBe(2);
    expect(decodeHexWords(text, 0, 0, out)).toBe(0);
    expect(decodeHexWords(text, 0, 7, out)).toBe(-1);
    expect(decodeHexWords(text, 0, 8, new Uint16Array(1))).toBe(-1);
    expect(decodeHexWords(text, 4, 12, out)).toBe(-1);
    expect(decodeHexWords(text, -4, 4, out)).toBe(-1);
    expect(decodeHexWords(text, 8, 4, out)).toBe(-1);
    expect(decodeHexWords(text, NaN, 8, out)).toBe(-1);
  });
});

describe('hex words with spaces', () => {
  it('come back with one space or several, with leading zeros or without', () => {
    fc.assert(
      fc.property(words, fc.boolean(), fc.integer({ min: 1, max: 3 }), (list, short, gap) => {
        const write = (word: number): string => (short ? word.toString(16) : hexWord(word));
        const text = bytes(` ${Array.from(list, write).join(' '.repeat(gap))} `);
        const out = new Uint16Array(50);
        expect(decodeSpacedHexWords(text, 0, text.length, out)).toBe(list.length);
        expect(out.subarray(0, list.length)).toEqual(list);
      }),
    );
  });

  it.each(['00011 0002', '0001,0002', '0001 000G', '0001 0002 0003'])('are refused: %s', (text) => {
    expect(decodeSpacedHexWords(bytes(text), 0, text.length, new Uint16Array(2))).toBe(-1);
  });

  it('are refused outside the buffer', () => {
    expect(decodeSpacedHexWords(bytes('01 02'), 0, 6, new Uint16Array(9))).toBe(-1);
  });
});

describe('legacy decoding', () => {
  it('is hundredths around 27 C plus the offset', () => {
    const frame = Uint16Array.from({ length: 834 }, (_, at) => (at - 100) & 0xffff);
    const out = new Float32Array(768);
    expect(decodeLegacyUnsafe(frame, 0, out)).toBe(true);
    expect([out[0], out[100], out[400]]).toEqual([26, 27, 30]);
    decodeLegacyUnsafe(frame, -100, out);
    expect(out[100]).toBe(-73);
  });

  it('needs 768 words and an offset of -100..100 C', () => {
    const out = new Float32Array(768).fill(5);
    expect(decodeLegacyUnsafe(new Uint16Array(767), 0, out)).toBe(false);
    expect(out[0]).toBe(5);
    for (const offset of [100.1, -100.1, NaN]) {
      expect(() => decodeLegacyUnsafe(new Uint16Array(768), offset, out)).toThrow(/-100\.\.100/);
    }
  });
});
