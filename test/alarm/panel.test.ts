import { describe, expect, it } from 'vitest';
import { makePlan } from '../../src/alarm/make-plan.ts';
import { conditionOf, outputsOf, viewOf } from '../../src/alarm/panel.ts';
import type { DomainEvent } from '../../src/domain/event.ts';
import { sensorId, zoneId } from '../../src/domain/units.ts';
import { Bench, BOARD, HALL, heat, level, onePlan, OTHERS, SOURCES } from './make.ts';

const outputs = (bench: Bench) => outputsOf(bench.panel, bench.nowMs);
const condition = (bench: Bench) => conditionOf(bench.panel);
const zone = (bench: Bench, index = 0) => viewOf(bench.panel, bench.nowMs).zones[index]!;
const alarmOf = (events: readonly DomainEvent[]) =>
  events.flatMap((event) => (event.type === 'alarm' ? [event.data.explanation] : []));

describe('alarm', () => {
  it('sounds in the step of a single packet over critical, and says why', () => {
    const bench = new Bench(onePlan());
    const events = bench.hear(1_000, (now) => heat(now - 200, 130));
    expect(events.map((event) => event.type)).toEqual(['alarm']);
    expect(outputs(bench)).toEqual({
      siren: true,
      strobe: true,
      alarmRelay: true,
      buzzer: true,
      escalation: false,
      faultRelay: true,
    });
    const why = alarmOf(events)[0]!;
    expect(why.votes).toEqual([
      {
        sensor: BOARD,
        channel: 'thermal',
        role: 'thermal',
        rule: 'fixedTemperature',
        level: 'alarm',
        value: 130,
        limit: 120,
        unit: 'celsius',
        ageMs: 200,
        note: 'row 12, column 5, 6 pixels, scene median 22.0 C',
      },
    ]);
    expect(why.summary).toContain('at or above critical');
    expect(why.summary).toContain('+10.0');
    expect(why.stale.map((ref) => ref.channel)).toEqual(['ADC1', 'ADC2', 'DIO']);
    expect(why.confidence).toBe(0.4);
  });

  it('stays latched when the cause is gone, without further events', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 130));
    for (let i = 0; i < 20; i += 1) bench.hear(1_000, (now) => heat(now, 22));
    expect(condition(bench)).toBe('alarm');
    expect(bench.types().filter((type) => type === 'alarm')).toHaveLength(1);
  });

  it('tells slow overheating as pre-alarm only', () => {
    const bench = new Bench(onePlan({ confirmations: 2 }));
    for (let s = 0; s <= 600; s += 4) {
      const celsius = 25 + (68 * s) / 600;
      bench.hear(4_000, (now) => heat(now, celsius, { riseCelsiusPerMinute: 8 }));
    }
    expect(condition(bench)).toBe('preAlarm');
    expect(bench.types()).not.toContain('alarm');
    expect(outputs(bench)).toMatchObject({ siren: false, alarmRelay: false, buzzer: true });
  });

  it('alarms when the hot region shows a sign of fire', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 80));
    expect(condition(bench)).toBe('preAlarm');
    bench.hear(1_000, (now) => heat(now, 85, { riseCelsiusPerMinute: 120 }));
    expect(condition(bench)).toBe('alarm');
  });

  it('combines flame and thermal only while both are fresh', () => {
    const bench = new Bench(onePlan({ freshnessMs: 5_000 }));
    bench.hear(0, (now) => level('DIO', now, 1));
    expect(condition(bench)).toBe('preAlarm');
    bench.hear(5_001, (now) => heat(now, 70));
    expect(condition(bench)).toBe('preAlarm');
    bench.hear(1, (now) => level('DIO', now, 1));
    expect(condition(bench)).toBe('alarm');
  });

  it('names what is uncalibrated', () => {
    const bench = new Bench(onePlan());
    const events = bench.hear(0, (now) => heat(now, 130, {}, BOARD, false));
    expect(alarmOf(events)[0]!.uncalibrated).toEqual([{ sensor: BOARD, channel: 'thermal' }]);
  });

  it('is never made of numbers that are none', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => [heat(now, NaN), level('ADC1', now, NaN), level('ADC2', now, Infinity)]);
    bench.hear(0, (now) => [level('thermal', now, 99), heat(now, 500, {}, sensorId('board-1'))]);
    expect(bench.types()).toEqual(['alarm']);
    expect(viewOf(bench.panel, 0).sources[1]).toMatchObject({ quality: 'corrupt', value: null });
  });
});

