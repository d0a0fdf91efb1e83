import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { doseAfter, minutesAt, stricterDoses } from '../../src/alarm/dose.ts';
import { restorePanel, toSnapshot, viewOf } from '../../src/alarm/panel.ts';
import { DEFAULT_LIMITS, planAt } from '../../src/alarm/plan.ts';
import { Channel, HOUR_MS, MINUTE_MS } from './channel.ts';
import { Bench, BOARD, level, noData, onePlan } from './make.ts';

const { doses } = DEFAULT_LIMITS.carbonMonoxide;
const RANGE = { setup: { range: { low: 0, high: 1000 } } } as const;
const percent = (ppm: number) => ppm / 10;

/** Minutes until a constant concentration is at a level; null: not within five hours. */
function minutesUntil(wanted: 'suspect' | 'alarm', ppm: number, everyMs = 10_000): number | null {
  const channel = new Channel('carbonMonoxide', RANGE);
  channel.hear(0, percent(ppm));
  for (let ms = everyMs; ms <= 5 * HOUR_MS; ms += everyMs) {
    if (channel.hear(everyMs, percent(ppm)).level === wanted) return ms / MINUTE_MS;
  }
  return null;
}

describe('the table of doses', () => {
  it('meets its own points and lies between them in between', () => {
    for (const { ppm, minutes } of doses) expect(minutesAt(doses, ppm)).toBeCloseTo(minutes, 9);
    expect(minutesAt(doses, 69.9)).toBe(Infinity);
    expect(minutesAt(doses, 100)).toBeLessThan(120);
    expect(minutesAt(doses, 100)).toBeGreaterThan(30);
    expect(minutesAt(doses, 1600)).toBeLessThan(3);
    expect(minutesAt([{ ppm: 100, minutes: 10 }], 200)).toBe(5);
    expect(minutesAt([], 200)).toBe(Infinity);
  });

  it('falls with the concentration', () => {
    const ppm = fc.double({ min: 70, max: 5000, noNaN: true });
    fc.assert(
      fc.property(ppm, ppm, (a, b) => {
        const [low, high] = a < b ? [a, b] : [b, a];
        return minutesAt(doses, low) >= minutesAt(doses, high);
      }),
    );
  });

  it('never alarms later than either of two that it is made of', () => {
    const other = [
      { ppm: 50, minutes: 200 },
      { ppm: 300, minutes: 20 },
    ];
    const both = stricterDoses(doses, other);
    for (const ppm of [50, 60, 70, 150, 300, 400, 900]) {
      const least = Math.min(minutesAt(doses, ppm), minutesAt(other, ppm));
      expect(minutesAt(both, ppm)).toBeLessThanOrEqual(least * 1.000_001);
    }
  });

  it('is taken in by halves as by the whole', () => {
    const half = doseAfter(0, doses, 150, 150, 7.5 * MINUTE_MS);
    expect(doseAfter(half, doses, 150, 150, 7.5 * MINUTE_MS)).toBeCloseTo(0.5, 9);
    expect(doseAfter(0.8, doses, 0, 0, 4 * HOUR_MS)).toBeCloseTo(0.4, 9);
    expect(doseAfter(0.9, doses, 400, 400, HOUR_MS)).toBe(1);
  });
});

