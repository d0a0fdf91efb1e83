/**
 * The main thread's side of one bus: hands transfers to its thread one at a time, and keeps every
 * promise even when the thread does not.
 *
 *   opening ──► ready ◄──► stuck (no answer within the deadline; its late answer ends that)
 *      └──────────┴───────────┴──► ended (the thread died or was closed: for good)
 */
import type { Cancel, Clock } from '../../domain/ports.ts';
import { BusQueue } from '../bus-queue.ts';
import type { RunningTransfer } from '../bus-queue.ts';
import type { HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';
import type { BusLink, StartBusThread } from './bus-link.ts';
import type { BusDevice, BusRequest, FromBusThread } from './bus-messages.ts';

export interface BusConnectionOptions {
  readonly clock: Clock;
  readonly start: StartBusThread;
  readonly device: BusDevice;
  readonly ioctlLibrary: string | null;
}

/** A thread that has to start on a busy machine, and a device node that may take its time. */
export const OPEN_DEADLINE_MS = 10_000;
/** Beyond what the kernel allows a transfer itself. */
export const ANSWER_SLACK_MS = 2000;
/** A transfer under way may end first. */
export const CLOSE_DEADLINE_MS = 2000;

type Bytes = HalResult<Uint8Array>;

interface Asked {
  readonly id: number;
  settle(result: Bytes): void;
}

export class BusConnection {
  readonly device: BusDevice;
  readonly queue: BusQueue;
  readonly #clock: Clock;
  #link: BusLink | null = null;
  #opened: (result: HalResult<BusConnection>) => void = () => undefined;
  #exited: () => void = () => undefined;
  /** Resolves when the thread has gone. */
  readonly exit: Promise<void>;
  #asked: Asked | null = null;
  #lastId = 0;
  /** Of the transfer that got no answer in time; its thread still works on it. */
  #stuckOn: number | null = null;
  /**
   * The kernel says that the device is gone. One that comes back has a new node: descriptors of the
   * old one stay dead, for example of an adapter on USB.
   */
  #gone = false;
  /** Why nothing can be asked any more. */
  #ended: string | null = null;

  private constructor(clock: Clock, device: BusDevice) {
    this.#clock = clock;
    this.device = device;
    this.queue = new BusQueue(device.path);
    this.exit = new Promise((resolve) => {
      this.#exited = resolve;
    });
  }

  /**
   * Starts a thread and opens the device in it. Errors as `I2cBackend.open` and `SpiBackend.open`.
   *
   * @param left is told of a thread that could not be ended: it still has the device
   */
  static async open(
    { clock, start, device, ioctlLibrary }: BusConnectionOptions,
    left: (connection: BusConnection) => void,
  ): Promise<HalResult<BusConnection>> {
    const connection = new BusConnection(clock, device);
    const result = new Promise<HalResult<BusConnection>>((resolve) => {
      connection.#opened = resolve;
    });
    const started = start(
      { device, ioctlLibrary },
      {
        onMessage: (message) => connection.#take(message),
        onExit: (detail) => connection.#end(detail),
      },
    );
    if (!started.ok) {
      return failed('other', `${device.path}: ${started.error.message}`, started.error);
    }
    connection.#link = started.value;
    const cancel = clock.after(OPEN_DEADLINE_MS, () => {
      connection.#opened(
        failed('absent', `${device.path} did not open within ${OPEN_DEADLINE_MS / 1000} s`),
      );
    });
    const opened = await result;
    cancel();
    if (!opened.ok && !(await connection.close())) left(connection);
    return opened;
  }

  /** False once the thread or the device has died: the next user needs a new connection. */
  get usable(): boolean {
    return this.#ended === null && !this.#gone;
  }

  /** @param withinMs what the bits and the kernel's own time-out take at most */
  transfer(request: BusRequest, withinMs: number): RunningTransfer {
    // The thread finishes what it has begun; the bus is not free before.
    return {
      result: this.#transfer(request, withinMs + ANSWER_SLACK_MS),
      abandon: () => undefined,
    };
  }

  /**
   * Ends the thread; what is under way fails with `absent`. Never takes longer than the deadline.
   *
   * @returns false when the thread hangs in the kernel: see `exit`
   */
  async close(): Promise<boolean> {
    const link = this.#link;
    if (this.#ended === null) this.#link?.post({ kind: 'close' });
    let cancel: Cancel = () => undefined;
    const late = new Promise<false>((resolve) => {
      cancel = this.#clock.after(CLOSE_DEADLINE_MS, () => resolve(false));
    });
    const gone = await Promise.race([this.exit.then(() => true), late]);
    cancel();
    if (gone) return true;
    this.#giveUp('it was closed while its thread hung in the kernel');
    link?.terminate();
    return false;
  }

  #transfer(request: BusRequest, deadlineMs: number): Promise<Bytes> {
    const { path } = this.device;
    if (this.#ended !== null || this.#link === null) {
      return Promise.resolve(failed('absent', `${path} is gone: ${this.#ended ?? 'not open'}`));
    }
    if (this.#stuckOn !== null) return Promise.resolve(this.#stuck());
    this.#lastId += 1;
    const id = this.#lastId;
    const link = this.#link;
    return new Promise((resolve) => {
      const cancel = this.#clock.after(deadlineMs, () => {
        this.#asked = null;
        this.#stuckOn = id;
        resolve(
          failed(
            'timeout',
            `${path}: no answer within ${Math.round(deadlineMs)} ms, although the kernel bounds ` +
              'each transfer: its driver hangs; restart the machine if it lasts',
          ),
        );
      });
      this.#asked = {
        id,
        settle: (result) => {
          cancel();
          this.#asked = null;
          resolve(result);
        },
      };
      link.post({ kind: 'transfer', id, request });
    });
  }

  #stuck(): Bytes {
    const what = 'its thread hangs in the kernel since a transfer got no answer';
    return failed('absent', `${this.device.path}: ${what}; restart the machine if it lasts`);
  }

  #take(message: FromBusThread): void {
    switch (message.kind) {
      case 'opened':
        this.#opened(done(this));
        return;
      case 'openFailed':
        this.#opened(failed(message.trouble.kind, message.trouble.message));
        return;
      case 'answer':
        this.#answer(message.id, done(message.bytes));
        return;
      case 'failed':
        this.#answer(message.id, failed(message.trouble.kind, message.trouble.message));
        return;
    }
  }

  #answer(id: number, result: Bytes): void {
    this.#gone = !result.ok && result.error.kind === 'absent';
    if (this.#stuckOn === id) this.#stuckOn = null;
    else if (this.#asked?.id === id) this.#asked.settle(result);
  }

  #end(detail: string): void {
    this.#giveUp(`its thread has ended: ${detail}`);
    this.#exited();
  }

  #giveUp(why: string): void {
    this.#ended ??= why;
    this.#link = null;
    const { path } = this.device;
    this.#opened(failed('other', `${path}: ${why}; install the program again if it lasts`));
    this.#asked?.settle(failed('absent', `${path}: ${why}`));
  }
}
