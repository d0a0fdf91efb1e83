/**
 * An output of the character device. Its descriptor is held for life, because the kernel promises
 * nothing about the level of a line that nobody holds; a line whose chip went away and came back is
 * requested anew with the next write.
 */
import type { HalResult } from '../ports.ts';
import { DONE, done, failed } from '../ports.ts';
import type { CdevCalls } from './cdev-calls.ts';
import { cdevFailure } from './cdev-errors.ts';
import type { RawOutput } from './commanded-output.ts';

export interface CdevOutputOptions {
  readonly calls: CdevCalls;
  /** `siren (GPIO chip "pinctrl-bcm2711", line 17)`. */
  readonly where: string;
  /** Requests the line at this electrical level. @returns its descriptor */
  readonly acquire: (high: boolean) => HalResult<number>;
  /** Takes the descriptor over, null where there is none; the line must not move. */
  readonly released: (descriptor: number | null) => void;
}

/** The chip is gone: its descriptors will never work again. */
const GONE = new Set(['ENODEV', 'ENXIO', 'EBADF']);

export class CdevOutput implements RawOutput {
  readonly #options: CdevOutputOptions;
  #descriptor: number | null = null;
  /** Open until its successor is: a keeper may hand it over again; its number must stay ours. */
  #isLost = false;

  constructor(options: CdevOutputOptions) {
    this.#options = options;
  }

  open(high: boolean): HalResult {
    const acquired = this.#options.acquire(high);
    if (!acquired.ok) return acquired;
    if (this.#descriptor !== null) this.#options.calls.close(this.#descriptor);
    this.#descriptor = acquired.value;
    this.#isLost = false;
    return DONE;
  }

  write(high: boolean): HalResult {
    if (this.#descriptor === null || this.#isLost) return this.open(high);
    const { calls, where } = this.#options;
    const written = calls.setLevel(this.#descriptor, high);
    if (written.ok) return DONE;
    this.#lostBy(written.code);
    return cdevFailure(where, 'writing', written.code);
  }

  read(): HalResult<boolean> {
    const { calls, where } = this.#options;
    if (this.#descriptor === null || this.#isLost) {
      return failed('absent', `${where}: the line was lost and is asked for again at each write`);
    }
    const level = calls.level(this.#descriptor);
    if (level.ok) return done(level.value);
    this.#lostBy(level.code);
    return cdevFailure(where, 'reading back', level.code);
  }

  release(): void {
    this.#options.released(this.#descriptor);
    this.#descriptor = null;
  }

  #lostBy(code: string): void {
    if (GONE.has(code)) this.#isLost = true;
  }
}
