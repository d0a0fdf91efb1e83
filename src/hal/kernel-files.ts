/**
 * Files that kernel drivers present, read without ever waiting for one that hangs.
 *
 * A read of such a file runs code of a driver: where the chip behind it is gone it may come back
 * late or never, and until then it holds one of the four threads on which Node does all its file
 * work. So at most two are under way at a time: two files that hang cost half of the threads and
 * nothing else, and further reads are refused until one of them comes back.
 */
import { constants } from 'node:fs';
import { type FileHandle, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../domain/ports.ts';
import type { KernelFiles } from './bus-ports.ts';
import { errorKindOf, messageOf } from './os-errors.ts';
import type { HalResult } from './ports.ts';
import { done, failed } from './ports.ts';

export interface KernelFilesOptions {
  readonly clock: Clock;
  /** Before every path; a directory that looks like the kernel's files. Default: none. */
  readonly root?: string;
}

/** A conversion of an ADS1115 at 8 per second takes 125 ms; the bus may be in use before. */
export const FILE_DEADLINE_MS = 2000;
/** Files of sysfs have at most 4 KiB. */
export const FILE_LIMIT_BYTES = 64 * 1024;
/** Of libuv's four threads. */
export const FILES_AT_ONCE = 2;

export function createKernelFiles({ clock, root = '' }: KernelFilesOptions): KernelFiles {
  const work = new BoundedWork(clock);
  const at = (path: string): string => (root === '' ? path : join(root, path));
  return {
    kind: 'linux',
    read: (path) => work.run(path, 'read', () => readText(at(path))),
    write: (path, text) => work.run(path, 'written', () => writeText(at(path), text)),
    list: (path) =>
      work.run(path, 'listed', async () =>
        done<readonly string[]>((await readdir(at(path))).sort()),
      ),
  };
}

interface Waiting {
  start(): void;
  refuse(): void;
}

class BoundedWork {
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = [];
  /** Under way, by number; true when its deadline has passed. */
  readonly #under = new Map<number, { readonly path: string; late: boolean }>();
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  run<T>(path: string, verb: string, work: () => Promise<HalResult<T>>): Promise<HalResult<T>> {
    const hanging = this.#hanging();
    if (hanging.includes(path)) return Promise.resolve(refusal(path, 'it still hangs'));
    return new Promise((resolve) => {
      const entry: Waiting = {
        start: () => this.#start(path, verb, work, resolve),
        refuse: () => resolve(refusal(path, `${this.#hanging().join(' and ')} hang`)),
      };
      if (hanging.length >= FILES_AT_ONCE) entry.refuse();
      else if (this.#under.size < FILES_AT_ONCE) entry.start();
      else this.#waiting.push(entry);
    });
  }

  #start<T>(
    path: string,
    verb: string,
    work: () => Promise<HalResult<T>>,
    resolve: (result: HalResult<T>) => void,
  ): void {
    this.#last += 1;
    const number = this.#last;
    const entry = { path, late: false };
    this.#under.set(number, entry);
    const cancel = this.#clock.after(FILE_DEADLINE_MS, () => {
      entry.late = true;
      resolve(refusal(path, `no answer within ${FILE_DEADLINE_MS / 1000} s`));
      if (this.#hanging().length < FILES_AT_ONCE) return;
      for (const one of this.#waiting.splice(0)) one.refuse();
    });
    void work()
      .catch((error: unknown) => troubleOf(path, verb, error))
      .then((result) => {
        cancel();
        this.#under.delete(number);
        resolve(result);
        this.#waiting.shift()?.start();
      });
  }

  #hanging(): readonly string[] {
    return [...this.#under.values()].filter(({ late }) => late).map(({ path }) => path);
  }
}

function refusal(path: string, why: string) {
  const remedy = 'look at the chip behind it and its wires, and restart the machine if it lasts';
  return failed('timeout', `${path} was not read or written: ${why}; ${remedy}`);
}

function troubleOf(path: string, verb: string, error: unknown) {
  const code = error instanceof Error && 'code' in error ? error.code : '';
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return failed('absent', `${path} is not there`, error);
  const kind = errorKindOf(error);
  const remedy = kind === 'permission' ? `: see ls -l ${path} for the group that may` : '';
  return failed(kind, `${path} cannot be ${verb}: ${messageOf(error)}${remedy}`, error);
}

async function readText(path: string): Promise<HalResult<string>> {
  const file = await open(path, 'r');
  try {
    const bytes = await readUpTo(file, FILE_LIMIT_BYTES + 1);
    if (bytes.length > FILE_LIMIT_BYTES) {
      return failed('other', `${path} has more than ${FILE_LIMIT_BYTES} bytes: not a kernel file`);
    }
    const text = bytes.toString('utf8');
    return done(text.endsWith('\n') ? text.slice(0, -1) : text);
  } finally {
    await file.close();
  }
}

/** The size that these files announce means nothing. */
async function readUpTo(file: FileHandle, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let total = 0;
  while (total < limit) {
    const part = Buffer.alloc(Math.min(4096, limit - total));
    const { bytesRead } = await file.read(part, 0, part.length, null);
    if (bytesRead === 0) break;
    parts.push(part.subarray(0, bytesRead));
    total += bytesRead;
  }
  return Buffer.concat(parts);
}

/** Never makes a file: one that is not there belongs to a driver that is not loaded. */
async function writeText(path: string, text: string): Promise<HalResult> {
  const file = await open(path, constants.O_WRONLY | constants.O_TRUNC);
  try {
    // In one call: a driver takes what comes in a write as the whole value.
    const { bytesWritten } = await file.write(text);
    const whole = Buffer.byteLength(text);
    if (bytesWritten === whole) return done(undefined);
    return failed('other', `${path} took ${bytesWritten} of ${whole} bytes`);
  } finally {
    await file.close();
  }
}
