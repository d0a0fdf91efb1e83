/**
 * Keeps a device open for as long as it is wanted, and one fault about it: for drivers that ask
 * their hardware. (Lines that speak by themselves have `SerialKeeper`.)
 *
 *   opening ──ok──► open ──failed()──► waiting ──back-off over──► opening
 *      └──failed──────────────────────────▲           (close() ends any of them)
 *
 * A device that opens is not yet one that works: `good()`, after a reading, restores the fault.
 */
import type { Cancel, Clock, Random } from '../../domain/ports.ts';
import type { FaultNotice } from '../../domain/step.ts';
import { Backoff } from '../backoff.ts';
import type { HalError, HalErrorKind, HalResult } from '../ports.ts';

const REOPEN = { firstMs: 500, longestMs: 30_000 };
/** A device that stayed open this long was good: the next trouble starts with short waits again. */
const GOOD_AFTER_MS = 10_000;

export interface Closable {
  /** Never rejects. */
  close(): Promise<void>;
}

export interface DeviceKeeperOptions<D extends Closable> {
  readonly clock: Clock;
  readonly random: Random;
  /** Name and subject of the fault. */
  readonly fault: string;
  readonly subject: string;
  readonly notify: (notice: FaultNotice) => void;
  /** The device in words, for the text of the restored fault. */
  readonly what: string;
  readonly open: () => Promise<HalResult<D>>;
  /** The device is open; say `good` or `failed` once it has been tried. */
  readonly opened: (device: D) => void;
  /** The whole text of the fault: what is wrong, where, and the remedy. */
  readonly explain: (error: HalError) => string;
}

export class DeviceKeeper<D extends Closable> {
  readonly #options: DeviceKeeperOptions<D>;
  readonly #backoff: Backoff;
  #device: D | null = null;
  #openedAtMs = 0;
  #trouble: HalError | null = null;
  /** Kind of the raised fault; null while the device is good. */
  #raised: HalErrorKind | null = null;
  #cancelWait: Cancel | null = null;
  #opening: Promise<void>;
  /** Closing of devices that failed; `close` waits for it. */
  #closing: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: DeviceKeeperOptions<D>) {
    this.#options = options;
    this.#backoff = new Backoff(REOPEN, options.random);
    this.#opening = this.#open();
  }

  /** Null while it is not open. */
  get device(): D | null {
    return this.#device;
  }

  /** Why there is no device; null while there is one, or none has been tried yet. */
  get trouble(): HalError | null {
    return this.#device === null ? this.#trouble : null;
  }

  /** The device has given what was asked of it. */
  good(): void {
    if (this.#device === null || this.#raised === null) return;
    this.#raised = null;
    const { notify, fault, subject, what } = this.#options;
    notify({ fault, subject, raised: false, detail: `${what} works again` });
  }

  /** The device does not do what it should: it is closed, and opened again later. */
  failed(device: D, error: HalError): void {
    if (this.#closed || this.#device !== device) return;
    this.#device = null;
    if (this.#options.clock.monotonicMs() - this.#openedAtMs >= GOOD_AFTER_MS) {
      this.#backoff.reset();
    }
    const before = this.#closing;
    this.#closing = before.then(() => device.close());
    this.#wait(error);
  }

  /** Never rejects; nothing is called afterwards. A raised fault is left standing. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelWait?.();
    this.#cancelWait = null;
    await this.#opening;
    const device = this.#device;
    this.#device = null;
    await device?.close();
    await this.#closing;
  }

  async #open(): Promise<void> {
    const result = await this.#options.open();
    if (!result.ok) {
      if (!this.#closed) this.#wait(result.error);
      return;
    }
    if (this.#closed) {
      await result.value.close();
      return;
    }
    this.#device = result.value;
    this.#openedAtMs = this.#options.clock.monotonicMs();
    this.#options.opened(result.value);
  }

  #wait(error: HalError): void {
    const { clock, notify, fault, subject, explain } = this.#options;
    this.#trouble = error;
    if (this.#raised !== error.kind) {
      this.#raised = error.kind;
      notify({ fault, subject, raised: true, detail: explain(error) });
    }
    this.#cancelWait = clock.after(this.#backoff.nextMs(), () => {
      this.#cancelWait = null;
      this.#opening = this.#open();
    });
  }
}
