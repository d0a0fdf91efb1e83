/** Takes turns: one job at a time, in the order in which they were asked for. */

export class TurnQueue {
  readonly #limit: number;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** @param limit jobs under way and waiting, together */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Jobs that are under way or wait. */
  get size(): number {
    return this.#waiting;
  }

  /** The job's result; null, at once, where too many wait already. Jobs must not reject. */
  run<T>(job: () => Promise<T>): Promise<T> | null {
    if (this.#waiting >= this.#limit) return null;
    this.#waiting += 1;
    const result = this.#last.then(job).finally(() => {
      this.#waiting -= 1;
    });
    this.#last = result;
    return result;
  }

  /** When everything that was asked for is done. */
  async idle(): Promise<void> {
    while (this.#waiting > 0) await this.#last;
  }
}
