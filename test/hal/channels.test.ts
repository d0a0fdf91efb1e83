/** The chain of one channel: what it must hold for any readings and any options. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  calibrated,
  calibrationProblem,
  uncalibrated,
} from '../../src/hal/channels/calibration.ts';
import type { ChannelOutcome, ChannelSetup } from '../../src/hal/channels/channel.ts';
import { createChannel, delayMsOf } from '../../src/hal/channels/channel.ts';
import type { FilterOptions } from '../../src/hal/channels/options.ts';
import { channelFields, channelProblems } from '../../src/hal/channels/options.ts';
import { readOptions } from '../../src/hal/option-fields.ts';

/** Options as a configuration gives them, with all defaults. */
function setup(
  raw: Record<string, unknown> = {},
  wiring: Partial<ChannelSetup> = {},
): ChannelSetup {
  const read = readOptions(channelFields, raw);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return { ...read.value, ...wiring };
}

const filter = (kind: FilterOptions['kind'], over: Partial<FilterOptions> = {}): FilterOptions => ({
  kind,
  readings: null,
  percent: null,
  ...over,
});

const anyFilter: fc.Arbitrary<FilterOptions> = fc.oneof(
  fc.integer({ min: 1, max: 7 }).map((half) => filter('median', { readings: 2 * half + 1 })),
  fc.integer({ min: 2, max: 60 }).map((readings) => filter('average', { readings })),
  fc.double({ min: 0.01, max: 50, noNaN: true }).map((percent) => filter('delta', { percent })),
  fc
    .tuple(fc.integer({ min: 2, max: 20 }), fc.double({ min: 0.01, max: 50, noNaN: true }))
    .map(([readings, percent]) => filter('debounce', { readings, percent })),
);
const percents = fc.double({ min: 0, max: 100, noNaN: true });
/** Null is a reading that is no data. */
const history = fc.array(fc.option(percents, { freq: 8 }), { maxLength: 80 });

function percentOf(outcome: ChannelOutcome): number | null {
  return outcome.kind === 'value' ? outcome.percent : null;
}

/** The percent that the filters get of a reading. */
function unfiltered(reading: number): number {
  return percentOf(createChannel(setup()).accept(reading, 0)) ?? NaN;
}

describe('the chain of a channel', () => {
  it('brings volts through divider and scale to percent', () => {
    const channel = createChannel(setup({ low: 1, high: 5 }, { divider: 2, shuntOhm: null }));
    expect(channel.accept(1.5, 0)).toEqual({ kind: 'value', percent: 50 });
  });

  it('brings the voltage across a shunt to the percent of a loop', () => {
    const channel = createChannel(setup({}, { divider: 1, shuntOhm: 150 }));
    const outcome = channel.accept(0.012 * 150, 0);
    expect(percentOf(outcome)).toBeCloseTo(50, 9);
  });

  it('may fall: a transmitter that gives 20 mA in clean air', () => {
    const channel = createChannel(setup({ low: 20, high: 4, quality: 'namurNe43' }));
    expect(percentOf(channel.accept(16, 0))).toBeCloseTo(25, 9);
  });

  it('limits readings of good quality that are a little beyond the scale', () => {
    const channel = createChannel(setup({ quality: 'namurNe43' }));
    expect(channel.accept(3.9, 0)).toEqual({ kind: 'value', percent: 0 });
    expect(channel.accept(20.4, 1)).toEqual({ kind: 'value', percent: 100 });
  });

  it('takes readings beyond valid limits for no data', () => {
    const channel = createChannel(setup({ high: 5, validLow: 0.3, validHigh: 4.8 }));
    expect(channel.accept(0.2, 0)).toMatchObject({ kind: 'noData', reason: 'outOfRange' });
    expect(channel.accept(4.9, 1)).toMatchObject({ kind: 'noData', reason: 'outOfRange' });
    expect(channel.accept(2.5, 2)).toEqual({ kind: 'value', percent: 50 });
  });

  it('takes the end of a converter for no data, unless that is accepted', () => {
    const strict = createChannel(setup({ high: 5 }, { divider: 1, shuntOhm: null }));
    const outcome = strict.accept(5, 0, 'high');
    expect(outcome).toMatchObject({ kind: 'noData', reason: 'outOfRange' });
    expect(outcome.kind === 'noData' && outcome.detail).toContain('5.000 V or more');
    const open = createChannel(setup({ high: 5 }, { rangeEnd: 'accept' }));
    expect(open.accept(5, 0, 'high')).toEqual({ kind: 'value', percent: 100 });
  });

  it('never gives a value for what is no number', () => {
    const channel = createChannel(setup());
    for (const raw of [NaN, Infinity, -Infinity]) {
      expect(channel.accept(raw, 0)).toMatchObject({ kind: 'noData', reason: 'corrupt' });
    }
  });

  it('gives 0..100 or says why not, for any reading, divider, scale and calibration', () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.double(), fc.array(value, { minLength: 6, maxLength: 6 }), (raw, numbers) => {
        const [low = 0, high = 0, a = 0, b = 0, c = 0, d = 0] = numbers;
        const calibration = [
          { measured: a, actual: b },
          { measured: c, actual: d },
        ];
        fc.pre(low !== high && calibrationProblem(calibration) === null);
        const outcome = createChannel(setup({ low, high, calibration })).accept(raw, 0);
        if (outcome.kind !== 'value') return outcome.kind === 'noData';
        return outcome.percent >= 0 && outcome.percent <= 100;
      }),
    );
  });
});

