/** Waiting that can be ended: a driver that is closed leaves no timer behind. */
import type { Cancel, Clock } from '../../domain/ports.ts';

export class Pauses {
  readonly #clock: Clock;
  readonly #waiting = new Map<Cancel, () => void>();
  #ended = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves after `ms`, or as soon as `endAll` has been called. */
  wait(ms: number): Promise<void> {
    if (this.#ended) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#clock.after(ms, () => {
        this.#waiting.delete(cancel);
        resolve();
      });
      this.#waiting.set(cancel, resolve);
    });
  }

  endAll(): void {
    this.#ended = true;
    for (const [cancel, resolve] of this.#waiting) {
      cancel();
      resolve();
    }
    this.#waiting.clear();
  }
}
