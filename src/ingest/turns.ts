/**
 * Who is read when. A client that fills the read buffer has more to say than was read; it is held
 * back, so that its own TCP window fills up, until its turn comes again. Nothing is dropped, and
 * what waits does so in the kernel.
 *
 *   read ─► buffer full? ─► held back
 *                              │
 *   turn (after all sockets were read): `batchDone`, then the longest-held few go on
 */
import type { Cancel, Clock } from '../domain/ports.ts';

export interface TurnClient {
  /** Goes on reading. */
  resume(): void;
}

export interface TurnOptions {
  readonly clock: Clock;
  /** Called synchronously after each batch: one step of the panel. */
  readonly batchDone: () => void;
  /** Bounds what one batch can cost: so many buffers, beside the clients that are not held back. */
  readonly resumesPerTurn: number;
  readonly onHold?: () => void;
  readonly onTurn?: () => void;
}

export class Turns {
  readonly #options: TurnOptions;
  /** In the order of their turns: a Set keeps the order of insertion. */
  readonly #held = new Set<TurnClient>();
  #cancel: Cancel | null = null;

  constructor(options: TurnOptions) {
    this.#options = options;
  }

  /** Something was read: a step is wanted as soon as all sockets were read once. */
  wake(): void {
    this.#cancel ??= this.#options.clock.soon(() => this.#turn());
  }

  /** The client waits for its turn, behind those that wait already. */
  hold(client: TurnClient): void {
    this.#held.add(client);
    this.#options.onHold?.();
    this.wake();
  }

  /** The client is gone. */
  forget(client: TurnClient): void {
    this.#held.delete(client);
  }

  /** No more turns and steps. */
  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#held.clear();
  }

  #turn(): void {
    this.#cancel = null;
    this.#options.onTurn?.();
    this.#options.batchDone();
    let resumes = 0;
    for (const client of this.#held) {
      if (resumes === this.#options.resumesPerTurn) break;
      resumes += 1;
      this.#held.delete(client);
      client.resume();
    }
    if (this.#held.size > 0) this.wake();
  }
}
