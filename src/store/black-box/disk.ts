/** What recordings need of a file system; every call may reject, and none blocks the step. */
import type { Buffer } from 'node:buffer';
import { mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export interface BoxFileHandle {
  /** Writes all of it at the end. */
  append(bytes: Buffer): Promise<void>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

export interface BoxDisk {
  makeFolder(path: string): Promise<void>;
  /** Names and lengths of the plain files in a folder. */
  list(path: string): Promise<readonly { readonly name: string; readonly bytes: number }[]>;
  /** Fails where the file is already there. */
  create(path: string): Promise<BoxFileHandle>;
  /** Durable when it returns. */
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
  /** What may still be written to the file system of this folder. */
  freeBytes(path: string): Promise<number>;
}

export const nodeDisk: BoxDisk = {
  async makeFolder(path) {
    await mkdir(path, { recursive: true });
  },
  async list(path) {
    const entries = await readdir(path, { withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile());
    return Promise.all(
      files.map(async ({ name }) => ({ name, bytes: (await stat(join(path, name))).size })),
    );
  },
  async create(path) {
    const file = await open(path, 'wx', 0o640);
    return {
      append: (bytes) => file.appendFile(bytes),
      sync: () => file.sync(),
      close: () => file.close(),
    };
  },
  async rename(from, to) {
    await rename(from, to);
    // A rename is durable only when its folder is.
    const folder = await open(dirname(to), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  },
  async remove(path) {
    await rm(path, { force: true });
  },
  async freeBytes(path) {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  },
};

/**
 * A disk that is asked one thing at a time, whoever asks: one that hangs then holds one thread of
 * Node's pool and not one for each recording.
 */
export function oneAtATime(disk: BoxDisk): BoxDisk {
  let last: Promise<unknown> = Promise.resolve();
  const queued = <T>(ask: () => Promise<T>): Promise<T> => {
    const turn = last.then(ask, ask);
    last = turn;
    return turn;
  };
  return {
    makeFolder: (path) => queued(() => disk.makeFolder(path)),
    list: (path) => queued(() => disk.list(path)),
    create: async (path) => {
      const file = await queued(() => disk.create(path));
      return {
        append: (bytes) => queued(() => file.append(bytes)),
        sync: () => queued(() => file.sync()),
        close: () => queued(() => file.close()),
      };
    },
    rename: (from, to) => queued(() => disk.rename(from, to)),
    remove: (path) => queued(() => disk.remove(path)),
    freeBytes: (path) => queued(() => disk.freeBytes(path)),
  };
}
