/**
 * What one lane has in hand and how far it is delivered; pure. The cursor is the number up to
 * which every item is done: acknowledged by the broker, or given up and on record as a gap.
 *
 * ```
 * waiting --sent--> inFlight --acknowledged--> done     the cursor moves over done items only
 *    ^                 |
 *    +-- lost, refused-+-- refused or hung up on too often --> done (quarantined)
 *                                             or, for alarms: aside (see `set-aside.ts`)
 * ```
 *
 * An item that was set aside is not done: the cursor stays before the first of them while the lane
 * goes on. So it survives a restart without a record of its own; what follows it is then sent
 * again, which ids make harmless.
 */
import type { PageItem } from './lane-source.ts';
import { type AsideLimits, DEFAULT_ASIDE_LIMITS, SetAside } from './set-aside.ts';

export interface LaneLimits extends AsideLimits {
  /** Refusals of one item before it is given up or set aside. */
  readonly maxRejections: number;
  /** Connections that ended over one item, sent alone, before it is given up or set aside. */
  readonly maxHangUps: number;
  /** Wait before a refused item is sent again; doubles with each refusal. */
  readonly rejectionRetryMs: number;
  /**
   * Items in a row that may be given up. Beyond it the broker refuses the lane as such (a missing
   * access right, a full quota): the lane is held and its head tried each `heldRetryMs`, because
   * giving up everything over a mistake in the broker's rules would lose it all. Where items are
   * set aside nothing is lost: such a lane goes on, with one try for each item.
   */
  readonly maxGivenUpInARow: number;
  readonly heldRetryMs: number;
}

export const DEFAULT_LANE_LIMITS: LaneLimits = {
  ...DEFAULT_ASIDE_LIMITS,
  maxRejections: 3,
  maxHangUps: 3,
  rejectionRetryMs: 1000,
  maxGivenUpInARow: 3,
  heldRetryMs: 60_000,
};

/** After so many connections lost around it, an item is sent alone, to learn if it is to blame. */
const SUSPECT_AFTER_LOSSES = 2;
/** Done items at the front that are kept until their removal is worth a copy of the rest. */
const COMPACT_AT = 32;

/**
 * A class for the sake of memory: most entries live long enough for the engine to learn that what
 * an object literal makes here grows old, and to put it among the old objects at once, where it
 * and all it refers to stay until the next full collection.
 */
export class Entry<T> {
  readonly seq: number;
  /** Null once it is done: what was delivered is not kept in memory. */
  item: T | null;
  readonly bytes: number;
  /** Counts all entries of the queue, so that an entry knows where it stands. */
  readonly place: number;
  phase: 'waiting' | 'inFlight' | 'done' | 'aside' = 'waiting';
  rejections = 0;
  losses = 0;
  hangUps = 0;

  constructor({ seq, item, bytes }: PageItem<T>, place: number) {
    this.seq = seq;
    this.item = item;
    this.bytes = bytes;
    this.place = place;
  }
}

/** What became of an item that was not acknowledged. */
export type Verdict = 'retry' | 'giveUp' | 'setAside' | 'held';

/** What is done with an item that the broker does not take. */
export type Unwanted = 'giveUp' | 'setAside';

export class LaneQueue<T> {
  readonly #limits: LaneLimits;
  readonly #unwanted: Unwanted;
  readonly #aside: SetAside<T>;
  #entries: Entry<T>[] = [];
  /** Place of `#entries[0]`. */
  #offset = 0;
  /** Index of the first entry that is not done. */
  #first = 0;
  /** No entry before this index waits. */
  #from = 0;
  #bytes = 0;
  #passed: number;
  #lastLoaded: number;
  #notBeforeMs = 0;
  #givenUpInARow = 0;
  #held = false;

  /** @param cursor number of the last item delivered in an earlier life; 0: none. */
  constructor(cursor: number, limits: LaneLimits, unwanted: Unwanted = 'giveUp') {
    this.#passed = cursor;
    this.#lastLoaded = cursor;
    this.#limits = limits;
    this.#unwanted = unwanted;
    this.#aside = new SetAside(limits);
  }

  get cursor(): number {
    const { firstSeq } = this.#aside;
    return firstSeq === null ? this.#passed : Math.min(this.#passed, firstSeq - 1);
  }

  /** Up to here every item is done or set aside. */
  get passed(): number {
    return this.#passed;
  }

  /** The highest number in hand: reading goes on behind it. */
  get lastLoaded(): number {
    return this.#lastLoaded;
  }

  /** Items in hand that are not done, without those set aside. */
  get size(): number {
    return this.#entries.length - this.#first;
  }

  /** Memory of all that is in hand, about. */
  get bytes(): number {
    return this.#bytes;
  }

  get isHeld(): boolean {
    return this.#held;
  }

  get aside(): SetAside<T> {
    return this.#aside;
  }

