import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../src/alarm/panel.ts';
import { CADENCE_MS, Channel, MINUTE_MS } from './channel.ts';
import { Bench, BOARD, level, onePlan } from './make.ts';

const RANGE = { setup: { range: { low: -20, high: 120 } } } as const;
const percent = (celsius: number) => ((celsius + 20) / 140) * 100;

describe('a point detector of heat', () => {
  it('alarms at its fixed limit, with hysteresis', () => {
    const channel = new Channel('heat', RANGE);
    const at = (celsius: number) => channel.hear(CADENCE_MS, percent(celsius)).level;
    expect([at(22), at(57.9), at(58.1), at(55.1), at(54.9)]).toEqual([
      'clear',
      'clear',
      'alarm',
      'alarm',
      'clear',
    ]);
  });

  it('turns a falling polarity', () => {
    const channel = new Channel('heat', { ...RANGE, polarity: 'falling' });
    expect(channel.hear(0, 100 - percent(22)).level).toBe('clear');
    expect(channel.hear(CADENCE_MS, 100 - percent(60)).level).toBe('alarm');
  });

  it('takes a fast rise for suspect, and for an alarm from 40 C on', () => {
    const channel = new Channel('heat', RANGE);
    channel.hold(percent(20), MINUTE_MS);
    const levels = new Set<string>();
    for (let ms = 0; ms < 3 * MINUTE_MS; ms += CADENCE_MS) {
      const celsius = 20 + (15 * ms) / MINUTE_MS;
      const verdict = channel.hear(CADENCE_MS, percent(celsius));
      levels.add(verdict.level);
      if (verdict.level === 'alarm') {
        expect(celsius).toBeGreaterThanOrEqual(40);
        expect(celsius).toBeLessThan(44);
        expect(verdict).toMatchObject({ unit: 'celsiusPerMinute' });
        break;
      }
    }
    expect([...levels]).toEqual(['clear', 'suspect', 'alarm']);
  });

  it('stays suspect while it rises at half its rate', () => {
    const channel = new Channel('heat', RANGE);
    channel.hold(percent(20), MINUTE_MS);
    const ramp = (from: number, rate: number) => (ms: number) =>
      percent(from + (rate * ms) / MINUTE_MS);
    expect(channel.follow(ramp(20, 15), 9 * CADENCE_MS).level).toBe('suspect');
    expect(channel.follow(ramp(29.2, 7), 11 * CADENCE_MS).level).toBe('suspect');
    expect(channel.hold(percent(34), MINUTE_MS).level).toBe('clear');
  });

  it('is at rest while a room is heated', () => {
    const channel = new Channel('heat', RANGE);
    channel.follow((ms) => percent(5 + Math.min(20, ms / MINUTE_MS)), 30 * MINUTE_MS);
    expect(channel.level).toBe('clear');
  });

  it('takes a jump to the end of its range for a short circuit first', () => {
    const channel = new Channel('heat', RANGE);
    channel.hold(percent(22), MINUTE_MS);
    expect(channel.hear(CADENCE_MS, 100).level).toBe('suspect');
    channel.hold(100, 11 * MINUTE_MS);
    expect(channel.level).toBe('clear');
    expect(channel.facts).toMatchObject({ blind: true });
    expect(channel.hear(CADENCE_MS, percent(70)).level).toBe('alarm');
  });

  it('alarms on any ramp that passes its limit', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 200, noNaN: true }), (rate) => {
        const channel = new Channel('heat', { ...RANGE, confirmations: 2 });
        channel.follow(
          (ms) => Math.min(99.9, percent(20 + (rate * ms) / MINUTE_MS)),
          (60 / rate) * MINUTE_MS + 30_000,
        );
        return channel.level === 'alarm';
      }),
      { numRuns: 30 },
    );
  });

  it('is shown in Celsius', () => {
    const plan = onePlan({ sources: [{ sensor: BOARD, channel: 't', role: 'heat', ...RANGE }] });
    const bench = new Bench(plan);
    bench.hear(0, (now) => level('t', now, percent(23)));
    const shown = viewOf(bench.panel, 0).sources[0]!;
    expect(shown).toMatchObject({ unit: 'celsius', idle: null, quality: 'good' });
    expect(shown.value).toBeCloseTo(23, 6);
  });
});
