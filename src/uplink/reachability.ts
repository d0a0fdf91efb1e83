/** Makes one fault of a connection that comes and goes: raised after a while, restored at once. */
import type { Cancel, Clock } from '../domain/ports.ts';

export class Reachability {
  readonly #clock: Clock;
  readonly #afterMs: number;
  readonly #report: (unreachable: boolean, detail: string) => void;
  #due: Cancel | null = null;
  #reason = '';
  #unreachable = false;

  /** @param afterMs without a connection before it is a fault. */
  constructor(
    clock: Clock,
    afterMs: number,
    report: (unreachable: boolean, detail: string) => void,
  ) {
    this.#clock = clock;
    this.#afterMs = afterMs;
    this.#report = report;
  }

  /** The time runs from the first loss; the last reason is reported. */
  lost(reason: string): void {
    this.#reason = reason;
    if (this.#unreachable || this.#due !== null) return;
    this.#due = this.#clock.after(this.#afterMs, () => {
      this.#due = null;
      this.#unreachable = true;
      this.#report(true, this.#reason);
    });
  }

  /** Cheap, and may be called for every answer. */
  restored(): void {
    if (this.#due === null && !this.#unreachable) return;
    this.stop();
    if (!this.#unreachable) return;
    this.#unreachable = false;
    this.#report(false, 'connected again');
  }

  stop(): void {
    this.#due?.();
    this.#due = null;
  }
}
