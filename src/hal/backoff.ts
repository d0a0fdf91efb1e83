/** Waiting times between attempts that go on for ever. */
import type { Random } from '../domain/ports.ts';

export interface BackoffRange {
  readonly firstMs: number;
  readonly longestMs: number;
}

/**
 * Doubles from `firstMs` to `longestMs`; each wait is drawn from the upper half of its step, so
 * that many devices that failed together do not all come back together.
 */
export class Backoff {
  readonly #range: BackoffRange;
  readonly #random: Random;
  #stepMs: number;

  constructor(range: BackoffRange, random: Random) {
    this.#range = range;
    this.#random = random;
    this.#stepMs = range.firstMs;
  }

  /** The next wait: between half and all of the current step. */
  nextMs(): number {
    const waitMs = this.#stepMs * (0.5 + this.#random.next() / 2);
    this.#stepMs = Math.min(this.#stepMs * 2, this.#range.longestMs);
    return waitMs;
  }

  reset(): void {
    this.#stepMs = this.#range.firstMs;
  }
}
