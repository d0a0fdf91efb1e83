import { describe, expect, it } from 'vitest';
import {
  choice,
  either,
  flag,
  group,
  list,
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
        { key: 'path', problem: 'is missing', remedy: 'give a text: Where it is' },
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

describe('nested options', () => {
  const channel = group('One channel', {
    channel: text('Its name'),
    input: either(number('Place', { min: 0, max: 7, whole: true }), text('Name of the place')),
    filter: list(
      'Filters',
      number('Readings', { min: 2, max: 9, whole: true }),
      { min: 0, max: 3 },
      [],
    ),
  });
  const nested = {
    channels: list('Channels', channel, { min: 1, max: 2 }),
    power: optional(channel),
  };

  it('are read with their defaults', () => {
    const channels = [
      { channel: 'smoke', input: 3 },
      { channel: 'gas', input: 'voltage1', filter: [5] },
    ];
    expect(readOptions(nested, { channels })).toEqual({
      ok: true,
      value: {
        channels: [
          { channel: 'smoke', input: 3, filter: [] },
          { channel: 'gas', input: 'voltage1', filter: [5] },
        ],
        power: null,
      },
    });
  });

  it('say where they are wrong', () => {
    const raw = { channels: [{ input: 9, x: 1 }], power: { channel: 'a', input: 1, filter: [1] } };
    const read = readOptions(nested, raw);
    expect(read.ok ? [] : read.problems.map(({ key, problem }) => `${key} ${problem}`)).toEqual([
      'channels.0.channel is missing',
      'channels.0.input is 9',
      'channels.0.x is no option of this driver',
      'power.filter.0 is 1',
    ]);
  });

  it.each([[[]], [[1, 2, 3]], ['x'], [undefined]])('lists of the wrong size: %j', (channels) => {
    const read = readOptions(nested, { channels });
    expect(read.ok ? [] : read.problems.map(({ key }) => key)).toEqual([
      expect.stringMatching(/^channels/),
    ]);
  });

  it('are described for editors', () => {
    expect(optionsSchema(nested)).toMatchObject({
      required: ['channels'],
      properties: {
        channels: {
          type: 'array',
          minItems: 1,
          items: { type: 'object', required: ['channel', 'input'], description: 'One channel' },
        },
      },
    });
  });
});
