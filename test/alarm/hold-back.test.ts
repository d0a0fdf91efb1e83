import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { viewOf } from '../../src/alarm/panel.ts';
import type { Explanation } from '../../src/domain/event.ts';
import type { EvidenceWindow, FireSigns } from '../../src/domain/evidence.ts';
import type { Opinion } from '../../src/domain/opinion.ts';
import { BOARD, Bench, HALL, level, NO_SIGNS, onePlan, picture, says } from './make.ts';

const RISING: FireSigns = { ...NO_SIGNS, riseCelsiusPerMinute: 90 };
const KETTLE: Partial<Opinion> = { hotObject: 0.96, fire: 0.01 };
const FIRE: Partial<Opinion> = { fire: 0.9 };
const UNSURE: Partial<Opinion> = { fire: 0.3, hotObject: 0.7 };

interface Times {
  readonly holdBackMs?: number;
  readonly holdBackCriticalMs?: number;
  readonly verificationMs?: number;
}

function zone({ holdBackMs = 60_000, holdBackCriticalMs = 0, verificationMs = 0 }: Times = {}) {
  return new Bench(
    onePlan({ verificationMs, limits: { vision: { holdBackMs, holdBackCriticalMs } } }),
  );
}

/** Not made up to 1. */
const shares = (belief: Partial<Opinion>): Opinion => ({
  ...{ fire: 0, overheating: 0, warmBody: 0, hotObject: 0, other: 0 },
  ...belief,
});

const burning = (now: number, peakCelsius = 80, track = 1) =>
  picture(now, [{ peakCelsius, track, signs: RISING }]);
const steady = (now: number, peakCelsius = 80) => picture(now, [{ peakCelsius }]);

const view = (bench: Bench) => viewOf(bench.panel, bench.nowMs).zones[0]!;
const isAlarm = (bench: Bench) => view(bench).alarm !== null;
const lastOf = (bench: Bench, type: 'alarm' | 'preAlarm' | 'verifying'): Explanation =>
  bench.events.flatMap((event) => (event.type === type ? [event.data.explanation] : [])).at(-1)!;

/** A kettle that the model knows: the model speaks first, then the sign appears. */
function held(times: Times = {}): Bench {
  const bench = zone(times);
  bench.hear(1_000, (now) => steady(now));
  bench.hear(10, (now) => says(now, KETTLE));
  bench.hear(1_000, (now) => burning(now));
  return bench;
}

describe('a model that believes in fire', () => {
  it('is a fire sign of a region over its limit', () => {
    const bench = zone();
    bench.hear(0, (now) => steady(now, 65));
    expect(view(bench).condition).toBe('preAlarm');
    bench.hear(100, (now) => says(now, FIRE));
    // One opinion is of one picture.
    expect(view(bench).condition).toBe('preAlarm');
    bench.hear(100, (now) => says(now, FIRE));
    expect(view(bench).condition).toBe('alarm');
    expect(lastOf(bench, 'alarm')).toMatchObject({
      confidence: 0.8,
      model: [{ kind: 'fire', track: 1, ageMs: 0 }],
    });
    expect(lastOf(bench, 'alarm').summary).toContain('the model takes it for a fire (90 %)');
  });

  it.each<[string, EvidenceWindow, number]>([
    ['below 0.9', says(0, { fire: 0.89 }), 70],
    ['of another region', says(0, FIRE, 2), 70],
    ['of a region below its limit', says(0, FIRE), 59],
    ['of another picture', says(0, FIRE, 1, 'thermal_stove'), 70],
    ['that is no share of belief', says(0, { fire: 1.7 }), 70],
    ['that leaves shares out', { ...says(0, {}), opinion: shares({ fire: 0.8 }) }, 70],
    ['that is not a number', says(0, { fire: Number.NaN }), 70],
  ])('%s is none', (_, window, celsius) => {
    const bench = zone();
    bench.hear(0, (now) => steady(now, celsius));
    bench.step({ windows: [window] });
    bench.step({ windows: [window] });
    bench.hear(1_000, (now) => steady(now, celsius));
    expect(isAlarm(bench)).toBe(false);
  });

  it('counts no longer than it is fresh', () => {
    const bench = zone();
    for (let i = 0; i < 2; i += 1) bench.hear(0, (now) => says(now, FIRE));
    const { freshnessMs } = bench.panel.plan.zones[0]!.sources[0]!;
    bench.hear(freshnessMs + 1, (now) => steady(now));
    expect(isAlarm(bench)).toBe(false);
    const late = zone();
    late.hear(freshnessMs + 1, (now) => steady(now));
    for (let i = 0; i < 3; i += 1) late.step({ windows: [says(0, FIRE)] });
    expect(isAlarm(late)).toBe(false);
  });

  it('counts no longer than that while its picture is still fresh', () => {
    const bench = zone({ verificationMs: 5_000 });
    for (let i = 0; i < 2; i += 1) bench.hear(0, (now) => says(now, FIRE));
    bench.hear(10_000, (now) => steady(now));
    expect(view(bench).verifying).toBe(true);
    bench.wait(5_000);
    expect(isAlarm(bench)).toBe(false);
  });

  it('an older opinion never replaces a newer one', () => {
    const bench = held();
    bench.step({ windows: [says(500, UNSURE)] });
    expect(isAlarm(bench)).toBe(false);
  });
});