  /** Adds items in ascending order; numbers that are in hand or done already are passed over. */
  load(items: readonly PageItem<T>[]): void {
    for (const item of items) {
      if (item.seq <= this.#lastLoaded) continue;
      this.#entries.push(new Entry(item, this.#offset + this.#entries.length));
      this.#bytes += item.bytes;
      this.#lastLoaded = item.seq;
    }
  }

  /** The item whose turn it is, or null when there is none or the lane has to wait. */
  next(nowMs: number): Entry<T> | null {
    const waiting = nowMs < this.#notBeforeMs ? null : this.#nextWaiting();
    return waiting ?? this.#aside.next(nowMs);
  }

  /** When `next` has something that it withholds now; null when it withholds nothing. */
  resumesAtMs(nowMs: number): number | null {
    const asideAtMs = this.#aside.resumesAtMs(nowMs);
    if (nowMs >= this.#notBeforeMs || this.#nextWaiting() === null) return asideAtMs;
    return Math.min(this.#notBeforeMs, asideAtMs ?? Infinity);
  }

  isSuspect(entry: Entry<T>): boolean {
    return entry.losses >= SUSPECT_AFTER_LOSSES;
  }

  sent(entry: Entry<T>): void {
    entry.phase = 'inFlight';
  }

  acknowledged(entry: Entry<T>): void {
    this.#givenUpInARow = 0;
    this.#finish(entry);
    if (!this.#held) return;
    this.#held = false;
    this.#aside.hurry();
  }

  rejected(entry: Entry<T>, nowMs: number, reason: string): Verdict {
    entry.rejections += 1;
    if (this.#aside.has(entry)) return this.#asideAgain(entry, nowMs, reason);
    this.#waitAgain(entry);
    if (entry.rejections < this.#limits.maxRejections && !this.#skips) {
      this.#notBeforeMs = nowMs + this.#limits.rejectionRetryMs * 2 ** (entry.rejections - 1);
      return 'retry';
    }
    return this.#giveUpOrHold(entry, nowMs, reason);
  }

  /** @param hangUp the peer ended the connection while this item was alone in flight. */
  lost(entry: Entry<T>, hangUp: boolean, nowMs: number, reason: string): Verdict {
    entry.losses += 1;
    if (hangUp) entry.hangUps += 1;
    if (this.#aside.has(entry)) {
      if (hangUp) return this.#asideAgain(entry, nowMs, reason);
      this.#aside.postponed(entry, nowMs);
      return 'retry';
    }
    this.#waitAgain(entry);
    if (!hangUp || (entry.hangUps < this.#limits.maxHangUps && !this.#skips)) return 'retry';
    return this.#giveUpOrHold(entry, nowMs, reason);
  }

  /** For an item that was never handed to the network: as if it had not been touched. */
  returned(entry: Entry<T>): void {
    if (this.#aside.has(entry)) entry.phase = 'aside';
    else this.#waitAgain(entry);
  }

  /** For an item that cannot even be put into a message. */
  giveUp(entry: Entry<T>): void {
    this.#finish(entry);
  }

  /** The broker takes nothing of the lane: newer items must not wait for more tries. */
  get #skips(): boolean {
    return this.#held && this.#unwanted === 'setAside';
  }

  #nextWaiting(): Entry<T> | null {
    for (; this.#from < this.#entries.length; this.#from += 1) {
      const entry = this.#entries[this.#from];
      if (entry?.phase === 'waiting') return entry;
    }
    return null;
  }

  #waitAgain(entry: Entry<T>): void {
    entry.phase = 'waiting';
    this.#from = Math.min(this.#from, entry.place - this.#offset);
  }

  #asideAgain(entry: Entry<T>, nowMs: number, reason: string): Verdict {
    this.#aside.refused(entry, nowMs, reason);
    return 'retry';
  }

  #giveUpOrHold(entry: Entry<T>, nowMs: number, reason: string): Verdict {
    this.#held ||= this.#givenUpInARow >= this.#limits.maxGivenUpInARow;
    if (this.#unwanted === 'setAside') {
      this.#givenUpInARow += 1;
      this.#aside.add(entry, nowMs, reason);
      this.#pass(entry, 'aside');
      return 'setAside';
    }
    if (this.#held) {
      this.#notBeforeMs = nowMs + this.#limits.heldRetryMs;
      return 'held';
    }
    this.#givenUpInARow += 1;
    this.#finish(entry);
    return 'giveUp';
  }

  #finish(entry: Entry<T>): void {
    if (this.#aside.remove(entry)) return;
    this.#pass(entry, 'done');
  }

  /** The lane goes on behind this item. */
  #pass(entry: Entry<T>, phase: 'done' | 'aside'): void {
    entry.phase = phase;
    if (phase === 'done') entry.item = null;
    this.#bytes -= entry.bytes;
    for (; this.#first < this.#entries.length; this.#first += 1) {
      const front = this.#entries[this.#first];
      if (front === undefined || front.phase === 'waiting' || front.phase === 'inFlight') break;
      this.#passed = front.seq;
    }
    if (this.#first < COMPACT_AT && this.#first < this.#entries.length) return;
    this.#entries.splice(0, this.#first);
    this.#offset += this.#first;
    this.#from = Math.max(0, this.#from - this.#first);
    this.#first = 0;
  }
}
