/**
 * Turns what waits into durable commits and decides what happens when that fails. Group commit:
 * one transaction is under way at a time, and everything that arrives meanwhile is the next one.
 * A group is kept until its receipt and sent again when the writer was lost.
 *
 * | trouble               | what is done                                                        |
 * |-----------------------|---------------------------------------------------------------------|
 * | no room               | events from the reserve (`full-disk.ts`), or all again after a pause |
 * | damaged               | set aside, a new database, the same group again                     |
 * | I/O error, read-only  | open again after a pause                                            |
 * | writer ended          | start it again after a pause                                        |
 * | none works for long   | `memory`: readers are served from what waits, until it works again  |
 */
import type { Cancel, CommitReceipt } from '../domain/ports.ts';
import { perLane } from './codec.ts';
import type { CommitWatch } from './commit-watch.ts';
import {
  damageOf,
  HeadNews,
  noteClashes,
  noteSetAside,
  sessionFor,
  watchFor,
} from './committer-parts.ts';
import { FullDisk } from './full-disk.ts';
import type { FromWriter, Heads, OpenedStore, Tended } from './messages.ts';
import type { CommitterOptions, StoreStats } from './options.ts';
import { PendingWrites } from './pending.ts';
import { Reader } from './reader.ts';
import { Setbacks } from './setbacks.ts';
import { Upkeep } from './upkeep.ts';
import type { SessionEvents, WriterSession } from './writer-session.ts';

/** Readers may find more than before; nothing new is durable. */
const NEWS: CommitReceipt = { committed: {}, events: 0, commitMs: 0 };

export class Committer {
  readonly pending: PendingWrites;
  readonly reader: Reader;
  readonly #options: CommitterOptions;
  readonly #session: WriterSession;
  readonly #watch: CommitWatch;
  readonly #upkeep: Upkeep;
  readonly #fullDisk: FullDisk;
  readonly #setbacks: Setbacks;
  readonly headNews = new HeadNews();
  #heads: Heads = perLane(() => 0);
  #telemetryRow = 0;
  #openings = 0;
  #memory = false;
  #closing = false;
  /** Number of the group in flight, or of the last one. */
  #number = 0;
  #commits = 0;
  #sentAtMs = 0;
  #cancelLazy: Cancel | null = null;
  #cancelRewrite: Cancel | null = null;