describe('a model that takes it for harmless', () => {
  it('holds the alarm back, visibly and explained', () => {
    const bench = held();
    expect(view(bench)).toMatchObject({ condition: 'preAlarm', verifying: true, alarm: null });
    const said =
      'hot region with a sign of fire, held back for at most 60 s because the model takes it ' +
      'for a hot object (96 %)';
    expect(lastOf(bench, 'verifying').summary).toContain(said);
    expect(lastOf(bench, 'verifying').model).toMatchObject([{ kind: 'hotObject', ageMs: 1_000 }]);
  });

  it('alarms when the time is over and the signs still stand', () => {
    const bench = held();
    for (let i = 0; i < 59; i += 1) {
      bench.hear(900, (now) => says(now, KETTLE));
      bench.hear(100, (now) => burning(now));
      expect(isAlarm(bench), `after ${i + 1} s`).toBe(false);
    }
    bench.wait(999);
    expect(isAlarm(bench)).toBe(false);
    // Without any input: the panel wakes up for it.
    expect(bench.panel.nextDueMs).toBe(bench.nowMs + 1);
    bench.wait(1);
    expect(isAlarm(bench)).toBe(true);
    expect(lastOf(bench, 'alarm').summary).toContain('after 60 s held back by the model');
    expect(bench.types()).toContain('verifyingEnded');
  });

  it.each<[string, (now: number) => readonly EvidenceWindow[]]>([
    ['the model is not sure any more', (now) => [says(now, UNSURE)]],
    ['the model believes in fire', (now) => [says(now, FIRE)]],
    ['the model speaks of another region', (now) => [says(now, KETTLE, 2)]],
    [
      'another region burns, too',
      (now) => [
        picture(now, [
          { peakCelsius: 80, signs: RISING },
          { peakCelsius: 70, signs: RISING, track: 2 },
        ]),
      ],
    ],
    ['the region passes critical', (now) => [burning(now, 120)]],
    ['a flame detector agrees', (now) => [level('DIO', now, 1)]],
    ['smoke comes', (now) => [level('ADC1', now, 10), level('ADC1', now, 90)]],
  ])('ends at once when %s', (_, make) => {
    const bench = held();
    bench.hear(2_000, make);
    expect(isAlarm(bench)).toBe(true);
  });

  it('ends at once when somebody presses a call point', () => {
    const bench = held();
    bench.signal({ role: 'manualCallPoint', active: true, zone: HALL });
    expect(isAlarm(bench)).toBe(true);
  });

  it('ends when the model falls silent: its opinion grows old', () => {
    const bench = held();
    const { freshnessMs } = bench.panel.plan.zones[0]!.sources[0]!;
    const deadMs = 1_010 + freshnessMs;
    while (bench.nowMs + 1_000 < deadMs) {
      bench.hear(1_000, (now) => burning(now));
      expect(isAlarm(bench)).toBe(false);
    }
    bench.wait(deadMs - bench.nowMs);
    expect(isAlarm(bench)).toBe(false);
    bench.wait(1);
    expect(isAlarm(bench)).toBe(true);
  });

  it('ends when a second area burns that the model has not judged', () => {
    const area = { sensor: BOARD, channel: 'thermal_stove', role: 'thermal' } as const;
    const sources = [{ ...area, channel: 'thermal' }, area];
    const bench = new Bench(onePlan({ sources }));
    const burn = (now: number, channel: string) =>
      picture(now, [{ peakCelsius: 80, signs: RISING }], channel);
    bench.hear(0, (now) => [says(now, KETTLE), burn(now, 'thermal')]);
    expect(isAlarm(bench)).toBe(false);
    bench.hear(1_000, (now) => [says(now, KETTLE, 1, 'thermal_stove')]);
    bench.hear(0, (now) => burn(now, 'thermal_stove'));
    expect(isAlarm(bench)).toBe(false);
    bench.hear(1_000, (now) => says(now, UNSURE, 1, 'thermal_stove'));
    expect(isAlarm(bench)).toBe(true);
  });

  it('never holds back what no model has judged, or what it is switched off for', () => {
    const silent = zone();
    silent.hear(0, (now) => burning(now));
    expect(isAlarm(silent)).toBe(true);
    expect(isAlarm(held({ holdBackMs: 0 }))).toBe(true);
  });

  it.each([
    [0.2, false],
    [0.201, true],
  ])('a belief of %f in fire: alarm %s', (fire, alarms) => {
    const bench = zone();
    bench.hear(0, (now) => says(now, { fire, hotObject: 0.7 }));
    bench.hear(10, (now) => burning(now));
    expect(isAlarm(bench)).toBe(alarms);
  });

  it('does not begin anew when evidence or opinion come and go', () => {
    const bench = held({ holdBackMs: 20_000 });
    const beganMs = bench.nowMs;
    while (bench.nowMs + 4_000 < beganMs + 20_000) {
      // The sign is gone for a while: nothing amounts to an alarm.
      bench.hear(2_000, (now) => [steady(now), says(now, KETTLE)]);
      bench.hear(2_000, (now) => burning(now));
      expect(isAlarm(bench)).toBe(false);
    }
    bench.hear(beganMs + 20_000 - bench.nowMs, (now) => [burning(now), says(now, KETTLE)]);
    expect(isAlarm(bench)).toBe(true);
  });

  it('is given anew once there was nothing for a minute', () => {
    const bench = held({ holdBackMs: 20_000 });
    for (let i = 0; i < 20; i += 1) bench.hear(4_000, (now) => picture(now, [{ peakCelsius: 45 }]));
    bench.hear(0, (now) => [says(now, KETTLE), burning(now)]);
    expect(isAlarm(bench)).toBe(false);
  });

  it('is not given after a reset: what still burns alarms again at once', () => {
    const bench = held({ holdBackMs: 5_000 });
    bench.hear(5_000, (now) => [burning(now), says(now, KETTLE)]);
    expect(isAlarm(bench)).toBe(true);
    bench.command({ kind: 'reset', zone: HALL });
    expect(isAlarm(bench)).toBe(true);
  });

  it('runs beside a verification time: the longer of the two', () => {
    const bench = held({ holdBackMs: 5_000, verificationMs: 8_000 });
    bench.hear(7_999, (now) => [burning(now), says(now, KETTLE)]);
    expect(isAlarm(bench)).toBe(false);
    bench.wait(1);
    expect(isAlarm(bench)).toBe(true);
  });

  it('tells what it was held back for when a walk test or disablement ends it', () => {
    const bench = held();
    bench.command({ kind: 'disable', zone: HALL, forMs: 60_000 });
    expect(view(bench).verifying).toBe(false);
    expect(bench.types()).toContain('verifyingEnded');
  });
});

