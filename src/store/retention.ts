/**
 * Gives up what no longer fits, in slices of a few milliseconds, so that an alarm never waits long
 * behind one. In this order, and only as far as the bound asks for:
 *
 * 1. telemetry is merged to one row per 10 s and channel, then per minute, the oldest first;
 * 2. telemetry goes, the oldest first;
 * 3. events that every broker has had go: system, operator, fault, alarm, the oldest first;
 * 4. only for the bound in bytes: system, operator and fault events that were not delivered.
 *
 * An alarm that was not delivered stays, whatever it takes. Everything that goes is in the ledger
 * of gaps; the anchor of a lane's hash chain moves with its first event. Age does 1 to 3 as well.
 */
import { type Lane, LANES } from '../domain/event.ts';
import type { ChainKeeper } from './chain-keeper.ts';
import type { Sqlite } from './database.ts';
import { freeRanges, type HandedOut, type RowRange } from './free-ranges.ts';
import type { GapLedger } from './gap-ledger.ts';
import type { CursorLane } from './messages.ts';
import { ONE_MINUTE, TEN_SECONDS, Thinner, type Tier } from './thinning.ts';

/** Age alone leaves this many of a lane: a wrong clock must not empty the journal. */
const KEPT_WHATEVER_AGE = 1000;
/** Rows beyond a reader's position that may have been published before the last end. */
const MAY_BE_OUT_ROWS = 2000;
/** An event is larger than a reading, and so is the work to remove it. */
const EVENTS_PER_ROW = 0.25;
/** Later than every stamp. */
const ALWAYS = '~';

/** The reasons that stand in the ledger. */
export const REASONS = {
  thinned: 'thinned',
  telemetryFull: 'telemetryFull',
  telemetryOld: 'telemetryOld',
  delivered: 'delivered',
  eventsFull: 'eventsFull',
} as const;

export interface Slice {
  readonly thinned: number;
  readonly droppedTelemetry: number;
  readonly droppedEvents: number;
}

interface RetentionParts {
  readonly db: Sqlite;
  readonly chain: ChainKeeper;
  readonly ledger: GapLedger;
  readonly handedOut: HandedOut;
  readonly sliceRows: number;
}

