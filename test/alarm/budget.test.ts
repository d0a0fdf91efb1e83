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
        ' within the budget of 10 s',
    );
    expect(timeBudget(onePlan({ confirmations: 3 }))[0]).toMatchObject({
      worstMs: 13_170,
      withinBudget: false,
    });
  });

  it('counts verification and confirmation time', () => {
    expect(timeBudget(onePlan({ verificationMs: 2_000 }))[0]!.worstMs).toBe(6_990);
    expect(timeBudget(onePlan({ confirmMs: 5_000 }))[0]!.worstMs).toBe(3 * 4_090 + 900);
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