describe('the explanation', () => {
  it('tells ages, what could not speak, and what the model said too long ago', () => {
    const sources = [
      { sensor: BOARD, channel: 'thermal', role: 'thermal' },
      { sensor: BOARD, channel: 'ADC1', role: 'smoke', warmUpMs: 60_000 },
      { sensor: BOARD, channel: 'DIO', role: 'flameDigital' },
    ] as const;
    const bench = new Bench(onePlan({ sources }));
    bench.hear(0, (now) => [level('ADC1', now, 10), says(now, UNSURE)]);
    bench.hear(12_000, (now) => [level('ADC1', now, 10), steady(now)]);
    bench.hear(2_000, (now) => [level('ADC1', now, 10), says(now - 14_000, UNSURE)]);
    const why = lastOf(bench, 'preAlarm');
    expect(why.warmingUp).toEqual([{ sensor: BOARD, channel: 'ADC1' }]);
    expect(why.stale).toEqual([{ sensor: BOARD, channel: 'DIO' }]);
    expect(why.summary).toContain('not heard lately board-1/DIO; warming up board-1/ADC1');
    expect(why.summary).toContain('the model saw a hot object (70 %), 12.0 s ago');
    bench.hear(500, (now) => [level('DIO', now, 1)]);
    const alarm = lastOf(bench, 'alarm');
    expect(alarm.summary).toContain('scene median 22.0 C), 2.5 s ago');
    expect(alarm.summary).toContain('14.5 s ago, too old to count');
    const later = new Bench(onePlan({ sources }));
    later.hear(0, (now) => says(now, UNSURE));
    later.hear(30_000, (now) => steady(now));
    expect(lastOf(later, 'preAlarm')).not.toHaveProperty('model');
  });
});

