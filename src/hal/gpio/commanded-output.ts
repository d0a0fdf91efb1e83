/** A `DigitalOutput` over any line that can be written and read back: the same on every backend. */
import type { DigitalOutput, HalResult, LineAddress } from '../ports.ts';
import { DONE, failed } from '../ports.ts';
import { levelText, whereText } from './line-text.ts';

/** What a backend supplies: electrical levels, true = high. */
export interface RawOutput {
  write(high: boolean): HalResult;
  read(): HalResult<boolean>;
  /** Gives the line up without moving it. */
  release(): void;
}

export class CommandedOutput implements DigitalOutput {
  readonly name: string;
  readonly #at: LineAddress;
  readonly #raw: RawOutput;
  /** The level that was last accepted. */
  #high: boolean;
  readonly #intend: ((high: boolean) => void) | null;
  #closed = false;

  /**
   * @param high the electrical level that the line has from its opening
   * @param intend tells whoever keeps the line what it is to show on loss; null: nobody does
   */
  constructor(
    name: string,
    at: LineAddress,
    raw: RawOutput,
    high: boolean,
    intend: ((high: boolean) => void) | null = null,
  ) {
    this.name = name;
    this.#intend = intend;
    this.#at = at;
    this.#raw = raw;
    this.#high = high;
  }

  write(active: boolean): HalResult {
    if (this.#closed) return failed('other', `output ${this.name} is closed`);
    const high = active !== this.#at.activeLow;
    if (high === this.#high) return this.#refresh(high);
    const written = this.#raw.write(high);
    if (written.ok) this.#high = high;
    return written;
  }

  intend(active: boolean): void {
    if (!this.#closed) this.#intend?.(active !== this.#at.activeLow);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#raw.release();
  }

  /** The level has had time to settle since it was commanded, so a difference means something. */
  #refresh(high: boolean): HalResult {
    const found = this.#raw.read();
    const written = this.#raw.write(high);
    if (!written.ok) return written;
    if (!found.ok) return found;
    if (found.value === high) return DONE;
    return failed(
      'other',
      `${whereText(this.name, this.#at)}: read ${levelText(found.value)} where ` +
        `${levelText(high)} had been written: shorted, reset, or moved by another program`,
    );
  }
}
