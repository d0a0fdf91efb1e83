/**
 * What no other test of the panel had noticed to be wrong: found by mutants of `zone.ts`
 * (docs/decisions/0012-mutation-testing.md).
 */
import { describe, expect, it } from 'vitest';
import { makePlan } from '../../src/alarm/make-plan.ts';
import { viewOf } from '../../src/alarm/panel.ts';
import type { DomainEvent } from '../../src/domain/event.ts';
import type { FireSigns } from '../../src/domain/evidence.ts';
import { BOARD, Bench, HALL, heat, level, NO_SIGNS, onePlan, picture } from './make.ts';
import { says, STORE } from './make.ts';

const RISING: FireSigns = { ...NO_SIGNS, riseCelsiusPerMinute: 90 };
const KETTLE = { hotObject: 0.96, fire: 0.01 };

const view = (bench: Bench, index = 0) => viewOf(bench.panel, bench.nowMs).zones[index]!;
const isAlarm = (bench: Bench) => view(bench).alarm !== null;
const burning = (now: number, peakCelsius = 80) => picture(now, [{ peakCelsius, signs: RISING }]);
const flame = (now: number) => level('DIO', now, 1);
const noFlame = (now: number) => level('DIO', now, 0);

/** The events of one type. */
function all<T extends DomainEvent['type']>(bench: Bench, type: T) {
  return bench.events.filter(
    (event): event is Extract<DomainEvent, { readonly type: T }> => event.type === type,
  );
}

const HALL_DATA = { zone: HALL, zoneName: 'Hall' };

describe('verification', () => {
  it('is told in the lane of the system, and with its zone', () => {
    const bench = new Bench(onePlan({ verificationMs: 5_000 }));
    bench.hear(0, (now) => heat(now, 130));
    bench.hear(5_000, (now) => heat(now, 130));
    expect(all(bench, 'verifying')).toMatchObject([{ lane: 'system', data: HALL_DATA }]);
    const data = { ...HALL_DATA, confirmed: true };
    expect(all(bench, 'verifyingEnded')).toEqual([
      { lane: 'system', type: 'verifyingEnded', data },
    ]);
  });

  it('by time alone is never told as held back by a model', () => {
    const bench = new Bench(onePlan({ verificationMs: 5_000 }));
    for (const afterMs of [0, 1_000, 4_000]) bench.hear(afterMs, (now) => burning(now));
    const [alarm] = all(bench, 'alarm');
    expect(alarm?.data.explanation.summary).toMatch(/^hot region with a sign of fire: /);
  });

  it('goes on where it stopped, and is shown again, when its evidence comes back', () => {
    const bench = new Bench(onePlan({ verificationMs: 10_000 }));
    bench.hear(0, (now) => burning(now));
    for (const afterMs of [1_000, 1_000]) bench.hear(afterMs, (now) => heat(now, 22));
    expect(view(bench).verifying).toBe(false);
    bench.hear(2_000, (now) => burning(now));
    expect(view(bench).verifying).toBe(true);
    expect(bench.panel.nextDueMs).toBeLessThanOrEqual(10_000);
    bench.wait(6_000);
    expect(isAlarm(bench)).toBe(true);
    expect(all(bench, 'verifying')).toHaveLength(1);
  });

  it('is forgotten a minute after its evidence has gone, not earlier', () => {
    const bench = new Bench(onePlan({ verificationMs: 10_000 }));
    bench.hear(0, (now) => burning(now));
    const goneMs = 1_000;
    bench.hear(goneMs, (now) => heat(now, 22));
    bench.wait(59_999);
    expect(all(bench, 'verifyingEnded')).toEqual([]);
    bench.wait(1);
    const data = { ...HALL_DATA, confirmed: false };
    expect(all(bench, 'verifyingEnded')).toMatchObject([{ data }]);
  });

  it('is told as not confirmed where the zone is disabled', () => {
    const bench = new Bench(onePlan({ verificationMs: 10_000 }));
    bench.hear(0, (now) => heat(now, 130));
    bench.command({ kind: 'disable', zone: HALL, forMs: 60_000 });
    expect(all(bench, 'verifyingEnded')).toMatchObject([{ data: { confirmed: false } }]);
  });

  it.each([
    [60_000, true],
    [60_001, false],
  ])('%i ms after a reset: alarms without a new one: %s', (afterMs, alarms) => {
    const bench = new Bench(onePlan({ verificationMs: 10_000, freshnessMs: 5_000 }));
    bench.signal({ role: 'manualCallPoint', active: true, zone: HALL });
    bench.signal({ role: 'manualCallPoint', active: false, zone: HALL });
    bench.command({ kind: 'reset', zone: HALL });
    bench.hear(afterMs, (now) => heat(now, 130));
    expect(isAlarm(bench)).toBe(alarms);
  });
});