describe('what is critical', () => {
  const critical = (bench: Bench) => bench.hear(100, (now) => steady(now, 130));

  it('is never held back by default', () => {
    const bench = held();
    critical(bench);
    expect(isAlarm(bench)).toBe(true);
    const direct = zone();
    direct.hear(0, (now) => says(now, KETTLE));
    critical(direct);
    expect(isAlarm(direct)).toBe(true);
  });

  it('is held back for its own time at most, counted from when it became critical', () => {
    const bench = held({ holdBackCriticalMs: 10_000 });
    bench.hear(5_000, (now) => [says(now, KETTLE), burning(now, 130)]);
    const beganMs = bench.nowMs;
    bench.hear(5_000, (now) => [says(now, KETTLE), burning(now, 110)]);
    bench.hear(4_999, (now) => [says(now, KETTLE), burning(now, 130)]);
    expect(isAlarm(bench)).toBe(false);
    bench.wait(beganMs + 10_000 - bench.nowMs);
    expect(isAlarm(bench)).toBe(true);
  });

  it('counts before it is confirmed: the signs are', () => {
    const bench = new Bench(onePlan({ confirmations: 2 }));
    bench.hear(4_090, (now) => steady(now));
    bench.hear(4_090, (now) => [says(now, KETTLE), burning(now)]);
    expect(isAlarm(bench)).toBe(false);
    bench.hear(4_090, (now) => [says(now, KETTLE), burning(now, 125)]);
    expect(isAlarm(bench)).toBe(true);
  });

  it('is not held back where a flame agrees', () => {
    const bench = held({ holdBackCriticalMs: 10_000 });
    bench.hear(1_000, (now) => [says(now, KETTLE), burning(now, 130)]);
    expect(isAlarm(bench)).toBe(false);
    bench.hear(1_000, (now) => level('DIO', now, 1));
    expect(isAlarm(bench)).toBe(true);
  });

  it('does not prolong what was held back before', () => {
    const bench = held({ holdBackMs: 8_000, holdBackCriticalMs: 8_000 });
    bench.hear(7_000, (now) => [says(now, KETTLE), burning(now, 130)]);
    expect(isAlarm(bench)).toBe(false);
    bench.wait(1_000);
    expect(isAlarm(bench)).toBe(true);
  });
});

/** One thing that happens, after some time. */
type Turn = readonly [afterMs: number, what: keyof typeof MAKE];
const MAKE = {
  burning: (now: number) => burning(now),
  burningTwice: (now: number) =>
    picture(now, [
      { peakCelsius: 90, signs: RISING },
      { peakCelsius: 70, signs: RISING, track: 2 },
    ]),
  steady: (now: number) => steady(now),
  cold: (now: number) => picture(now, [{ peakCelsius: 45 }]),
  critical: (now: number) => burning(now, 130),
  kettle: (now: number) => says(now, KETTLE),
  otherKettle: (now: number) => says(now, KETTLE, 2),
  fire: (now: number) => says(now, FIRE),
  unsure: (now: number) => says(now, UNSURE),
} as const;
const WORDS = ['kettle', 'otherKettle', 'fire', 'unsure'] as const;

