import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AddressMap,
  addressesFromCsv,
  addressesFromJson,
  addressesToCsv,
  addressesToJson,
} from '../../src/domain/line-protocol/address-map.ts';
import { memoryStore } from './world.ts';

const entries = fc
  .uniqueArray(fc.tuple(fc.ipV4(), fc.stringMatching(/^[!-~][ -~]{0,20}[!-~]$/)), {
    selector: ([address]) => address,
    maxLength: 20,
  })
  .map((pairs) => new Map(pairs));

describe('address map', () => {
  it('survives export and import in both forms', () => {
    fc.assert(
      fc.property(entries, (given) => {
        expect(addressesFromJson(addressesToJson(given))).toEqual({ ok: true, entries: given });
        expect(addressesFromCsv(addressesToCsv(given))).toEqual({ ok: true, entries: given });
      }),
    );
  });

  it('reads a spreadsheet with a byte order mark, CR LF and blank lines', () => {
    const read = addressesFromCsv(
      '\uFEFFip,loc_id\r\n10.0.0.1,"hall, north"\r\n\r\nfd00::1,attic\r\n',
    );
    expect(read).toEqual({
      ok: true,
      entries: new Map([
        ['10.0.0.1', 'hall, north'],
        ['fd00::1', 'attic'],
      ]),
    });
  });

  it('reports every problem at once, by line', () => {
    const read = addressesFromCsv(
      'ip,loc_id\nnowhere,hall\n10.0.0.1\n10.0.0.2,\n10.0.0.3,a\n10.0.0.3,b',
    );
    expect(read).toEqual({
      ok: false,
      errors: [
        'line 3: expected two fields, ip and loc_id',
        'line 2: "nowhere" is no IP address',
        'line 4: 10.0.0.2: the location must be a text of 1..64',
        'line 6: 10.0.0.3 stands twice',
      ],
    });
    expect(addressesFromCsv('a,b')).toMatchObject({ ok: false });
    expect(addressesFromJson('[1]')).toMatchObject({ ok: false });
    expect(addressesFromJson('{')).toMatchObject({ ok: false });
    expect(addressesFromJson('{"10.0.0.1": 5}')).toMatchObject({ ok: false });
  });

  it('never throws for any text', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        addressesFromJson(text);
        expect(addressesFromCsv(`ip,loc_id\n${text}`)).toHaveProperty('ok');
      }),
    );
  });

  it('keeps entries in the store', async () => {
    const store = memoryStore();
    const map = await AddressMap.load(store);
    map.merge(new Map([['10.0.0.1', 'hall']]));
    expect((await AddressMap.load(store)).get('10.0.0.1')).toBe('hall');
    map.remove('10.0.0.1');
    expect((await AddressMap.load(store)).entries.size).toBe(0);
  });
});
