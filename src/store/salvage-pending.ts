/**
 * Which databases were set aside and not yet read out: noted before they are renamed, so that a
 * power cut in the middle of a salvage means another salvage and not a loss.
 */
import { Buffer } from 'node:buffer';
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { syncFolder, writeWhole } from './alarm-file-disk.ts';

const NAME = 'salvage.todo';

/** Full paths, the oldest first; a name whose file is not there was never renamed. */
export function pendingSalvages(directory: string): readonly string[] {
  return namesIn(directory)
    .map((name) => join(directory, name))
    .filter((path) => existsSync(path));
}

/** @throws the file system's error. */
export function notePending(directory: string, path: string): void {
  const names = [...new Set([...namesIn(directory), basename(path)])];
  const file = join(directory, NAME);
  const fd = openSync(`${file}.next`, 'w', 0o600);
  try {
    writeWhole(fd, Buffer.from(`${names.join('\n')}\n`), 0);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(`${file}.next`, file);
  syncFolder(directory);
}

/** Everything noted has been read out. @throws the file system's error. */
export function clearPending(directory: string): void {
  rmSync(join(directory, NAME), { force: true });
}

function namesIn(directory: string): readonly string[] {
  const file = join(directory, NAME);
  if (!existsSync(file)) return [];
  // A name with a slash is none of ours, whoever wrote it.
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((name) => name !== '' && !name.includes('/'));
}
