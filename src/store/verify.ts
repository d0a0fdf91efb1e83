/**
 * Proves the hash chain of a lane from its anchor to its end, against a published head where there
 * is one, and names the first break. Reads a page of rows at a time, each in a transaction of its
 * own, so that an appliance that is running can go on folding its log back.
 */
import type { Lane } from '../domain/event.ts';
import type { ChainHead } from '../domain/ports.ts';
import { genesisHash, linkHash } from './chain.ts';
import { eventOf } from './codec.ts';
import type { Sqlite } from './database.ts';

const PAGE_ROWS = 2000;

export type BreakKind =
  /** The hash does not follow from the event and the one before it. */
  | 'hash'
  /** Numbers that the chain includes are not there. */
  | 'missing'
  /** The text is not the event that its row claims, or not written as it was. */
  | 'text'
  /** The chain is sound, and another one than the head that was published. */
  | 'head';

export interface ChainBreak {
  readonly seq: number;
  readonly what: BreakKind;
  readonly detail: string;
}

export interface LaneProof {
  readonly lane: Lane;
  /** What the chain begins after: the last event that is no longer there; 0 for none. */
  readonly anchorSeq: number;
  readonly events: number;
  /** Where the proven part ends. */
  readonly head: ChainHead;
  /** Numbers that were never stored: the chain goes on over them. */
  readonly neverStored: number;
  /** Events of an older release at the end that are not linked yet. */
  readonly unlinked: number;
  readonly published: 'none' | 'proven' | 'broken' | 'pruned';
  readonly break: ChainBreak | null;
}

interface Row {
  readonly seq: number;
  readonly id: string;
  readonly type: string;
  readonly wall: string;
  readonly json: string;
  readonly hash: string;
}

/** @throws SQLite's error where the database cannot be read. */
export function verifyLane(db: Sqlite, lane: Lane, published: ChainHead | null): LaneProof {
  const walk = new Walk(db, lane, published);
  for (;;) {
    const { anchor, rows } = walk.page();
    walk.moveTo(anchor);
    for (const row of rows) {
      const found = walk.take(row);
      if (found !== null) return walk.end(found);
    }
    if (rows.length < PAGE_ROWS) return walk.end(walk.missingHead());
  }
}

class Walk {
  readonly #lane: Lane;
  readonly #published: ChainHead | null;
  readonly #read: () => { readonly anchor: ChainHead | null; readonly rows: readonly Row[] };
  readonly #recorded: (first: number, last: number) => string | null;
  #anchorSeq = 0;
  #last: ChainHead;
  /** The one before `#last`: tells an event that was put in between. */
  #before: ChainHead | null = null;
  #events = 0;
  #neverStored = 0;
  #unlinked = 0;
  /** Where reading goes on; ahead of `#last` while rows are not linked. */
  #at = 0;
  #state: LaneProof['published'];

