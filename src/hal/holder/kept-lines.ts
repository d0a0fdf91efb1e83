/**
 * The lines that the GPIO holder keeps. A descriptor that is open here keeps its line requested and
 * at its level, whatever becomes of the runtime; a line that is a file needs no keeping, only
 * somebody to write its level on loss.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import type { Log } from '../../domain/ports.ts';
import type { Libc } from '../native/libc.ts';
import { errorKindOf, messageOf } from '../os-errors.ts';
import type { HalResult } from '../ports.ts';
import { DONE, failed } from '../ports.ts';
import { closeDescriptor } from './descriptors.ts';

/** `_IOWR(0xB4, 0x0F, struct gpio_v2_line_values)` of linux/gpio.h. */
export const SET_LINE_VALUES = 0xc010_b40f;
/** More than any appliance has outputs (the configuration allows 32). */
export const LINES_LIMIT = 64;

interface OpenLine {
  readonly descriptor: number;
  /** Electrical level to set on loss; null keeps the one it has. */
  readonly set: boolean | null;
}

interface FileLine {
  readonly path: string;
  /** To be written on loss; null: nothing. */
  readonly write: string | null;
}

type Kept = (OpenLine | FileLine) & {
  /** The present runtime took or kept it: a line that none wants any longer is released. */
  claimed: boolean;
  /** Lost, and its loss level is not yet set. */
  due: boolean;
};

export class KeptLines {
  readonly #libc: Libc;
  readonly #log: Log;
  readonly #lines = new Map<string, Kept>();

  constructor(libc: Libc, log: Log) {
    this.#libc = libc;
    this.#log = log;
  }

  get size(): number {
    return this.#lines.size;
  }

  /** False where nothing would change if this process ended. */
  get needed(): boolean {
    return [...this.#lines.values()].some((line) => line.due || 'descriptor' in line);
  }

  /** Owns the descriptor from now on, whatever the result. */
  keep(key: string, descriptor: number, set: boolean | null): HalResult {
    const full = this.#full(key);
    if (full !== null) {
      this.#close(key, descriptor);
      return full;
    }
    this.#put(key, { descriptor, set, claimed: true, due: false });
    return DONE;
  }

  /** Errors: `absent`, `permission`: the file cannot be written. */
  keepFile(key: string, path: string, write: string | null): HalResult {
    const full = this.#full(key);
    if (full !== null) return full;
    const opened = write === null ? DONE : writeFile(path, null);
    if (!opened.ok) return opened;
    this.#put(key, { path, write, claimed: true, due: false });
    return DONE;
  }

  /** Changes the level on loss; nothing for a key that is not kept. */
  onLoss(key: string, level: boolean | null): void {
    const line = this.#lines.get(key);
    if (line === undefined) return;
    const { claimed, due } = line;
    const changed =
      'path' in line
        ? { path: line.path, write: contentOf(level) }
        : { descriptor: line.descriptor, set: level };
    this.#lines.set(key, { ...changed, claimed, due });
  }

  /** What is kept stays kept; null where nothing with a descriptor is. */
  take(key: string): OpenLine | null {
    const line = this.#lines.get(key);
    if (line === undefined) return null;
    line.claimed = true;
    return 'descriptor' in line ? line : null;
  }

  /** Harmless for a key that is not there. */
  drop(key: string): void {
    const line = this.#lines.get(key);
    this.#lines.delete(key);
    if (line !== undefined && 'descriptor' in line) this.#close(key, line.descriptor);
  }

  /** A runtime has come: what it does not claim until `settled` is released then. */
  begin(): void {
    for (const line of this.#lines.values()) {
      line.claimed = false;
      line.due = false;
    }
  }

  /** @returns keys of what was released, because the runtime has no such output any longer. */
  settled(): readonly string[] {
    const unclaimed = [...this.#lines].filter(([, { claimed }]) => !claimed).map(([key]) => key);
    for (const key of unclaimed) this.drop(key);
    return unclaimed;
  }

  /** The runtime is gone or hangs: sets every line that has a level for that. */
  lose(): void {
    for (const line of this.#lines.values()) line.due = levelOf(line) !== null;
    this.setDue();
  }

  /** The runtime works again and sets its lines itself. */
  regain(): void {
    for (const line of this.#lines.values()) line.due = false;
  }

  /** Sets what is lost and not yet set: a write that fails is tried again with the next call. */
  setDue(): void {
    for (const [key, line] of this.#lines) {
      if (!line.due) continue;
      const result = this.#setLossLevel(line);
      line.due = !result.ok;
      if (result.ok) this.#log('info', 'line set, the runtime is lost', { key });
      else this.#log('error', 'line not set on loss', { key, detail: result.error.message });
    }
  }

  releaseAll(): void {
    for (const key of [...this.#lines.keys()]) this.drop(key);
  }

  #setLossLevel(line: Kept): HalResult {
    if ('path' in line) return writeFile(line.path, line.write);
    if (line.set === null) return DONE;
    const values = Buffer.alloc(16);
    values.writeBigUInt64LE(line.set ? 1n : 0n, 0);
    values.writeBigUInt64LE(1n, 8);
    const set = this.#libc.ioctl(line.descriptor, SET_LINE_VALUES, values);
    return set.ok ? DONE : failed('other', `GPIO_V2_LINE_SET_VALUES: ${set.code}`);
  }

  #full(key: string): ReturnType<typeof failed> | null {
    if (this.#lines.has(key) || this.#lines.size < LINES_LIMIT) return null;
    return failed('other', `${key} is not kept: the holder keeps at most ${LINES_LIMIT} lines`);
  }

  #put(key: string, line: Kept): void {
    this.drop(key);
    this.#lines.set(key, line);
  }

  #close(key: string, descriptor: number): void {
    const trouble = closeDescriptor(descriptor);
    if (trouble !== null) this.#log('error', 'line not released', { key, detail: trouble });
  }
}

/** As value files of sysfs want it. */
function contentOf(level: boolean | null): string | null {
  return level === null ? null : level ? '1\n' : '0\n';
}

function levelOf(line: OpenLine | FileLine): boolean | string | null {
  return 'path' in line ? line.write : line.set;
}

/**
 * Writes at the start of the file, as the value files of sysfs want it; with null only tries to
 * open it. Never waits: a path that is a pipe must not stop the holder.
 */
function writeFile(path: string, content: string | null): HalResult {
  try {
    const descriptor = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      if (content !== null) writeSync(descriptor, content, 0);
    } finally {
      closeSync(descriptor);
    }
    return DONE;
  } catch (error) {
    return failed(errorKindOf(error), `${path} cannot be written: ${messageOf(error)}`, error);
  }
}
