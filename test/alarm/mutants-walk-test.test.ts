/**
 * What no other test of the panel had noticed to be wrong: found by mutants of `zone.ts`, here call
 * points and walk tests (docs/decisions/0012-mutation-testing.md).
 */
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../src/alarm/panel.ts';
import type { DomainEvent } from '../../src/domain/event.ts';
import { Bench, HALL, level, onePlan } from './make.ts';

const view = (bench: Bench) => viewOf(bench.panel, bench.nowMs).zones[0]!;
const isAlarm = (bench: Bench) => view(bench).alarm !== null;
const flame = (now: number) => level('DIO', now, 1);
const noFlame = (now: number) => level('DIO', now, 0);
const HALL_DATA = { zone: HALL, zoneName: 'Hall' };

/** The events of one type. */
function all<T extends DomainEvent['type']>(bench: Bench, type: T) {
  return bench.events.filter(
    (event): event is Extract<DomainEvent, { readonly type: T }> => event.type === type,
  );
}

describe('a call point', () => {
  const press = (bench: Bench, input: string, active = true) =>
    bench.signal({ role: 'manualCallPoint', active, zone: HALL, input });

  it('that is released leaves the other one pressed', () => {
    const bench = new Bench(onePlan());
    press(bench, 'a');
    press(bench, 'b');
    press(bench, 'a', false);
    bench.command({ kind: 'reset', zone: HALL });
    expect(view(bench).alarm?.explanation.summary).toBe('manual call point b');
    press(bench, 'b', false);
    bench.command({ kind: 'reset', zone: HALL });
    expect(isAlarm(bench)).toBe(false);
  });

  it('of a disabled zone alarms when the zone is enabled and it is still pressed', () => {
    const bench = new Bench(onePlan());
    bench.command({ kind: 'disable', zone: HALL, forMs: 60_000 });
    press(bench, 'a');
    expect(isAlarm(bench)).toBe(false);
    bench.command({ kind: 'enable', zone: HALL });
    expect(isAlarm(bench)).toBe(true);
  });

  it('in a walk test is told by its name, and alarms nobody', () => {
    const bench = new Bench(onePlan());
    bench.command({ kind: 'test', zone: HALL, forMs: 600_000 });
    press(bench, 'a');
    expect(isAlarm(bench)).toBe(false);
    const summary = 'walk test: manual call point a';
    const data = { ...HALL_DATA, explanation: { summary } };
    expect(all(bench, 'verifying')).toMatchObject([{ lane: 'system', data }]);
  });
});

describe('a walk test', () => {
  it('tells an activation once with its votes, and the next one when it was gone', () => {
    const bench = new Bench(onePlan({ freshnessMs: 60_000 }));
    bench.command({ kind: 'test', zone: HALL, forMs: 600_000 });
    for (const afterMs of [1_000, 20_000]) bench.hear(afterMs, flame);
    const [told, ...more] = all(bench, 'verifying');
    expect(more).toEqual([]);
    expect(told?.data.explanation.votes).toHaveLength(1);
    const data = { ...HALL_DATA, confirmed: true };
    expect(all(bench, 'verifyingEnded')).toEqual([
      { lane: 'system', type: 'verifyingEnded', data },
    ]);
    bench.hear(1_000, noFlame);
    bench.hear(1_000, flame);
    expect(all(bench, 'verifying')).toHaveLength(2);
  });

  it.each([
    [9_999, 1],
    [10_000, 2],
  ])('%i ms after an activation: %i told', (afterMs, count) => {
    const bench = new Bench(onePlan());
    bench.command({ kind: 'test', zone: HALL, forMs: 600_000 });
    bench.hear(0, flame);
    bench.hear(1_000, noFlame);
    bench.hear(afterMs - 1_000, flame);
    expect(all(bench, 'verifying')).toHaveLength(count);
  });
});
