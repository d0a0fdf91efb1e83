/** What central servers write on `ack`: read strictly where it matters, never thrown at. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readAck } from '../../src/uplink/ack.ts';

const ID = '019ab000-0000-7000-8000-000000000001';
const read = (value: unknown) =>
  readAck({ payload: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)) });

describe('a confirmation', () => {
  it('names events and who stored them', () => {
    expect(read({ ids: [ID], by: 'centre-1' })).toEqual({
      ok: true,
      value: { ids: [ID], by: 'centre-1' },
    });
    expect(read({ ids: [ID] })).toEqual({ ok: true, value: { ids: [ID] } });
  });

  it('may carry what later versions add', () => {
    expect(read({ ids: [ID], later: { any: 'thing' } }).ok).toBe(true);
  });

  it.each([
    ['no JSON', '{"ids": ', /no JSON object/],
    ['a list', [ID], /"ids" must be a list/],
    ['nothing confirmed', { ids: [] }, /1\.\.256/],
    ['too many', { ids: Array<string>(257).fill(ID) }, /1\.\.256/],
    ['no id', { ids: [ID, 'alarm 7'] }, /no event id/],
    ['a number', { ids: [7] }, /no event id/],
    ['an odd name', { ids: [ID], by: 'a b' }, /"by" must be/],
    ['a name of no length', { ids: [ID], by: '' }, /"by" must be/],
  ])('is refused with a reason: %s', (_, value, reason) => {
    const result = read(value);
    expect(result.ok ? '' : result.error).toMatch(reason);
  });

  it('is not read at all above its bound', () => {
    const result = readAck({ payload: Buffer.alloc(16_385, 0x20) });
    expect(result).toEqual({ ok: false, error: '16385 bytes: at most 16384 are read' });
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (payload) => {
        expect(typeof readAck({ payload }).ok).toBe('boolean');
      }),
    );
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(typeof read(text).ok).toBe('boolean');
      }),
    );
  });
});