describe('carbon monoxide', () => {
  // The ranges that are published of practice; the defaults lie inside.
  it.each([
    [70, 60, 240],
    [150, 10, 50],
    [400, 4, 15],
  ])('of %d ppm alarms within %d..%d minutes, with a pre-alarm on the way', (ppm, from, to) => {
    const alarm = minutesUntil('alarm', ppm);
    expect(alarm).toBeGreaterThanOrEqual(from);
    expect(alarm).toBeLessThanOrEqual(to);
    expect(minutesUntil('suspect', ppm)).toBeCloseTo(alarm! / 2, 0);
  });

  it('alarms at the same time at any cadence', () => {
    for (const everyMs of [1_000, 4_090, 60_000]) {
      expect(minutesUntil('alarm', 400, everyMs)).toBeCloseTo(8, -0.1);
    }
  });

  it('of 60 ppm adds nothing, however long', () => {
    expect(minutesUntil('suspect', 60)).toBeNull();
  });

  it('is pending, and shown, while the dose grows', () => {
    const channel = new Channel('carbonMonoxide', RANGE);
    channel.hold(percent(150), 3 * MINUTE_MS);
    expect(channel.level).toBe('pending');
    expect(channel.facts.dosePercent).toBe(10);
  });

  it('ends with clean air, and alarms sooner when it comes back', () => {
    const channel = new Channel('carbonMonoxide', RANGE);
    channel.hold(percent(400), 10 * MINUTE_MS);
    expect(channel.hear(4_090, percent(60)).level).toBe('alarm');
    expect(channel.hear(4_090, percent(50)).level).toBe('clear');
    channel.hold(percent(0), HOUR_MS);
    expect(channel.facts.dosePercent).toBeLessThan(90);
    expect(channel.hold(percent(400), 3 * MINUTE_MS).level).toBe('alarm');
  });

  it('takes a gap for some minutes of what was there before, and never for clean air', () => {
    const channel = new Channel('carbonMonoxide', RANGE);
    channel.hold(percent(400), 2 * MINUTE_MS);
    const before = channel.facts.dosePercent!;
    channel.hear(20 * MINUTE_MS, percent(0));
    expect(channel.facts.dosePercent).toBeGreaterThan(before + 50);
    const clean = new Channel('carbonMonoxide', RANGE);
    clean.hold(percent(400), 4 * MINUTE_MS);
    clean.hear(4_090, percent(0));
    const dose = clean.facts.dosePercent!;
    clean.hear(8 * HOUR_MS, percent(0));
    expect(clean.facts.dosePercent).toBe(dose);
  });

  it('rests at 0 ppm without a fault, and counts at full scale beside one', () => {
    const channel = new Channel('carbonMonoxide', RANGE);
    channel.hold(0, 5 * MINUTE_MS);
    expect(channel.facts.railStuck).toBeNull();
    channel.hold(100, 20 * MINUTE_MS);
    expect(channel.level).toBe('alarm');
    expect(channel.facts).toMatchObject({ blind: false });
    expect(channel.facts.railStuck).toContain('100 %');
  });

  it('counts at full scale from the first reading on, too', () => {
    const channel = new Channel('carbonMonoxide', RANGE);
    channel.hold(100, 20 * MINUTE_MS);
    expect(channel.level).toBe('alarm');
    expect(channel.facts.blind).toBe(false);
  });

  it('survives a restart with its dose', () => {
    const plan = onePlan({
      sources: [{ sensor: BOARD, channel: 'co', role: 'carbonMonoxide', ...RANGE }],
    });
    const bench = new Bench(plan);
    const breathe = (at: Bench, forMs: number) => {
      for (let ms = 0; ms < forMs; ms += 10_000) {
        at.hear(10_000, (now) => level('co', now, percent(150)));
      }
    };
    breathe(bench, 20 * MINUTE_MS);
    const source = () => viewOf(bench.panel, bench.nowMs).sources[0]!;
    expect(source()).toMatchObject({ value: 150, unit: 'ppm', dosePercent: 66 });
    const lanes = { alarm: 0, fault: 0, operator: 0, system: 0 };
    const raw: unknown = JSON.parse(JSON.stringify(toSnapshot(bench.panel, bench.nowMs, lanes)));
    const { panel, problems } = restorePanel(plan, raw, [], 0);
    expect(problems).toEqual([]);
    const after = new Bench(plan, 0, panel);
    expect(viewOf(panel, 0).sources[0]!.dosePercent).toBe(66);
    breathe(after, 12 * MINUTE_MS);
    expect(viewOf(after.panel, after.nowMs).condition).toBe('alarm');
  });

  it('takes the stricter table while nobody knows whether people are at work', () => {
    const off = [{ ppm: 50, minutes: 30 }];
    const plan = onePlan({
      sources: [{ sensor: BOARD, channel: 'co', role: 'carbonMonoxide', ...RANGE }],
      offHours: { carbonMonoxide: { doses: off } },
    });
    const unsure = planAt(plan.zones[0]!.sources[0]!, 'unknown').limits.carbonMonoxide.doses;
    for (const ppm of [50, 70, 150, 400, 800]) {
      const least = Math.min(minutesAt(doses, ppm), minutesAt(off, ppm));
      expect(minutesAt(unsure, ppm)).toBeLessThanOrEqual(least * 1.000_001);
    }
  });

  it('never alarms on what cannot be believed', () => {
    const plan = onePlan({
      sources: [{ sensor: BOARD, channel: 'co', role: 'carbonMonoxide', ...RANGE }],
    });
    const bench = new Bench(plan);
    bench.hear(1_000, (now) => level('co', now, 0));
    for (let i = 0; i < 100; i += 1) {
      bench.hear(10_000, (now) => noData(now, 'loopFault', 'co'));
    }
    const view = viewOf(bench.panel, bench.nowMs);
    expect(view.zones[0]).toMatchObject({ condition: 'fault', alarm: null, preAlarm: null });
    expect(view.sources[0]).toMatchObject({ dosePercent: 0, quality: 'loopFault' });
  });
});
