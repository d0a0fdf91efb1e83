import { describe, expect, it } from 'vitest';
import { timeBudget } from '../../src/alarm/budget.ts';
import { makePlan } from '../../src/alarm/make-plan.ts';
import { BOARD, HALL, onePlan, SOURCES } from './make.ts';

describe('the time budget', () => {
  it('of a board at 4.09 s that confirms twice is met, three times is not', () => {
    const twice = timeBudget(onePlan({ confirmations: 2 }))[0]!;
    expect(twice).toMatchObject({ worstMs: 9_080, withinBudget: true });
    expect(twice.text).toBe(
      '2 readings x 4.09 s + 0.8 s longer cycle + 0 s verification + 0.1 s step = 9.08 s,' +
        ' within the budget of 10 s; up to 60 s more where a model takes it for harmless,' +
        ' 0 s at critical',
    );
    expect(twice.holdBackMs).toBe(60_000);
    expect(timeBudget(onePlan({ confirmations: 3 }))[0]).toMatchObject({
      worstMs: 13_170,
      withinBudget: false,
    });
  });

  it('counts verification and confirmation time', () => {
    expect(timeBudget(onePlan({ verificationMs: 2_000 }))[0]!.worstMs).toBe(6_990);
    expect(timeBudget(onePlan({ confirmMs: 5_000 }))[0]!.worstMs).toBe(3 * 4_090 + 900);
  });

  it('declares the time that a model may hold back apart from the budget', () => {
    const longest = timeBudget(
      onePlan({ limits: { vision: { holdBackMs: 120_000, holdBackCriticalMs: 10_000 } } }),
    );
    const none = timeBudget(onePlan({ limits: { vision: { holdBackMs: 0 } } }));
    expect(longest.map(({ worstMs }) => worstMs)).toEqual(none.map(({ worstMs }) => worstMs));
    expect(longest[0]!.text).toContain('up to 120 s more');
    expect(longest[0]!.text).toContain('10 s at critical');
    expect(none[0]!.text).not.toContain('model');
    // Smoke, gas and flame are never held back.
    expect(longest.slice(1).map(({ holdBackMs }) => holdBackMs)).toEqual([0, 0, 0]);
    for (const { text } of longest.slice(1)) expect(text).not.toContain('model');
  });

  it('takes a sensor at its own cadence, for every source of every zone', () => {
    const plan = makePlan({
      zones: [{ id: HALL, name: 'Hall', sources: SOURCES }],
      sensors: [{ sensor: BOARD, cadenceMs: 3_000 }],
    });
    const budgets = timeBudget(plan);
    expect(budgets).toHaveLength(SOURCES.length);
    for (const budget of budgets) expect(budget.worstMs).toBe(6_900);
  });
});
