/** Closes what was opened, in reverse order, each within a deadline; failures are collected. */
import type { Clock } from './ports.ts';

export interface CloseFailure {
  readonly name: string;
  readonly error: string;
}

export class Closers {
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #entries: { name: string; close: () => void | Promise<void> }[] = [];

  constructor(clock: Clock, deadlineMs: number) {
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
  }

  add(name: string, close: () => void | Promise<void>): void {
    this.#entries.push({ name, close });
  }

  /** Never rejects: one part that hangs or fails does not keep the others open. */
  async closeAll(): Promise<readonly CloseFailure[]> {
    const failures: CloseFailure[] = [];
    for (let entry = this.#entries.pop(); entry !== undefined; entry = this.#entries.pop()) {
      const { name, close } = entry;
      try {
        await this.#withDeadline(close);
      } catch (error) {
        failures.push({ name, error: error instanceof Error ? error.message : String(error) });
      }
    }
    return failures;
  }

  #withDeadline(close: () => void | Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.after(this.#deadlineMs, () =>
        reject(new Error(`not closed within ${this.#deadlineMs} ms`)),
      );
      const settled = async (): Promise<void> => {
        try {
          await close();
          resolve();
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)));
        } finally {
          cancel();
        }
      };
      void settled();
    });
  }
}
