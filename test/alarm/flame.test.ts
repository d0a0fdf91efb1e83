import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../src/alarm/panel.ts';
import { Bench, BOARD, heat, level, onePlan } from './make.ts';

const FLAME = [
  { sensor: BOARD, channel: 'ADC2', role: 'flame' },
  { sensor: BOARD, channel: 'DIO', role: 'flameDigital' },
] as const;

describe('flame', () => {
  it('never alarms on its own, whatever sunlight does to both outputs of a detector', () => {
    const reading = fc.tuple(
      fc.integer({ min: 10, max: 8_000 }),
      fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 3 }),
      fc.constantFrom(0, 1),
    );
    fc.assert(
      fc.property(fc.array(reading, { maxLength: 80 }), (readings) => {
        const bench = new Bench(onePlan({ sources: FLAME }));
        for (const [afterMs, light, digital] of readings) {
          bench.hear(afterMs, (now) => [level('ADC2', now, light), level('DIO', now, digital)]);
        }
        expect(bench.types()).not.toContain('alarm');
      }),
      { numRuns: 60 },
    );
  });

  it('is a pre-alarm with both outputs, and an alarm with a hot region', () => {
    const sources = [...FLAME, { sensor: BOARD, channel: 'thermal', role: 'thermal' }] as const;
    const bench = new Bench(onePlan({ sources }));
    const see = (celsius: number) =>
      bench.hear(4_090, (now) => [
        level('ADC2', now, 70),
        level('DIO', now, 1),
        heat(now, celsius),
      ]);
    const condition = () => viewOf(bench.panel, bench.nowMs).condition;
    see(22);
    expect(condition()).toBe('preAlarm');
    see(65);
    expect(condition()).toBe('alarm');
  });

  it('knows no fast rise: a cloud that moves on looks like one', () => {
    const bench = new Bench(onePlan({ sources: FLAME }));
    for (let i = 0; i < 20; i += 1) bench.hear(4_090, (now) => level('ADC2', now, 30));
    for (let i = 0; i < 20; i += 1) {
      bench.hear(4_090, (now) => level('ADC2', now, 30 + 0.7 * i));
    }
    expect(viewOf(bench.panel, bench.nowMs).zones[0]).toMatchObject({ preAlarm: null });
  });
});
