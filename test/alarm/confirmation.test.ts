import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { advanceStreak, NO_STREAK } from '../../src/alarm/confirmation.ts';
import { level } from './make.ts';

describe('confirmation', () => {
  const LIMIT = 50;
  const over = (value: number) => value >= LIMIT;
  const still = (value: number) => value >= LIMIT - 3;
  /** Judges packet by packet: what a window-less appliance would do. */
  function exact(packets: readonly number[], confirmations: number): boolean {
    let row = 0;
    for (const value of packets) {
      row = over(value) || (row > 0 && still(value)) ? row + 1 : 0;
      if (row >= confirmations) return true;
    }
    return false;
  }
  function windowed(windows: readonly (readonly number[])[], confirmations: number): boolean {
    let streak = NO_STREAK;
    return windows.some((values, i) => {
      const needed = { confirmations, confirmMs: 0 };
      streak = advanceStreak(streak, level('X', i * 100, values), over, still, needed);
      return streak.held;
    });
  }
  const readings = fc.constantFrom(10, 46.999, 47, 49.999, 50, 90);
  const anyWindow = fc.array(readings, { minLength: 1, maxLength: 6 });
  const smallWindow = fc.array(readings, { minLength: 1, maxLength: 2 });

  it('with one, any single reading over the limit counts', () => {
    fc.assert(
      fc.property(fc.array(anyWindow, { maxLength: 8 }), (windows) => {
        expect(windowed(windows, 1)).toBe(exact(windows.flat(), 1));
      }),
    );
  });

  it('with more, windows of up to two readings lose nothing', () => {
    fc.assert(
      fc.property(
        fc.array(smallWindow, { maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        (windows, n) => {
          expect(windowed(windows, n)).toBe(exact(windows.flat(), n));
        },
      ),
    );
  });

  it('never invents a run', () => {
    fc.assert(
      fc.property(
        fc.array(anyWindow, { maxLength: 8 }),
        fc.integer({ min: 1, max: 6 }),
        (windows, n) => {
          if (windowed(windows, n)) expect(exact(windows.flat(), n)).toBe(true);
        },
      ),
    );
  });

  it('one dip within the hysteresis does not lose the reading before it', () => {
    expect(windowed([[90], [48]], 2)).toBe(true);
    expect(windowed([[90], [46]], 2)).toBe(false);
    expect(windowed([[48], [48]], 2)).toBe(false);
  });

  it('confirms a lasting crossing, whatever came before', () => {
    fc.assert(
      fc.property(
        fc.array(anyWindow, { maxLength: 6 }),
        fc.integer({ min: 1, max: 6 }),
        (before, n) => {
          const after = Array.from({ length: n }, () => [90]);
          expect(windowed([...before, ...after], n)).toBe(true);
        },
      ),
    );
  });
});
