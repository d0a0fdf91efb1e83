/** Waiting that ends at once when the sensor it is for is closed. */
import type { Clock } from '../../domain/ports.ts';

export class Waits {
  readonly #clock: Clock;
  readonly #wake = new Set<() => void>();
  #ended = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves after `ms`, or when everything ends. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#until(ms, resolve);
    });
  }

  /**
   * What `work` comes to, or `late()` when that takes longer than `ms` or everything ends before.
   * The work itself goes on unheard. It must not reject.
   */
  within<T>(work: Promise<T>, ms: number, late: () => T): Promise<T> {
    return new Promise((resolve) => {
      const forget = this.#until(ms, () => resolve(late()));
      void work.then((value) => {
        forget();
        resolve(value);
      });
    });
  }

  /** Ends all waiting, now and later. */
  end(): void {
    this.#ended = true;
    for (const wake of [...this.#wake]) wake();
  }

  /** @returns what takes the waiting back. */
  #until(ms: number, run: () => void): () => void {
    if (this.#ended) {
      run();
      return () => undefined;
    }
    const wake = (): void => {
      forget();
      run();
    };
    const cancel = this.#clock.after(ms, wake);
    const forget = (): void => {
      cancel();
      this.#wake.delete(wake);
    };
    this.#wake.add(wake);
    return forget;
  }
}
