import { describe, expect, it } from 'vitest';
import {
  choice,
  flag,
  number,
  optional,
  optionsSchema,
  readOptions,
  text,
} from '../../src/hal/option-fields.ts';

const fields = {
  path: text('Where it is'),
  baudRate: number('Bits per second', { min: 300, max: 115_200, whole: true }, 9600),
  mode: choice('How', ['continuous', 'onDemand'], 'continuous'),
  loop: flag('Again', false),
  offset: optional(number('Added', { min: -10, max: 10 })),
};

describe('driver options', () => {
  it('fill in what was left out', () => {
    expect(readOptions(fields, { path: '/dev/x' })).toEqual({
      ok: true,
      value: { path: '/dev/x', baudRate: 9600, mode: 'continuous', loop: false, offset: null },
    });
  });

  it('take what was given, null for nothing included', () => {
    const given = { path: 'p', baudRate: 300, mode: 'onDemand', loop: true, offset: -2.5 };
    expect(readOptions(fields, given)).toEqual({ ok: true, value: given });
    expect(readOptions(fields, { ...given, offset: null })).toMatchObject({
      value: { offset: null },
    });
  });

  it('report every problem at once, each with value and remedy', () => {
    const read = readOptions(fields, {
      baudRate: 9600.5,
      mode: 'x',
      loop: 'false',
      offset: 11,
      a: 1,
    });
    expect(read).toEqual({
      ok: false,
      problems: [
        { key: 'path', problem: 'is missing', remedy: 'give a text' },
        { key: 'baudRate', problem: 'is 9600.5', remedy: 'give a whole number 300..115200' },
        { key: 'mode', problem: 'is "x"', remedy: 'give one of continuous, onDemand' },
        { key: 'loop', problem: 'is "false"', remedy: 'give true or false' },
        { key: 'offset', problem: 'is 11', remedy: 'give a number -10..10, or nothing' },
        {
          key: 'a',
          problem: 'is no option of this driver',
          remedy: 'remove it, or use one of path, baudRate, mode, loop, offset',
        },
      ],
    });
  });

  it.each([null, undefined, [], 'text', 7])('are refused as a whole when they are %j', (raw) => {
    expect(readOptions(fields, raw)).toMatchObject({ ok: false, problems: [{ key: '' }] });
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, '9600', 299, 115_201, null])(
    'are not fooled by the baud rate %s',
    (baudRate) => {
      const read = readOptions(fields, { path: 'p', baudRate });
      expect(read).toMatchObject({ ok: false, problems: [{ key: 'baudRate' }] });
    },
  );

  it('are described for editors', () => {
    expect(optionsSchema(fields)).toMatchObject({
      type: 'object',
      additionalProperties: false,
      required: ['path'],
      properties: {
        path: { type: 'string', description: 'Where it is' },
        baudRate: { type: 'integer', minimum: 300, maximum: 115_200, default: 9600 },
        mode: { enum: ['continuous', 'onDemand'], default: 'continuous' },
        offset: { default: null },
      },
    });
  });
});
