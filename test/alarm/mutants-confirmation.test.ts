/**
 * What no other test of the panel had noticed to be wrong: found by mutants of `confirmation.ts`
 * (docs/decisions/0012-mutation-testing.md).
 */
import { describe, expect, it } from 'vitest';
import type { Needed, Span, Streak } from '../../src/alarm/confirmation.ts';
import { advanceStreak, heldAtOnce, NO_STREAK } from '../../src/alarm/confirmation.ts';

const over = (value: number) => value >= 50;
const still = (value: number) => value >= 47;

/** Readings of one window, of which the first and the last came at these times. */
function span(firstAtMs: number, lastAtMs: number, ...values: readonly number[]): Span {
  return {
    first: values[0]!,
    last: values.at(-1)!,
    min: Math.min(...values),
    max: Math.max(...values),
    count: values.length,
    firstAtMs,
    lastAtMs,
  };
}

const after = (needed: Needed, ...spans: readonly Span[]): Streak =>
  spans.reduce((streak, next) => advanceStreak(streak, next, over, still, needed), NO_STREAK);

describe('confirmation by time', () => {
  const needed = { confirmations: 1, confirmMs: 5_000 };

  it.each([
    [5_999, false],
    [6_000, true],
  ])('a run since 1000 ms that goes on until %i ms: %s', (untilMs, held) => {
    const streak = after(needed, span(1_000, 1_000, 90), span(untilMs - 10, untilMs, 90, 90));
    expect(streak).toEqual({ count: 3, sinceMs: 1_000, held });
  });

  it.each([
    [5_999, false],
    [6_000, true],
  ])('one that ends within a window that begins at %i ms: %s', (firstAtMs, held) => {
    const ends = span(firstAtMs, 9_000, 90, 10, 48);
    expect(after(needed, span(1_000, 1_000, 90), ends)).toEqual({ count: 0, sinceMs: 0, held });
  });

  it('counts from the first reading of a window that is over altogether', () => {
    expect(after(needed, span(1_000, 6_000, 90, 90))).toEqual({
      count: 2,
      sinceMs: 1_000,
      held: true,
    });
  });

  it('does not count the time before the run', () => {
    expect(after(needed, span(9_000, 9_500, 90, 90)).held).toBe(false);
  });

  it('is not reached by a reading in the midst of a window', () => {
    const streak = after(needed, span(1_000, 9_000, 10, 90, 10));
    expect(streak).toBe(NO_STREAK);
  });

  it('is not reached by the first reading of a long window', () => {
    expect(after(needed, span(1_000, 9_000, 90, 10, 48)).held).toBe(false);
  });

  it('begins with the last reading where only that is over', () => {
    const streak = after(needed, span(1_000, 9_000, 10, 90));
    expect(streak).toEqual({ count: 1, sinceMs: 9_000, held: false });
    const begun = span(13_999, 13_999, 48);
    expect(advanceStreak(streak, begun, over, still, needed).held).toBe(false);
    expect(advanceStreak(streak, span(14_000, 14_000, 48), over, still, needed).held).toBe(true);
  });
});

describe('confirmation by readings', () => {
  const needed = { confirmations: 3, confirmMs: 0 };

  it('counts the first reading of a window in which the run ends', () => {
    const two = span(0, 1, 90, 90);
    expect(after(needed, two, span(2, 4, 48, 10, 48)).held).toBe(true);
    expect(after(needed, span(0, 0, 90), span(2, 4, 48, 10, 48)).held).toBe(false);
  });

  it('a run does not begin below the limit, and does not count readings from before it', () => {
    expect(after(needed, span(0, 2, 48, 48, 48))).toBe(NO_STREAK);
    expect(after(needed, span(0, 2, 48, 90, 90)).count).toBe(1);
  });

  it('with one needed and a time, a single reading does not confirm', () => {
    const one = span(0, 2, 10, 90, 10);
    expect(after({ confirmations: 1, confirmMs: 1 }, one).held).toBe(false);
    expect(after({ confirmations: 2, confirmMs: 0 }, one).held).toBe(false);
    expect(after({ confirmations: 1, confirmMs: 0 }, one).held).toBe(true);
  });
});

describe('what is confirmed', () => {
  const needed = { confirmations: 2, confirmMs: 0 };
  const confirmed = { count: 2, sinceMs: 0, held: true };

  it('is left through the hysteresis by the last reading', () => {
    const next = (...values: readonly number[]) =>
      advanceStreak(confirmed, span(5, 9, ...values), over, still, { ...needed, confirmations: 9 });
    expect(next(48, 10, 48)).toEqual({ count: 0, sinceMs: 0, held: true });
    expect(next(48, 10)).toEqual({ count: 0, sinceMs: 0, held: false });
    expect(next(10, 90)).toEqual({ count: 1, sinceMs: 9, held: true });
  });

  it('without a run it changes only when it is left', () => {
    const rests = { count: 0, sinceMs: 0, held: true };
    expect(advanceStreak(rests, span(5, 9, 10, 48), over, still, needed)).toBe(rests);
    const left = advanceStreak(rests, span(5, 9, 10, 10), over, still, needed);
    expect(left).toEqual(NO_STREAK);
  });

  it('by its history goes on with the run there is, or begins one', () => {
    expect(heldAtOnce({ count: 3, sinceMs: 7, held: false }, 20)).toEqual({
      count: 3,
      sinceMs: 7,
      held: true,
    });
    expect(heldAtOnce(NO_STREAK, 20)).toEqual({ count: 1, sinceMs: 20, held: true });
  });
});
