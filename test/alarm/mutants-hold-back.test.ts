/**
 * What no other test of the panel had noticed to be wrong: found by mutants of `hold-back.ts`
 * (docs/decisions/0012-mutation-testing.md).
 */
import { describe, expect, it } from 'vitest';
import type { SourceInput, ZoneInput } from '../../src/alarm/make-plan.ts';
import { viewOf } from '../../src/alarm/panel.ts';
import type { FireSigns, RegionEvidence } from '../../src/domain/evidence.ts';
import { sensorId } from '../../src/domain/units.ts';
import { BOARD, Bench, frame, HALL, heats, NO_SIGNS, onePlan, picture, says } from './make.ts';

const RISING: FireSigns = { ...NO_SIGNS, riseCelsiusPerMinute: 90 };
const KETTLE = { hotObject: 0.96, fire: 0.01 };
const LONG = { holdBackMs: 60_000, holdBackCriticalMs: 10_000 };
const OTHER_BOARD = sensorId('board-2');
const STOVE = 'thermal_stove';

const isAlarm = (bench: Bench) => viewOf(bench.panel, bench.nowMs).zones[0]?.alarm !== null;
const isVerifying = (bench: Bench) => viewOf(bench.panel, bench.nowMs).zones[0]?.verifying === true;

/** It amounts to an alarm, and a model holds it back. */
function expectHeld(bench: Bench): void {
  expect(isAlarm(bench)).toBe(false);
  expect(isVerifying(bench)).toBe(true);
}

const picked = (sensor = BOARD, channel = 'thermal', more: Partial<SourceInput> = {}) =>
  ({ sensor, channel, role: 'thermal', ...more }) as const;

function zone(sources: readonly SourceInput[], more: Partial<ZoneInput> = {}): Bench {
  return new Bench(onePlan({ sources, ...more }));
}

/** A region that burns as far as the rules can tell, and others beside it. */
const burning = (
  now: number,
  others: readonly Partial<RegionEvidence>[] = [],
  channel = 'thermal',
  sensor = BOARD,
) => picture(now, [{ peakCelsius: 80, signs: RISING }, ...others], channel, sensor);

describe('of two pictures that a model holds back', () => {
  it.each([
    [0, 3_000],
    [3_000, 0],
  ])('the opinion that ends first counts (%i ms, %i ms)', (firstMs, secondMs) => {
    const freshnessMs = 12_000;
    const bench = zone([picked(), picked(BOARD, STOVE)], { freshnessMs });
    bench.hear(5_000, (now) => [
      says(firstMs, KETTLE),
      says(secondMs, KETTLE, 1, STOVE),
      burning(now),
      burning(now, [], STOVE),
    ]);
    expectHeld(bench);
    expect(bench.panel.nextDueMs).toBe(freshnessMs);
    bench.wait(freshnessMs - bench.nowMs);
    expect(isAlarm(bench)).toBe(false);
    bench.wait(1);
    expect(isAlarm(bench)).toBe(true);
  });

  it('one that does not burn needs no opinion', () => {
    const bench = zone([picked(), picked(OTHER_BOARD)]);
    bench.hear(0, (now) => [says(now, KETTLE), burning(now)]);
    expectHeld(bench);
  });

  it('one that is warm in one region and restless in another needs none either', () => {
    const cold = { peakCelsius: 50, track: 2, signs: RISING };
    const bench = zone([picked(BOARD, STOVE), picked()]);
    bench.hear(0, (now) => [
      says(now, KETTLE),
      burning(now),
      picture(now, [{ peakCelsius: 70 }, cold], STOVE),
    ]);
    expectHeld(bench);
  });

  it('a sign in one says nothing of the other', () => {
    const bench = zone([picked(BOARD, STOVE), picked()]);
    bench.hear(0, (now) => [
      says(now, KETTLE),
      burning(now),
      picture(now, [{ peakCelsius: 70 }], STOVE),
    ]);
    expectHeld(bench);
  });
});

