/**
 * Keeps a serial line open for as long as it is wanted: opens it, reports its loss as a fault,
 * opens it again with jittered back-off for ever. For every driver that sits on a serial line.
 *
 *   opening ──ok──► open ──lost──► waiting ──back-off over──► opening
 *      └──failed──────────────────────▲            (close() ends any of them)
 */
import type { Cancel, Clock, Random } from '../domain/ports.ts';
import type { FaultNotice } from '../domain/step.ts';
import { Backoff } from './backoff.ts';
import type { HalError, HalErrorKind, SerialBackend, SerialLine, SerialOptions } from './ports.ts';

const REOPEN = { firstMs: 500, longestMs: 30_000 };
/** A line that stayed open this long was good: the next loss starts with short waits again. */
const GOOD_AFTER_MS = 10_000;

export interface SerialKeeperOptions extends SerialOptions {
  readonly serial: SerialBackend;
  readonly clock: Clock;
  readonly random: Random;
  /** Names the fault `serialLineDown`. */
  readonly subject: string;
  readonly fault: (notice: FaultNotice) => void;
  /** The line has been opened; its bytes follow through `data`. */
  readonly opened: () => void;
  readonly data: (bytes: Uint8Array) => void;
  /** The line is gone; `opened` may follow. */
  readonly lost: () => void;
}

export class SerialKeeper {
  readonly #options: SerialKeeperOptions;
  readonly #backoff: Backoff;
  #line: SerialLine | null = null;
  #openedAtMs = 0;
  /** Kind of the raised fault; null while the line is good. */
  #raised: HalErrorKind | null = null;
  #cancelWait: Cancel | null = null;
  #opening: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: SerialKeeperOptions) {
    this.#options = options;
    this.#backoff = new Backoff(REOPEN, options.random);
    this.#opening = this.#open();
  }

  /** False where there is no line to write to: what was to be said is moot after a reopening. */
  write(bytes: Uint8Array): boolean {
    if (this.#line === null) return false;
    this.#line.write(bytes);
    return true;
  }

  pause(): void {
    this.#line?.pause();
  }

  resume(): void {
    this.#line?.resume();
  }

  /** Never rejects; nothing is called afterwards. A raised fault is left standing. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelWait?.();
    this.#cancelWait = null;
    await this.#opening;
    const line = this.#line;
    this.#line = null;
    await line?.close();
  }

  async #open(): Promise<void> {
    const { serial, path, baudRate, clock } = this.#options;
    const result = await serial.open({ path, baudRate });
    if (!result.ok) {
      if (!this.#closed) this.#failed(result.error);
      return;
    }
    const line = result.value;
    if (this.#closed) {
      await line.close();
      return;
    }
    this.#line = line;
    this.#openedAtMs = clock.monotonicMs();
    line.onLost((error) => this.#lost(line, error));
    this.#restore();
    this.#options.opened();
    line.onData((bytes) => {
      if (this.#line === line) this.#options.data(bytes);
    });
  }

  #lost(line: SerialLine, error: HalError): void {
    if (this.#closed || this.#line !== line) return;
    this.#line = null;
    if (this.#options.clock.monotonicMs() - this.#openedAtMs >= GOOD_AFTER_MS) {
      this.#backoff.reset();
    }
    this.#options.lost();
    this.#failed(error);
  }

  #failed(error: HalError): void {
    const { clock, fault, subject } = this.#options;
    if (this.#raised !== error.kind) {
      this.#raised = error.kind;
      fault({ fault: 'serialLineDown', subject, raised: true, detail: error.message });
    }
    this.#cancelWait = clock.after(this.#backoff.nextMs(), () => {
      this.#cancelWait = null;
      this.#opening = this.#open();
    });
  }

  #restore(): void {
    if (this.#raised === null) return;
    this.#raised = null;
    const { fault, subject, path } = this.#options;
    fault({ fault: 'serialLineDown', subject, raised: false, detail: `${path} is open again` });
  }
}