export class Retention {
  readonly #parts: RetentionParts;
  readonly #statements: ReturnType<typeof statements>;
  readonly #thinner: Thinner;
  /** Readers whose doubtful rows after the last end have been taken note of. */
  readonly #known = new Set<string>();

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    this.#statements = statements(parts.db);
    this.#thinner = new Thinner(parts.db, parts.sliceRows);
  }

  /**
   * The next slice for want of room, in a transaction of the caller's; null: nothing may go.
   * @param brokers whose positions count
   * @param undelivered events that nobody had may go too, if nothing else is left
   */
  relieve(brokers: readonly string[], undelivered: boolean): Slice | null {
    const before = ALWAYS;
    return (
      this.#thin(TEN_SECONDS, brokers, before) ??
      this.#thin(ONE_MINUTE, brokers, before) ??
      this.#dropTelemetry(brokers, before, Infinity, REASONS.telemetryFull) ??
      this.#dropDelivered(brokers, before, 1) ??
      (undelivered ? this.#dropUndelivered(brokers) : null)
    );
  }

  /** The next slice of thinning by age. @param older than these wall times */
  thinOld(
    brokers: readonly string[],
    older: { readonly tenSeconds: string; readonly oneMinute: string },
  ): Slice | null {
    return (
      this.#thin(TEN_SECONDS, brokers, older.tenSeconds) ??
      this.#thin(ONE_MINUTE, brokers, older.oneMinute)
    );
  }

  /** The next slice of what is too old. @param older than these wall times */
  dropOld(
    brokers: readonly string[],
    older: { readonly telemetry: string; readonly events: string },
  ): Slice | null {
    return (
      this.#dropTelemetry(brokers, older.telemetry, Infinity, REASONS.telemetryOld) ??
      this.#dropDelivered(brokers, older.events, KEPT_WHATEVER_AGE)
    );
  }

  /** The next slice of telemetry whose numbers lie further back than so many rows. */
  dropBeyond(brokers: readonly string[], rows: number): Slice | null {
    const last = this.#statements.newestRow.get() ?? 0;
    return this.#dropTelemetry(brokers, ALWAYS, last - rows, REASONS.telemetryFull);
  }

  /** Lowest position of the brokers in a lane; infinite where there is no broker. */
  deliveredUpTo(brokers: readonly string[], lane: CursorLane): number {
    return Math.min(Infinity, ...this.#positions(brokers, lane));
  }

  /** Wall time of the oldest reading that some broker has not had; null: there is none. */
  readingsSinceMs(brokers: readonly string[]): number | null {
    const after = this.deliveredUpTo(brokers, 'telemetry');
    const oldest = this.#statements.oldestIn.get(after, Number.MAX_SAFE_INTEGER);
    return oldest === undefined ? null : Date.parse(oldest.wall);
  }

  #positions(brokers: readonly string[], lane: CursorLane): readonly number[] {
    return brokers.map((broker) => this.#statements.position.get(broker, lane) ?? 0);
  }

  #ranges(brokers: readonly string[]): readonly RowRange[] {
    const { handedOut } = this.#parts;
    const s = this.#statements;
    for (const broker of brokers) {
      if (this.#known.has(broker)) continue;
      this.#known.add(broker);
      const after = s.position.get(broker, 'telemetry') ?? 0;
      const upTo = s.rowAfter.get(after, MAY_BE_OUT_ROWS) ?? s.newestRow.get() ?? after;
      handedOut.note(-1, upTo);
    }
    const last = s.newestRow.get() ?? 0;
    return freeRanges(this.#positions(brokers, 'telemetry'), handedOut.ends, last);
  }

  #thin(tier: Tier, brokers: readonly string[], before: string): Slice | null {
    const thinned = this.#thinner.thin(tier, this.#ranges(brokers), before);
    if (thinned.rows === 0) return null;
    const { range, readings, removed } = thinned;
    // Rows that were merged before are in the ledger already.
    if (range !== null && readings > 0) {
      const had = this.#had(brokers, 'telemetry', range.lastSeq);
      this.#parts.ledger.add({
        ...{ lane: 'telemetry', ...range, reason: REASONS.thinned, readings, had },
      });
    }
    return { thinned: removed, droppedTelemetry: 0, droppedEvents: 0 };
  }

  #dropTelemetry(
    brokers: readonly string[],
    before: string,
    upTo: number,
    reason: string,
  ): Slice | null {
    const s = this.#statements;
    for (const range of this.#ranges(brokers)) {
      const oldest = s.oldestIn.get(range.after, Math.min(range.upTo, upTo));
      if (oldest === undefined || oldest.wall >= before) continue;
      const last = s.rowAfter.get(oldest.row, this.#parts.sliceRows) ?? range.upTo;
      const cut = Math.min(last, range.upTo, upTo);
      const lastSeq = s.lastOlder.get(range.after, cut, before) ?? oldest.row;
      const { rows, readings } = s.sumOf.get(range.after, lastSeq) ?? { rows: 0, readings: 0 };
      s.deleteTelemetry.run(range.after, lastSeq);
      const had = this.#had(brokers, 'telemetry', lastSeq);
      const firstSeq = oldest.row;
      this.#parts.ledger.add({ lane: 'telemetry', firstSeq, lastSeq, reason, readings, had });
      return { thinned: 0, droppedTelemetry: rows, droppedEvents: 0 };
    }
    return null;
  }

  #dropDelivered(brokers: readonly string[], before: string, kept: number): Slice | null {
    for (const lane of leastFirst()) {
      const upTo = Math.min(this.deliveredUpTo(brokers, lane), this.#head(lane) - kept);
      const slice = this.#dropEvents(lane, brokers, upTo, before, REASONS.delivered);
      if (slice !== null) return slice;
    }
    return null;
  }

  #dropUndelivered(brokers: readonly string[]): Slice | null {
    for (const lane of leastFirst()) {
      if (lane === 'alarm') continue;
      const slice = this.#dropEvents(
        lane,
        brokers,
        this.#head(lane) - 1,
        ALWAYS,
        REASONS.eventsFull,
      );
      if (slice !== null) return slice;
    }
    return null;
  }

  #dropEvents(
    lane: Lane,
    brokers: readonly string[],
    upTo: number,
    before: string,
    reason: string,
  ): Slice | null {
    const { chain, ledger, sliceRows } = this.#parts;
    const s = this.#statements;
    // What is not linked yet would leave the chain without a beginning.
    const limit = Math.min(upTo, chain.linkedUpTo(lane));
    const most = Math.max(1, Math.floor(sliceRows * EVENTS_PER_ROW));
    const rows = s.oldestEvents.all(lane, limit, most);
    const young = rows.findIndex(({ wall }) => wall >= before);
    const going = young < 0 ? rows : rows.slice(0, young);
    const positions = this.#positions(brokers, lane);
    const first = going[0];
    if (first === undefined) return null;
    // All of the slice lies on one side of every position, so that `had` is true of all of it.
    const border = Math.min(Infinity, ...positions.filter((seq) => seq >= first.seq));
    const last = going.findLast(({ seq }) => seq <= border) ?? first;
    const range = { firstSeq: first.seq, lastSeq: last.seq };
    chain.anchor(lane, last.seq);
    const dropped = s.deleteEvents.run(lane, last.seq).changes;
    ledger.add({ lane, ...range, reason, had: this.#had(brokers, lane, last.seq) });
    return { thinned: 0, droppedTelemetry: 0, droppedEvents: dropped };
  }

  /** The newest event of a lane always stays: an older release reads the numbering from it. */
  #head(lane: Lane): number {
    return this.#statements.newestEvent.get(lane) ?? 0;
  }

  #had(brokers: readonly string[], lane: CursorLane, seq: number): readonly string[] {
    return brokers.filter((one) => (this.#statements.position.get(one, lane) ?? 0) >= seq);
  }
}

function leastFirst(): readonly Lane[] {
  return [...LANES].reverse();
}

function statements(db: Sqlite) {
  return {
    position: db
      .prepare<[string, CursorLane], number>('SELECT seq FROM cursor WHERE broker = ? AND lane = ?')
      .pluck(),
    newestRow: db.prepare<[], number | null>('SELECT MAX(row) FROM telemetry').pluck(),
    rowAfter: db
      .prepare<[number, number], number>(
        'SELECT row FROM telemetry WHERE row > ? ORDER BY row LIMIT 1 OFFSET ?',
      )
      .pluck(),
    oldestIn: db.prepare<[number, number], { row: number; wall: string }>(
      'SELECT row, wall FROM telemetry WHERE row > ? AND row <= ? ORDER BY row LIMIT 1',
    ),
    lastOlder: db
      .prepare<[number, number, string], number>(
        `SELECT row FROM telemetry WHERE row > ? AND row <= ? AND wall < ?
         ORDER BY row DESC LIMIT 1`,
      )
      .pluck(),
    sumOf: db.prepare<[number, number], { rows: number; readings: number }>(
      `SELECT COUNT(*) AS rows, COALESCE(SUM(count), 0) AS readings FROM telemetry
       WHERE row > ? AND row <= ?`,
    ),
    deleteTelemetry: db.prepare<[number, number]>(
      'DELETE FROM telemetry WHERE row > ? AND row <= ?',
    ),
    newestEvent: db
      .prepare<[Lane], number | null>('SELECT MAX(seq) FROM event WHERE lane = ?')
      .pluck(),
    oldestEvents: db.prepare<[Lane, number, number], { seq: number; wall: string }>(
      'SELECT seq, wall FROM event WHERE lane = ? AND seq <= ? ORDER BY seq LIMIT ?',
    ),
    deleteEvents: db.prepare<[Lane, number]>('DELETE FROM event WHERE lane = ? AND seq <= ?'),
  };
}