describe('what is held back', () => {
  it('is a pre-alarm that says why, from the first frame on', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => [says(now, KETTLE), burning(now)]);
    expect(view(bench).condition).toBe('preAlarm');
    const [warned] = all(bench, 'preAlarm');
    expect(warned?.lane).toBe('alarm');
    expect(warned?.data.explanation.summary).toContain('held back for at most 60 s');
  });

  it('remembers since when it is critical, also where that changes no other time', () => {
    const vision = { holdBackMs: 60_000, holdBackCriticalMs: 10_000 };
    const bench = new Bench(onePlan({ freshnessMs: 12_000, limits: { vision } }));
    bench.hear(0, (now) => [says(now, KETTLE), burning(now)]);
    // The opinion is believed until 12 s, critical could be held back until 15 s.
    bench.hear(5_000, (now) => burning(now, 130));
    expect(isAlarm(bench)).toBe(false);
    bench.hear(4_000, (now) => [says(now, KETTLE), burning(now, 130)]);
    bench.hear(5_999, (now) => [says(now, KETTLE), burning(now, 130)]);
    expect(isAlarm(bench)).toBe(false);
    bench.wait(1);
    expect(isAlarm(bench)).toBe(true);
  });
});

describe('an alarm', () => {
  it('that is reset says how long it was latched, and is not silenced any more', () => {
    const bench = new Bench(onePlan(), 1_000);
    bench.hear(0, (now) => heat(now, 130));
    bench.command({ kind: 'silence' });
    bench.hear(7_000, (now) => heat(now, 22));
    bench.command({ kind: 'reset', zone: HALL });
    const data = { ...HALL_DATA, latchedForMs: 7_000 };
    expect(all(bench, 'alarmReset')).toMatchObject([{ data }]);
    expect(view(bench)).toMatchObject({ alarm: null, silenced: false });
  });

  it('that is reset leaves what nobody has acknowledged unacknowledged', () => {
    const bench = new Bench(onePlan());
    bench.signal({ role: 'tamper', active: true, zone: HALL, input: 'cover' });
    bench.hear(0, (now) => heat(now, 130));
    bench.hear(1_000, (now) => heat(now, 22));
    bench.command({ kind: 'reset', zone: HALL });
    expect(view(bench)).toMatchObject({ condition: 'supervisory', acknowledged: false });
    expect(viewOf(bench.panel, bench.nowMs).outputs.buzzer).toBe(true);
  });

  it('of another zone lifts the silence of the first', () => {
    const source = { sensor: BOARD, role: 'flameDigital' } as const;
    const zones = [
      { id: HALL, name: 'Hall', sources: [{ ...source, channel: 'a' }] },
      { id: STORE, name: 'Store', sources: [{ ...source, channel: 'b' }] },
    ];
    const bench = new Bench(makePlan({ zones }));
    bench.signal({ role: 'manualCallPoint', active: true, zone: HALL, input: 'a' });
    bench.command({ kind: 'silence' });
    expect(view(bench).silenced).toBe(true);
    bench.signal({ role: 'manualCallPoint', active: true, zone: STORE, input: 'b' });
    expect(view(bench).silenced).toBe(false);
  });

  it('needs no pre-alarm beside it when its evidence becomes less', () => {
    const bench = new Bench(onePlan());
    bench.hear(0, (now) => heat(now, 130));
    bench.hear(1_000, (now) => heat(now, 70));
    expect(all(bench, 'preAlarm')).toEqual([]);
  });
});

describe('a pre-alarm', () => {
  it('that ends says after how long, in the lane of the alarms', () => {
    const bench = new Bench(onePlan(), 1_000);
    bench.hear(0, flame);
    bench.hear(2_000, noFlame);
    bench.wait(10_000);
    const data = { ...HALL_DATA, afterMs: 12_000 };
    expect(all(bench, 'preAlarmEnded')).toEqual([{ lane: 'alarm', type: 'preAlarmEnded', data }]);
  });

  it.each([
    [599_999, 20_000],
    [600_000, 10_000],
  ])('%i ms after the last one is held for %i ms', (afterMs, holdMs) => {
    const bench = new Bench(onePlan());
    bench.hear(0, flame);
    bench.hear(0, noFlame);
    bench.wait(10_000);
    expect(all(bench, 'preAlarmEnded')).toHaveLength(1);
    bench.hear(afterMs, flame);
    bench.hear(0, noFlame);
    bench.wait(holdMs - 1);
    expect(all(bench, 'preAlarmEnded')).toHaveLength(1);
    bench.wait(1);
    expect(all(bench, 'preAlarmEnded')).toHaveLength(2);
  });
});
