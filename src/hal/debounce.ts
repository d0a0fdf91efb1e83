/**
 * Debounce of one input: a level counts once it has held for the whole window.
 *
 *   settled ──edge──► watching ──no edge for windowMs, level confirmed──► settled (told if changed)
 *                       │  ▲
 *                       └──┘ edge: the window starts again; too long in here is `chatter`
 *
 * The level is read once more when the window ends, so an edge that the kernel merged with another
 * cannot leave a wrong level standing.
 */
import type { Cancel, Clock } from '../domain/ports.ts';

/** A line that has not settled after this many windows (and at least a second) chatters. */
const CHATTER_WINDOWS = 20;
const CHATTER_MIN_MS = 1000;

export interface DebounceOptions {
  readonly clock: Clock;
  /** 0 settles at once. */
  readonly windowMs: number;
  readonly initial: boolean;
  /** Reads the line; null when that failed (the reader reports why). */
  readonly read: () => boolean | null;
  /** A new settled level. */
  readonly settled: (level: boolean) => void;
  /** Told once per restless period. */
  readonly chatter: (edges: number, forMs: number) => void;
}

export class Debounce {
  readonly #options: DebounceOptions;
  #level: boolean;
  #candidate: boolean;
  #edges = 0;
  #restlessSinceMs = 0;
  #lastEdgeMs = 0;
  #chatterTold = false;
  #cancel: Cancel | null = null;

  constructor(options: DebounceOptions) {
    this.#options = options;
    this.#level = options.initial;
    this.#candidate = options.initial;
  }

  /** The last level that held for the whole window. */
  get level(): boolean {
    return this.#level;
  }

  /** The line moved and is now at `level`. */
  edge(level: boolean): void {
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#cancel === null) {
      this.#edges = 0;
      this.#restlessSinceMs = nowMs;
    }
    this.#candidate = level;
    this.#lastEdgeMs = nowMs;
    this.#edges += 1;
    if (this.#options.windowMs <= 0) this.#settle();
    else if (this.#cancel === null) this.#arm(this.#options.windowMs);
    else this.#watchForChatter(nowMs);
  }

  /** Compares with a fresh reading: a change that came without an edge starts a window too. */
  check(level: boolean): void {
    if (this.#cancel === null && level !== this.#level) this.edge(level);
  }

  close(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #arm(delayMs: number): void {
    this.#cancel = this.#options.clock.after(delayMs, () => this.#windowEnds());
  }

  #windowEnds(): void {
    const { clock, windowMs, read } = this.#options;
    const waitMs = this.#lastEdgeMs + windowMs - clock.monotonicMs();
    if (waitMs > 0) {
      this.#arm(waitMs);
      return;
    }
    const level = read();
    if (level !== null && level !== this.#candidate) {
      this.edge(level);
      this.#arm(windowMs);
      return;
    }
    this.#cancel = null;
    if (level !== null) this.#settle();
  }

  #settle(): void {
    this.#chatterTold = false;
    if (this.#candidate === this.#level) return;
    this.#level = this.#candidate;
    this.#options.settled(this.#level);
  }

  #watchForChatter(nowMs: number): void {
    const restlessMs = nowMs - this.#restlessSinceMs;
    const limitMs = Math.max(CHATTER_MIN_MS, CHATTER_WINDOWS * this.#options.windowMs);
    if (this.#chatterTold || restlessMs < limitMs) return;
    this.#chatterTold = true;
    this.#options.chatter(this.#edges, restlessMs);
  }
}
