import { describe, expect, it } from 'vitest';
import { viewOf } from '../../src/alarm/panel.ts';
import { gasRatio } from '../../src/domain/gas.ts';
import type { SourceInput } from '../../src/alarm/make-plan.ts';
import { CADENCE_MS, Channel, HOUR_MS, idle, MINUTE_MS } from './channel.ts';
import { Bench, BOARD, level, onePlan } from './make.ts';

const COLD = { warmUpMs: 0 } as const;

describe('gas', () => {
  it('alarms below the ratio and not at it, and has hysteresis', () => {
    // Idle 20 %: Rs/RL 4; 0.4 of that is 1.6, at 100/2.6 = 38.4615 % of full scale.
    const channel = new Channel('gas', COLD, idle(20));
    expect(channel.hear(0, 38.46).level).toBe('clear');
    expect(channel.hear(1_000, 38.47)).toMatchObject({ level: 'alarm', unit: 'ratio', limit: 0.4 });
    expect(channel.hear(1_000, 36).level).toBe('alarm');
    expect(channel.hear(1_000, 35).level).toBe('clear');
  });

  it('warms up for three minutes where nothing is said', () => {
    const channel = new Channel('gas');
    expect(channel.hear(0, 80).level).toBe('suspect');
    expect(channel.facts.warmUpUntilMs).toBe(180_000);
  });

  it('judges by the circuit of its channel', () => {
    // Full scale 3.3 V below a supply of 5 V: the same volts are other percents.
    const divider = { loadKiloohm: 10, supplyVolts: 5, fullScaleVolts: 3.3 };
    const more: Partial<SourceInput> = { ...COLD, setup: { divider } };
    const channel = new Channel('gas', more, idle(20));
    const limit = [...Array(500).keys()].find((tenth) => gasRatio(tenth / 10, 20, divider) < 0.4)!;
    expect(channel.hear(0, (limit - 1) / 10).level).toBe('clear');
    expect(channel.hear(1_000, limit / 10).level).toBe('alarm');
  });

  it('cannot be led away from its clean air by a leak that creeps', () => {
    const channel = new Channel('gas', COLD, idle(10));
    channel.follow((ms) => 10 + (0.5 * ms) / HOUR_MS, 40 * HOUR_MS, 30_000);
    const known = channel.facts.idlePercent!;
    expect(gasRatio(known, 10)).toBeGreaterThanOrEqual(0.75 - 1e-9);
  });

  it('tells a sensor whose clean air has gone far from where it was', () => {
    const channel = new Channel('gas', COLD, idle(12));
    channel.hold(8, 2 * HOUR_MS, 15_000);
    expect(channel.facts.idleTrouble).toBeNull();
    channel.hold(3, 5 * HOUR_MS, 15_000);
    expect(channel.facts.idleTrouble).toContain('clean-air Rs has gone from 73.3');
    expect(channel.memory).toMatchObject({ firstPercent: 12, role: 'gas' });
    const later = new Channel('gas', COLD, channel.memory);
    later.hear(0, 3);
    expect(later.facts.idleTrouble).toContain('replace the sensor');
  });

  it('takes no converter noise near zero for gas, and says that no sensor reads so', () => {
    const channel = new Channel('gas', COLD);
    channel.follow((ms) => ((ms / CADENCE_MS) % 2 < 1 ? 0.05 : 0.2), 5 * MINUTE_MS);
    expect(channel.level).toBe('clear');
    expect(channel.facts.idleTrouble).toContain('a transmitter has another role');
    expect(channel.hear(CADENCE_MS, 3).level).toBe('alarm');
  });

  it('takes a fast rise for suspect where it is asked to', () => {
    const limits = { gas: { risePercentPerMinute: 3 } };
    const ramp = (channel: Channel) => {
      channel.hold(10, MINUTE_MS);
      return channel.follow((ms) => 10 + (4 * ms) / MINUTE_MS, 100_000);
    };
    expect(ramp(new Channel('gas', { ...COLD, limits }, idle(10)))).toMatchObject({
      level: 'suspect',
      unit: 'percentPerMinute',
    });
    expect(ramp(new Channel('gas', COLD, idle(10))).level).toBe('clear');
  });
});

describe('what is shown of a gas channel', () => {
  const bench = (source: Partial<SourceInput>) =>
    new Bench(onePlan({ sources: [{ sensor: BOARD, channel: 'ADC3', role: 'gas', ...source }] }));
  const shown = (at: Bench) => viewOf(at.panel, at.nowMs).sources[0]!;
  const breathe = (at: Bench, percent: number, forMs: number) => {
    for (let ms = 0; ms < forMs; ms += CADENCE_MS) {
      at.hear(CADENCE_MS, (now) => level('ADC3', now, percent));
    }
  };

  it('tells how long it warms up, then how far it has learnt, then an estimate', () => {
    const at = bench({ setup: { gas: 'carbonDioxide' } });
    breathe(at, 20, CADENCE_MS);
    expect(shown(at)).toMatchObject({ quality: 'warmingUp', warmUpLeftMs: 180_000 });
    breathe(at, 20, 60_000);
    expect(shown(at).warmUpLeftMs).toBeLessThan(121_000);
    expect(shown(at)).toMatchObject({ estimate: null, learningPercent: null });
    breathe(at, 20, 150_000);
    expect(shown(at)).toMatchObject({ quality: 'learning', warmUpLeftMs: null, estimate: null });
    expect(shown(at).learningPercent).toBeGreaterThan(20);
    breathe(at, 20, 60_000);
    expect(shown(at)).toMatchObject({
      quality: 'good',
      estimate: { ppm: 400, gas: 'carbonDioxide', band: 'excellent' },
      learningPercent: null,
    });
    breathe(at, 25, CADENCE_MS);
    expect(shown(at).estimate).toMatchObject({ ppm: 890, band: 'good' });
  });

  it('estimates nothing unless asked to', () => {
    const at = bench({ warmUpMs: 0 });
    breathe(at, 20, 90_000);
    expect(shown(at)).toMatchObject({ quality: 'good', estimate: null, dosePercent: null });
  });

  it('does not judge by the estimate', () => {
    const at = bench({ warmUpMs: 0, setup: { gas: 'carbonDioxide' } });
    breathe(at, 20, 90_000);
    breathe(at, 33, 60_000);
    expect(shown(at).estimate?.band).toBe('bad');
    expect(viewOf(at.panel, at.nowMs).condition).toBe('normal');
  });
});
