/** Virtual time for a day in minutes: timers run when the time is moved, promises in between. */
import type { Cancel, Clock } from '../../src/domain/ports.ts';

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
}

export class OutageClock implements Clock {
  readonly #startWallMs: number;
  #nowMs = 0;
  #timers: Timer[] = [];

  constructor(startWallMs: number) {
    this.#startWallMs = startWallMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }
  wallMs(): number {
    return this.#startWallMs + this.#nowMs;
  }
  after(delayMs: number, run: () => void): Cancel {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  soon(run: () => void): Cancel {
    return this.after(0, run);
  }

  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    for (;;) {
      await settled();
      const next = this.#timers
        .filter(({ atMs }) => atMs <= endMs)
        .sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.run();
    }
    this.#nowMs = endMs;
    await settled();
  }
}

function settled(): Promise<void> {
  return new Promise((done) => {
    setImmediate(done);
  });
}