const turn = (...what: (keyof typeof MAKE)[]): fc.Arbitrary<Turn> =>
  fc.tuple(fc.integer({ min: 0, max: 4_000 }), fc.constantFrom(...what));
const anything = turn(...(Object.keys(MAKE) as (keyof typeof MAKE)[]));

describe('whatever happens', () => {
  const limits = { holdBackMs: 20_000, holdBackCriticalMs: 3_000 };

  it('an alarm comes at the latest when its time is over and the signs stand', () => {
    fc.assert(
      fc.property(
        fc.array(anything, { maxLength: 30 }),
        fc.array(turn('burning', 'burningTwice', ...WORDS), { maxLength: 40 }),
        (before, standing) => {
          const bench = zone(limits);
          const bare = zone({ holdBackMs: 0 });
          for (const [afterMs, what] of before) both(bench, bare, afterMs, what);
          // From here on the region burns, and a frame shows it at least every 4 s.
          both(bench, bare, 0, 'burning');
          const fromMs = bench.nowMs;
          for (const [afterMs, what] of standing) {
            both(bench, bare, afterMs, what);
            both(bench, bare, 0, 'burning');
            if (bench.nowMs - fromMs >= limits.holdBackMs) expect(isAlarm(bench)).toBe(true);
          }
          expect(isAlarm(bare)).toBe(true);
        },
      ),
    );
  });

  it('critical is never later than its own time after it would have been', () => {
    fc.assert(
      fc.property(
        fc.array(anything, { maxLength: 30 }),
        fc.array(turn('critical', ...WORDS), { minLength: 1, maxLength: 20 }),
        (before, standing) => {
          const bench = zone(limits);
          for (const [afterMs, what] of before) bench.hear(afterMs, MAKE[what]);
          bench.hear(0, MAKE.critical);
          const fromMs = bench.nowMs;
          for (const [afterMs, what] of standing) {
            bench.hear(afterMs, MAKE[what]);
            bench.hear(0, MAKE.critical);
            const late = bench.nowMs - fromMs >= limits.holdBackCriticalMs;
            if (late) expect(isAlarm(bench)).toBe(true);
          }
        },
      ),
    );
  });

  it('with no time for it, a model changes nothing but to alarm earlier', () => {
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 40 }), (turns) => {
        const bench = zone({ holdBackMs: 0 });
        const bare = zone({ holdBackMs: 0 });
        for (const [afterMs, what] of turns) {
          bench.hear(afterMs, MAKE[what]);
          if (isWord(what)) bare.wait(afterMs);
          else bare.hear(afterMs, MAKE[what]);
          if (isAlarm(bare)) expect(isAlarm(bench)).toBe(true);
        }
      }),
    );
  });

  it('opinions that nobody may believe are as good as none', () => {
    const strange = fc.constantFrom<(now: number) => EvidenceWindow>(
      (now) => says(now, KETTLE, 99),
      (now) => says(now - 12_271, KETTLE),
      (now) => says(now - 12_271, FIRE),
      (now) => says(now, { fire: 2 }),
      (now) => says(now, { hotObject: Number.POSITIVE_INFINITY }),
    );
    const evidence = turn('burning', 'burningTwice', 'steady', 'cold', 'critical');
    fc.assert(
      fc.property(fc.array(fc.tuple(evidence, strange), { maxLength: 40 }), (turns) => {
        const bench = zone();
        const bare = zone();
        for (const [[afterMs, what], make] of turns) {
          bench.hear(afterMs, make);
          bare.wait(afterMs);
          bench.hear(0, MAKE[what]);
          bare.hear(0, MAKE[what]);
          expect(bench.types()).toEqual(bare.types());
        }
      }),
    );
  });
});

const isWord = (what: keyof typeof MAKE) => (WORDS as readonly string[]).includes(what);

/** The same for a zone with a model and for one that has none. */
function both(bench: Bench, bare: Bench, afterMs: number, what: keyof typeof MAKE): void {
  bench.hear(afterMs, MAKE[what]);
  if (isWord(what)) bare.wait(afterMs);
  else bare.hear(afterMs, MAKE[what]);
}
