/**
 * The upkeep of an open database, one slice a call: the hash chain is completed, the log kept
 * short, the bounds kept, the reserve made. What is most urgent comes first.
 */
import { LANES } from '../domain/event.ts';
import type { ChainKeeper } from './chain-keeper.ts';
import { type Sqlite, troubleOf } from './database.ts';
import { DiskUse } from './disk-use.ts';
import type { HandedOut } from './free-ranges.ts';
import type { GapLedger } from './gap-ledger.ts';
import type { StoreUse, Tended, TendRequest, Undelivered } from './messages.ts';
import { Retention, type Slice } from './retention.ts';
import { isoFromWallMs } from './wall-time.ts';

/** Rows whose hashes are made in one slice. */
const CHAIN_ROWS = 500;
/** Pruning begins this part of the bound below it, and ends twice as far below. */
const MARGIN = 0.02;
const LEAST_MARGIN_BYTES = 256 * 1024;
const SHRINK_BYTES = 1024 * 1024;

interface TenderParts {
  readonly db: Sqlite;
  readonly directory: string;
  readonly chain: ChainKeeper;
  readonly ledger: GapLedger;
  readonly handedOut: HandedOut;
}

type Done = Slice & { readonly more: boolean };
const NO_SLICE: Slice = { thinned: 0, droppedTelemetry: 0, droppedEvents: 0 };

export class Tender {
  readonly #parts: TenderParts;
  readonly #disk: DiskUse;
  #retention: Retention | null = null;
  #sliceRows = 0;
  /** Pruning has begun and goes on until there is some room. */
  #relieving = false;

  constructor(parts: TenderParts) {
    this.#parts = parts;
    this.#disk = new DiskUse(parts.db, parts.directory);
  }

  /** Lets the reserve go. @returns whether that made room. */
  release(): boolean {
    return this.#disk.release();
  }

  /**
   * One slice. Where the disk is full even for that the reserve is let go, if there is one.
   * @throws what SQLite or the disk says
   */
  tend(request: TendRequest): Tended {
    try {
      return this.#tend(request);
    } catch (error) {
      if (troubleOf(error) !== 'full' || !this.#disk.release()) throw error;
      return this.#tend(request);
    }
  }

  #tend(request: TendRequest): Tended {
    const { limits, brokers } = request;
    const use = this.#use(request);
    const { more, ...slice } = this.#slice(request, use);
    const isMaking = !more && this.#disk.makeReserve(limits.reserveBytes);
    return {
      ...slice,
      use: this.#use(request),
      more: more || isMaking,
      undelivered: this.#undelivered(brokers),
      chainHeads: this.#parts.chain.heads,
    };
  }

  #slice(request: TendRequest, use: StoreUse): Done {
    const { chain } = this.#parts;
    const { limits } = request;
    if (chain.isBehind) {
      this.#inTransaction(() => chain.fill(CHAIN_ROWS));
      return { ...NO_SLICE, more: true };
    }
    if (use.walBytes > limits.walBytes && this.#disk.foldLog()) {
      return { ...NO_SLICE, more: true };
    }
    const slice = this.#relieve(request, use) ?? this.#aged(request);
    if (slice !== null) return { ...slice, more: true };
    return { ...NO_SLICE, more: this.#shrink(use) };
  }

  /** For want of room. */
  #relieve({ limits, brokers }: TendRequest, use: StoreUse): Slice | null {
    const margin = Math.max(
      Math.min(LEAST_MARGIN_BYTES, use.limitBytes / 4),
      use.limitBytes * MARGIN,
    );
    const over = use.usedBytes > use.limitBytes - (this.#relieving ? 2 : 1) * margin;
    this.#relieving = over;
    if (!over) return null;
    // A disk that others have filled is no reason to give up what nobody has had.
    const ownBound = use.usedBytes > limits.maxBytes - 2 * margin;
    const slice = this.#retain(limits.sliceRows, (retention) =>
      retention.relieve(brokers, ownBound),
    );
    if (slice === null) this.#relieving = false;
    return slice;
  }

  /** For their age. */
  #aged({ limits, brokers, wallMs }: TendRequest): Slice | null {
    const before = (ms: number): string => isoFromWallMs(wallMs - ms);
    return this.#retain(limits.sliceRows, (retention) => {
      const beyond =
        limits.telemetryRows === null ? null : retention.dropBeyond(brokers, limits.telemetryRows);
      return (
        beyond ??
        retention.dropOld(brokers, {
          telemetry: before(limits.keepTelemetryMs),
          events: before(limits.keepEventsMs),
        }) ??
        retention.thinOld(brokers, {
          tenSeconds: before(limits.tenSecondsAfterMs),
          oneMinute: before(limits.oneMinuteAfterMs),
        })
      );
    });
  }

  #retain(sliceRows: number, run: (retention: Retention) => Slice | null): Slice | null {
    if (this.#retention === null || this.#sliceRows !== sliceRows) {
      this.#sliceRows = sliceRows;
      this.#retention = new Retention({ ...this.#parts, sliceRows });
    }
    const retention = this.#retention;
    return this.#inTransaction(() => {
      const slice = run(retention);
      return slice;
    });
  }

  #inTransaction<T>(run: () => T): T {
    const { db, chain } = this.#parts;
    chain.begin();
    const result = db.transaction(run).immediate();
    chain.committed();
    return result;
  }

  /** Gives free pages back: what lies above the bound, or what a short disk needs more. */
  #shrink({ fileBytes, usedBytes, limitBytes }: StoreUse): boolean {
    const spare = Math.min(fileBytes - usedBytes, fileBytes - limitBytes);
    if (!this.#disk.shrinks || spare < SHRINK_BYTES) return false;
    this.#disk.shrink(SHRINK_BYTES);
    return true;
  }

  /** The bound, and less while others leave the disk short of room. */
  #use({ limits }: TendRequest): StoreUse {
    const use = this.#disk.measure(limits.reserveBytes);
    const shortBytes = Math.max(0, limits.minFreeBytes - use.diskFreeBytes);
    // Pages cannot leave the file of an older release: it can only stop growing.
    const wanted = this.#disk.shrinks ? use.fileBytes - shortBytes : use.fileBytes;
    const limitBytes =
      shortBytes === 0 ? limits.maxBytes : Math.max(0, Math.min(limits.maxBytes, wanted));
    return { ...use, limitBytes };
  }

  #undelivered(brokers: readonly string[]): Undelivered {
    const retention = this.#retention;
    if (retention === null || brokers.length === 0) return { events: 0, readingsSinceMs: null };
    const heads = this.#parts.chain.heads;
    let events = 0;
    for (const lane of LANES) {
      const head = heads[lane]?.seq ?? 0;
      events += Math.max(0, head - retention.deliveredUpTo(brokers, lane));
    }
    return { events, readingsSinceMs: retention.readingsSinceMs(brokers) };
  }
}
