import { describe, expect, it } from 'vitest';
import { makePlan } from '../../src/alarm/make-plan.ts';
import type { PartialLimits, SourceInput } from '../../src/alarm/make-plan.ts';
import { viewOf } from '../../src/alarm/panel.ts';
import type { BelievableWindow, Verdict } from '../../src/alarm/rule.ts';
import { rules } from '../../src/alarm/rules/index.ts';
import type { FireSigns, RegionEvidence } from '../../src/domain/evidence.ts';
import type { Hours } from '../../src/domain/step.ts';
import { BOARD, Bench, frame, HALL, heat, heats, NO_SIGNS, onePlan, picture } from './make.ts';

const RISING: FireSigns = { ...NO_SIGNS, riseCelsiusPerMinute: 90 };

/** Runs one rule of a thermal source over windows and tells each verdict. */
function verdicts(
  name: string,
  windows: readonly BelievableWindow[],
  more: Partial<SourceInput> = {},
): readonly Verdict[] {
  const plan = onePlan({
    sources: [{ sensor: BOARD, channel: 'thermal', role: 'thermal', ...more }],
  }).zones[0]!.sources[0]!;
  let at = rules.find((rule) => rule.name === name)!.start(plan, null);
  return windows.map((window) => {
    at = at.judge(window, window.kind === 'level' ? 0 : window.last.atMs, plan, true);
    return at.verdict;
  });
}

const levels = (...args: Parameters<typeof verdicts>) =>
  verdicts(...args).map((verdict) => verdict.level);

function zone(limits: PartialLimits = {}, more: object = {}): Bench {
  return new Bench(onePlan({ limits, confirmations: 2, ...more }));
}

const shown = (bench: Bench) => viewOf(bench.panel, bench.nowMs).condition;

describe('every region counts, not only the hottest', () => {
  const kettle = { track: 1, peakCelsius: 90 };
  const fire = { track: 2, peakCelsius: 65, signs: RISING, trackedFrames: 9, trackedMs: 36_000 };

  it('a fire beside a hotter kettle alarms', () => {
    const bench = zone();
    bench.hear(4_090, (now) => picture(now, [kettle]));
    bench.hear(4_090, (now) => picture(now, [kettle]));
    expect(shown(bench)).toBe('preAlarm');
    bench.hear(4_090, (now) => picture(now, [kettle, fire]));
    expect(shown(bench)).toBe('alarm');
  });

  it('a sign of a region below its limit makes no fire of a kettle', () => {
    const bench = zone();
    for (let i = 0; i < 5; i += 1) {
      bench.hear(4_090, (now) => picture(now, [kettle, { ...fire, peakCelsius: 45 }]));
    }
    expect(shown(bench)).toBe('preAlarm');
  });

  it('tells the sign of the hottest region that shows one, and all of them', () => {
    const person = {
      ...fire,
      track: 3,
      peakCelsius: 50,
      signs: { ...RISING, riseCelsiusPerMinute: 400 },
    };
    const windows = [picture(0, [{ ...fire, signs: RISING }, person])];
    const [verdict] = verdicts('fireSigns', windows);
    expect(verdict).toMatchObject({ value: 90, tracks: [2, 3] });
  });
});

