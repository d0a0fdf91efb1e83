/**
 * Debounce of one input: a level counts once it has held for the whole window.
 *
 *   settled ──edge──► watching ──no edge for windowMs, level confirmed──► settled (told if changed)
 *                       │  ▲
 *                       └──┘ edge: the window starts again; too long in here is `chatter`
 *
 * The level is read once more when the window ends, so an edge that the kernel merged with another
 * cannot leave a wrong level standing. Where edges carry the kernel's own time, windows are counted
 * in it: a level that held for its window counts even if this process slept through all of it.
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
  /** Reports edges that are still waiting, by `edge`; they belong before what `read` says. */
  readonly drain?: () => void;
  /** A new settled level, and the monotonic time of the edge that began the restlessness. */
  readonly settled: (level: boolean, edgeAtMs: number) => void;
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
  #held = false;
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

  /** Chatters, or is held: the level may be an old one. */
  get isRestless(): boolean {
    return this.#held || (this.#chatterTold && this.#cancel !== null);
  }

  /**
   * The line moved and is now at `level`.
   * @param stampMs when it did, in the clock's monotonic time, where something better than now is
   *   known; taken as no later than now and no earlier than the edge before.
   */
  edge(level: boolean, stampMs?: number): void {
    if (this.#held) return;
    const { clock, windowMs } = this.#options;
    const nowMs = clock.monotonicMs();
    const earliestMs = this.#cancel === null ? -Infinity : this.#lastEdgeMs;
    const atMs = Math.max(earliestMs, Math.min(stampMs ?? nowMs, nowMs));
    // An edge to the level that it has already hides one that was lost: nothing is known to have
    // held.
    const heldUnseen = stampMs !== undefined && level !== this.#candidate;
    if (this.#cancel !== null && heldUnseen && atMs - this.#lastEdgeMs >= windowMs) {
      this.#stop();
      this.#settle();
    }
    if (this.#cancel === null) {
      this.#edges = 0;
      this.#restlessSinceMs = atMs;
    }
    this.#candidate = level;
    this.#lastEdgeMs = atMs;
    this.#edges += 1;
    if (windowMs <= 0) this.#settle();
    else if (this.#cancel === null) this.#arm(atMs + windowMs - nowMs);
    else this.#watchForChatter(nowMs);
  }

  /** Compares with a fresh reading: a change that came without an edge starts a window too. */
  check(level: boolean): void {
    if (this.#cancel === null && level !== this.#level) this.edge(level);
  }

  /** Levels mean nothing for now: the settled one stands, edges and readings are left out. */
  hold(): void {
    this.#held = true;
    this.#stop();
  }

  /** Levels count again, this one first. */
  resume(level: boolean): void {
    this.#held = false;
    this.check(level);
  }

  close(): void {
    this.hold();
  }

  #stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #arm(delayMs: number): void {
    // A listener that was just told may have closed the line.
    if (this.#held) return;
    this.#cancel = this.#options.clock.after(delayMs, () => this.#windowEnds());
  }

  #windowEnds(): void {
    const { clock, windowMs, read, drain } = this.#options;
    const ended = this.#cancel;
    drain?.();
    // What was waiting may have settled this restlessness and begun another, or ended the watching.
    if (this.#cancel !== ended) return;
    const waitMs = this.#lastEdgeMs + windowMs - clock.monotonicMs();
    if (waitMs > 0) {
      this.#arm(waitMs);
      return;
    }
    const level = read();
    // The listener of a failed reading may have closed the line.
    if (this.#cancel !== ended) return;
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
    this.#options.settled(this.#level, this.#restlessSinceMs);
  }

  #watchForChatter(nowMs: number): void {
    const restlessMs = nowMs - this.#restlessSinceMs;
    const limitMs = Math.max(CHATTER_MIN_MS, CHATTER_WINDOWS * this.#options.windowMs);
    if (this.#chatterTold || restlessMs < limitMs) return;
    this.#chatterTold = true;
    this.#options.chatter(this.#edges, restlessMs);
  }
}
