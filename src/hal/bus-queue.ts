/**
 * The order on a bus: one transfer at a time, in the order in which they were asked, whoever asks.
 * The queue is bounded, because a bus that is slower than its users would otherwise fill the memory
 * with questions whose answers nobody waits for any more.
 */
import type { HalResult } from './ports.ts';
import { failed } from './ports.ts';

/** Transfers of one bus that may wait for their turn, besides the one under way. */
export const BUS_QUEUE_LIMIT = 32;

type Bytes = HalResult<Uint8Array>;

/** A transfer that has begun. */
export interface RunningTransfer {
  readonly result: Promise<Bytes>;
  /** Its user has gone: what is still needed for the answer alone may be given up. */
  abandon(): void;
}

interface Job {
  readonly owner: BusUser;
  start(): RunningTransfer;
  settle(result: Bytes): void;
}

export class BusQueue {
  readonly #path: string;
  readonly #waiting: Job[] = [];
  #current: { readonly job: Job; readonly transfer: RunningTransfer } | null = null;

  /** @param path of the device, for messages */
  constructor(path: string) {
    this.#path = path;
  }

  /** Somebody who transfers: what it has asked for ends with it. */
  user(): BusUser {
    const user: BusUser = new BusUser(this.#path, {
      enter: (job) => this.#enter(job),
      leave: () => this.#leave(user),
    });
    return user;
  }

  #enter(job: Job): void {
    if (this.#waiting.length >= BUS_QUEUE_LIMIT) {
      job.settle(
        failed(
          'busy',
          `${this.#path}: ${BUS_QUEUE_LIMIT} transfers wait already: the bus is too slow for its ` +
            'sensors; make it faster, or let them be read less often',
        ),
      );
      return;
    }
    this.#waiting.push(job);
    this.#next();
  }

  #leave(user: BusUser): void {
    const kept = this.#waiting.filter((job) => job.owner !== user);
    this.#waiting.splice(0, this.#waiting.length, ...kept);
    if (this.#current?.job.owner === user) this.#current.transfer.abandon();
  }

  #next(): void {
    if (this.#current !== null) return;
    const job = this.#waiting.shift();
    if (job === undefined) return;
    const transfer = job.start();
    this.#current = { job, transfer };
    void transfer.result.then((result) => {
      this.#current = null;
      job.settle(result);
      this.#next();
    });
  }
}

interface Turns {
  enter(job: Job): void;
  leave(): void;
}

export class BusUser {
  readonly #path: string;
  readonly #turns: Turns;
  /** What ends each promise that has been given out and not kept yet. */
  readonly #pending = new Set<(result: Bytes) => void>();
  #open = true;

  constructor(path: string, turns: Turns) {
    this.#path = path;
    this.#turns = turns;
  }

  /** @param start is called when the bus is free; its result must not reject */
  transfer(start: () => RunningTransfer): Promise<Bytes> {
    if (!this.#open) return Promise.resolve(this.#closed());
    return new Promise((resolve) => {
      const settle = (result: Bytes): void => {
        if (this.#pending.delete(settle)) resolve(result);
      };
      this.#pending.add(settle);
      this.#turns.enter({ owner: this, start, settle });
    });
  }

  /** Ends all that was asked for with an error; harmless when repeated. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    for (const settle of [...this.#pending]) settle(this.#closed());
    this.#turns.leave();
  }

  #closed(): Bytes {
    return failed('other', `${this.#path} was closed by its user`);
  }
}
