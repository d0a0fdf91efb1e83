import type { Cancel, Clock, Random } from '../../src/domain/ports.ts';

interface Timer {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Time that moves only when told to; `soon` is a timer of no length. */
export class ManualClock implements Clock {
  #nowMs = 1000;
  #order = 0;
  readonly #timers = new Set<Timer>();

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return 1_700_000_000_000 + this.#nowMs;
  }

  after(delayMs: number, run: () => void): Cancel {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  soon(run: () => void): Cancel {
    return this.after(0, run);
  }

  /** Timers that have not run. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Runs everything due within the next `byMs`, in order. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs;
    for (let timer = this.#next(untilMs); timer !== null; timer = this.#next(untilMs)) {
      this.#timers.delete(timer);
      this.#nowMs = timer.atMs;
      timer.run();
    }
    this.#nowMs = untilMs;
  }

  /** As `advance`, letting promises settle after each timer. */
  async run(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    await settle();
    for (let timer = this.#next(untilMs); timer !== null; timer = this.#next(untilMs)) {
      this.#timers.delete(timer);
      this.#nowMs = timer.atMs;
      timer.run();
      await settle();
    }
    this.#nowMs = untilMs;
  }

  #next(untilMs: number): Timer | null {
    let first: Timer | null = null;
    for (const timer of this.#timers) {
      if (timer.atMs > untilMs) continue;
      const earlier = first === null || timer.atMs < first.atMs;
      const same = first !== null && timer.atMs === first.atMs && timer.order < first.order;
      if (earlier || same) first = timer;
    }
    return first;
  }
}

/** Lets promises that need no timer come to their end. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}

/** A repeatable row of numbers. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0 || 1;
  const uint32 = (): number => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state;
  };
  return { uint32, next: () => uint32() / 2 ** 32 };
}
