/**
 * The journal and the keyed store as the main thread sees them: appends are taken at once and
 * become durable behind it, reads come from the writer.
 *
 * What readers get: committed events from the database. While commits fail, also events that are
 * not durable yet, after all durable ones. When the database could not be used for long, only
 * those in memory, and the range that is skipped becomes a gap record: a dead disk must not keep
 * an alarm from the centre.
 */
import type { JournalEvent, Lane } from '../domain/event.ts';
import type {
  ChainHeads,
  CommitReceipt,
  Cursors,
  Gap,
  Journal,
  KeyedStore,
  Log,
  StoredKind,
  TelemetryRow,
  TextPage,
} from '../domain/ports.ts';
import { eventOf, perLane, rowOf } from './codec.ts';
import { Committer } from './committer.ts';
import type { CursorLane, GapRow, Heads, OpenedStore } from './messages.ts';
import { NO_FLOOR, numberingAfter } from './numbering.ts';
import { DEFAULT_STORE_LIMITS, type StoreOptions, type StoreStats } from './options.ts';
import { Positions } from './positions.ts';
import { eventTextOf, isLast } from './texts.ts';
import { type StoreProblem, TroubleBoard } from './troubles.ts';

/** What is known after a start, for the stamper and the reconciliation with the ring. */
export interface RecoveredStore {
  /** Highest number of each lane in the opened database; zeros when it is new or unreadable. */
  readonly stored: Heads;
  /** Where the numbering goes on: above the store, the floor and everything ever promised. */
  readonly lastSeq: Heads;
  readonly lastId: string | null;
  /** Where the hash chains of the lanes end. */
  readonly chainHeads: ChainHeads;
  readonly problems: readonly StoreProblem[];
}

export interface OpenStore {
  readonly journal: Journal;
  readonly keyed: KeyedStore;
  readonly recovered: RecoveredStore;
  /** To be called once after arming. Damage sets the database aside; it is told as a trouble. */
  checkIntegrity(): Promise<void>;
  stats(): StoreStats;
}

/**
 * Opens the store. Always succeeds, at the latest after `limits.openDeadlineMs`: when no database
 * can be opened the journal works in memory, the problem is told, and attempts go on; everything
 * that was appended meanwhile (within its bounds) becomes durable when one succeeds.
 */
export async function openStore(options: StoreOptions): Promise<OpenStore> {
  const limits = { ...DEFAULT_STORE_LIMITS, ...options.limits };
  const { clock, log } = options;
  const troubles = new TroubleBoard((trouble) => {
    const { kind, detail, raised } = trouble;
    if (raised) log('error', 'store trouble', { kind, detail });
    else log('info', 'store trouble over', { kind, detail });
    options.onTrouble(trouble);
  });
  let settle: (store: OpenedStore | null) => void = () => undefined;
  const firstAttempt = new Promise<OpenedStore | null>((resolve) => {
    settle = resolve;
  });
  const journal = new JournalClient(log, troubles, (onReceipt) => {
    const observeCommit = options.observeCommit ?? (() => undefined);
    return new Committer({
      directory: options.directory,
      startWriter: options.startWriter,
      clock,
      limits,
      brokers: options.brokers ?? [],
      held: options.held ?? [],
      troubles,
      observeCommit,
      onAttempt: (store) => settle(store),
      onReceipt,
    });
  });
  const cancel = clock.after(limits.openDeadlineMs, () => {
    troubles.raise('storeUnavailable', `not open after ${limits.openDeadlineMs} ms`);
    settle(null);
  });
  journal.committer.start();
  const store = await firstAttempt;
  cancel();
  const floor = options.floor ?? NO_FLOOR;
  const numbering = numberingAfter(store, floor, clock.wallMs(), options.held);
  const { gaps, readersStartAt, ...numbers } = numbering;
  journal.begin(readersStartAt, gaps, store === null);
  const { headNews, reader } = journal.committer;
  clock.after(limits.positionPatienceMs, () => headNews.stopWaiting(reader));
  return {
    journal,
    keyed: journal,
    recovered: {
      ...numbers,
      stored: store?.heads ?? NO_FLOOR.lastSeq,
      // Asked when it is needed: rows of an older release get their hashes meanwhile.
      get chainHeads() {
        return journal.committer.headNews.heads;
      },
      problems: troubles.standing,
    },
    checkIntegrity: () => journal.committer.check(),
    stats: () => journal.committer.stats,
  };
}

