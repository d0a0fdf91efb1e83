/** A `DigitalInput` over any way of reading a level and hearing of its edges; debounced here. */
import type { Clock } from '../domain/ports.ts';
import { Debounce } from './debounce.ts';
import type { DigitalInput, HalResult } from './ports.ts';
import { done, failed, HalError } from './ports.ts';

/** What a backend supplies: electrical levels, true = high. */
export interface RawInput {
  read(): HalResult<boolean>;
  /** Reports edges that still wait in the kernel, by `moved`; never blocks. */
  drain?(): void;
  /** Gives the line up. */
  release(): void;
}

export class WatchedInput implements DigitalInput {
  readonly name: string;
  readonly #raw: RawInput;
  readonly #activeLow: boolean;
  readonly #debounce: Debounce;
  #change: ((active: boolean, edgeAtMs: number) => void) | null = null;
  #error: ((error: HalError) => void) | null = null;
  #closed = false;

  /** @param initialHigh the electrical level read when the line was opened. */
  constructor(
    name: string,
    options: { readonly clock: Clock; readonly debounceMs: number; readonly activeLow: boolean },
    raw: RawInput,
    initialHigh: boolean,
  ) {
    this.name = name;
    this.#raw = raw;
    this.#activeLow = options.activeLow;
    this.#debounce = new Debounce({
      clock: options.clock,
      windowMs: options.debounceMs,
      initial: initialHigh !== options.activeLow,
      read: () => this.#readActive(),
      drain: () => raw.drain?.(),
      settled: (active, edgeAtMs) => this.#change?.(active, edgeAtMs),
      chatter: (edges, forMs) => this.trouble(chatterError(name, edges, forMs)),
    });
  }

  read(): HalResult<boolean> {
    if (this.#closed) return failed('other', `input ${this.name} is closed`);
    this.#raw.drain?.();
    const high = this.#raw.read();
    if (!high.ok) return high;
    this.#debounce.check(high.value !== this.#activeLow);
    return done(this.#debounce.level);
  }

  get isRestless(): boolean {
    return this.#debounce.isRestless;
  }

  onChange(listener: (active: boolean, edgeAtMs: number) => void): void {
    this.#change = listener;
  }

  onError(listener: (error: HalError) => void): void {
    this.#error = listener;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#debounce.close();
    this.#raw.release();
  }

  /**
   * For the backend: the line moved and is now electrically high or low.
   * @param stampMs when it did, in the clock's monotonic time, where the kernel says so.
   */
  moved(high: boolean, stampMs?: number): void {
    if (!this.#closed) this.#debounce.edge(high !== this.#activeLow, stampMs);
  }

  /** For the backend: a reading that nobody asked for; a change that had no edge is taken in. */
  sampled(high: boolean): void {
    if (!this.#closed) this.#debounce.check(high !== this.#activeLow);
  }

  /** For the backend: nothing can be said about the line; its settled level stands. */
  hold(): void {
    this.#debounce.hold();
  }

  /** For the backend: the line can be followed again, and is electrically high or low. */
  resume(high: boolean): void {
    if (!this.#closed) this.#debounce.resume(high !== this.#activeLow);
  }

  /** For the backend: something went wrong that nobody asked about. */
  trouble(error: HalError): void {
    if (!this.#closed) this.#error?.(error);
  }

  #readActive(): boolean | null {
    const high = this.#raw.read();
    if (high.ok) return high.value !== this.#activeLow;
    this.trouble(high.error);
    return null;
  }
}

function chatterError(name: string, edges: number, forMs: number): HalError {
  return new HalError(
    'other',
    `input ${name} chatters: ${edges} edges in ${Math.round(forMs)} ms without settling; ` +
      'check the contact and its wiring, or raise its debounce time',
  );
}
