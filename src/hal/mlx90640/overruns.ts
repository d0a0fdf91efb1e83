/** Tells the dump that was overtaken now and then from a bus that is too slow. */

/** So many overtaken dumps in a row, and the bus is too slow. */
const TOO_SLOW_AFTER = 4;
/** So is one on which every fourth is: next to no two halves of a picture come together then. */
const TOO_SLOW_SHARE = 0.25;
/** So many whole ones in a row, and it is not any more. */
const GOOD_AFTER = 16;
/** The share is that of about so many dumps, the latest counting most. */
const SHARE_OF_DUMPS = 32;

export class Overruns {
  #inRow = 0;
  #goodInRow = 0;
  #dumps = 0;
  #overtaken = 0;
  #share = 0;
  #tooSlow = false;

  get tooSlow(): boolean {
    return this.#tooSlow;
  }

  /** For people: `3 of 40 dumps`. */
  get counts(): string {
    return `${this.#overtaken} of ${this.#dumps} dumps`;
  }

  /** From the arithmetic, before a dump has been lost. */
  predict(): void {
    this.#tooSlow = true;
    this.#goodInRow = 0;
  }

  /** The array was set up anew: what was overtaken before may have been its own fault. */
  restart(): void {
    this.#inRow = 0;
    this.#share = 0;
  }

  dump(overtaken: boolean): void {
    this.#dumps += 1;
    this.#share += (Number(overtaken) - this.#share) / SHARE_OF_DUMPS;
    if (overtaken) {
      this.#overtaken += 1;
      this.#inRow += 1;
      this.#goodInRow = 0;
      const isSlow = this.#inRow >= TOO_SLOW_AFTER || this.#share > TOO_SLOW_SHARE;
      if (isSlow) this.#tooSlow = true;
      return;
    }
    this.#inRow = 0;
    this.#goodInRow += 1;
    if (this.#goodInRow < GOOD_AFTER) return;
    this.#tooSlow = false;
    this.#share = 0;
  }
}
