/** The encoding, against bytes written by hand from the specification's protobuf definition. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeSparkplug,
  encodeSparkplug,
  type SparkMetric,
} from '../../src/uplink/sparkplug/encode.ts';

/** A field's key: its number and wire type (0: varint, 1: 8 bytes, 2: with a length). */
const key = (number: number, wire: 0 | 1 | 2): number[] => varint((number << 3) | wire);
const text = (number: number, value: string): number[] => {
  const bytes = [...Buffer.from(value)];
  return [...key(number, 2), ...varint(bytes.length), ...bytes];
};
const nested = (number: number, bytes: readonly number[]): number[] => [
  ...key(number, 2),
  ...varint(bytes.length),
  ...bytes,
];
const number = (field: number, value: number): number[] => [...key(field, 0), ...varint(value)];

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  for (;;) {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    if (rest === 0n) return [...bytes, low];
    bytes.push(low | 0x80);
  }
}

function double(field: number, value: number): number[] {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return [...key(field, 1), ...bytes];
}

// Payload: 1 timestamp, 2 metrics, 3 seq. Metric: 1 name, 3 timestamp, 4 datatype, 5 is_historical,
// 7 is_null, 9 properties, 10 int_value, 11 long_value, 13 double_value, 14 boolean_value,
// 15 string_value. PropertySet: 1 keys, 2 values. PropertyValue: 1 type, 8 string_value.
// Data types: 3 Int32, 4 Int64, 10 Double, 11 Boolean, 12 String.
const AT = 1_795_335_330_250;

/** The order of fields is free in protobuf: what counts is the set of them. */
function fieldsOf(bytes: Uint8Array | readonly number[]): string[] {
  const all = [...bytes];
  const fields: string[] = [];
  let at = 0;
  const readVarint = (): number => {
    let value = 0n;
    let shift = 0n;
    for (;;) {
      const byte = all[at] ?? 0;
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if ((byte & 0x80) === 0) return Number(value);
    }
  };
  while (at < all.length) {
    const tag = readVarint();
    const wire = tag & 7;
    if (wire === 0) {
      fields.push(`${tag >> 3}=${readVarint()}`);
      continue;
    }
    const length = wire === 2 ? readVarint() : 8;
    const content = all.slice(at, at + length);
    at += length;
    fields.push(
      `${tag >> 3}:${wire === 2 && tag >> 3 === 2 ? fieldsOf(content).join() : content.join()}`,
    );
  }
  return fields.sort();
}

describe('the encoding of Sparkplug payloads', () => {
  it('writes the certificate of a death as the specification defines it', () => {
    const made = encodeSparkplug({
      timestamp: AT,
      metrics: [{ name: 'bdSeq', type: 'Int64', value: 7, timestamp: AT }],
    });
    const metric = [...text(1, 'bdSeq'), ...number(3, AT), ...number(4, 4), ...number(11, 7)];
    expect(fieldsOf(made)).toEqual(fieldsOf([...number(1, AT), ...nested(2, metric)]));
    expect(made.length).toBe([...number(1, AT), ...nested(2, metric)].length);
  });

  it('writes seq 0, which must not be left out', () => {
    const made = encodeSparkplug({ timestamp: AT, seq: 0, metrics: [] });
    expect(fieldsOf(made)).toEqual(fieldsOf([...number(1, AT), ...number(3, 0)]));
  });

  it.each([
    ['Boolean', true, [...number(4, 11), ...number(14, 1)]],
    ['Double', 22.5, [...number(4, 10), ...double(13, 22.5)]],
    ['Int32', 192, [...number(4, 3), ...number(10, 192)]],
    ['String', 'Küche', [...number(4, 12), ...text(15, 'Küche')]],
    ['String', null, [...number(4, 12), ...number(7, 1)]],
    ['Double', null, [...number(4, 10), ...number(7, 1)]],
  ] as const)('writes a %s of %j', (type, value, bytes) => {
    const made = encodeSparkplug({
      ...{ timestamp: AT, seq: 5 },
      metrics: [{ name: 'm', type, value, timestamp: AT }],
    });
    const metric = [...text(1, 'm'), ...number(3, AT), ...bytes];
    const whole = [...number(1, AT), ...nested(2, metric), ...number(3, 5)];
    expect(fieldsOf(made)).toEqual(fieldsOf(whole));
  });

  it('marks what is history, and writes properties', () => {
    const made = encodeSparkplug({
      ...{ timestamp: AT, seq: 1 },
      metrics: [
        {
          ...{ name: 'm', type: 'Boolean', value: false, timestamp: AT, isHistorical: true },
          properties: { id: { type: 'String', value: 'x' } },
        },
      ],
    });
    const property = [...number(1, 12), ...text(8, 'x')];
    const metric = [
      ...[...text(1, 'm'), ...number(3, AT), ...number(4, 11), ...number(5, 1)],
      ...nested(9, [...text(1, 'id'), ...nested(2, property)]),
      ...number(14, 0),
    ];
    expect(fieldsOf(made)).toEqual(
      fieldsOf([...number(1, AT), ...nested(2, metric), ...number(3, 1)]),
    );
  });

  it('reads back what it wrote', () => {
    const metric = fc.oneof(
      fc.record({ type: fc.constant('Boolean' as const), value: fc.option(fc.boolean()) }),
      fc.record({
        type: fc.constant('Int64' as const),
        value: fc.maxSafeNat(),
      }),
      fc.record({
        type: fc.constant('Double' as const),
        value: fc.option(fc.double({ noNaN: true })),
      }),
      fc.record({ type: fc.constant('String' as const), value: fc.option(fc.string()) }),
    );
    const payload = fc.record({
      timestamp: fc.maxSafeNat(),
      seq: fc.integer({ min: 0, max: 255 }),
      metrics: fc.array(
        fc.tuple(fc.string({ minLength: 1 }), metric, fc.maxSafeNat(), fc.boolean()),
        { maxLength: 5 },
      ),
    });
    fc.assert(
      fc.property(payload, ({ timestamp, seq, metrics }) => {
        const written = {
          ...{ timestamp, seq },
          metrics: metrics.map(([name, { type, value }, at, isHistorical]): SparkMetric => ({
            ...{ name, type, value, timestamp: at },
            ...(isHistorical ? { isHistorical } : {}),
          })),
        };
        expect(decodeSparkplug(encodeSparkplug(written))).toEqual(written);
      }),
    );
  });

  it('makes nothing of bytes that are no payload, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const read = decodeSparkplug(bytes);
        expect(read === null || Array.isArray(read.metrics)).toBe(true);
      }),
    );
    expect(decodeSparkplug(Buffer.from('{"metrics":[]}'))).toBeNull();
  });
});
