/**
 * Room: what the database and its log take, what the disk has left, and a ballast file. On a full
 * disk not even a DELETE works, because the log has to grow for it: the ballast is what is let go
 * then, so that alarms can be committed and rows be deleted until there is room again.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs';
import { Buffer } from 'node:buffer';
import { join } from 'node:path';
import { databasePath, type Sqlite } from './database.ts';
import type { StoreUse } from './messages.ts';

export const RESERVE_NAME = 'reserve';
/** Written at a time: the writer has other things to do meanwhile. */
const CHUNK_BYTES = 256 * 1024;
/** Free space that is left beside a new reserve, as a part of its size. */
const BESIDE_RESERVE = 1;

/** `off`: none is wanted; `held`: whole; `used`: let go, or not made yet. */
export type ReserveState = StoreUse['reserve'];

export class DiskUse {
  readonly #db: Sqlite;
  readonly #directory: string;
  readonly #pageBytes: number;
  /** Room can be given back to the disk; not so in a database that an older release made. */
  readonly #shrinks: boolean;

  constructor(db: Sqlite, directory: string) {
    this.#db = db;
    this.#directory = directory;
    this.#pageBytes = Number(db.pragma('page_size', { simple: true }));
    this.#shrinks = db.pragma('auto_vacuum', { simple: true }) !== 0;
  }

  get shrinks(): boolean {
    return this.#shrinks;
  }

  measure(reserveBytes: number): Omit<StoreUse, 'limitBytes'> {
    const pages = Number(this.#db.pragma('page_count', { simple: true }));
    const free = Number(this.#db.pragma('freelist_count', { simple: true }));
    const { bavail, bsize } = statfsSync(this.#directory);
    return {
      fileBytes: pages * this.#pageBytes,
      usedBytes: (pages - free) * this.#pageBytes,
      walBytes: lengthOf(`${databasePath(this.#directory)}-wal`),
      diskFreeBytes: bavail * bsize,
      reserve: this.#reserve(reserveBytes),
    };
  }

  /** Gives up to `bytes` of free pages back to the disk. */
  shrink(bytes: number): void {
    const pages = Math.max(1, Math.floor(bytes / this.#pageBytes));
    // Each step of the pragma frees one page, and only `exec` runs it to the end.
    this.#db.exec(`PRAGMA incremental_vacuum(${pages})`);
  }

  /**
   * Folds the whole log back and cuts it to nothing. Does not wait for readers of other processes.
   * @returns whether it worked.
   */
  foldLog(): boolean {
    const timeout: unknown = this.#db.pragma('busy_timeout', { simple: true });
    this.#db.pragma('busy_timeout = 0');
    try {
      return this.#db.pragma('wal_checkpoint(TRUNCATE)', { simple: true }) === 0;
    } finally {
      this.#db.pragma(`busy_timeout = ${Number(timeout)}`);
    }
  }

  /** Lets the reserve go, if there is any. @returns whether that made room. */
  release(): boolean {
    const path = join(this.#directory, RESERVE_NAME);
    if (lengthOf(path) === 0) return false;
    rmSync(path);
    return true;
  }

  /**
   * Makes the reserve a little larger, or of the size that is wanted now, where the disk has room
   * for it. @returns whether there is more to do.
   */
  makeReserve(reserveBytes: number): boolean {
    const path = join(this.#directory, RESERVE_NAME);
    const length = lengthOf(path);
    if (length > reserveBytes) rmSync(path);
    if (length >= reserveBytes) return length > reserveBytes;
    const { bavail, bsize } = statfsSync(this.#directory);
    if (bavail * bsize < reserveBytes - length + reserveBytes * BESIDE_RESERVE) return false;
    const chunk = noise(Math.min(CHUNK_BYTES, reserveBytes - length), length);
    const fd = openSync(path, 'a', 0o600);
    try {
      writeSync(fd, chunk);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    return lengthOf(path) < reserveBytes;
  }

  #reserve(reserveBytes: number): ReserveState {
    if (reserveBytes === 0) return 'off';
    return lengthOf(join(this.#directory, RESERVE_NAME)) >= reserveBytes ? 'held' : 'used';
  }
}

function lengthOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}

/** Bytes that a file system with compression cannot make less of (xorshift32, G. Marsaglia). */
function noise(bytes: number, seed: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  for (let at = 0; at + 4 <= bytes; at += 4) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    buffer.writeUInt32LE(state, at);
  }
  return buffer;
}
