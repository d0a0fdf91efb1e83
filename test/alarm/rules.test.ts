import fc from 'fast-check';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { SourceInput } from '../../src/alarm/make-plan.ts';
import type { SourcePlan } from '../../src/alarm/plan.ts';
import type { BelievableWindow, IdleMemory, RuleRun, Verdict } from '../../src/alarm/rule.ts';
import { gasRatio, sensorKiloohm } from '../../src/domain/gas.ts';
import { rules, rulesFor } from '../../src/alarm/rules/index.ts';
import { BOARD, frame, heat, heats, level, onePlan } from './make.ts';

const IDLE: IdleMemory = { idlePercent: 10, anchorPercent: 10 };

function source(role: SourcePlan['role'], more: Partial<SourceInput> = {}): SourcePlan {
  const plan = onePlan({
    sources: [{ sensor: BOARD, channel: 'X', role, ...more }],
  });
  return plan.zones[0]!.sources[0]!;
}

/** Runs one rule over windows and tells the verdict after each. */
function run(
  name: string,
  windows: readonly BelievableWindow[],
  more: Partial<SourceInput> = {},
  memory: IdleMemory | null = IDLE,
): { readonly verdicts: readonly Verdict[]; readonly last: RuleRun; readonly plan: SourcePlan } {
  const rule = rules.find((each) => each.name === name)!;
  const plan = source(rule.role, more);
  let at = rule.start(plan, memory);
  const verdicts = windows.map((window) => {
    const nowMs = window.kind === 'level' ? window.lastAtMs : window.last.atMs;
    at = at.judge(window, nowMs, plan, true);
    return at.verdict;
  });
  return { verdicts, last: at, plan };
}

const levels = (result: { readonly verdicts: readonly Verdict[] }) =>
  result.verdicts.map((verdict) => verdict.level);

describe('the list of rules', () => {
  it('names every file in the folder, and every role has a rule', () => {
    const files = readdirSync('src/alarm/rules').filter((file) => file !== 'index.ts');
    expect(files).toHaveLength(rules.length);
    for (const role of ['thermal', 'smoke', 'gas', 'flame', 'flameDigital'] as const) {
      expect(rulesFor(role).length).toBeGreaterThan(0);
    }
  });
});

describe('fixedTemperature', () => {
  it.each([
    [59.99, 'clear'],
    [60, 'suspect'],
    [119.99, 'suspect'],
    [120, 'alarm'],
    [1200, 'alarm'],
  ])('%f C is %s', (celsius, expected) => {
    expect(levels(run('fixedTemperature', [heat(0, celsius)]))).toEqual([expected]);
  });

  it('needs its confirmations in a row', () => {
    const frames = [61, 61, 50, 61, 61, 61].map((celsius, i) => heat(i * 4090, celsius));
    expect(levels(run('fixedTemperature', frames, { confirmations: 3 }))).toEqual([
      'pending',
      'pending',
      'clear',
      'pending',
      'pending',
      'suspect',
    ]);
  });

  it('lets go only below the hysteresis', () => {
    const frames = [60, 57, 56.9].map((celsius, i) => heat(i, celsius));
    expect(levels(run('fixedTemperature', frames))).toEqual(['suspect', 'suspect', 'clear']);
  });

  it('sees a single frame over critical among cooler ones of one window', () => {
    const window = heats([frame(0, 20), frame(1, 130), frame(2, 20)]);
    expect(levels(run('fixedTemperature', [window]))).toEqual(['alarm']);
  });

  it('waits for confirmMs', () => {
    const frames = [0, 1_000, 2_000].map((atMs) => heat(atMs, 70));
    expect(levels(run('fixedTemperature', frames, { confirmMs: 2_000 }))).toEqual([
      'pending',
      'pending',
      'suspect',
    ]);
  });
});

describe('fireSigns', () => {
  it.each([
    [{}, 'clear'],
    [{ riseCelsiusPerMinute: 8 }, 'clear'],
    [{ riseCelsiusPerMinute: 89.9 }, 'clear'],
    [{ riseCelsiusPerMinute: 90 }, 'suspect'],
    [{ growthPixelsPerMinute: 149.9 }, 'clear'],
    [{ growthPixelsPerMinute: 150 }, 'suspect'],
    [{ flickerCelsius: 4.9 }, 'clear'],
    [{ flickerCelsius: 5 }, 'suspect'],
  ])('%o is %s', (signs, expected) => {
    expect(levels(run('fireSigns', [heat(0, 80, signs)]))).toEqual([expected]);
  });

  it('sees the sign of the hottest frame of a window', () => {
    const burning = { riseCelsiusPerMinute: 90 };
    const window = heats([frame(0, 100, burning), frame(1, 90)]);
    expect(levels(run('fireSigns', [window]))).toEqual(['suspect']);
  });
});