  constructor(options: CommitterOptions) {
    this.#options = options;
    const { clock, limits } = options;
    this.pending = new PendingWrites(limits.pending);
    this.#session = this.#newSession();
    this.reader = new Reader(
      this.#session,
      (what) => this.#closing || (this.#memory && !this.headNews.isAwaitedBy(what)),
      () => options.onReceipt(NEWS),
    );
    this.#watch = watchFor(
      options,
      () => this.reader.tellNews(),
      () => this.enterMemory(),
    );
    this.#fullDisk = new FullDisk(limits);
    this.#setbacks = new Setbacks({
      ...{ session: this.#session, watch: this.#watch, reader: this.reader },
      troubles: options.troubles,
      isMemory: () => this.#memory,
      onNoRoom: () => this.#noRoom(),
    });
    this.#upkeep = new Upkeep({
      ...{ clock, limits, brokers: options.brokers, troubles: options.troubles },
      post: (request) => {
        const isFree = this.#session.ready && !this.#closing && !this.#isBusy;
        if (isFree) this.#session.tend(request);
        return isFree;
      },
      onReport: (report) => this.#tended(report),
    });
  }

  start(): void {
    this.#session.start();
  }

  /** Highest number of each lane that is durable, or below which nothing can be read any more. */
  get heads(): Heads {
    return this.#heads;
  }

  raiseHeads(heads: Heads): void {
    this.#heads = perLane((lane) => Math.max(this.#heads[lane], heads[lane]));
  }

  /** Readers also get what is not durable yet, because it may not become so for long. */
  get degraded(): boolean {
    const { troubles } = this.#options;
    const isFull = troubles.stands('storeFull') && !this.#fullDisk.isServed;
    return this.#memory || isFull || troubles.stands('storeUnavailable', 'storeSlow');
  }

  get stats(): StoreStats {
    const waiting = this.degraded || !this.#session.ready;
    return {
      ...this.pending.counters,
      mode: this.#memory ? 'memory' : waiting ? 'waiting' : 'durable',
      commits: this.#commits,
      writerRestarts: this.#session.restarts,
      upkeep: this.#upkeep.stats,
    };
  }

  /** To be called after something was added to `pending`. */
  added(): void {
    if (this.degraded) {
      this.reader.tellNews();
      this.#session.keepAlarms();
    }
    this.#schedule();
  }

  /** Gives the database up for now: readers are served from memory. */
  enterMemory(): void {
    this.#memory = true;
    this.#session.abandonReads();
    this.reader.changed();
    this.reader.tellNews();
  }

  /** `quick_check`, table by table. A damaged database is set aside and a new one takes over. */
  async check(): Promise<void> {
    const damage = await damageOf(this.reader);
    if (damage !== null) this.#setbacks.damaged(damage);
  }

  /** Commits what waits if that is possible in time, then ends the writer. */
  async close(): Promise<void> {
    const { clock, limits } = this.#options;
    this.#closing = true;
    this.#upkeep.stop();
    const deadlineMs = clock.monotonicMs() + limits.closeDeadlineMs;
    const cancel = clock.after(limits.closeDeadlineMs, () => this.reader.changed());
    this.reader.changed();
    this.#schedule();
    while (!this.pending.empty && this.#session.ready && clock.monotonicMs() < deadlineMs) {
      await this.reader.nextChange();
    }
    cancel();
    this.#cancelLazy?.();
    this.#cancelRewrite?.();
    this.#watch.over();
    await this.#session.close(limits.closeDeadlineMs);
  }

  #newSession(): WriterSession {
    const floor = (): number => this.#telemetryRow;
    const events: SessionEvents = {
      onOpened: (store) => this.#opened(store),
      onUnavailable: (trouble, detail) => {
        this.#setbacks.unusable(trouble, detail);
        this.reader.changed();
        this.#options.onAttempt(null);
      },
      onCommitted: (receipt) => this.#committed(receipt),
      onWriteFailed: ({ trouble, detail }) => this.#setbacks.writeFailed(trouble, detail),
      onReadFailed: ({ trouble, detail }) => this.#setbacks.readFailed(trouble, detail),
      onTended: (report) => this.#upkeep.tended(report),
      onTendFailed: ({ trouble, detail }) => {
        this.#upkeep.failed();
        if (trouble === 'corrupt') this.#setbacks.damaged(detail);
      },
    };
    return sessionFor(this.#options, floor, events, this.pending);
  }

  #schedule(): void {
    if (!this.pending.waiting) return;
    if (this.pending.urgent || this.#closing) {
      this.#commitNext();
      return;
    }
    const { clock, limits } = this.#options;
    this.#cancelLazy ??= clock.after(limits.lazyCommitMs, () => this.#commitNext());
  }

  /** Something more urgent than upkeep is under way, or could be. */
  get #isBusy(): boolean {
    if (this.#cancelRewrite !== null) return false;
    return this.pending.inFlight !== null || this.pending.has(this.#fullDisk.part ?? 'events');
  }

  #commitNext(): void {
    this.#cancelLazy?.();
    this.#cancelLazy = null;
    const paused = this.#cancelRewrite !== null || !this.#session.ready;
    const part = this.#fullDisk.part ?? (this.#upkeep.holdsTelemetry ? 'notTelemetry' : 'all');
    if (paused || this.pending.inFlight !== null || !this.pending.has(part)) return;
    this.#number += 1;
    this.pending.take(part);
    this.#send();
  }

  /** Sends the group in flight, for the first time or again. */
  #send(): void {
    const group = this.pending.inFlight;
    this.#cancelRewrite?.();
    this.#cancelRewrite = null;
    if (group === null) return;
    this.#sentAtMs = this.#options.clock.monotonicMs();
    this.#watch.sent();
    this.#session.write(this.#number, group, this.#fullDisk.part !== null);
  }

  #opened(store: OpenedStore): void {
    const { troubles, onAttempt } = this.#options;
    this.#openings += 1;
    const held = { heads: this.#heads, telemetryRow: this.#telemetryRow };
    noteSetAside(
      store,
      { ...held, isFirst: this.#openings === 1 },
      { troubles, pending: this.pending },
    );
    this.raiseHeads(store.heads);
    this.#telemetryRow = Math.max(this.#telemetryRow, store.telemetryRow);
    this.#memory = false;
    this.#watch.over();
    this.headNews.opened(store.chainHeads);
    this.#upkeep.opened();
    onAttempt(store);
    if (this.pending.inFlight !== null) this.#send();
    else if (this.pending.waiting) this.#commitNext();
    else this.#works();
    this.reader.changed();
    this.reader.tellNews();
  }

  #works(): void {
    const { troubles } = this.#options;
    troubles.restore('storeUnavailable', 'storeSlow');
    if (this.#fullDisk.part === null) troubles.restore('storeFull');
  }

  #committed(receipt: Extract<FromWriter, { kind: 'committed' }>): void {
    const { clock, troubles, observeCommit, onReceipt } = this.#options;
    const group = this.pending.inFlight;
    if (group === null || receipt.number !== this.#number) return;
    const { committed, events } = this.pending.settle();
    this.#watch.over();
    this.#commits += 1;
    this.#fullDisk.committed(group);
    this.#setbacks.over();
    this.#memory = false;
    this.#telemetryRow = Math.max(this.#telemetryRow, receipt.telemetryRow);
    this.raiseHeads({ ...this.#heads, ...committed });
    this.#works();
    if (!this.pending.waiting) troubles.restore('storeDropping');
    noteClashes(troubles, receipt);
    const { commitMs, chainHeads } = receipt;
    observeCommit({ commitMs, receiptMs: clock.monotonicMs() - this.#sentAtMs, events });
    onReceipt(this.headNews.with({ committed, events, commitMs }, chainHeads));
    this.reader.changed();
    this.#schedule();
    this.#upkeep.committed(group);
  }

  #tended(report: Tended): void {
    // Rows of an older release get their hashes now.
    const news = this.headNews.with(NEWS, report.chainHeads);
    if (news !== NEWS) this.#options.onReceipt(news);
    if (this.#fullDisk.tended(report.use, this.#options.clock.monotonicMs())) this.#works();
    this.#schedule();
  }

  /** Less of the group at once, if there is a reserve for it; else the same after a pause. */
  #noRoom(): void {
    const { pauseMs, upkeepInMs } = this.#fullDisk.failed(this.#options.clock.monotonicMs());
    this.#upkeep.hurry(upkeepInMs);
    this.reader.changed();
    if (pauseMs === null) {
      this.pending.putBack();
      this.#commitNext();
      return;
    }
    this.#cancelRewrite ??= this.#options.clock.after(pauseMs, () => {
      this.#cancelRewrite = null;
      if (this.pending.inFlight === null) this.#commitNext();
      else this.#send();
    });
  }
}