describe('a region with a history is confirmed by it', () => {
  const seen = { peakCelsius: 61, signs: RISING, trackedFrames: 3, trackedMs: 8_180 };
  const at = (more: Partial<RegionEvidence>, needed: Partial<SourceInput> = {}) =>
    levels('fixedTemperature', [picture(0, [{ ...seen, ...more }])], {
      confirmations: 2,
      confirmMs: 2_000,
      ...needed,
    })[0];

  it('alarms with the first frame over the limit', () => {
    expect(at({})).toBe('suspect');
    const bench = zone();
    bench.hear(4_090, (now) => picture(now, [{ ...seen, peakCelsius: 58 }]));
    expect(shown(bench)).toBe('normal');
    bench.hear(4_090, (now) => picture(now, [seen]));
    expect(shown(bench)).toBe('alarm');
  });

  it.each<[string, Partial<RegionEvidence>]>([
    ['is seen for the first time', { trackedFrames: 1 }],
    ['is known for too short a time', { trackedMs: 1_999 }],
    ['does not climb', { signs: NO_SIGNS }],
    ['climbs like a kettle', { signs: { ...NO_SIGNS, riseCelsiusPerMinute: 20 } }],
    ['only flickers', { signs: { ...NO_SIGNS, flickerCelsius: 50 } }],
  ])('waits where the region %s', (_, more) => {
    expect(at(more)).toBe('pending');
  });

  it('counts growth like a rise', () => {
    expect(at({ signs: { ...NO_SIGNS, growthPixelsPerMinute: 200 } })).toBe('suspect');
  });

  it('never shortens the confirmation of critical', () => {
    const hot = { ...seen, peakCelsius: 130 };
    expect(at(hot)).toBe('suspect');
    const two = [picture(0, [hot]), picture(4_090, [hot])];
    expect(levels('fixedTemperature', two, { confirmations: 2 })).toEqual(['suspect', 'alarm']);
  });

  it('a glitch upon a warm body waits, however long the body is there', () => {
    const body = { peakCelsius: 36, trackedFrames: 500, trackedMs: 2_000_000 };
    const windows = [picture(0, [body]), picture(125, [{ ...body, peakCelsius: 95 }])];
    expect(levels('fixedTemperature', windows, { confirmations: 2 })).toEqual(['clear', 'pending']);
  });
});

describe('confirmation in seconds', () => {
  it('holds at any cadence, with the confirmations as a floor', () => {
    const alarmsAfterMs = (cadenceMs: number) => {
      const frames = Array.from({ length: 200 }, (_, i) => heat(i * cadenceMs, 70));
      const needed = { confirmations: 2, confirmMs: 1_000 };
      return levels('fixedTemperature', frames, needed).indexOf('suspect') * cadenceMs;
    };
    expect([31, 125, 1_000, 4_090].map(alarmsAfterMs)).toEqual([1_023, 1_000, 1_000, 4_090]);
  });
});

describe('the smallest area', () => {
  const limits = { thermal: { smallestPixels: 4 } };
  const small = { areaPixels: 3 };

  it('leaves a smaller region out, up to critical', () => {
    const at = (peakCelsius: number, areaPixels: number) =>
      levels('fixedTemperature', [picture(0, [{ peakCelsius, areaPixels }])], { limits })[0];
    expect(at(119, 3)).toBe('clear');
    expect(at(119, 4)).toBe('suspect');
    // Whoever wants to ignore an iron makes an area of it.
    expect(at(120, 3)).toBe('alarm');
  });

  it('looks past a small hot region at a large warm one', () => {
    const window = picture(0, [
      { ...small, peakCelsius: 100, track: 1 },
      { areaPixels: 9, peakCelsius: 65, track: 2 },
    ]);
    const [verdict] = verdicts('fixedTemperature', [window], { limits });
    expect(verdict).toMatchObject({ level: 'suspect', value: 65, tracks: [2] });
    expect(verdict).toHaveProperty('note', expect.stringContaining('9 pixels'));
  });

  it('holds for a region with a history and for one above its background, too', () => {
    const old = { trackedFrames: 9, trackedMs: 40_000, signs: RISING };
    const seen = [picture(0, [{ ...small, ...old, peakCelsius: 100 }])];
    expect(levels('fixedTemperature', seen, { limits, confirmations: 2 })).toEqual(['clear']);
    const above = (areaPixels: number) =>
      picture(0, [{ areaPixels, peakCelsius: 100, aboveBackgroundCelsius: 70 }]);
    expect(levels('aboveBackground', [above(3)], { limits })).toEqual(['clear']);
    expect(levels('aboveBackground', [above(4)], { limits })).toEqual(['suspect']);
  });

  it('takes a picture that is hot all over for large', () => {
    const all = { ...frame(0, 80), hottest: null, regions: [] };
    expect(levels('fixedTemperature', [heats([all])], { limits })).toEqual(['suspect']);
  });
});

