/** Feeds a board session with bytes and with time. */
import type { Cancel, Clock } from '../domain/ports.ts';
import type { BoardSessionPort } from './sensor-driver.ts';

export class SessionRunner {
  readonly #clock: Clock;
  readonly #session: BoardSessionPort;
  readonly #requestStep: () => void;
  #cancel: Cancel | null = null;
  #armedForMs = Number.POSITIVE_INFINITY;
  #closed = false;

  constructor(clock: Clock, session: BoardSessionPort, requestStep: () => void) {
    this.#clock = clock;
    this.#session = session;
    this.#requestStep = requestStep;
    this.#arm();
  }

  receive(bytes: Uint8Array): void {
    if (this.#closed) return;
    this.#session.receive(bytes, this.#clock.monotonicMs());
    this.#requestStep();
    this.#arm();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#disarm();
    this.#session.close(this.#clock.monotonicMs());
    this.#requestStep();
  }

  /** A timer that is early is left alone: it will find nothing due and arm the next one. */
  #arm(): void {
    const dueMs = this.#session.nextDueMs;
    if (dueMs >= this.#armedForMs) return;
    this.#disarm();
    this.#armedForMs = dueMs;
    const delayMs = Math.max(0, dueMs - this.#clock.monotonicMs());
    this.#cancel = this.#clock.after(delayMs, () => this.#due());
  }

  #disarm(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#armedForMs = Number.POSITIVE_INFINITY;
  }

  #due(): void {
    this.#disarm();
    const nowMs = this.#clock.monotonicMs();
    if (nowMs >= this.#session.nextDueMs) this.#session.due(nowMs);
    this.#arm();
  }
}
