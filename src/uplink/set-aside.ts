/**
 * Alarms that the broker did not take, while the lane goes on without them: an alarm is never
 * given up. Each is offered again at a slow pace until it is taken. Where there are many, only
 * numbers are kept: the text is read from the journal again when its turn has come.
 */
import type { Entry } from './lane-queue.ts';

export interface AsideLimits {
  /** Wait before an item that was set aside is offered again; doubles with each refusal. */
  readonly asideRetryMs: number;
  readonly asideRetryMaxMs: number;
}

export const DEFAULT_ASIDE_LIMITS: AsideLimits = {
  asideRetryMs: 60_000,
  asideRetryMaxMs: 600_000,
};

/** Texts that stay in memory, so that they can be offered without the journal. */
const KEPT_BYTES = 262_144;

interface Aside<T> {
  readonly entry: Entry<T>;
  reason: string;
  refusals: number;
  dueMs: number;
}

export class SetAside<T> {
  readonly #limits: AsideLimits;
  /** Those that were offered again stand behind those that were not. */
  readonly #items = new Map<number, Aside<T>>();
  #firstSeq: number | null = null;
  /** Nothing is due before; infinite when nothing is set aside. */
  #earliestMs = Infinity;

  constructor(limits: AsideLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#items.size;
  }

  /** The lowest number; null when nothing is set aside. */
  get firstSeq(): number | null {
    return this.#firstSeq;
  }

  /** Why the broker refused the one with the lowest number, the last time. */
  get reason(): string | null {
    return this.#items.get(this.#firstSeq ?? 0)?.reason ?? null;
  }

  has(entry: Entry<T>): boolean {
    return this.#items.size > 0 && this.#items.get(entry.seq)?.entry === entry;
  }

  add(entry: Entry<T>, nowMs: number, reason: string): void {
    const dueMs = nowMs + this.#limits.asideRetryMs;
    this.#items.set(entry.seq, { entry, reason, refusals: 0, dueMs });
    this.#changed();
    this.#letGo(entry);
  }

  /** Refused once more: those that wait as long get their turn first. */
  refused(entry: Entry<T>, nowMs: number, reason: string): void {
    const known = this.#items.get(entry.seq);
    if (known === undefined) return;
    entry.phase = 'aside';
    const refusals = known.refusals + 1;
    const { asideRetryMs, asideRetryMaxMs } = this.#limits;
    const waitMs = Math.min(asideRetryMs * 2 ** Math.min(refusals, 20), asideRetryMaxMs);
    this.#items.delete(entry.seq);
    this.#items.set(entry.seq, { entry, reason, refusals, dueMs: nowMs + waitMs });
    this.#changed();
    this.#letGo(entry);
  }

  /** Neither taken nor refused, or not readable now: later, but not later each time. */
  postponed(entry: Entry<T>, nowMs: number): void {
    const known = this.#items.get(entry.seq);
    if (known === undefined) return;
    entry.phase = 'aside';
    known.dueMs = nowMs + this.#limits.asideRetryMs;
    this.#changed();
    this.#letGo(entry);
  }

  /** The broker takes what it refused before: all that is set aside has its turn now. */
  hurry(): void {
    for (const known of this.#items.values()) known.dueMs = -Infinity;
    this.#changed();
  }

  /** True when it was here. */
  remove(entry: Entry<T>): boolean {
    if (!this.has(entry)) return false;
    entry.phase = 'done';
    entry.item = null;
    this.#items.delete(entry.seq);
    this.#changed();
    return true;
  }

  /** One whose time has come and whose text is at hand. */
  next(nowMs: number): Entry<T> | null {
    if (nowMs < this.#earliestMs) return null;
    for (const { entry, dueMs } of this.#items.values()) {
      if (entry.phase === 'aside' && entry.item !== null && dueMs <= nowMs) return entry;
    }
    return null;
  }

  /** One whose time has come and whose text has to be read; those with a text go first. */
  wanted(nowMs: number): Entry<T> | null {
    if (nowMs < this.#earliestMs) return null;
    let due: Entry<T> | null = null;
    for (const { entry, dueMs } of this.#items.values()) {
      if (dueMs > nowMs) continue;
      if (entry.item !== null) return null;
      due ??= entry;
    }
    return due;
  }

  /** When the next one is due, if none is now. */
  resumesAtMs(nowMs: number): number | null {
    return this.#earliestMs === Infinity || this.#earliestMs <= nowMs ? null : this.#earliestMs;
  }

  #changed(): void {
    this.#earliestMs = Infinity;
    let first = Infinity;
    for (const [seq, { dueMs }] of this.#items) {
      first = Math.min(first, seq);
      this.#earliestMs = Math.min(this.#earliestMs, dueMs);
    }
    this.#firstSeq = first === Infinity ? null : first;
  }

  #letGo(entry: Entry<T>): void {
    let bytes = 0;
    for (const known of this.#items.values()) {
      if (known.entry.item !== null) bytes += known.entry.bytes;
    }
    if (bytes > KEPT_BYTES) entry.item = null;
  }
}
