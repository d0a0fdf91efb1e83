/** Free space of a file system, with trouble as a value. */
import { statfs } from 'node:fs/promises';
import { errorKindOf, messageOf } from '../os-errors.ts';
import type { HalResult } from '../ports.ts';
import { done, failed } from '../ports.ts';

export interface FileSystemSpace {
  readonly totalBytes: number;
  /** What an ordinary user may still write. */
  readonly freeBytes: number;
  /** 0 where the file system does not count them, as vfat and btrfs do not. */
  readonly totalInodes: number;
  readonly freeInodes: number;
}

/** Errors: `absent`, `permission`, `other`. */
export type StatFileSystem = (path: string) => Promise<HalResult<FileSystemSpace>>;

export const statFileSystem: StatFileSystem = async (path) => {
  try {
    const { bsize, blocks, bavail, files, ffree } = await statfs(path);
    return done({
      totalBytes: blocks * bsize,
      freeBytes: bavail * bsize,
      totalInodes: files,
      freeInodes: ffree,
    });
  } catch (error) {
    const message = `the file system of ${path} cannot be looked at: ${messageOf(error)}`;
    return failed(errorKindOf(error), message, error);
  }
};
