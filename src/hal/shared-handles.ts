/**
 * One device, several users: opened with the first handle, closed with the last.
 *
 * Nothing races: a key is either being opened, open or being closed, and whoever comes while it is
 * being closed waits until that is over. A device that has died under its users is replaced for the
 * next one who comes; the others keep the dead one until they release it.
 */
import type { HalResult } from './ports.ts';
import { done } from './ports.ts';

interface Entry<T> {
  readonly opening: Promise<HalResult<T>>;
  /** Set once it is open. */
  value: T | null;
  handles: number;
}

export interface SharedHandle<T> {
  readonly value: T;
  /** Ends when the handle is given up, with the last one when the device is closed. */
  release(): Promise<void>;
}

export class SharedHandles<T> {
  readonly #close: (value: T) => Promise<void>;
  readonly #usable: (value: T) => boolean;
  readonly #entries = new Map<string, Entry<T>>();
  /** A device that is being closed must be gone before it is opened again. */
  readonly #closing = new Map<string, Promise<void>>();

  /**
   * @param close must not reject
   * @param usable false for a device that has died and will not come back by itself
   */
  constructor(close: (value: T) => Promise<void>, usable: (value: T) => boolean = () => true) {
    this.#close = close;
    this.#usable = usable;
  }

  /** Devices that are open now, or being opened. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * A handle on `key`, opened by `open` when nobody has it; a failed opening is forgotten.
   *
   * @param open must not reject
   */
  async acquire(
    key: string,
    open: () => Promise<HalResult<T>>,
  ): Promise<HalResult<SharedHandle<T>>> {
    for (;;) {
      const closing = this.#closing.get(key);
      if (closing === undefined) break;
      await closing;
    }
    // From here to the count there is no await: no release can come in between.
    const entry = this.#entryOf(key, open);
    entry.handles += 1;
    const opened = await entry.opening;
    if (opened.ok) {
      entry.value = opened.value;
      return done(this.#handle(key, entry, opened.value));
    }
    this.#forget(key, entry);
    return opened;
  }

  #entryOf(key: string, open: () => Promise<HalResult<T>>): Entry<T> {
    const known = this.#entries.get(key);
    if (known !== undefined && (known.value === null || this.#usable(known.value))) return known;
    const entry: Entry<T> = { opening: open(), value: null, handles: 0 };
    this.#entries.set(key, entry);
    return entry;
  }

  #forget(key: string, entry: Entry<T>): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }

  #handle(key: string, entry: Entry<T>, value: T): SharedHandle<T> {
    let released: Promise<void> | null = null;
    return {
      value,
      release: () => {
        released ??= this.#release(key, entry, value);
        return released;
      },
    };
  }

  async #release(key: string, entry: Entry<T>, value: T): Promise<void> {
    entry.handles -= 1;
    if (entry.handles > 0) return;
    this.#forget(key, entry);
    // Beside a replaced device that closes, its successor may be open: both have to be waited for.
    const before = this.#closing.get(key) ?? Promise.resolve();
    const closing = Promise.all([before, this.#close(value)]).then(() => {
      if (this.#closing.get(key) === closing) this.#closing.delete(key);
    });
    this.#closing.set(key, closing);
    await closing;
  }
}
