/** One lane at work: reads pages ahead from its source, hands out its items, books the answers. */
import type { Clock, Log } from '../domain/ports.ts';
import type { UplinkCounters } from './counters.ts';
import type { Entry, LaneLimits, Unwanted, Verdict } from './lane-queue.ts';
import { LaneQueue } from './lane-queue.ts';
import type { LaneName, LaneSource } from './lane-source.ts';
import type { PublishResult } from './link.ts';
import { EntryParcel, type Parcel } from './parcel.ts';

export interface Head {
  readonly historical: boolean;
  /** To be sent alone: connections ended around it before. */
  readonly suspect: boolean;
}

/** What is set aside in a lane; `seq` and `reason` are those of the first of them. */
export interface AsideState {
  readonly count: number;
  readonly seq: number | null;
  readonly reason: string | null;
}

/** A lane without the type of its items, so that lanes of all kinds stand in one list. */
export interface LaneFeed {
  readonly name: LaneName;
  /** Nothing is in hand, and nothing more was stored when last read. */
  readonly isIdle: boolean;
  readonly isHeld: boolean;
  /** Known undelivered items. */
  readonly backlog: number;
  /** Items that the broker does not take and that are offered again later. */
  readonly aside: AsideState;
  /** What would be taken now; null when there is nothing or the lane has to wait. */
  head(nowMs: number): Head | null;
  /**
   * Takes the head; null when it could not be put into a message and was given up.
   * @param head what `head` just returned.
   */
  take(head: Head, nowMs: number): Parcel | null;
  resumesAtMs(nowMs: number): number | null;
  /** New items may be there. @param upToSeq the highest known number, where one is known. */
  wake(upToSeq?: number): void;
  /** Starts reading ahead if there is room and reason. */
  refill(): void;
  /** Makes the cursor durable if it moved. */
  flushCursor(): void;
}

export interface LaneDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: UplinkCounters;
  readonly limits: LaneLimits;
  /** What becomes of items that the broker does not take. */
  readonly unwanted: Unwanted;
  /** Items read at a time; at most one and a half pages are in hand. */
  readonly pageSize: number;
  /** As `pageSize`, of their memory. */
  readonly pageBytes: number;
  readonly readRetryMs: number;
  /** Items were loaded, or the lane can be read again. */
  readonly onReady: () => void;
}

const NOTHING_ASIDE: AsideState = { count: 0, seq: null, reason: null };

export class JournalLane<T> implements LaneFeed {
  readonly #source: LaneSource<T>;
  readonly #deps: LaneDeps;
  readonly #queue: LaneQueue<T>;
  #reading = false;
  #readingAside = false;
  #drained = false;
  #wakes = 0;
  #knownSeq = 0;
  #durableSeq: number;

  constructor(source: LaneSource<T>, cursor: number, deps: LaneDeps) {
    this.#source = source;
    this.#deps = deps;
    this.#queue = new LaneQueue(cursor, deps.limits, deps.unwanted);
    this.#durableSeq = cursor;
  }

  get name(): LaneName {
    return this.#source.name;
  }

  get isIdle(): boolean {
    return this.#drained && this.#queue.size === 0;
  }

  get isHeld(): boolean {
    return this.#queue.isHeld;
  }

