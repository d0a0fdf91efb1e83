import { describe, expect, it } from 'vitest';
import { viewOf } from '../../src/alarm/panel.ts';
import { Channel, idle, MINUTE_MS } from './channel.ts';
import { Bench, BOARD, HALL, heat, level, onePlan } from './make.ts';

describe('full scale on the dangerous side', () => {
  it.each(['rising', 'falling'] as const)('stays an alarm after it rose there, %s', (polarity) => {
    const turn = (percent: number) => (polarity === 'rising' ? percent : 100 - percent);
    const channel = new Channel('smoke', { polarity, confirmations: 2 }, idle(turn(7)));
    for (const value of [7, 20, 60, 100]) channel.hear(4_090, turn(value));
    expect(channel.level).toBe('alarm');
    channel.hold(turn(100), MINUTE_MS);
    expect(channel.facts.railStuck).toContain('counts as evidence');
    expect(channel.facts.blind).toBe(false);
    channel.hold(turn(100), 60 * MINUTE_MS);
    expect(channel.level).toBe('alarm');
    channel.hear(4_090, turn(40));
    expect(channel.facts.railStuck).toBeNull();
    expect(channel.level).toBe('alarm');
  });

  it('counts as rising when a value in between was in the same window', () => {
    const channel = new Channel('smoke', {}, idle(7));
    expect(channel.hear(4_090, [55, 100, 100]).level).toBe('alarm');
  });

  it('is sub-alarm evidence for ten minutes after a jump, and then a fault only', () => {
    const channel = new Channel('smoke', { confirmations: 2 }, idle(7));
    channel.hold(7, MINUTE_MS);
    channel.hear(4_090, 100);
    expect(channel.level).toBe('pending');
    expect(channel.hear(4_090, 100)).toMatchObject({ level: 'suspect' });
    channel.hold(100, 9 * MINUTE_MS);
    expect(channel.level).toBe('suspect');
    expect(channel.facts).toMatchObject({ blind: false });
    expect(channel.facts.railStuck).toContain('sub-alarm');
    channel.hold(100, 2 * MINUTE_MS);
    expect(channel.level).toBe('clear');
    expect(channel.facts).toMatchObject({ blind: true });
    expect(channel.facts.railStuck).toContain('no data');
    // It moves: the wire holds again, or there is smoke after all.
    expect(channel.hear(4_090, 7).level).toBe('clear');
    expect(channel.facts).toMatchObject({ blind: false, railStuck: null });
  });

  it('is an alarm once it leaves full scale for a value in between', () => {
    const channel = new Channel('smoke', {}, idle(7));
    expect(channel.hear(4_090, 100).level).toBe('suspect');
    expect(channel.hear(4_090, 80).level).toBe('alarm');
    expect(channel.hear(4_090, 100).level).toBe('alarm');
  });

  it('teaches nothing', () => {
    const channel = new Channel('smoke', {}, idle(7));
    channel.hold(100, 30 * MINUTE_MS);
    expect(channel.facts.idlePercent).toBe(7);
  });
});

describe('the end of the range on the harmless side', () => {
  it('is a fault and no data, and never clean air', () => {
    const channel = new Channel('smoke', {}, idle(7));
    channel.hold(0, 40_000);
    expect(channel.facts).toMatchObject({ blind: true, idlePercent: 7 });
    expect(channel.facts.railStuck).toContain('0 % of full scale');
  });

  it('begins anew when the reading goes from one end straight to the other', () => {
    const channel = new Channel('smoke', {}, idle(7));
    channel.hold(0, 28_000);
    channel.hold(100, 16_400);
    expect(channel.facts.railStuck).toBeNull();
    channel.hold(100, 35_000);
    expect(channel.facts.railStuck).toContain('100 %');
  });

  it('is normal for a channel that rests there, and its idle can be learnt', () => {
    const channel = new Channel('smoke', { setup: { restsAtRail: true } });
    channel.hold(0, 90_000);
    expect(channel.facts).toMatchObject({ railStuck: null, blind: false, idlePercent: 0 });
    expect(channel.hear(4_090, 15).level).toBe('alarm');
  });
});

describe('a zone with a channel at a rail', () => {
  const quiet = (now: number) => [heat(now, 22), level('ADC2', now, 30), level('DIO', now, 0)];
  const zone = (bench: Bench) => viewOf(bench.panel, bench.nowMs).zones[0]!;
  const smoke = (bench: Bench) =>
    viewOf(bench.panel, bench.nowMs).sources.find(({ channel }) => channel === 'ADC1')!;

  it('alarms first and tells the fault beside it, when smoke saturates its channel', () => {
    const bench = new Bench(onePlan());
    for (let i = 0; i < 20; i += 1) {
      bench.hear(4_090, (now) => [...quiet(now), level('ADC1', now, 7)]);
    }
    for (const value of [20, 70, 100, 100, 100, 100, 100, 100, 100, 100, 100]) {
      bench.hear(4_090, (now) => [...quiet(now), level('ADC1', now, value)]);
    }
    expect(zone(bench)).toMatchObject({ condition: 'alarm' });
    expect(zone(bench).faults).toMatchObject([{ fault: 'railStuck', subject: `${BOARD}/ADC1` }]);
    expect(bench.types().indexOf('alarm')).toBeLessThan(bench.types().indexOf('faultRaised'));
    // It is evidence still: a reset finds the cause there.
    bench.command({ kind: 'reset', zone: HALL });
    expect(zone(bench).condition).toBe('alarm');
  });

  it('shows no value of a channel without data', () => {
    const bench = new Bench(onePlan());
    for (let i = 0; i < 12; i += 1) {
      bench.hear(4_090, (now) => [...quiet(now), level('ADC1', now, 0)]);
    }
    expect(smoke(bench)).toMatchObject({ value: null, quality: 'railStuck' });
    expect(zone(bench).condition).toBe('fault');
  });
});
