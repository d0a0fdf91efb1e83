/** Bounds a rate: a bucket that fills evenly and holds a fifth of a second's worth. Pure. */
export class TokenBucket {
  readonly #perMs: number;
  readonly #capacity: number;
  #tokens: number;
  #filledAtMs: number;

  /** @param perSecond above 0; Infinity never makes anybody wait. */
  constructor(perSecond: number, nowMs: number) {
    if (!(perSecond > 0)) throw new RangeError('a rate is above 0');
    this.#perMs = perSecond / 1000;
    this.#capacity = Math.max(1, perSecond / 5);
    this.#tokens = this.#capacity;
    this.#filledAtMs = nowMs;
  }

  /** Takes one token and returns 0, or takes none and returns the wait for one, in ms. */
  take(nowMs: number): number {
    if (this.#perMs === Infinity) return 0;
    const gained = (nowMs - this.#filledAtMs) * this.#perMs;
    this.#tokens = Math.min(this.#capacity, this.#tokens + gained);
    this.#filledAtMs = nowMs;
    // Sums of fractions fall short of a whole token by a hair; without slack that wait is 0 ms.
    if (this.#tokens >= 1 - 1e-9) {
      this.#tokens -= 1;
      return 0;
    }
    return Math.max(1, (1 - this.#tokens) / this.#perMs);
  }
}