class JournalClient implements Journal, KeyedStore {
  readonly committer: Committer;
  readonly #log: Log;
  readonly #troubles: TroubleBoard;
  readonly #positions = new Positions();
  /** Up to where each lane's unreadable range has been recorded as a gap. */
  #skipped: Heads = perLane(() => 0);
  #listener: (receipt: CommitReceipt) => void = () => undefined;
  #closed = false;

  constructor(
    log: Log,
    troubles: TroubleBoard,
    makeCommitter: (onReceipt: (r: CommitReceipt) => void) => Committer,
  ) {
    this.#log = log;
    this.#troubles = troubles;
    this.committer = makeCommitter((receipt) => this.#listener(this.#withRewound(receipt)));
  }

  /** @param heads readers start above them while nothing can be read. */
  begin(heads: Heads, gaps: readonly GapRow[], unreadable: boolean): void {
    for (const gap of gaps) this.recordGap(gap);
    if (!unreadable) return;
    this.#skipped = heads;
    this.committer.raiseHeads(heads);
    this.committer.enterMemory();
  }

  append(events: readonly JournalEvent[]): void {
    if (events.length === 0 || this.#refuse('events')) return;
    this.#noteDropped(this.committer.pending.addEvents(events.map(rowOf)), 'events');
    this.committer.added();
  }

  appendTelemetry(rows: readonly TelemetryRow[]): void {
    if (rows.length === 0 || this.#refuse('telemetry')) return;
    this.#noteDropped(this.committer.pending.addTelemetry(rows), 'telemetry rows');
    this.committer.added();
  }

  async readAfter(lane: Lane, afterSeq: number, limit: number): Promise<readonly JournalEvent[]> {
    const { pending, reader } = this.committer;
    const stored = await reader.ask({ what: 'events', lane, afterSeq, limit });
    if (stored !== null && (stored.length > 0 || !this.committer.degraded)) {
      return this.#parsed(stored);
    }
    const fromSeq = stored === null ? this.#skipUnreadable(lane, afterSeq) : afterSeq;
    return this.#parsed(pending.eventsAfter(lane, fromSeq, limit));
  }

  async readTexts(
    lane: Lane,
    afterSeq: number,
    limit: number,
    maxBytes: number,
  ): Promise<TextPage> {
    const { pending, reader } = this.committer;
    const stored = await reader.ask({ what: 'texts', lane, afterSeq, limit, maxBytes });
    if (stored !== null && (stored.length > 0 || !this.committer.degraded)) {
      const texts = this.#readable(stored, eventTextOf);
      return { texts, last: isLast(stored, limit, maxBytes) };
    }
    const fromSeq = stored === null ? this.#skipUnreadable(lane, afterSeq) : afterSeq;
    const waiting = pending.eventsAfter(lane, fromSeq, limit);
    return { texts: this.#readable(waiting, eventTextOf), last: waiting.length < limit };
  }

  async readTelemetry(
    afterRow: number,
    limit: number,
  ): Promise<readonly (TelemetryRow & { readonly row: number })[]> {
    return (await this.committer.reader.ask({ what: 'telemetry', afterRow, limit })) ?? [];
  }

  async cursors(broker: string): Promise<Cursors> {
    const rows = await this.committer.reader.ask({ what: 'cursors', broker });
    return this.#positions.cursors(broker, rows, this.committer.heads);
  }

  async telemetryCursor(broker: string): Promise<number> {
    const rows = await this.committer.reader.ask({ what: 'cursors', broker });
    return this.#positions.telemetry(broker, rows);
  }

  advance(broker: string, lane: CursorLane, seq: number): void {
    if (seq <= this.#positions.told(broker, lane) || this.#refuse('a cursor')) return;
    if (!this.#positions.advance(broker, lane, seq)) return;
    this.committer.pending.addCursor(broker, lane, seq);
    this.committer.added();
  }

  recordGap(gap: GapRow): void {
    if (this.#refuse('a gap')) return;
    this.#noteDropped(this.committer.pending.addGap(gap) ? 0 : 1, 'gap records');
    this.committer.added();
  }

  async readGaps(broker: string, limit: number): Promise<readonly Gap[]> {
    const rows = await this.committer.reader.ask({ what: 'gaps', broker, limit });
    const had = this.#positions.told(broker, 'gap');
    return rows?.filter(({ id }) => id > had) ?? [];
  }

  onCommit(listener: (receipt: CommitReceipt) => void): void {
    this.#listener = listener;
  }

  async loadAll(kind: StoredKind): Promise<ReadonlyMap<string, string>> {
    const stored = (await this.committer.reader.ask({ what: 'keyed', kind })) ?? [];
    const values = new Map<string, string>();
    for (const { key, value } of [...stored, ...this.committer.pending.keyedRows(kind)]) {
      if (value === null) values.delete(key);
      else values.set(key, value);
    }
    return values;
  }

  put(kind: StoredKind, key: string, value: string): void {
    this.#keep(kind, key, value);
  }

  remove(kind: StoredKind, key: string): void {
    this.#keep(kind, key, null);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.committer.close();
    const { events, telemetryRows } = this.committer.stats;
    if (events + telemetryRows === 0) return;
    this.#log('error', 'store closed before everything was durable', { events, telemetryRows });
  }

  /** A database that readers began without is open: they are told to read their positions again. */
  #withRewound(receipt: CommitReceipt): CommitReceipt {
    if (!this.#positions.hasBlind || this.committer.stats.mode === 'memory') return receipt;
    return { ...receipt, rewound: this.#positions.sighted() };
  }

  #keep(kind: StoredKind, key: string, value: string | null): void {
    if (this.#refuse('a value')) return;
    this.#noteDropped(this.committer.pending.addKeyed({ kind, key, value }) ? 0 : 1, 'values');
    this.committer.added();
  }

  /** What is told after closing has no place to go; it must not go unnoticed either. */
  #refuse(what: string): boolean {
    if (this.#closed) this.#log('error', 'store is closed', { refused: what });
    return this.#closed;
  }

  #noteDropped(count: number, what: string): void {
    if (count === 0) return;
    this.#troubles.raise('storeDropping', `${count} ${what} given up: memory for them is full`);
  }

  /** Where reading goes on without a database; the range before it is recorded once. */
  #skipUnreadable(lane: Lane, afterSeq: number): number {
    const head = this.committer.heads[lane];
    if (afterSeq >= head) return afterSeq;
    const firstSeq = Math.max(afterSeq, this.#skipped[lane]) + 1;
    if (firstSeq <= head) {
      this.#skipped = { ...this.#skipped, [lane]: head };
      this.recordGap({ lane, firstSeq, lastSeq: head, reason: 'storeUnreadable' });
    }
    return head;
  }

  #parsed(texts: readonly string[]): readonly JournalEvent[] {
    return this.#readable(texts, eventOf);
  }

  #readable<T>(texts: readonly string[], read: (text: string) => T | null): readonly T[] {
    const events: T[] = [];
    for (const text of texts) {
      const event = read(text);
      if (event !== null) events.push(event);
      else this.#log('error', 'an event in the store cannot be read', { start: text.slice(0, 80) });
    }
    return events;
  }
}
