/**
 * Keeps a writer running and a database open: starts it, opens, and when either fails tries again
 * with growing pauses, for ever.
 *
 *   starting --opened--> ready --exit, reopen--> starting
 *      \--openFailed, exit--> pausing --pause over--> starting
 */
import type { Cancel, Clock } from '../domain/ports.ts';
import type { AlarmFileDesk } from './alarm-file-desk.ts';
import type {
  Answers,
  FromWriter,
  Group,
  OpenedStore,
  OpenRequest,
  Query,
  Tended,
  TendRequest,
  WriterTrouble,
} from './messages.ts';
import type { StartWriter, WriterLink } from './writer-link.ts';

export interface SessionOptions {
  readonly clock: Clock;
  readonly startWriter: StartWriter;
  readonly firstRetryMs: number;
  readonly maxRetryMs: number;
  /** Called for every attempt, because the stamp and the telemetry floor change. */
  readonly openRequest: (setAside: string | null) => OpenRequest;
  readonly alarmFile: AlarmFileDesk;
}

export interface SessionEvents {
  onOpened(store: OpenedStore): void;
  /** No database now; another attempt is already planned. */
  onUnavailable(trouble: WriterTrouble, detail: string): void;
  onCommitted(receipt: Extract<FromWriter, { kind: 'committed' }>): void;
  onWriteFailed(failure: Extract<FromWriter, { kind: 'writeFailed' }>): void;
  onReadFailed(failure: Extract<FromWriter, { kind: 'readFailed' }>): void;
  onTended(report: Tended): void;
  onTendFailed(failure: Extract<FromWriter, { kind: 'tendFailed' }>): void;
}

type ReadResult = Answers[keyof Answers] | null;

export class WriterSession {
  readonly #options: SessionOptions;
  readonly #events: SessionEvents;
  readonly #reads = new Map<number, (rows: ReadResult) => void>();
  #link: WriterLink | null = null;
  #ready = false;
  #closing: (() => void) | null = null;
  #closed = false;
  #readId = 0;
  #failures = 0;
  #restarts = 0;
  #cancelRetry: Cancel | null = null;

  constructor(options: SessionOptions, events: SessionEvents) {
    this.#options = options;
    this.#events = events;
  }

  /** A database is open; messages are carried out in order. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Times the writer had to be started again. */
  get restarts(): number {
    return this.#restarts;
  }

  start(): void {
    this.#attempt(null);
  }

  /** @param fromReserve the disk is full: what is kept for that may be used. */
  write(number: number, group: Group, fromReserve: boolean): void {
    this.#link?.post({ kind: 'write', number, group, ...(fromReserve ? { fromReserve } : {}) });
  }

  tend(request: TendRequest): void {
    this.#link?.post({ kind: 'tend', ...request });
  }

  /** Has alarms that wait written to the alarm file, because their commit may take a while. */
  keepAlarms(): void {
    const link = this.#link;
    if (link === null) return;
    this.#options.alarmFile.keepWaiting((rows) => link.post({ kind: 'keep', rows }));
  }

  /** Rows, or null when the store could not answer or the answer was given up. */
  request<Q extends Query>(query: Q): Promise<Answers[Q['what']] | null> {
    if (!this.#ready || this.#link === null) return Promise.resolve(null);
    this.#readId += 1;
    const id = this.#readId;
    const rows = new Promise<ReadResult>((resolve) => this.#reads.set(id, resolve));
    this.#link.post({ kind: 'read', id, query });
    // The writer answers a query with that query's rows: `Queries.answer` is the other end.
    return rows as Promise<Answers[Q['what']] | null>;
  }

  /** Answers every waiting read with null. */
  abandonReads(): void {
    for (const resolve of this.#reads.values()) resolve(null);
    this.#reads.clear();
  }

  /** Opens the database again; with a reason to set it aside, a new one. */
  reopen(setAside: string | null): void {
    this.#ready = false;
    this.abandonReads();
    this.#cancelRetry?.();
    this.#attempt(setAside);
  }

  /** As `reopen`, after the usual pause; reads go on meanwhile. */
  reopenLater(setAside: string | null): void {
    this.#failures += 1;
    this.#retryAfterPause(() => this.reopen(setAside));
  }

  /** Lets the writer finish what it was told and end; resolves when it has, or when given up. */
  close(deadlineMs: number): Promise<void> {
    this.#closed = true;
    this.#ready = false;
    this.#cancelRetry?.();
    this.abandonReads();
    const link = this.#link;
    if (link === null) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(deadlineMs, () => {
        link.terminate();
        resolve();
      });
      this.#closing = () => {
        cancel();
        resolve();
      };
      link.post({ kind: 'close' });
    });
  }

  #attempt(setAside: string | null): void {
    if (this.#closed) return;
    this.#cancelRetry = null;
    this.#link ??= this.#startLink();
    this.#link.post({ kind: 'open', ...this.#options.openRequest(setAside) });
  }

  #startLink(): WriterLink {
    // A writer that has been replaced may still have something to say: it is not heard.
    let current = true;
    return this.#options.startWriter({
      onMessage: (message) => {
        if (current) this.#take(message);
      },
      onExit: (detail) => {
        current = false;
        this.#lost(detail);
      },
    });
  }

  #take(message: FromWriter): void {
    switch (message.kind) {
      case 'opened':
        this.#ready = !this.#closed;
        this.#options.alarmFile.opened(message.store.alarmFile);
        if (this.#ready) this.#events.onOpened(message.store);
        return;
      case 'openFailed':
        this.#failures += 1;
        this.#options.alarmFile.opened(message.alarmFile);
        this.keepAlarms();
        this.#events.onUnavailable(message.trouble, message.detail);
        this.#retryAfterPause(() => this.#attempt(null));
        return;
      case 'committed':
        this.#failures = 0;
        this.#options.alarmFile.committed(message.alarmFile);
        this.#events.onCommitted(message);
        return;
      case 'writeFailed':
        this.#options.alarmFile.keptAlone(message.alarmFile);
        // Of a database that is being replaced already: its group is sent again anyway.
        if (this.#ready) this.#events.onWriteFailed(message);
        return;
      case 'tended':
        if (this.#ready) this.#events.onTended(message);
        return;
      case 'tendFailed':
        if (this.#ready) this.#events.onTendFailed(message);
        return;
      case 'kept':
        this.#options.alarmFile.keptAlone(message);
        if (message.failure === null) this.keepAlarms();
        return;
      case 'answer':
        this.#settleRead(message.id, message.rows);
        return;
      case 'readFailed':
        if (!this.#reads.has(message.id)) return;
        this.#settleRead(message.id, null);
        this.#events.onReadFailed(message);
        return;
      case 'closed':
        return;
    }
  }

  #settleRead(id: number, rows: ReadResult): void {
    this.#reads.get(id)?.(rows);
    this.#reads.delete(id);
  }

  #lost(detail: string): void {
    this.#link = null;
    this.#ready = false;
    this.abandonReads();
    if (this.#closed) {
      this.#closing?.();
      return;
    }
    this.#failures += 1;
    this.#restarts += 1;
    this.#events.onUnavailable('unavailable', `the writer ended: ${detail}`);
    this.#retryAfterPause(() => this.#attempt(null));
  }

  #retryAfterPause(run: () => void): void {
    const { clock, firstRetryMs, maxRetryMs } = this.#options;
    const doublings = Math.min(this.#failures - 1, 16);
    const pauseMs = Math.min(firstRetryMs * 2 ** Math.max(0, doublings), maxRetryMs);
    this.#cancelRetry?.();
    this.#cancelRetry = clock.after(pauseMs, run);
  }
}
