/**
 * Turns what waits into durable commits and decides what happens when that fails. Group commit:
 * one transaction is under way at a time, and everything that arrives meanwhile is the next one.
 * A group is kept until its receipt and sent again when the writer was lost.
 *
 * | trouble               | what is done                                                        |
 * |-----------------------|---------------------------------------------------------------------|
 * | no room               | the same group again after a pause; reading goes on                 |
 * | damaged               | set aside, a new database, the same group again                     |
 * | I/O error, read-only  | open again after a pause                                            |
 * | writer ended          | start it again after a pause                                        |
 * | none works for long   | `memory`: readers are served from what waits, until it works again  |
 */
import type { Cancel } from '../domain/ports.ts';
import { perLane } from './codec.ts';
import { CommitWatch } from './commit-watch.ts';
import type { FromWriter, Heads, OpenedStore, WriterTrouble } from './messages.ts';
import { lostRanges } from './numbering.ts';
import type { CommitterOptions, StoreStats } from './options.ts';
import { PendingWrites } from './pending.ts';
import { Reader } from './reader.ts';
import { TABLES } from './schema.ts';
import { brokenText, setAsideText } from './troubles.ts';
import { WriterSession } from './writer-session.ts';

export class Committer {
  readonly pending: PendingWrites;
  readonly reader: Reader;
  readonly #options: CommitterOptions;
  readonly #session: WriterSession;
  readonly #watch: CommitWatch;
  #heads: Heads = perLane(() => 0);
  #telemetryRow = 0;
  #openings = 0;
  #memory = false;
  #closing = false;
  /** Number of the group in flight, or of the last one. */
  #number = 0;
  #commits = 0;
  #fullTries = 0;
  /** Databases found damaged since the last commit. */
  #damages = 0;
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
      () => this.#memory || this.#closing,
      () => options.onReceipt({ committed: {}, events: 0, commitMs: 0 }),
    );
    this.#watch = new CommitWatch({
      clock,
      slowCommitMs: limits.slowCommitMs,
      giveUpMs: limits.giveUpMs,
      onSlow: () => {
        const detail = `a commit has taken more than ${limits.slowCommitMs} ms; check the disk`;
        options.troubles.raise('storeSlow', detail);
        this.reader.tellNews();
      },
      onGiveUp: () => this.enterMemory(),
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

  /** The database has been given up for now. */
  get memory(): boolean {
    return this.#memory;
  }

  /** Readers also get what is not durable yet, because it may not become so for long. */
  get degraded(): boolean {
    const { troubles } = this.#options;
    return this.#memory || troubles.stands('storeUnavailable', 'storeFull', 'storeSlow');
  }

  get stats(): StoreStats {
    const waiting = this.degraded || !this.#session.ready;
    return {
      ...this.pending.counters,
      mode: this.#memory ? 'memory' : waiting ? 'waiting' : 'durable',
      commits: this.#commits,
      writerRestarts: this.#session.restarts,
    };
  }

  /** To be called after something was added to `pending`. */
  added(): void {
    if (this.degraded) this.reader.tellNews();
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
    for (const table of TABLES) {
      const damage = await this.reader.ask({ what: 'check', table });
      if (damage === null || damage.length === 0) continue;
      this.#damaged(`quick_check of table ${table}: ${damage.slice(0, 3).join('; ')}`);
      return;
    }
  }

  /** Commits what waits if that is possible in time, then ends the writer. */
  async close(): Promise<void> {
    const { clock, limits } = this.#options;
    this.#closing = true;
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
    const { directory, clock, limits, startWriter, onAttempt } = this.#options;
    const { firstRetryMs, maxRetryMs, telemetryRows } = limits;
    return new WriterSession(
      {
        clock,
        startWriter,
        firstRetryMs,
        maxRetryMs,
        openRequest: (setAside) => ({
          directory,
          stamp: String(Math.max(0, Math.floor(clock.wallMs()))).padStart(13, '0'),
          setAside,
          telemetryFloor: this.#telemetryRow,
          telemetryRows,
        }),
      },
      {
        onOpened: (store) => this.#opened(store),
        onUnavailable: (trouble, detail) => {
          this.#unusable(trouble, detail);
          this.reader.changed();
          onAttempt(null);
        },
        onCommitted: (receipt) => this.#committed(receipt),
        onWriteFailed: ({ trouble, detail }) => this.#writeFailed(trouble, detail),
        onReadFailed: ({ trouble, detail }) => this.#readFailed(trouble, detail),
      },
    );
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

  #commitNext(): void {
    this.#cancelLazy?.();
    this.#cancelLazy = null;
    const paused = this.#cancelRewrite !== null || !this.#session.ready;
    if (paused || this.pending.inFlight !== null || !this.pending.waiting) return;
    this.#number += 1;
    this.pending.take();
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
    this.#session.write(this.#number, group);
  }

  #opened(store: OpenedStore): void {
    const { troubles, onAttempt } = this.#options;
    this.#openings += 1;
    if (store.setAside !== null) {
      troubles.raise('storeCorrupt', setAsideText(store.setAside));
      // The first opening's loss is accounted for with the numbering (`numberingAfter`).
      if (this.#openings > 1) {
        const lost = lostRanges(this.#heads, this.#telemetryRow, 'storeSetAside');
        for (const gap of lost) this.pending.addGap(gap);
      }
    }
    this.raiseHeads(store.heads);
    this.#telemetryRow = Math.max(this.#telemetryRow, store.telemetryRow);
    this.#memory = false;
    this.#watch.over();
    onAttempt(store);
    if (this.pending.inFlight !== null) this.#send();
    else if (this.pending.waiting) this.#commitNext();
    else troubles.restore('storeUnavailable', 'storeFull', 'storeSlow');
    this.reader.changed();
    this.reader.tellNews();
  }

  #committed(receipt: Extract<FromWriter, { kind: 'committed' }>): void {
    const { clock, troubles, observeCommit, onReceipt } = this.#options;
    if (this.pending.inFlight === null || receipt.number !== this.#number) return;
    const { committed, events } = this.pending.settle();
    this.#watch.over();
    this.#commits += 1;
    this.#fullTries = 0;
    this.#damages = 0;
    this.#memory = false;
    this.#telemetryRow = Math.max(this.#telemetryRow, receipt.telemetryRow);
    this.raiseHeads({ ...this.#heads, ...committed });
    troubles.restore('storeUnavailable', 'storeFull', 'storeSlow');
    if (!this.pending.waiting) troubles.restore('storeDropping');
    for (const { lane, seq, id } of receipt.clashes) {
      troubles.raise('storeClash', `${lane} ${seq} is taken; event ${id} is kept in table clash`);
    }
    const receiptMs = clock.monotonicMs() - this.#sentAtMs;
    observeCommit({ commitMs: receipt.commitMs, receiptMs, events });
    onReceipt({ committed, events, commitMs: receipt.commitMs });
    this.reader.changed();
    this.#schedule();
  }

  #writeFailed(trouble: WriterTrouble, detail: string): void {
    const { clock, limits } = this.#options;
    if (trouble === 'corrupt') {
      this.#damaged(detail);
      return;
    }
    this.#unusable(trouble, detail);
    if (trouble === 'unavailable') {
      this.#session.reopenLater(null);
      return;
    }
    const pauseMs = Math.min(limits.firstRetryMs * 2 ** this.#fullTries, limits.maxRetryMs);
    this.#fullTries = Math.min(this.#fullTries + 1, 16);
    this.#cancelRewrite ??= clock.after(pauseMs, () => this.#send());
    this.reader.changed();
  }

  #readFailed(trouble: WriterTrouble, detail: string): void {
    if (trouble === 'corrupt') {
      this.#damaged(detail);
      return;
    }
    this.#unusable(trouble, detail);
    this.#session.reopenLater(null);
  }

  #damaged(detail: string): void {
    this.#watch.failed();
    this.#damages += 1;
    // A disk that damages every database must not be given a new one without a pause.
    if (this.#damages === 1) this.#session.reopen(detail);
    else this.#session.reopenLater(detail);
  }

  /** A full disk can still be read; everything else wears out the patience of readers. */
  #unusable(trouble: WriterTrouble, detail: string): void {
    const full = trouble === 'full';
    this.#watch.failed();
    this.#options.troubles.raise(full ? 'storeFull' : 'storeUnavailable', brokenText(full, detail));
    if (!this.#memory && !(full && this.#session.ready)) this.#watch.losePatience();
    this.reader.tellNews();
  }
}
