/** Lines of the simulated GPIO as another process sees them: the files of `mirrorDirectory`. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const HIGH = '1'.charCodeAt(0);
/**
 * A reader that looks all the time would take a core from those that it measures, and the appliance
 * may be waiting for just that one. Napping adds 0.1 ms to each figure instead.
 */
const NAP_MS = 0.05;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

export class LineFile {
  readonly #descriptor: number;
  readonly #byte = Buffer.alloc(1);

  constructor(directory: string, line: number) {
    this.#descriptor = openSync(join(directory, `simulated-${line}`, 'value'), 'r+');
  }

  get isHigh(): boolean {
    return readSync(this.#descriptor, this.#byte, 0, 1, 0) === 1 && this.#byte[0] === HIGH;
  }

  set(high: boolean): void {
    writeSync(this.#descriptor, high ? '1\n' : '0\n', 0);
  }

  /**
   * Blocks this process until the line is high, looking some ten times a millisecond.
   *
   * @returns when it was seen high, on the clock of `process.hrtime`, in milliseconds
   */
  waitUntilHigh(withinMs: number): number {
    const startMs = monotonicMs();
    for (;;) {
      const high = this.isHigh;
      const nowMs = monotonicMs();
      if (high) return nowMs;
      if (nowMs - startMs > withinMs) throw new Error(`no output within ${withinMs} ms`);
      Atomics.wait(sleeper, 0, 0, NAP_MS);
    }
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** CLOCK_MONOTONIC, which all processes of the machine share. */
export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
