import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readJsonObject } from '../../src/uplink/command-json.ts';

const read = (text: string | Uint8Array, maxBytes = 4096) =>
  readJsonObject(typeof text === 'string' ? Buffer.from(text) : text, maxBytes);

describe('the JSON of a command', () => {
  it.each([
    ['', {}],
    ['{}', {}],
    [' {"a": [1, {"b": "}"}], "c": "x\\"y"} ', { a: [1, { b: '}' }], c: 'x"y' }],
    ['{"a":{"x":1},"b":{"x":1}}', { a: { x: 1 }, b: { x: 1 } }],
    ['{"a":["a","a"],"b":"a"}', { a: ['a', 'a'], b: 'a' }],
  ])('takes %s', (text, fields) => {
    expect(read(text)).toEqual(fields);
  });

  it.each([
    ['{"zone":"a","zone":"b"}', 'stands twice'],
    ['{"zone":"a","z\\u006fne":"b"}', 'stands twice'],
    ['{"a":[{"b":1,"b":2}]}', 'stands twice'],
    ['{"a":{},"b":[],"a":1}', 'stands twice'],
    ['[]', 'no JSON object'],
    ['7', 'no JSON object'],
    ['{"a":', 'not JSON'],
    ['{"a":1}}', 'not JSON'],
    [`${'['.repeat(9)}${']'.repeat(9)}`, 'deeper than 8'],
    ['['.repeat(4000), 'deeper than 8'],
    [`{"a":"${'x'.repeat(5000)}"}`, 'at most 4096'],
  ])('refuses %.40s', (text, why) => {
    expect(read(text)).toContain(why);
  });

  it('refuses bytes that are no UTF-8, and quotes nothing', () => {
    expect(read(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]))).toContain('UTF-8');
    expect(read('{"secret-word": x}')).not.toContain('secret-word');
  });

  it('reads every object without twins as JSON.parse does, and never throws', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 3 }), (text) => {
        const value: unknown = JSON.parse(text);
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
        // What JSON.stringify has made of a parsed value has no twins any more.
        const found = read(JSON.stringify(value), 1_000_000);
        expect(found).toEqual(isObject ? value : 'the payload is no JSON object');
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        expect(['string', 'object']).toContain(typeof read(bytes));
      }),
    );
  });

  it('finds a twin wherever it stands', () => {
    const name = fc.string({ minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.array(name, { maxLength: 6 }), name, fc.jsonValue(), (others, twin, value) => {
        const pair = (key: string) => `${JSON.stringify(key)}:${JSON.stringify(value)}`;
        const text = `{${[pair(twin), ...others.map(pair), pair(twin)].join(',')}}`;
        const found = read(text, 1_000_000);
        expect(found).toMatch(/stands twice|nests deeper/);
      }),
    );
  });
});
