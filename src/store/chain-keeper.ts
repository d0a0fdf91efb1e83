/**
 * Keeps the hash chain of each lane in the table `event`: every row's hash covers its own text and
 * the hash of the row before it, from the anchor on (`chain.ts`).
 *
 * Rows without a hash are always the last ones of their lane: an older release leaves them, and so
 * does an event that comes after a higher number of its lane had been linked (only a ring that was
 * read twice can do that). Such a late event takes the hashes after it away, and the chain is made
 * again in the order of numbers: heads from before that are at or above its number can no longer
 * be proven, heads below it can. A number that is missing for ever leaves no trace in the chain.
 * A clash changes nothing: the event that was there first stays in the chain.
 */
import { type Lane, LANES } from '../domain/event.ts';
import type { ChainHead, ChainHeads } from '../domain/ports.ts';
import { genesisHash, linkHash } from './chain.ts';
import { perLane } from './codec.ts';
import type { Sqlite } from './database.ts';
import type { EventRow } from './messages.ts';

interface Linked {
  readonly seq: number;
  readonly hash: string;
}

type Heads = Record<Lane, ChainHead>;

export class ChainKeeper {
  readonly #statements: ReturnType<typeof statements>;
  /** As committed. */
  #heads: Heads;
  /** As the transaction under way would leave them. */
  #next: Heads;
  /** Lanes with rows behind their head that are not linked yet. */
  #behind: Set<Lane>;
  #nextBehind: Set<Lane>;

  constructor(db: Sqlite) {
    this.#statements = statements(db);
    this.#heads = perLane((lane) => this.#findHead(lane));
    this.#next = { ...this.#heads };
    this.#behind = new Set(LANES.filter((lane) => this.#unlinked(lane, 1).length > 0));
    this.#nextBehind = new Set(this.#behind);
  }

  /** Heads of all lanes that have or had an event. */
  get heads(): ChainHeads {
    return Object.fromEntries(
      LANES.filter((lane) => this.#heads[lane].seq > 0).map((lane) => [lane, this.#heads[lane]]),
    );
  }

  /** Some rows are not linked yet: `fill` has work to do. */
  get isBehind(): boolean {
    return this.#behind.size > 0;
  }

  /** Begins a transaction; what an earlier one left undone by its failure is forgotten. */
  begin(): void {
    this.#next = { ...this.#heads };
    this.#nextBehind = new Set(this.#behind);
  }

  /** The hash to store an event with; '' when a row before it is not linked yet. */
  hashFor({ lane, seq, json }: EventRow): string {
    const head = this.#next[lane];
    const inOrder = seq > head.seq && !this.#nextBehind.has(lane);
    return inOrder ? linkHash(head.hash, json) : '';
  }

  /** The event was new and is in the table with that hash. */
  stored({ lane, seq }: EventRow, hash: string): void {
    if (hash !== '') {
      this.#next[lane] = { seq, hash };
      return;
    }
    this.#nextBehind.add(lane);
    if (seq < this.#next[lane].seq) this.#unlinkFrom(lane, seq);
  }

  /** The transaction is durable. */
  committed(): void {
    this.#heads = { ...this.#next };
    this.#behind = new Set(this.#nextBehind);
  }

  /** Links up to `limit` rows, in a transaction of the caller's. @returns how many. */
  fill(limit: number): number {
    let done = 0;
    for (const lane of LANES) {
      if (!this.#nextBehind.has(lane) || done >= limit) continue;
      const rows = this.#unlinked(lane, limit - done);
      for (const { seq, json } of rows) {
        const hash = linkHash(this.#next[lane].hash, json);
        this.#statements.link.run(hash, lane, seq);
        this.#next[lane] = { seq, hash };
      }
      done += rows.length;
      if (this.#unlinked(lane, 1).length === 0) this.#nextBehind.delete(lane);
    }
    return done;
  }

  /** Moves the anchor to an event that is about to be deleted, with everything before it. */
  anchor(lane: Lane, seq: number): void {
    const hash = this.#statements.hashOf.get(lane, seq);
    if (hash === undefined) return;
    this.#statements.moveAnchor.run(lane, seq, hash);
  }

  /** Highest number of a lane whose hash is known: nothing above it may be pruned. */
  linkedUpTo(lane: Lane): number {
    return this.#heads[lane].seq;
  }

  #unlinkFrom(lane: Lane, seq: number): void {
    this.#statements.unlink.run(lane, seq);
    this.#next[lane] = this.#before(lane, seq);
  }

  #unlinked(lane: Lane, limit: number): readonly { readonly seq: number; readonly json: string }[] {
    return this.#statements.unlinked.all(lane, this.#next[lane].seq, limit);
  }

  /** The row before a number, or the anchor, or the beginning. */
  #before(lane: Lane, seq: number): Linked {
    const row = this.#statements.lastBelow.get(lane, seq);
    if (row !== undefined && row.hash !== '') return row;
    return this.#statements.anchor.get(lane) ?? { seq: 0, hash: genesisHash(lane) };
  }

  /** Unlinked rows are the last ones, so halving finds the border in a few steps. */
  #findHead(lane: Lane): Linked {
    const { lastBelow, firstSeq } = this.#statements;
    const last = lastBelow.get(lane, Number.MAX_SAFE_INTEGER);
    if (last === undefined || last.hash !== '') {
      return this.#before(lane, Number.MAX_SAFE_INTEGER);
    }
    let linked = (firstSeq.get(lane) ?? 0) - 1;
    let unlinked = last.seq;
    while (unlinked - linked > 1) {
      const middle = Math.floor((linked + unlinked) / 2);
      const row = lastBelow.get(lane, middle + 1);
      if (row === undefined || row.hash !== '') linked = middle;
      else unlinked = row.seq;
    }
    return this.#before(lane, linked + 1);
  }
}

function statements(db: Sqlite) {
  return {
    lastBelow: db.prepare<[Lane, number], Linked>(
      'SELECT seq, hash FROM event WHERE lane = ? AND seq < ? ORDER BY seq DESC LIMIT 1',
    ),
    firstSeq: db
      .prepare<[Lane], number | null>('SELECT MIN(seq) FROM event WHERE lane = ?')
      .pluck(),
    unlinked: db.prepare<[Lane, number, number], { seq: number; json: string }>(
      'SELECT seq, json FROM event WHERE lane = ? AND seq > ? ORDER BY seq LIMIT ?',
    ),
    link: db.prepare<[string, Lane, number]>(
      'UPDATE event SET hash = ? WHERE lane = ? AND seq = ?',
    ),
    unlink: db.prepare<[Lane, number]>(`UPDATE event SET hash = '' WHERE lane = ? AND seq >= ?`),
    anchor: db.prepare<[Lane], Linked>('SELECT seq, hash FROM anchor WHERE lane = ?'),
    hashOf: db
      .prepare<[Lane, number], string>(
        `SELECT hash FROM event WHERE lane = ? AND seq = ? AND hash <> ''`,
      )
      .pluck(),
    moveAnchor: db.prepare<[Lane, number, string]>(
      `INSERT INTO anchor (lane, seq, hash) VALUES (?, ?, ?)
       ON CONFLICT (lane) DO UPDATE SET seq = excluded.seq, hash = excluded.hash
       WHERE excluded.seq > seq`,
    ),
  };
}