  constructor(db: Sqlite, lane: Lane, published: ChainHead | null) {
    this.#lane = lane;
    this.#published = published;
    this.#state = published === null ? 'none' : 'broken';
    this.#last = { seq: 0, hash: genesisHash(lane) };
    const anchor = db.prepare<[Lane], ChainHead>('SELECT seq, hash FROM anchor WHERE lane = ?');
    const rows = db.prepare<[Lane, number, number], Row>(
      `SELECT seq, id, type, wall, json, hash FROM event
       WHERE lane = ? AND seq > ? ORDER BY seq LIMIT ?`,
    );
    this.#read = db.transaction(() => {
      const found = anchor.get(lane) ?? null;
      const from = Math.max(this.#at, found?.seq ?? 0);
      return { anchor: found, rows: rows.all(lane, from, PAGE_ROWS) };
    });
    const reason = db
      .prepare<[Lane, number, number], string>(
        `SELECT reason FROM gap WHERE lane = ? AND first_seq <= ? AND last_seq >= ?
         ORDER BY id DESC LIMIT 1`,
      )
      .pluck();
    this.#recorded = (first, last) => reason.get(lane, last, first) ?? null;
  }

  page(): { readonly anchor: ChainHead | null; readonly rows: readonly Row[] } {
    return this.#read();
  }

  /** Takes the anchor for the beginning; pruning may move it while we read. */
  moveTo(anchor: ChainHead | null): void {
    if (anchor === null || anchor.seq <= this.#last.seq) return;
    this.#last = { seq: anchor.seq, hash: anchor.hash };
    this.#at = anchor.seq;
    this.#before = null;
    if (this.#events === 0) this.#anchorSeq = anchor.seq;
    if (this.#published === null || this.#state === 'proven') return;
    if (this.#published.seq < anchor.seq) this.#state = 'pruned';
    if (this.#published.seq === anchor.seq && this.#published.hash === anchor.hash) {
      this.#state = 'proven';
    }
  }

  /** The break at this row; null where there is none. */
  take(row: Row): ChainBreak | null {
    this.#at = row.seq;
    const text = textProblem(this.#lane, row);
    if (text !== null) return { seq: row.seq, what: 'text', detail: text };
    if (row.hash === '') {
      this.#unlinked += 1;
      return null;
    }
    if (this.#unlinked > 0) {
      const detail = 'the event before it has no hash, and this one has';
      return { seq: row.seq, what: 'hash', detail };
    }
    if (linkHash(this.#last.hash, row.json) !== row.hash) return this.#brokenAt(row);
    this.#neverStored += row.seq - this.#last.seq - 1;
    this.#before = this.#last;
    this.#last = { seq: row.seq, hash: row.hash };
    this.#events += 1;
    return this.#compare(row);
  }

  end(found: ChainBreak | null): LaneProof {
    return {
      lane: this.#lane,
      anchorSeq: this.#anchorSeq,
      events: this.#events,
      head: this.#last,
      neverStored: this.#neverStored,
      unlinked: this.#unlinked,
      published: this.#state,
      break: found,
    };
  }

  /** The end was reached: a head that did not come by is a break. */
  missingHead(): ChainBreak | null {
    if (this.#published === null || this.#state !== 'broken') return null;
    const { seq } = this.#published;
    if (seq === this.#anchorSeq) {
      return { seq, what: 'head', detail: 'the anchor has another hash than was published' };
    }
    const detail = `the published event is not there; the lane ends with ${this.#last.seq}`;
    return { seq, what: 'missing', detail };
  }

  #compare({ seq, hash }: Row): ChainBreak | null {
    if (this.#published?.seq !== seq) return null;
    if (this.#published.hash === hash) {
      this.#state = 'proven';
      return null;
    }
    const detail =
      'up to here the chain is sound in itself, and not the one that was published: events were ' +
      'changed and linked anew, or the head is of another appliance';
    return { seq, what: 'head', detail };
  }

  #brokenAt({ seq, json, hash }: Row): ChainBreak {
    const previous = this.#last.seq;
    if (seq > previous + 1) {
      const range = `${previous + 1} to ${seq - 1}`;
      const reason = this.#recorded(previous + 1, seq - 1);
      const ledger =
        reason === null
          ? 'no gap record says why'
          : `a gap record says why: ${reason} (whoever can delete events can also write records)`;
      const detail = `${range} are missing, and the chain includes them; ${ledger}`;
      return { seq: previous + 1, what: 'missing', detail };
    }
    if (this.#before !== null && linkHash(this.#before.hash, json) === hash) {
      const detail = `the chain goes from ${this.#before.seq} to ${seq}: this event was put in`;
      return { seq: previous, what: 'hash', detail };
    }
    const detail = 'the hash does not follow from the text and the hash before it';
    return { seq, what: 'hash', detail };
  }
}

/** Columns are copies of what the text says: both must agree, and the text be as it was written. */
function textProblem(lane: Lane, { seq, id, type, wall, json }: Row): string | null {
  const event = eventOf(json);
  if (event === null) return 'the text is no event';
  const differing = Object.entries({ lane, seq, id, type, wall }).find(
    ([name, value]) => event[name as 'lane' | 'seq' | 'id' | 'type' | 'wall'] !== value,
  );
  if (differing !== undefined) {
    return `the column ${differing[0]} says "${differing[1]}", the text says otherwise`;
  }
  return JSON.stringify(event) === json ? null : 'the text is not written as it was: not canonical';
}