describe('the filters of a channel', () => {
  it('stay within what has been measured since the last gap', () => {
    fc.assert(
      fc.property(fc.array(anyFilter, { maxLength: 4 }), history, (filters, readings) => {
        const channel = createChannel(setup({ filters, quality: 'none' }));
        let since: number[] = [];
        readings.forEach((reading, i) => {
          const outcome = channel.accept(reading ?? NaN, i);
          if (reading === null) {
            expect(outcome.kind).toBe('noData');
            since = [];
            return;
          }
          since.push(unfiltered(reading));
          const percent = percentOf(outcome);
          if (percent === null) return;
          expect(percent).toBeGreaterThanOrEqual(Math.min(...since));
          expect(percent).toBeLessThanOrEqual(Math.max(...since));
        });
      }),
    );
  });

  it('show a lasting step within the stated delay, whatever came before', () => {
    fc.assert(
      fc.property(
        fc.array(anyFilter, { maxLength: 4 }),
        history,
        percents,
        (filters, before, step) => {
          const channel = createChannel(setup({ filters, quality: 'none' }));
          before.forEach((reading, i) => channel.accept(reading ?? NaN, i));
          const late = delayMsOf({ filters }, 1);
          const answers = Array.from({ length: late + 20 }, (_, i) =>
            channel.accept(step, before.length + i),
          );
          const settled = answers.slice(late).map(percentOf);
          // What a dead band or a debounce lets stand is at most its limit away.
          const slack = filters.reduce((sum, { percent }) => sum + (percent ?? 0), 0);
          for (const percent of settled) {
            expect(percent).not.toBeNull();
            expect(Math.abs((percent ?? NaN) - step)).toBeLessThanOrEqual(slack + 1e-9);
          }
          expect(new Set(settled).size).toBe(1);
        },
      ),
    );
  });

  it.each([
    [filter('median', { readings: 5 }), 4],
    [filter('average', { readings: 10 }), 9],
    [filter('debounce', { readings: 3, percent: 5 }), 2],
    [filter('delta', { percent: 5 }), 0],
  ])('%o is really %i readings late at worst', (one, readings) => {
    const channel = createChannel(setup({ filters: [one], quality: 'none' }));
    expect(delayMsOf({ filters: [one] }, 250)).toBe(250 * readings);
    // A median is at its slowest right after a gap.
    if (one.kind !== 'median') for (let i = 0; i < 100; i++) channel.accept(10, i);
    const answers = Array.from({ length: 20 }, (_, i) => percentOf(channel.accept(90, 100 + i)));
    expect(answers.indexOf(90)).toBe(readings);
  });

  it('delays add up', () => {
    const filters = [filter('median', { readings: 5 }), filter('average', { readings: 10 })];
    expect(delayMsOf({ filters }, 100)).toBe(1300);
  });

  it('a median never shows fewer wrong readings than its half', () => {
    const filters = [filter('median', { readings: 5 })];
    const channel = createChannel(setup({ filters, quality: 'none' }));
    const readings = [99, 10, 10, 99, 10, 10, 10, 99, 99, 10, 10, 10];
    const answers = readings.map((reading, i) => percentOf(channel.accept(reading, i)));
    expect(new Set(answers)).toEqual(new Set([null, 10]));
  });

  it('a dead band repeats itself rather than falling silent', () => {
    const filters = [filter('delta', { percent: 2 })];
    const channel = createChannel(setup({ filters, quality: 'none' }));
    const answers = [50, 51, 49, 52, 52.1, 53].map((one, i) => percentOf(channel.accept(one, i)));
    expect(answers).toEqual([50, 50, 50, 50, 52.1, 52.1]);
  });

  it('a debounce is never older than its length, however wild the signal', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 10 }),
        fc.array(percents, { minLength: 1, maxLength: 60 }),
        (size, readings) => {
          const filters = [filter('debounce', { readings: size, percent: 3 })];
          const channel = createChannel(setup({ filters, quality: 'none' }));
          readings.forEach((reading, i) => {
            const percent = percentOf(channel.accept(reading, i));
            const recent = readings.slice(Math.max(0, i - size + 1), i + 1);
            expect(recent.map(unfiltered)).toContain(percent);
          });
        },
      ),
    );
  });

  it('never bridge a gap: not one of no data, of an interruption, or of time', () => {
    const filters = [filter('average', { readings: 10 })];
    const gaps: [(channel: ReturnType<typeof createChannel>) => void, number][] = [
      [(channel) => void channel.accept(NaN, 10), 90],
      [(channel) => channel.interrupt(), 90],
      [() => undefined, 101],
    ];
    gaps.forEach(([gap, atMs]) => {
      const channel = createChannel(setup({ filters }, { maxGapMs: 100 }));
      channel.accept(10, 0);
      gap(channel);
      expect(channel.accept(90, atMs)).toEqual({ kind: 'value', percent: 90 });
    });
  });
});