describe('rise over the learnt background', () => {
  const limits = { thermal: { limitCelsius: 150, criticalCelsius: 200 } };
  const above = (peakCelsius: number, aboveBackgroundCelsius: number | null) =>
    picture(0, [{ peakCelsius, aboveBackgroundCelsius }]);

  it.each([
    [100, 39.9, 'clear'],
    [100, 40, 'suspect'],
    [59.9, 45, 'clear'],
    [60, 45, 'suspect'],
    [149, null, 'clear'],
  ])('%f C, %f C above it, is %s', (peak, over, expected) => {
    expect(levels('aboveBackground', [above(peak, over)], { limits })).toEqual([expected]);
  });

  it('is a pre-alarm by itself, with a fire sign too: what is below the limit is no alarm', () => {
    const bench = zone(limits);
    const machine = { peakCelsius: 110, aboveBackgroundCelsius: 60, signs: RISING };
    for (let i = 0; i < 4; i += 1) bench.hear(4_090, (now) => picture(now, [machine]));
    expect(shown(bench)).toBe('preAlarm');
    const { explanation } = viewOf(bench.panel, bench.nowMs).zones[0]!.preAlarm!;
    expect(explanation.summary).toContain('60.0 C (limit 40, +20.0; above the learnt background');
  });

  it('and a flame agree, but it and the limit of one array do not', () => {
    const flame = new Bench(onePlan({ limits }));
    const hot = { peakCelsius: 110, aboveBackgroundCelsius: 60 };
    flame.hear(0, (now) => [
      picture(now, [hot]),
      { ...heatOf('DIO', now), first: 1, last: 1, min: 1, max: 1 },
    ]);
    expect(shown(flame)).toBe('alarm');
    const alone = new Bench(onePlan({ limits: { thermal: { aboveBackgroundCelsius: 5 } } }));
    alone.hear(0, (now) => picture(now, [hot]));
    expect(shown(alone)).toBe('preAlarm');
  });

  it('lets go below its hysteresis', () => {
    const frames = [40, 37, 36.9].map((over, i) =>
      picture(i * 4_090, [{ peakCelsius: 100, aboveBackgroundCelsius: over }]),
    );
    expect(levels('aboveBackground', frames, { limits })).toEqual(['suspect', 'suspect', 'clear']);
  });
});

function heatOf(channel: string, now: number) {
  const same = { first: 0, last: 0, min: 0, max: 0, count: 1, firstAtMs: now, lastAtMs: now };
  return { kind: 'level', sensor: BOARD, channel, ...same } as const;
}

describe('areas of a picture', () => {
  const sources: readonly SourceInput[] = [
    { sensor: BOARD, channel: 'thermal', role: 'thermal' },
    {
      sensor: BOARD,
      channel: 'thermal_stove',
      role: 'thermal',
      limits: { thermal: { limitCelsius: 150, criticalCelsius: 250 } },
    },
  ];

  it('have limits of their own', () => {
    const bench = new Bench(onePlan({ sources }));
    bench.hear(0, (now) => picture(now, [{ peakCelsius: 140 }], 'thermal_stove'));
    expect(shown(bench)).toBe('normal');
    bench.hear(0, (now) => picture(now, [{ peakCelsius: 160 }], 'thermal_stove'));
    expect(shown(bench)).toBe('preAlarm');
    const { summary } = viewOf(bench.panel, bench.nowMs).zones[0]!.preAlarm!.explanation;
    expect(summary).toContain('board-1, area stove 160.0 C (limit 150, +10.0;');
    bench.hear(0, (now) => picture(now, [{ peakCelsius: 121 }]));
    expect(shown(bench)).toBe('alarm');
  });

  it('of one array are no two arrays', () => {
    const bench = new Bench(onePlan({ sources }));
    bench.hear(0, (now) => [
      picture(now, [{ peakCelsius: 160 }], 'thermal_stove'),
      picture(now, [{ peakCelsius: 70 }]),
    ]);
    expect(shown(bench)).toBe('preAlarm');
  });

  it('do not lend one another their signs', () => {
    const bench = new Bench(onePlan({ sources }));
    bench.hear(0, (now) => [
      picture(now, [{ peakCelsius: 100, signs: RISING }], 'thermal_stove'),
      picture(now, [{ peakCelsius: 70 }]),
    ]);
    expect(shown(bench)).toBe('preAlarm');
  });
});

