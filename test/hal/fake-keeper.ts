/** A keeper of lines in this very process: duplicates of descriptors, and what was asked for. */
import { closeSync, constants, openSync } from 'node:fs';
import type { LineKeeper } from '../../src/hal/gpio/line-keeper.ts';
import { DONE, done, failed } from '../../src/hal/ports.ts';
import type { HalResult } from '../../src/hal/ports.ts';

export class FakeKeeper implements LineKeeper {
  isBroken = false;
  readonly lines = new Map<string, { readonly descriptor: number; readonly set: boolean | null }>();
  readonly files = new Map<string, { readonly path: string; readonly write: string | null }>();

  take(key: string): HalResult<number | null> {
    if (this.isBroken) return broken();
    const kept = this.lines.get(key);
    return done(kept === undefined ? null : duplicate(kept.descriptor));
  }

  keep(key: string, descriptor: number, { set }: { readonly set: boolean | null }): HalResult {
    if (this.isBroken) return broken();
    const kept = duplicate(descriptor);
    this.#forget(key);
    this.lines.set(key, { descriptor: kept, set });
    return DONE;
  }

  keepFile(key: string, path: string, { write }: { readonly write: string | null }): HalResult {
    if (this.isBroken) return broken();
    this.files.set(key, { path, write });
    return DONE;
  }

  onLoss(key: string, level: boolean | null): void {
    const line = this.lines.get(key);
    if (line !== undefined) this.lines.set(key, { ...line, set: level });
    const file = this.files.get(key);
    const write = level === null ? null : level ? '1\n' : '0\n';
    if (file !== undefined) this.files.set(key, { ...file, write });
  }

  drop(key: string): HalResult {
    if (this.isBroken) return broken();
    this.#forget(key);
    return DONE;
  }

  close(): void {
    for (const key of [...this.lines.keys()]) this.#forget(key);
  }

  #forget(key: string): void {
    const kept = this.lines.get(key);
    if (kept !== undefined) closeSync(kept.descriptor);
    this.lines.delete(key);
  }
}

/** Opened again through /proc: leads to the same pipe, as a duplicate would. */
function duplicate(descriptor: number): number {
  return openSync(`/proc/self/fd/${descriptor}`, constants.O_RDWR | constants.O_NONBLOCK);
}

function broken(): HalResult<never> {
  return failed('timeout', 'the holder does not answer');
}