  get backlog(): number {
    const { passed, lastLoaded, aside } = this.#queue;
    return Math.max(this.#knownSeq, lastLoaded) - passed + aside.size;
  }

  get aside(): AsideState {
    const { size, firstSeq, reason } = this.#queue.aside;
    return size === 0 ? NOTHING_ASIDE : { count: size, seq: firstSeq, reason };
  }

  head(nowMs: number): Head | null {
    const entry = this.#queue.next(nowMs);
    if (entry === null || entry.item === null) return null;
    return {
      historical: this.#source.isHistorical(entry.item),
      suspect: this.#queue.isSuspect(entry),
    };
  }

  take(head: Head, nowMs: number): Parcel | null {
    const entry = this.#queue.next(nowMs);
    if (entry === null || entry.item === null) return null;
    const message = this.#source.message(entry.item, head.historical);
    if (message === null) {
      this.#queue.giveUp(entry);
      this.#gaveUp(entry, 'it cannot be put into a message');
      return null;
    }
    this.#queue.sent(entry);
    const settle = (result: PublishResult, hangUp: boolean): void =>
      this.#settle(entry, result, hangUp);
    return new EntryParcel(this.name, message, head.suspect, entry, settle);
  }

  resumesAtMs(nowMs: number): number | null {
    return this.#queue.resumesAtMs(nowMs);
  }

  wake(upToSeq?: number): void {
    this.#wakes += 1;
    this.#drained = false;
    if (upToSeq !== undefined) this.#knownSeq = Math.max(this.#knownSeq, upToSeq);
  }

  refill(): void {
    if (this.#queue.aside.size > 0) this.#refillAside();
    const { pageSize, pageBytes } = this.#deps;
    if (this.#reading || this.#drained) return;
    if (this.#queue.size > pageSize / 2 || this.#queue.bytes > pageBytes / 2) return;
    this.#reading = true;
    void this.#read();
  }

  flushCursor(): void {
    if (this.#queue.cursor === this.#durableSeq) return;
    this.#durableSeq = this.#queue.cursor;
    this.#source.advance(this.#durableSeq);
  }

  async #read(): Promise<void> {
    const wakes = this.#wakes;
    const { pageSize, pageBytes } = this.#deps;
    try {
      const page = await this.#source.read(this.#queue.lastLoaded, pageSize, pageBytes);
      this.#queue.load(page.items);
      // What was committed while we read may be missing from the page.
      this.#drained = page.last && wakes === this.#wakes;
      this.#reading = false;
      this.#deps.onReady();
    } catch (error) {
      this.#readFailed(error, () => (this.#reading = false));
    }
  }

  /** The text of one that was set aside, when its turn has come. */
  #refillAside(): void {
    const entry = this.#queue.aside.wanted(this.#deps.clock.monotonicMs());
    if (entry === null || this.#readingAside) return;
    this.#readingAside = true;
    void this.#readAside(entry);
  }

  async #readAside(entry: Entry<T>): Promise<void> {
    try {
      const { items } = await this.#source.read(entry.seq - 1, 1, 1);
      this.#readingAside = false;
      const [found] = items;
      if (found?.seq === entry.seq) entry.item = found.item;
      // The journal may be served from memory just now: an alarm is not given up over that.
      else this.#queue.aside.postponed(entry, this.#deps.clock.monotonicMs());
      this.#deps.onReady();
    } catch (error) {
      this.#readFailed(error, () => (this.#readingAside = false));
    }
  }

  #readFailed(error: unknown, over: () => void): void {
    this.#deps.counters.readErrors += 1;
    this.#deps.log('error', 'cannot read the journal for the uplink', {
      lane: this.name,
      error: error instanceof Error ? error.message : String(error),
    });
    this.#deps.clock.after(this.#deps.readRetryMs, () => {
      over();
      this.#deps.onReady();
    });
  }

  #settle(entry: Entry<T>, result: PublishResult, hangUp: boolean): void {
    const { counters, clock } = this.#deps;
    const nowMs = clock.monotonicMs();
    switch (result.kind) {
      case 'acknowledged':
        counters.acknowledged += 1;
        counters.lastAckMs = nowMs;
        this.#queue.acknowledged(entry);
        break;
      case 'rejected':
        counters.rejected += 1;
        this.#judged(entry, this.#queue.rejected(entry, nowMs, result.reason), result.reason);
        break;
      case 'timedOut':
        counters.timedOut += 1;
        this.#queue.lost(entry, false, nowMs, '');
        break;
      case 'connectionLost': {
        counters.lost += 1;
        const reason = `the broker hangs up on it: ${result.reason}`;
        this.#judged(entry, this.#queue.lost(entry, hangUp, nowMs, reason), reason);
        break;
      }
      case 'notSent':
        this.#queue.returned(entry);
        break;
    }
  }

  #judged(entry: Entry<T>, verdict: Verdict, reason: string): void {
    if (verdict === 'giveUp') this.#gaveUp(entry, reason);
    if (verdict === 'setAside') {
      this.#deps.log('error', 'the broker does not take an alarm; it is offered again later', {
        lane: this.name,
        seq: entry.seq,
        reason,
      });
    }
    if (verdict !== 'held') return;
    this.#deps.log('error', 'the broker refuses a whole lane; it is held and tried again', {
      lane: this.name,
      seq: entry.seq,
      reason,
    });
  }

  #gaveUp(entry: Entry<T>, reason: string): void {
    this.#deps.counters.quarantined += 1;
    this.#source.giveUp(entry.seq, `quarantined: ${reason}`);
    this.#deps.log('error', 'an item cannot be delivered and was set aside', {
      lane: this.name,
      seq: entry.seq,
      reason,
    });
  }
}