describe('regions of one picture that no model has judged', () => {
  it.each<[string, Partial<RegionEvidence>]>([
    ['is warm without a sign', { peakCelsius: 70, track: 2 }],
    ['shows a sign and is not hot', { peakCelsius: 50, track: 2, signs: RISING }],
  ])('another that %s does not end it', (_, other) => {
    const bench = zone([picked()]);
    bench.hear(0, (now) => [says(now, KETTLE), burning(now, [other])]);
    expectHeld(bench);
  });
});

describe('what is critical without any sign of fire', () => {
  const critical = (now: number) => picture(now, [{ peakCelsius: 130 }]);

  it('is held back where the model has judged its region', () => {
    const bench = zone([picked()], { limits: { vision: LONG } });
    bench.hear(0, (now) => [says(now, KETTLE), critical(now)]);
    expectHeld(bench);
  });

  it('is not where the model has judged another region', () => {
    const bench = zone([picked()], { limits: { vision: LONG } });
    bench.hear(0, (now) => [says(now, KETTLE, 2), critical(now)]);
    expect(isAlarm(bench)).toBe(true);
  });

  it('is not where it belongs to no region', () => {
    const bench = zone([picked()], { limits: { vision: LONG } });
    bench.hear(0, (now) => [
      says(now, KETTLE),
      heats([{ ...frame(now, 130), hottest: null, regions: [] }]),
    ]);
    expect(isAlarm(bench)).toBe(true);
  });

  it('stays critical within the hysteresis', () => {
    const bench = zone([picked()]);
    bench.command({ kind: 'disable', zone: HALL, forMs: 60_000 });
    bench.hear(0, (now) => [says(now, KETTLE), critical(now)]);
    bench.hear(1_000, (now) => picture(now, [{ peakCelsius: 118 }]));
    bench.command({ kind: 'enable', zone: HALL });
    expect(isAlarm(bench)).toBe(true);
  });
});

describe('whether a region is critical', () => {
  const steep: FireSigns = { ...NO_SIGNS, riseCelsiusPerMinute: 200 };
  const unconfirmed = { confirmations: 2 };
  const robust = { limits: { thermal: { criticalCelsius: 300 } } };

  it('is told from its temperature, not from its rise', () => {
    const bench = zone([picked()]);
    bench.hear(0, (now) => [says(now, KETTLE), picture(now, [{ peakCelsius: 80, signs: steep }])]);
    expectHeld(bench);
  });

  it.each([
    [119.9, false],
    [120, true],
  ])('one frame of %f C: %s', (peakCelsius, alarms) => {
    const bench = zone([picked()], unconfirmed);
    bench.hear(0, (now) => picture(now, [{ peakCelsius: 80 }]));
    bench.hear(1_000, (now) => [says(now, KETTLE), picture(now, [{ peakCelsius, signs: RISING }])]);
    expect(isAlarm(bench)).toBe(alarms);
    expect(isVerifying(bench)).toBe(!alarms);
  });

  it.each([
    ['area', picked(), picked(BOARD, STOVE, robust)],
    ['area, listed first', picked(BOARD, STOVE, robust), picked()],
    ['board', picked(), picked(OTHER_BOARD, 'thermal', robust)],
    ['board, listed first', picked(OTHER_BOARD, 'thermal', robust), picked()],
  ])('goes by the limit of its own %s', (_, first, second) => {
    const hot = first.limits === undefined ? second : first;
    const { sensor, channel } = hot;
    const bench = zone([first, second], unconfirmed);
    const one = (now: number, peakCelsius: number) =>
      picture(now, [{ peakCelsius, signs: RISING }], channel, sensor);
    bench.hear(0, (now) => picture(now, [{ peakCelsius: 80 }], channel, sensor));
    bench.hear(1_000, (now) => [says(now, KETTLE, 1, channel, sensor), one(now, 150)]);
    expectHeld(bench);
  });
});