describe('pre-alarm', () => {
  it('ends after its hold, and holds longer the more it chatters', () => {
    const bench = new Bench(onePlan());
    const cycles: number[] = [];
    for (let i = 0; i < 6; i += 1) {
      bench.hear(100, (now) => level('DIO', now, 1));
      const fromMs = bench.nowMs;
      while (zone(bench).preAlarm !== null) bench.hear(1_000, (now) => level('DIO', now, 0));
      cycles.push(Math.floor((bench.nowMs - fromMs) / 10_000));
    }
    expect(cycles).toEqual([1, 2, 4, 8, 16, 32]);
  });

  it('ends by time alone when its evidence grows stale', () => {
    const bench = new Bench(onePlan({ freshnessMs: 10_000 }));
    bench.wait(100);
    bench.hear(0, (now) => level('DIO', now, 1));
    bench.wait(10_001);
    bench.wait(9_999);
    expect(condition(bench)).toBe('preAlarm');
    bench.wait(1);
    expect(bench.types()).toEqual(['preAlarm', 'preAlarmEnded']);
  });

  it('stays within the stated worst case of a day of flapping', () => {
    const bench = new Bench(onePlan());
    const perHour: number[] = [];
    for (let hour = 0; hour < 4; hour += 1) {
      const before = bench.types().length;
      for (let s = 0; s < 1_800; s += 1) {
        bench.hear(1_000, (now) => [level('DIO', now, 1), ...OTHERS(now)]);
        bench.hear(1_000, (now) => [level('DIO', now, 0), ...OTHERS(now)]);
      }
      perHour.push(bench.types().length - before);
    }
    expect(bench.types()).not.toContain('alarm');
    expect(perHour[0]).toBeLessThanOrEqual(22);
    for (const events of perHour.slice(1)) expect(events).toBeLessThanOrEqual(12);
  });
});

describe('verification', () => {
  const plan = onePlan({ verificationMs: 3_000 });

  it('waits, then alarms by time alone while the evidence is fresh', () => {
    const bench = new Bench(plan);
    bench.hear(0, (now) => heat(now, 22));
    bench.hear(100, (now) => heat(now, 130));
    expect(zone(bench)).toMatchObject({ verifying: true, alarm: null });
    bench.wait(2_999);
    expect(bench.types()).toEqual(['verifying']);
    bench.wait(1);
    expect(bench.types()).toEqual(['verifying', 'alarm', 'verifyingEnded']);
  });

  it('does not start again for evidence that comes and goes', () => {
    const bench = new Bench(plan);
    for (let i = 0; i < 4; i += 1) {
      bench.hear(500, (now) => heat(now, 130));
      bench.hear(500, (now) => heat(now, 20));
    }
    expect(condition(bench)).toBe('alarm');
    expect(bench.types()).toEqual(['verifying', 'alarm', 'verifyingEnded']);
  });

  it('is given up a minute after the evidence is gone', () => {
    const bench = new Bench(plan);
    bench.hear(0, (now) => heat(now, 130));
    bench.hear(1_000, (now) => heat(now, 20));
    expect(zone(bench).verifying).toBe(false);
    for (let i = 0; i < 61; i += 1) bench.hear(1_000, (now) => heat(now, 20));
    const ended = bench.events.find((event) => event.type === 'verifyingEnded');
    expect(ended?.data).toMatchObject({ confirmed: false });
    expect(bench.types()).not.toContain('alarm');
  });

  it('is not repeated after a reset, and a call point needs none', () => {
    const bench = new Bench(plan);
    bench.hear(0, (now) => heat(now, 130));
    bench.wait(3_000);
    expect(bench.command({ kind: 'reset', zone: HALL }).ok).toBe(true);
    expect(condition(bench)).toBe('alarm');
    const other = new Bench(plan);
    other.signal({ role: 'manualCallPoint', active: true, zone: HALL });
    expect(condition(other)).toBe('alarm');
  });
});

describe('the cost of a step', () => {
  it('touches only the zones concerned', () => {
    const sensors = Array.from({ length: 100 }, (_, i) => sensorId(`s${i}`));
    const plan = makePlan({
      zones: sensors.map((sensor, i) => ({
        id: zoneId(`z${i}`),
        name: `z${i}`,
        sources: [{ sensor, channel: 'ADC1', role: 'smoke' as const }],
      })),
    });
    const bench = new Bench(plan);
    bench.step();
    const before = bench.panel;
    bench.hear(1, (now) => level('ADC1', now, 10, sensors[42]));
    const changed = bench.panel.zones.filter((each, i) => each !== before.zones[i]);
    expect(changed).toHaveLength(1);
    expect(bench.panel.nextDueMs).toBeGreaterThan(29_000);
  });

  it('is nothing when nothing came in and nothing is due', () => {
    const bench = new Bench(onePlan());
    bench.step();
    const before = bench.panel;
    bench.wait(100);
    expect(bench.panel).toBe(before);
  });
});

describe('the view', () => {
  it('says how far each source may be trusted', () => {
    const bench = new Bench(
      onePlan({
        sources: [
          ...SOURCES,
          { sensor: BOARD, channel: 'ADC4', role: 'gas' },
          { sensor: BOARD, channel: 'ADC5', role: 'smoke' },
        ],
      }),
    );
    bench.hear(0, (now) => [heat(now, 22, {}, BOARD, false), level('ADC2', now, 30)]);
    bench.hear(15_000, (now) => [level('ADC1', now, 8), level('ADC4', now, 20), heat(now, 22)]);
    const qualities = viewOf(bench.panel, bench.nowMs).sources.map((each) => each.quality);
    expect(qualities).toEqual(['good', 'learning', 'stale', 'neverSeen', 'warmingUp', 'neverSeen']);
  });
});
