/**
 * What one lane has in hand and how far it is delivered; pure. The cursor is the number up to
 * which every item is done: acknowledged by the broker, or given up and on record as a gap.
 *
 * ```
 * waiting --sent--> inFlight --acknowledged--> done     the cursor moves over done items only
 *    ^                 |
 *    +-- lost, refused-+-- refused or hung up on too often --> done (quarantined)
 * ```
 */

export interface LaneLimits {
  /** Refusals of one item before it is given up. */
  readonly maxRejections: number;
  /** Connections that ended over one item, sent alone, before it is given up. */
  readonly maxHangUps: number;
  /** Wait before a refused item is sent again; doubles with each refusal. */
  readonly rejectionRetryMs: number;
  /**
   * Items in a row that may be given up. Beyond it the broker refuses the lane as such (a missing
   * access right, a full quota): the lane is held and its head tried each `heldRetryMs`, because
   * giving up every alarm over a mistake in the broker's rules would lose them all.
   */
  readonly maxGivenUpInARow: number;
  readonly heldRetryMs: number;
}

export const DEFAULT_LANE_LIMITS: LaneLimits = {
  maxRejections: 3,
  maxHangUps: 3,
  rejectionRetryMs: 1000,
  maxGivenUpInARow: 3,
  heldRetryMs: 60_000,
};

/** After so many connections lost around it, an item is sent alone, to learn if it is to blame. */
const SUSPECT_AFTER_LOSSES = 2;

export interface Entry<T> {
  readonly seq: number;
  readonly item: T;
  phase: 'waiting' | 'inFlight' | 'done';
  rejections: number;
  losses: number;
  hangUps: number;
}

/** What became of an item that was not acknowledged. */
export type Verdict = 'retry' | 'giveUp' | 'held';

export class LaneQueue<T> {
  readonly #limits: LaneLimits;
  #entries: Entry<T>[] = [];
  #cursor: number;
  #lastLoaded: number;
  #notBeforeMs = 0;
  #givenUpInARow = 0;
  #held = false;

  /** @param cursor number of the last item delivered in an earlier life; 0: none. */
  constructor(cursor: number, limits: LaneLimits) {
    this.#cursor = cursor;
    this.#lastLoaded = cursor;
    this.#limits = limits;
  }

  get cursor(): number {
    return this.#cursor;
  }

  /** The highest number in hand: reading goes on behind it. */
  get lastLoaded(): number {
    return this.#lastLoaded;
  }

  get size(): number {
    return this.#entries.length;
  }

  get isHeld(): boolean {
    return this.#held;
  }

  /** Adds items in ascending order; numbers that are in hand or done already are passed over. */
  load(items: readonly { readonly seq: number; readonly item: T }[]): void {
    for (const { seq, item } of items) {
      if (seq <= this.#lastLoaded) continue;
      const entry: Entry<T> = {
        seq,
        item,
        phase: 'waiting',
        rejections: 0,
        losses: 0,
        hangUps: 0,
      };
      this.#entries.push(entry);
      this.#lastLoaded = seq;
    }
  }

  /** The item whose turn it is, or null when there is none or the lane has to wait. */
  next(nowMs: number): Entry<T> | null {
    if (nowMs < this.#notBeforeMs) return null;
    return this.#entries.find((entry) => entry.phase === 'waiting') ?? null;
  }

  /** When `next` has something that it withholds now; null when it withholds nothing. */
  resumesAtMs(nowMs: number): number | null {
    const withheld = nowMs < this.#notBeforeMs && this.#entries.some((e) => e.phase === 'waiting');
    return withheld ? this.#notBeforeMs : null;
  }

  isSuspect(entry: Entry<T>): boolean {
    return entry.losses >= SUSPECT_AFTER_LOSSES;
  }

  sent(entry: Entry<T>): void {
    entry.phase = 'inFlight';
  }

  acknowledged(entry: Entry<T>): void {
    this.#givenUpInARow = 0;
    this.#held = false;
    this.#finish(entry);
  }

  rejected(entry: Entry<T>, nowMs: number): Verdict {
    entry.phase = 'waiting';
    entry.rejections += 1;
    if (entry.rejections < this.#limits.maxRejections) {
      this.#notBeforeMs = nowMs + this.#limits.rejectionRetryMs * 2 ** (entry.rejections - 1);
      return 'retry';
    }
    return this.#giveUpOrHold(entry, nowMs);
  }

  /** @param hangUp the peer ended the connection while this item was alone in flight. */
  lost(entry: Entry<T>, hangUp: boolean, nowMs: number): Verdict {
    entry.phase = 'waiting';
    entry.losses += 1;
    if (!hangUp) return 'retry';
    entry.hangUps += 1;
    if (entry.hangUps < this.#limits.maxHangUps) return 'retry';
    return this.#giveUpOrHold(entry, nowMs);
  }

  /** For an item that was never handed to the network: as if it had not been touched. */
  returned(entry: Entry<T>): void {
    entry.phase = 'waiting';
  }

  /** For an item that cannot even be put into a message. */
  giveUp(entry: Entry<T>): void {
    this.#finish(entry);
  }

  #giveUpOrHold(entry: Entry<T>, nowMs: number): Verdict {
    if (this.#givenUpInARow >= this.#limits.maxGivenUpInARow) {
      this.#held = true;
      this.#notBeforeMs = nowMs + this.#limits.heldRetryMs;
      return 'held';
    }
    this.#givenUpInARow += 1;
    this.#finish(entry);
    return 'giveUp';
  }

  #finish(entry: Entry<T>): void {
    entry.phase = 'done';
    let done = 0;
    for (const candidate of this.#entries) {
      if (candidate.phase !== 'done') break;
      this.#cursor = candidate.seq;
      done += 1;
    }
    if (done > 0) this.#entries.splice(0, done);
  }
}
