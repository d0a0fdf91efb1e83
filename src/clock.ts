/**
 * The only file that touches timers, Date and chance. Everything else is given a Clock or Random.
 */
import { randomBytes } from 'node:crypto';
import type { Cancel, Clock, Random } from './domain/ports.ts';

/** Real time. `after` timers keep the process alive only while something else does. */
export function systemClock(): Clock {
  return {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    after(delayMs: number, run: () => void): Cancel {
      const timer = setTimeout(run, Math.max(0, delayMs));
      return () => clearTimeout(timer);
    },
    soon(run: () => void): Cancel {
      const immediate = setImmediate(run);
      return () => clearImmediate(immediate);
    },
  };
}

/** Chance from the operating system, buffered because one read per number would be slow. */
export function systemRandom(): Random {
  let pool = randomBytes(1024);
  let used = 0;
  const uint32 = (): number => {
    if (used + 4 > pool.length) {
      pool = randomBytes(1024);
      used = 0;
    }
    const value = pool.readUInt32LE(used);
    used += 4;
    return value;
  };
  return { uint32, next: () => uint32() / 2 ** 32 };
}

/** Resolves after `delayMs` of the given clock. */
export function sleep(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}
