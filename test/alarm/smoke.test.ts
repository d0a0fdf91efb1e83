import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { followRise, NO_RISE, riseRate } from '../../src/alarm/rise.ts';
import { CADENCE_MS, Channel, idle, MINUTE_MS } from './channel.ts';

describe('the rate of a rise', () => {
  const rateOf = (value: (ms: number) => number, forMs: number, everyMs: number) => {
    let rise = NO_RISE;
    for (let ms = 0; ms <= forMs; ms += everyMs) rise = followRise(rise, value(ms), ms);
    return riseRate(rise);
  };

  it('is the slope of a ramp, at any cadence', () => {
    for (const everyMs of [100, 1_000, 4_090, 15_000, 60_000]) {
      const rate = rateOf((ms) => (12 * ms) / MINUTE_MS, 5 * MINUTE_MS, everyMs);
      expect(rate?.perMinute).toBeCloseTo(12, 6);
    }
  });

  it('is unknown until enough was seen, and after a gap', () => {
    expect(rateOf((ms) => ms, 20_000, 4_090)).toBeNull();
    let rise = NO_RISE;
    for (let ms = 0; ms <= MINUTE_MS; ms += 4_090) rise = followRise(rise, 1, ms);
    expect(riseRate(rise)).not.toBeNull();
    expect(riseRate(followRise(rise, 1, 10 * MINUTE_MS))).toBeNull();
    expect(riseRate(followRise(rise, 1, 0))).toBeNull();
  });

  it('of a step, whenever it comes, is nothing', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 120_000 }),
        fc.constantFrom(1_000, 4_090, 10_000),
        fc.double({ min: 1, max: 90, noNaN: true }),
        (atMs, everyMs, height) => {
          for (let forMs = 40_000; forMs <= 180_000; forMs += 10_000) {
            const rate = rateOf((ms) => (ms < atMs ? 0 : height), forMs, everyMs);
            if (rate !== null && rate.perMinute > 1e-9) return false;
          }
          return true;
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('smoke that rises fast', () => {
  it('is suspect before it reaches its limit, and then an alarm', () => {
    const channel = new Channel('smoke', { confirmations: 2 }, idle(7));
    channel.hold(7, MINUTE_MS);
    const ramp = (ms: number) => 7 + (12 * ms) / MINUTE_MS;
    let suspectAt: number | null = null;
    for (let ms = CADENCE_MS; channel.level !== 'alarm' && ms < 5 * MINUTE_MS; ms += CADENCE_MS) {
      const verdict = channel.hear(CADENCE_MS, ramp(ms));
      if (verdict.level !== 'suspect') continue;
      suspectAt ??= ramp(ms) - 7;
      expect(verdict).toMatchObject({ unit: 'percentPerMinute', limit: 10 });
    }
    expect(suspectAt).not.toBeNull();
    expect(suspectAt!).toBeLessThan(8.5);
    expect(channel.level).toBe('alarm');
  });

  it('below its rate is nothing before the limit, and so is any rise where it is off', () => {
    const slow = new Channel('smoke', {}, idle(7));
    slow.hold(7, MINUTE_MS);
    expect(slow.follow((ms) => 7 + (8 * ms) / MINUTE_MS, 100_000).level).toBe('clear');
    const limits = { smoke: { risePercentPerMinute: Infinity } };
    const off = new Channel('smoke', { limits }, idle(7));
    off.hold(7, MINUTE_MS);
    expect(off.follow((ms) => 7 + (20 * ms) / MINUTE_MS, 40_000).level).toBe('clear');
  });

  it('stays suspect while it rises at half its rate', () => {
    const channel = new Channel('smoke', {}, idle(7));
    channel.hold(7, MINUTE_MS);
    expect(channel.follow((ms) => 7 + (12 * ms) / MINUTE_MS, 40_000).level).toBe('suspect');
    const from = 7 + (12 * 36_810) / MINUTE_MS;
    expect(channel.follow((ms) => from + (7 * ms) / MINUTE_MS, 45_000).level).toBe('suspect');
    expect(channel.hold(13, MINUTE_MS).level).toBe('clear');
  });

  it('is not a puff that comes and goes, nor a step', () => {
    const puff = new Channel('smoke', { confirmations: 3 }, idle(7));
    puff.hold(7, MINUTE_MS);
    for (const value of [9, 15, 19, 14, 10, 8, 7, 7, 7, 7]) {
      expect(puff.hear(CADENCE_MS, value).level).toBe('clear');
    }
    const step = new Channel('smoke', {}, idle(7));
    step.hold(7, MINUTE_MS);
    for (let i = 0; i < 60; i += 1) expect(step.hear(CADENCE_MS, 20).level).toBe('clear');
  });

  it('holds the idle where it is', () => {
    const channel = new Channel('smoke', {}, idle(7));
    channel.hold(7, MINUTE_MS);
    channel.follow((ms) => 7 + (12 * ms) / MINUTE_MS, 60_000);
    expect(channel.facts.idlePercent).toBeCloseTo(7, 1);
  });
});

describe('warming up', () => {
  const WARM = { warmUpMs: 180_000 } as const;

  it('is at most suspect, shows when it ends, and teaches nothing', () => {
    const channel = new Channel('smoke', WARM);
    expect(channel.hear(0, 80)).toMatchObject({ level: 'suspect' });
    expect(channel.facts).toMatchObject({ phase: 'warmingUp', warmUpUntilMs: 180_000 });
    channel.hold(10, 170_000);
    expect(channel.facts).toMatchObject({ phase: 'warmingUp', idlePercent: null });
    channel.hold(10, 100_000);
    expect(channel.facts).toMatchObject({ phase: 'learnt', warmUpUntilMs: null });
  });

  it('begins again after a long silence, with the idle known before', () => {
    const channel = new Channel('smoke', { ...WARM, confirmations: 2 }, idle(10));
    channel.hold(10, 40_000);
    expect(channel.facts.phase).toBe('learnt');
    channel.hear(9 * MINUTE_MS, 10);
    expect(channel.facts.phase).toBe('learnt');
    // Cold, it reads high, as heated sensors do.
    channel.hear(11 * MINUTE_MS, 70);
    expect(channel.hear(4_090, 60)).toMatchObject({ level: 'suspect' });
    expect(channel.facts).toMatchObject({ phase: 'warmingUp', idlePercent: 10 });
    expect(channel.memory).toMatchObject({ idlePercent: 10 });
    channel.hold(60, 3 * MINUTE_MS + CADENCE_MS);
    expect(channel.level).toBe('alarm');
    expect(channel.facts.phase).toBe('learnt');
  });

  it('ends early where it reads its known clean air for half a minute', () => {
    const channel = new Channel('smoke', WARM, idle(10));
    channel.hear(0, 10);
    expect(channel.facts.phase).toBe('warmingUp');
    channel.hold(10, 29_000);
    expect(channel.facts.phase).toBe('warmingUp');
    channel.hold(10, 5_000);
    expect(channel.facts.phase).toBe('learnt');
    expect(channel.hear(4_090, 30).level).toBe('alarm');
  });

  it('does not end early on the way through its clean air', () => {
    const channel = new Channel('smoke', WARM, idle(10));
    channel.follow((ms) => Math.max(2, 60 - ms / 1000), 90_000);
    expect(channel.facts.phase).toBe('warmingUp');
  });

  it('is nothing that a channel without a heater does after a silence', () => {
    const channel = new Channel('smoke', {}, idle(10));
    channel.hear(0, 10);
    expect(channel.hear(60 * MINUTE_MS, 40).level).toBe('alarm');
  });
});
