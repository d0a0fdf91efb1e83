/** A wait that can be broken off. */
import type { Cancel, Clock } from '../../domain/ports.ts';

export class Pause {
  readonly #clock: Clock;
  #end: (() => void) | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** One wait at a time; resolves at once where nothing is left to wait for. */
  async until(atMs: number): Promise<void> {
    const leftMs = atMs - this.#clock.monotonicMs();
    if (leftMs <= 0) return;
    await new Promise<void>((resolve) => {
      const cancel: Cancel = this.#clock.after(leftMs, () => this.#end?.());
      this.#end = () => {
        this.#end = null;
        cancel();
        resolve();
      };
    });
  }

  breakOff(): void {
    this.#end?.();
  }
}
