/** One lane at work: reads pages ahead from its source, hands out its items, books the answers. */
import type { Clock, Log } from '../domain/ports.ts';
import type { UplinkCounters } from './counters.ts';
import { type Entry, type LaneLimits, LaneQueue, type Verdict } from './lane-queue.ts';
import type { LaneName, LaneSource } from './lane-source.ts';
import type { OutgoingMessage, PublishResult } from './link.ts';

/** One item on its way. */
export interface Parcel {
  readonly lane: LaneName;
  readonly message: OutgoingMessage;
  readonly suspect: boolean;
  /** Number of the item within its lane. */
  readonly seq: number;
  /** @param hangUp the peer ended the connection while this parcel was alone in flight. */
  settle(result: PublishResult, hangUp: boolean): void;
}

export interface Head {
  readonly historical: boolean;
  /** To be sent alone: connections ended around it before. */
  readonly suspect: boolean;
}

/** A lane without the type of its items, so that lanes of all kinds stand in one list. */
export interface LaneFeed {
  readonly name: LaneName;
  /** Nothing is in hand, and nothing more was stored when last read. */
  readonly isIdle: boolean;
  readonly isHeld: boolean;
  /** Known undelivered items. */
  readonly backlog: number;
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
  /** Items read at a time; at most one and a half pages are in hand. */
  readonly pageSize: number;
  readonly readRetryMs: number;
  /** Items were loaded, or the lane can be read again. */
  readonly onReady: () => void;
}

export class JournalLane<T> implements LaneFeed {
  readonly #source: LaneSource<T>;
  readonly #deps: LaneDeps;
  readonly #queue: LaneQueue<T>;
  #reading = false;
  #drained = false;
  #wakes = 0;
  #knownSeq = 0;
  #durableSeq: number;

  constructor(source: LaneSource<T>, cursor: number, deps: LaneDeps) {
    this.#source = source;
    this.#deps = deps;
    this.#queue = new LaneQueue(cursor, deps.limits);
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
    return Math.max(this.#knownSeq, this.#queue.lastLoaded) - this.#queue.cursor;
  }

  head(nowMs: number): Head | null {
    const entry = this.#queue.next(nowMs);
    if (entry === null) return null;
    return {
      historical: this.#source.isHistorical(entry.item),
      suspect: this.#queue.isSuspect(entry),
    };
  }

  take(head: Head, nowMs: number): Parcel | null {
    const entry = this.#queue.next(nowMs);
    if (entry === null) return null;
    const message = this.#source.message(entry.item, head.historical);
    if (message === null) {
      this.#queue.giveUp(entry);
      this.#gaveUp(entry, 'it cannot be put into a message');
      return null;
    }
    this.#queue.sent(entry);
    return {
      lane: this.name,
      message,
      suspect: head.suspect,
      seq: entry.seq,
      settle: (result, hangUp) => this.#settle(entry, result, hangUp),
    };
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
    if (this.#reading || this.#drained || this.#queue.size > this.#deps.pageSize / 2) return;
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
    try {
      const page = await this.#source.read(this.#queue.lastLoaded, this.#deps.pageSize);
      this.#queue.load(page.items);
      // What was committed while we read may be missing from the page.
      this.#drained = page.last && wakes === this.#wakes;
      this.#reading = false;
      this.#deps.onReady();
    } catch (error) {
      this.#deps.counters.readErrors += 1;
      this.#deps.log('error', 'cannot read the journal for the uplink', {
        lane: this.name,
        error: error instanceof Error ? error.message : String(error),
      });
      this.#deps.clock.after(this.#deps.readRetryMs, () => {
        this.#reading = false;
        this.#deps.onReady();
      });
    }
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
        this.#judged(entry, this.#queue.rejected(entry, nowMs), result.reason);
        break;
      case 'timedOut':
        counters.timedOut += 1;
        this.#queue.lost(entry, false, nowMs);
        break;
      case 'connectionLost': {
        counters.lost += 1;
        const verdict = this.#queue.lost(entry, hangUp, nowMs);
        this.#judged(entry, verdict, `the broker hangs up on it: ${result.reason}`);
        break;
      }
      case 'notSent':
        this.#queue.returned(entry);
        break;
    }
  }

  #judged(entry: Entry<T>, verdict: Verdict, reason: string): void {
    if (verdict === 'giveUp') this.#gaveUp(entry, reason);
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
