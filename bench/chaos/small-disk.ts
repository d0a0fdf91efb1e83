/** A disk of its own: a small ext4 in a file, mounted through a loop device. Needs root. */
import {
  mkdirSync,
  openSync,
  closeSync,
  rmSync,
  statfsSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { type Cleanup, system, systemBeside } from './cleanup.ts';

const CHUNK = Buffer.alloc(64 * 1024, 0x5a);
/** Enough for a few commits. */
const LEFT_BYTES = 1024 * 1024;
const UNMOUNT_TRIES = 40;

export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;
  #frozen = false;

  /**
   * Makes and mounts it.
   * @param folder that holds the image and the mount point.
   * @throws when the system does not let us.
   */
  constructor(folder: string, megabytes: number, cleanup: Cleanup) {
    const image = join(folder, 'disk.img');
    this.path = join(folder, 'disk');
    this.#ballast = join(this.path, 'ballast');
    closeSync(openSync(image, 'w'));
    truncateSync(image, megabytes * 1024 * 1024);
    mkdirSync(this.path);
    system('mkfs.ext4', ['-q', '-m', '0', '-J', 'size=4', image]);
    system('mount', ['-o', 'loop,noatime', image, this.path]);
    cleanup.add(`the disk mounted at ${this.path}`, () => this.#unmount());
  }

  get frozen(): boolean {
    return this.#frozen;
  }

  /** From here on whoever writes waits, and cannot even be killed. */
  async freeze(): Promise<void> {
    this.#frozen = true;
    await systemBeside('fsfreeze', ['-f', this.path]);
  }

  thaw(): void {
    if (!this.#frozen) return;
    system('fsfreeze', ['-u', this.path]);
    this.#frozen = false;
  }

  /** Nearly fills it, so that filling it takes no time. */
  crowd(): void {
    const { bavail, bsize } = statfsSync(this.path);
    const blocks = Math.max(0, bavail * bsize - LEFT_BYTES);
    const descriptor = openSync(this.#ballast, 'a');
    try {
      for (let bytes = blocks; bytes >= CHUNK.length; bytes -= CHUNK.length) {
        if (!written(descriptor, CHUNK.length)) return;
      }
    } finally {
      closeSync(descriptor);
    }
  }

  /** Fills it with another file, to the last byte that the file system gives. */
  fill(): void {
    const descriptor = openSync(this.#ballast, 'a');
    try {
      for (let bytes = CHUNK.length; bytes >= 1; bytes = Math.floor(bytes / 2)) {
        while (written(descriptor, bytes));
      }
    } finally {
      closeSync(descriptor);
    }
  }

  free(): void {
    rmSync(this.#ballast, { force: true });
  }

  /** A killed process lets go of its files a moment after its end. */
  #unmount(): void {
    this.thaw();
    for (let left = UNMOUNT_TRIES; ; left -= 1) {
      try {
        system('umount', left > 0 ? [this.path] : ['-l', this.path]);
        return;
      } catch (error) {
        if (left === 0) throw error;
        system('sleep', ['0.05']);
      }
    }
  }
}

/** False when there is no room for another byte. */
function written(descriptor: number, bytes: number): boolean {
  try {
    return writeSync(descriptor, CHUNK, 0, bytes) > 0;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false;
    throw error;
  }
}