describe('calibration', () => {
  const points = fc
    .tuple(
      fc.array(fc.double({ min: 0.1, max: 50, noNaN: true }), { minLength: 2, maxLength: 8 }),
      fc.boolean(),
    )
    .map(([steps, falls]) => {
      let measured = -20;
      let actual = 5;
      return steps.map((step, i) => {
        measured += step;
        actual += (falls ? -1 : 1) * (steps[steps.length - 1 - i] ?? 1);
        return { measured, actual };
      });
    });
  const reading = fc.double({ min: -1000, max: 1000, noNaN: true });

  it('keeps the order of readings, also beyond its points', () => {
    fc.assert(
      fc.property(points, reading, reading, (list, a, b) => {
        expect(calibrationProblem(list)).toBeNull();
        fc.pre(a < b - 1e-6);
        const rises = (list[1]?.actual ?? 0) > (list[0]?.actual ?? 0);
        return calibrated(list, a) < calibrated(list, b) === rises;
      }),
    );
  });

  it('goes through its points, and back', () => {
    fc.assert(
      fc.property(points, reading, (list, value) => {
        for (const { measured, actual } of list) {
          expect(calibrated(list, measured)).toBeCloseTo(actual, 6);
        }
        expect(uncalibrated(list, calibrated(list, value))).toBeCloseTo(value, 3);
      }),
    );
  });

  it.each([
    ['one point', [[1, 1]]],
    [
      'a step',
      [
        [1, 1],
        [1, 2],
      ],
    ],
    [
      'a turn',
      [
        [1, 1],
        [2, 2],
        [3, 1],
      ],
    ],
    [
      'a flat piece',
      [
        [1, 1],
        [2, 1],
      ],
    ],
    [
      'points out of order',
      [
        [2, 1],
        [1, 2],
      ],
    ],
  ])('refuses %s', (_, list) => {
    const bent = list.map(([measured = 0, actual = 0]) => ({ measured, actual }));
    expect(calibrationProblem(bent)).not.toBeNull();
  });
});

describe('options of a channel', () => {
  it.each([
    [{ low: 5, high: 5 }, 'high'],
    [{ quality: 'namurNe43', low: 0 }, 'low'],
    [{ validLow: 3, validHigh: 2 }, 'validHigh'],
    [
      {
        calibration: [
          { measured: 1, actual: 1 },
          { measured: 2, actual: 1 },
        ],
      },
      'calibration',
    ],
    [{ filters: [{ kind: 'median', readings: 4 }] }, 'filters.0'],
    [{ filters: [{ kind: 'median', readings: 17 }] }, 'filters.0'],
    [{ filters: [{ kind: 'average' }] }, 'filters.0'],
    [{ filters: [{ kind: 'delta', percent: 2, readings: 3 }] }, 'filters.0'],
    [
      {
        filters: [
          { kind: 'delta', percent: 1 },
          { kind: 'debounce', readings: 2 },
        ],
      },
      'filters.1',
    ],
  ])('%j is refused with a remedy', (raw, key) => {
    const problems = channelProblems(setup(raw), 'channels.3');
    expect(problems.map((one) => one.key)).toEqual([`channels.3.${key}`]);
    for (const { remedy } of problems) expect(remedy).not.toBe('');
  });

  it('a plain channel and a loop need nothing', () => {
    expect(channelProblems(setup(), 'x')).toEqual([]);
    expect(channelProblems(setup({}, { divider: 1, shuntOhm: 150 }), 'x')).toEqual([]);
  });
});
