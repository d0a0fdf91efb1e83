/** Files that survive a cut of the power, or are as they were. */
import {
  chmodSync,
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * Writes beside the file, flushes, renames, flushes the folder.
 * @throws the error of the operating system; then the old file is whole.
 */
export function writeDurably(path: string, text: string, mode = 0o644): void {
  const beside = `${path}.new`;
  writeFileSync(beside, text, { mode, flush: true });
  // The process may have a mask of its own; others are to read some of these.
  chmodSync(beside, mode);
  renameSync(beside, path);
  syncFolder(dirname(path));
}

/** A folder that everybody may look into, whatever mask this process has. */
export function openFolder(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o755 });
  chmodSync(path, 0o755);
}

/** What was created, renamed or removed in it stays so. */
export function syncFolder(path: string): void {
  const folder = openSync(path, 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