describe.each([
  ['smoke', 'alarm', 40],
  ['flame', 'suspect', 60],
] as const)('%s', (name, confirmed, fallback) => {
  it('judges above its learnt idle', () => {
    expect(levels(run(name, [level('X', 0, 24.99)]))).toEqual(['clear']);
    expect(levels(run(name, [level('X', 0, 25)]))).toEqual([confirmed]);
  });

  it('has hysteresis', () => {
    const windows = [25, 22, 21.9].map((value, i) => level('X', i, value));
    expect(levels(run(name, windows))).toEqual([confirmed, confirmed, 'clear']);
  });

  it('turns a falling polarity', () => {
    const more = { polarity: 'falling' } as const;
    const memory = { idlePercent: 90, anchorPercent: 90 };
    expect(levels(run(name, [level('X', 0, 75.1)], more, memory))).toEqual(['clear']);
    expect(levels(run(name, [level('X', 0, 75)], more, memory))).toEqual([confirmed]);
    const dip = level('X', 0, [90, 20, 90]);
    expect(levels(run(name, [dip], more, memory))).toEqual([confirmed]);
  });

  it('is not blind before anything is learnt', () => {
    expect(levels(run(name, [level('X', 0, fallback - 0.1)], {}, null))).toEqual(['clear']);
    expect(levels(run(name, [level('X', 0, fallback)], {}, null))).toEqual([confirmed]);
  });

  it('judges above a provisional idle while it learns', () => {
    const quiet = [0, 4_000, 8_000].map((atMs) => level('X', atMs, 10));
    const result = run(name, [...quiet, level('X', 12_000, 25)], {}, null);
    expect(levels(result).at(-1)).toBe(confirmed);
  });

  it('learns the real idle in a minute', () => {
    const windows = Array.from({ length: 17 }, (_, i) => level('X', i * 4_090, 12 + (i % 3)));
    const { last, plan } = run(name, windows, {}, null);
    expect(last.facts).toMatchObject({ phase: 'learnt', idlePercent: 13 });
    expect(last.remember(plan)).toMatchObject({ idlePercent: 13, anchorPercent: 13 });
  });

  it('never learns what is at or above the fallback limit', () => {
    const windows = Array.from({ length: 60 }, (_, i) => level('X', i * 4_090, fallback + 1));
    const { last } = run(name, windows, {}, null);
    expect(last.facts?.phase).toBe('learning');
    expect(last.verdict.level).toBe(confirmed);
  });

  it('warms up as a shown state, suspect at most', () => {
    const more = { warmUpMs: 10_000 };
    const early = run(name, [level('X', 0, 90)], more, null);
    expect(early.last.facts?.phase).toBe('warmingUp');
    expect(levels(early)).toEqual(['suspect']);
    const late = run(name, [level('X', 0, 10), level('X', 10_000, 10)], more, null);
    expect(late.last.facts?.phase).toBe('learning');
  });

  it('tells a stuck rail after its time, and forgets it when the channel moves', () => {
    for (const rail of [0, 100]) {
      const at = (ms: number, value: number) => level('X', ms, value);
      const stuck = run(name, [at(0, rail), at(29_999, rail)]).last.facts;
      expect(stuck?.railStuck).toBeNull();
      const held = [at(0, rail), at(15_000, rail), at(30_000, rail)];
      expect(run(name, held).last.facts?.railStuck).toContain('%');
      expect(run(name, [...held, at(30_001, 10)]).last.facts?.railStuck).toBeNull();
    }
  });
});

describe('idle levels cannot be taught away', () => {
  const hours = (rate: number, until: number) => {
    const windows: BelievableWindow[] = [];
    for (let atMs = 0; atMs <= until * 3_600_000; atMs += 30_000) {
      windows.push(level('X', atMs, Math.min(100, 10 + (rate * atMs) / 3_600_000)));
    }
    return windows;
  };

  it('follows a slow drift within its cap', () => {
    const { last } = run('smoke', hours(0.5, 4));
    expect(last.facts?.idlePercent).toBeCloseTo(12, 1);
    expect(last.verdict.level).toBe('clear');
    // Drift beyond 5 % of the anchor is not followed any more.
    expect(run('smoke', hours(0.5, 16)).last.facts?.idlePercent).toBe(15);
  });

  it('alarms at the latest 20 % above the first idle, however slowly a fire smoulders', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.6, max: 50, noNaN: true }), (rate) => {
        const { verdicts } = run('smoke', hours(rate, 21 / rate));
        return verdicts.at(-1)?.level === 'alarm';
      }),
      { numRuns: 15 },
    );
  });

  it('stands still while the zone is off-normal', () => {
    const rule = rules.find((each) => each.name === 'smoke')!;
    const plan = source('smoke');
    let at = rule.start(plan, IDLE);
    for (let i = 0; i < 500; i += 1) {
      at = at.judge(level('X', i * 30_000, 12), i * 30_000, plan, false);
    }
    expect(at.facts?.idlePercent).toBe(10);
  });
});

describe('flameDigital', () => {
  it('takes 1 for detected, also as a single packet among zeros', () => {
    expect(levels(run('flameDigital', [level('X', 0, 0)]))).toEqual(['clear']);
    expect(levels(run('flameDigital', [level('X', 0, [0, 1, 0])]))).toEqual(['suspect']);
    const two = [level('X', 0, 1), level('X', 1, 1)];
    expect(levels(run('flameDigital', two, { confirmations: 2 }))).toEqual(['pending', 'suspect']);
  });

  it('can be wired the other way round', () => {
    const more = { polarity: 'falling' } as const;
    expect(levels(run('flameDigital', [level('X', 0, 1)], more))).toEqual(['clear']);
    expect(levels(run('flameDigital', [level('X', 0, 0)], more))).toEqual(['suspect']);
  });
});

describe('gas', () => {
  it('computes Rs as the divider says', () => {
    expect(sensorKiloohm(50)).toBeCloseTo(10, 9);
    expect(sensorKiloohm(20)).toBeCloseTo(40, 9);
    expect(sensorKiloohm(100)).toBe(0.1);
    expect(Number.isFinite(sensorKiloohm(0))).toBe(true);
    expect(gasRatio(20, 20)).toBe(1);
  });

  it('alarms below the ratio and not at it', () => {
    // Idle 20 %: Rs/RL 4; 0.4 of that is 1.6, at 100/2.6 = 38.4615 % of full scale.
    const memory = { idlePercent: 20, anchorPercent: 20 };
    const at = (value: number) =>
      levels(run('gas', [level('X', 0, value)], { warmUpMs: 0 }, memory)).at(-1);
    expect(at(38.46)).toBe('clear');
    expect(at(38.47)).toBe('alarm');
  });
});
