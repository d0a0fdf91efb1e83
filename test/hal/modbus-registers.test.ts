import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RegisterFormat } from '../../src/hal/modbus/registers.ts';
import { registersOf, valueAt } from '../../src/hal/modbus/registers.ts';

const BIG = { bit: null, wordOrder: 'big', byteOrder: 'big' } as const;
const orders = fc.record({
  wordOrder: fc.constantFrom('big' as const, 'little' as const),
  byteOrder: fc.constantFrom('big' as const, 'little' as const),
});

/** Registers as a device with these orders would hold them. */
function stored(pattern: number, { type, wordOrder, byteOrder }: RegisterFormat): number[] {
  const words = registersOf(type) === 2 ? [pattern >>> 16, pattern & 0xffff] : [pattern & 0xffff];
  if (wordOrder === 'little') words.reverse();
  const swap = (word: number): number => ((word & 0xff) << 8) | (word >> 8);
  return byteOrder === 'little' ? words.map(swap) : words;
}

describe('values of registers', () => {
  it.each([
    [{ ...BIG, type: 'uint16' }, [0xfff0], 65520],
    [{ ...BIG, type: 'int16' }, [0xfff0], -16],
    [{ ...BIG, type: 'uint32' }, [0xffff, 0xfff0], 4294967280],
    [{ ...BIG, type: 'int32' }, [0xffff, 0xfff0], -16],
    [{ ...BIG, type: 'int32', wordOrder: 'little' }, [0xfff0, 0xffff], -16],
    [{ ...BIG, type: 'uint16', byteOrder: 'little' }, [0x3412], 0x1234],
    [{ ...BIG, type: 'float32' }, [0x41ac, 0x0000], 21.5],
    [{ ...BIG, type: 'float32', wordOrder: 'little' }, [0x0000, 0x41ac], 21.5],
    [{ ...BIG, type: 'bit', bit: 15 }, [0x8000], 1],
    [{ ...BIG, type: 'bit', bit: 14 }, [0x8000], 0],
    [{ ...BIG, type: 'bit' }, [1], 1],
  ] as const)('%o of %o are %d', (format, words, value) => {
    expect(valueAt(Uint16Array.from(words), 0, format, [])).toEqual({ ok: true, value });
  });

  it('come back in every order of words and bytes', () => {
    fc.assert(
      fc.property(orders, fc.integer(), fc.nat({ max: 5 }), (order, value, at) => {
        const format = { ...order, bit: null, type: 'int32' } as const;
        const words = Uint16Array.from([...Array<number>(at).fill(7), ...stored(value, format)]);
        expect(valueAt(words, at, format, [])).toEqual({ ok: true, value });
      }),
    );
  });

  it('are floats to the bit, or no value', () => {
    fc.assert(
      fc.property(orders, fc.float(), (order, value) => {
        const format = { ...order, bit: null, type: 'float32' } as const;
        const [pattern = 0] = new Uint32Array(Float32Array.of(value).buffer);
        const read = valueAt(Uint16Array.from(stored(pattern, format)), 0, format, []);
        if (Number.isNaN(value)) expect(read).toMatchObject({ ok: false, reason: 'sentinel' });
        else if (Number.isFinite(value)) expect(read).toEqual({ ok: true, value });
        else expect(read).toMatchObject({ ok: false, reason: 'outOfRange' });
      }),
    );
  });

  it.each([
    ['uint16', [0xffff], 65535],
    ['int16', [0x8000], -32768],
    ['int16', [0x8000], 0x8000],
    ['int32', [0x8000, 0], -2147483648],
    ['uint32', [0xffff, 0xffff], 4294967295],
    ['float32', [0xc61c, 0x3c00], -9999],
    ['float32', [0x7fc0, 0], 1],
    ['bit', [0xffff], 0xffff],
  ] as const)('of type %s %o are none where %d says so', (type, words, sentinel) => {
    const format: RegisterFormat = { ...BIG, type, bit: type === 'bit' ? 3 : null };
    const read = valueAt(Uint16Array.from(words), 0, format, [1, sentinel]);
    expect(read).toMatchObject({ ok: false, reason: 'sentinel' });
  });

  it('that are not wholly in the answer are refused', () => {
    const format = { ...BIG, type: 'uint32' } as const;
    for (const at of [-1, 1, 2]) {
      expect(valueAt(Uint16Array.of(1, 2), at, format, [])).toMatchObject({ ok: false });
    }
  });
});
