import type { Cancel, Clock, Random } from '../../src/domain/ports.ts';

/** Time that passes only when told; timers of one instant run in the order of their making. */
export class VirtualClock implements Clock {
  #nowMs = 0;
  #made = 0;
  readonly #timers = new Map<number, { atMs: number; run: () => void }>();
  wallOffsetMs = Date.UTC(2026, 0, 1);

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.wallOffsetMs + this.#nowMs;
  }

  after(delayMs: number, run: () => void): Cancel {
    this.#made += 1;
    const id = this.#made;
    this.#timers.set(id, { atMs: this.#nowMs + Math.max(0, delayMs), run });
    return () => this.#timers.delete(id);
  }

  soon(run: () => void): Cancel {
    return this.after(0, run);
  }

  /** Runs everything due within `ms`, promises included. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    for (;;) {
      await settle();
      const next = this.#earliest(untilMs);
      if (next === null) break;
      this.#timers.delete(next.id);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = untilMs;
    await settle();
  }

  /** Advances in small steps until the condition holds; fails after `limitMs`. */
  async until(condition: () => boolean, limitMs: number, stepMs = 10): Promise<void> {
    for (let passed = 0; passed <= limitMs; passed += stepMs) {
      if (condition()) return;
      await this.advance(stepMs);
    }
    throw new Error(`did not come true within ${limitMs} ms of virtual time`);
  }

  #earliest(untilMs: number): { id: number; atMs: number; run: () => void } | null {
    let best: { id: number; atMs: number; run: () => void } | null = null;
    for (const [id, timer] of this.#timers) {
      if (timer.atMs > untilMs) continue;
      if (best === null || timer.atMs < best.atMs) best = { id, ...timer };
    }
    return best;
  }
}

/** Lets all promise work finish that needs no timer. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

/** Real time, for tests against real brokers. */
export function realClock(): Clock {
  return {
    monotonicMs: () => performance.now(),
    wallMs: () => Date.now(),
    after(delayMs, run) {
      const timer = setTimeout(run, Math.max(0, delayMs));
      return () => clearTimeout(timer);
    },
    soon(run) {
      const immediate = setImmediate(run);
      return () => clearImmediate(immediate);
    },
  };
}

/** Mulberry32: small, and the same for the same seed. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const uint32 = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  return { uint32, next: () => uint32() / 2 ** 32 };
}
