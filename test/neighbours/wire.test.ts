/** Words of neighbours: whole, signed, and never trusted before they are. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readWord, type Word, writeWord } from '../../src/neighbours/wire.ts';

const KEY = Buffer.alloc(32, 7);
const hello: Word = {
  ...{ kind: 'hello', from: 'a', to: 'b', boot: 'x', n: 1, echo: { boot: 'y', n: 2 } },
  ...{ condition: 'normal', uplink: true },
};

describe('a word of a neighbour', () => {
  it.each<Word>([
    hello,
    { ...hello, echo: null },
    { kind: 'carry', from: 'a', to: 'b', boot: 'x', n: 3, echo: null, root: 'r', event: '{}' },
    { kind: 'carried', from: 'a', to: 'b', boot: 'x', n: 4, echo: null, id: 'i' },
  ])('comes out as it went in: %o', (word) => {
    expect(readWord(KEY, writeWord(KEY, word))).toEqual({ ok: true, word });
  });

  it('is refused with another key, and with any byte changed', () => {
    const bytes = writeWord(KEY, hello);
    expect(readWord(Buffer.alloc(32, 8), bytes).ok).toBe(false);
    for (let at = 0; at < bytes.length; at += 1) {
      const spoilt = Uint8Array.from(bytes);
      spoilt[at] = spoilt[at]! ^ 1;
      expect(readWord(KEY, spoilt).ok, `byte ${at}`).toBe(false);
    }
    for (let length = 0; length < bytes.length; length += 1) {
      expect(readWord(KEY, bytes.subarray(0, length)).ok, `${length} bytes`).toBe(false);
    }
  });

  it.each([
    ['another kind', { ...hello, kind: 'shout' }],
    ['a name that is none', { ...hello, from: 'A B' }],
    ['no number', { ...hello, n: 0 }],
    ['a fraction', { ...hello, n: 1.5 }],
    ['an odd echo', { ...hello, echo: { boot: 'x' } }],
    ['no echo', { ...hello, echo: undefined }],
    ['an endless condition', { ...hello, condition: 'x'.repeat(201) }],
    ['a carry without an event', { ...hello, kind: 'carry', root: 'r' }],
  ])('is refused, signed or not, with %s', (_, word) => {
    expect(readWord(KEY, writeWord(KEY, word as Word))).toEqual({
      ok: false,
      error: 'its fields are not what this release knows',
    });
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(readWord(KEY, bytes).ok).toBe(false);
      }),
    );
    fc.assert(
      fc.property(fc.json(), (text) => {
        const body = Buffer.from(writeWord(KEY, JSON.parse(text) as Word));
        expect(typeof readWord(KEY, body).ok).toBe('boolean');
      }),
    );
  });
});