describe('off hours', () => {
  const plan = makePlan({
    zones: [
      {
        id: HALL,
        name: 'Hall',
        confirmations: 1,
        offHours: { thermal: { limitCelsius: 45 }, smoke: { aboveIdlePercent: 5 } },
        sources: [
          { sensor: BOARD, channel: 'thermal', role: 'thermal' },
          {
            sensor: BOARD,
            channel: 'thermal_oven',
            role: 'thermal',
            limits: { thermal: { limitCelsius: 100, riseCelsiusPerMinute: 10 } },
            offHours: { thermal: { limitCelsius: 80 } },
          },
        ],
      },
    ],
  });
  const at = (hours: Hours | null, peakCelsius: number, channel = 'thermal') => {
    const bench = new Bench(plan);
    bench.step({ windows: [picture(0, [{ peakCelsius }], channel)], hours });
    return shown(bench);
  };

  it.each<[Hours | null, number, string]>([
    ['working', 59, 'normal'],
    ['working', 60, 'preAlarm'],
    [null, 59, 'normal'],
    ['off', 44, 'normal'],
    ['off', 45, 'preAlarm'],
    ['unknown', 45, 'preAlarm'],
  ])('%s: %f C is %s', (hours, celsius, expected) => {
    expect(at(hours, celsius)).toBe(expected);
  });

  it("an area's own limits win over those of its zone", () => {
    expect(at('working', 99, 'thermal_oven')).toBe('normal');
    expect(at('off', 79, 'thermal_oven')).toBe('normal');
    expect(at('off', 80, 'thermal_oven')).toBe('preAlarm');
  });

  it('of a zone never loosen what one of its sources has of its own', () => {
    const { otherHours } = makePlan({
      zones: [
        {
          id: HALL,
          name: 'Hall',
          offHours: { thermal: { limitCelsius: 55 } },
          sources: [
            {
              sensor: BOARD,
              channel: 'thermal_store',
              role: 'thermal',
              limits: { thermal: { limitCelsius: 40 } },
            },
          ],
        },
      ],
    }).zones[0]!.sources[0]!;
    expect(otherHours?.off.limits.thermal.limitCelsius).toBe(40);
  });

  it('while the clock is not trusted, each limit is the stricter one', () => {
    const [source] = plan.zones[0]!.sources;
    const { off, unknown } = source!.otherHours!;
    expect(unknown.limits.thermal.limitCelsius).toBe(45);
    expect(unknown.limits.smoke.aboveIdlePercent).toBe(5);
    // The configuration refuses looser limits off hours; a plan that has them is safe all the same.
    const [, oven] = makePlan({
      zones: [
        {
          id: HALL,
          name: 'Hall',
          sources: [
            { sensor: BOARD, channel: 'thermal', role: 'thermal' },
            {
              sensor: BOARD,
              channel: 'thermal_oven',
              role: 'thermal',
              offHours: { thermal: { limitCelsius: 90 } },
            },
          ],
        },
      ],
    }).zones[0]!.sources;
    expect(oven!.otherHours?.off.limits.thermal.limitCelsius).toBe(90);
    expect(oven!.otherHours?.unknown.limits.thermal.limitCelsius).toBe(60);
    expect(off.otherHours).toBeNull();
    const gas = makePlan({
      zones: [
        {
          id: HALL,
          name: 'Hall',
          offHours: { gas: { ratio: 0.6 } },
          sources: [{ sensor: BOARD, channel: 'ADC3', role: 'gas' }],
        },
      ],
    }).zones[0]!.sources[0]!;
    expect(gas.otherHours?.unknown.limits.gas.ratio).toBe(0.6);
  });

  it('a change of hours counts from the next reading on', () => {
    const bench = new Bench(plan);
    const warm = (hours: Hours) =>
      bench.step({ windows: [picture(bench.nowMs, [{ peakCelsius: 50 }])], hours });
    warm('working');
    expect(shown(bench)).toBe('normal');
    warm('off');
    expect(shown(bench)).toBe('preAlarm');
    warm('working');
    bench.wait(10_000);
    expect(shown(bench)).toBe('normal');
  });
});
