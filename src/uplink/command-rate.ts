/** So many a second on the long run, and a number at once; see `TokenBucket` for those who wait. */
import type { Clock } from '../domain/ports.ts';

export class Rate {
  readonly #clock: Clock;
  readonly #perMs: number;
  readonly #burst: number;
  #left: number;
  #filledAtMs: number;

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perMs = perSecond / 1000;
    this.#burst = burst;
    this.#left = burst;
    this.#filledAtMs = clock.monotonicMs();
  }

  /** Whether one more is allowed; it counts if so. */
  take(): boolean {
    const nowMs = this.#clock.monotonicMs();
    const gained = (nowMs - this.#filledAtMs) * this.#perMs;
    this.#left = Math.min(this.#burst, this.#left + gained);
    this.#filledAtMs = nowMs;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
