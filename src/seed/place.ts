/** Files put where they belong so that a power cut leaves the old one or the new one, whole. */
import type { Stats } from 'node:fs';
import {
  chmodSync,
  chownSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Beside its place until it is whole. */
const STAGED = '.seed-new';
const MAX_LINKS = 8;

/**
 * Where a file of the unit lies below `root`. Links of the unit itself are followed as the unit
 * would, and never out of `root`: on a read-only system they lead to the partition for data.
 * @param to absolute
 */
export function placeIn(root: string, to: string): string {
  let left = to.split('/').filter((part) => part !== '');
  let at = '/';
  let links = 0;
  for (;;) {
    const [part, ...rest] = left;
    if (part === undefined) return join(root, at);
    left = rest;
    // Joined from the root, `..` of a link ends there.
    const next = join(at, part);
    if (found(join(root, next))?.isSymbolicLink() !== true) {
      at = next;
      continue;
    }
    if (++links > MAX_LINKS) {
      throw new Error(`${join(root, to)}: links that lead to links; repair the image`);
    }
    const target = readlinkSync(join(root, next));
    if (target.startsWith('/')) at = '/';
    left = [...target.split('/').filter((one) => one !== ''), ...left];
  }
}

function found(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

/** Writes the bytes beside `place`, to the disk. */
export function stage(place: string, bytes: Uint8Array, mode: number, owner: Owner | null): void {
  makeFolder(dirname(place));
  const path = `${place}${STAGED}`;
  rmSync(path, { force: true });
  // Nobody else reads it before it has its owner.
  const file = openSync(path, 'wx', 0o600);
  try {
    writeAll(file, bytes);
    if (owner !== null) chownSync(path, owner.uid, owner.gid);
    chmodSync(path, mode);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Gives what was staged its name. */
export function install(place: string): void {
  renameSync(`${place}${STAGED}`, place);
  syncFolder(dirname(place));
}

/** Writes a whole file, with its old content until the new one is on the disk. */
export function writeWhole(path: string, text: string): void {
  stage(path, Buffer.from(text), 0o644, null);
  install(path);
}

function makeFolder(folder: string): void {
  const first = mkdirSync(folder, { recursive: true, mode: 0o755 });
  if (first === undefined) return;
  for (let made = folder; made.length >= first.length; made = dirname(made)) {
    syncFolder(dirname(made));
  }
}

/** Names in a folder are on the disk only after this. */
export function syncFolder(folder: string): void {
  const opened = openSync(folder, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

/** Overwrites a file with zeros, to the disk, and removes it; false where there is none. */
export function eraseFile(path: string): boolean {
  const size = found(path)?.size;
  if (size === undefined) return false;
  const file = openSync(path, 'r+');
  try {
    writeAll(file, new Uint8Array(size));
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  rmSync(path);
  syncFolder(dirname(path));
  return true;
}

function writeAll(file: number, bytes: Uint8Array): void {
  let at = 0;
  while (at < bytes.length) at += writeSync(file, bytes, at, bytes.length - at, at);
}

/** The number of a group of the unit, or null: it has no such group. */
export function groupId(root: string, group: string): number | null {
  const path = placeIn(root, '/etc/group');
  if (found(path) === null) return null;
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const [name, , id] = line.split(':');
    if (name === group && id !== undefined && /^\d+$/.test(id)) return Number(id);
  }
  return null;
}
