/** Waiting for what steps, commits and acknowledgements bring: looked at again after each. */
import type { Clock } from '../domain/ports.ts';

interface Waiter {
  /** Resolves it, if it is time; true once it is over. */
  readonly look: () => boolean;
}

export class Waits {
  readonly #clock: Clock;
  readonly #waiters = new Set<Waiter>();
  #isOver = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something has happened. */
  poke(): void {
    for (const waiter of [...this.#waiters]) if (waiter.look()) this.#waiters.delete(waiter);
  }

  /** Ends all waiting, now and later, as if its time were over. */
  end(): void {
    this.#isOver = true;
    this.poke();
  }

  /** Whether `end` was called. */
  hasEnded(): boolean {
    return this.#isOver;
  }

  /** The first answer other than null, or null when the time is over. Never rejects. */
  until<T>(untilMs: number, answer: () => T | null): Promise<T | null> {
    return new Promise((resolve) => {
      const clock = this.#clock;
      const leftMs = Math.max(0, untilMs - clock.monotonicMs());
      const waiter: Waiter = {
        look: () => {
          const found = answer();
          if (found === null && !this.#isOver && clock.monotonicMs() < untilMs) return false;
          cancel();
          resolve(found);
          return true;
        },
      };
      const cancel = clock.after(leftMs, () => this.poke());
      if (!waiter.look()) this.#waiters.add(waiter);
    });
  }

  /** Time, or the end of everything. */
  pause(forMs: number): Promise<null> {
    return this.until(this.#clock.monotonicMs() + forMs, () => null);
  }
}
