/** A copy of the database that was looked at before it got its name. */
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { LANES } from '../domain/event.ts';
import { syncFolder } from './alarm-file-disk.ts';
import { copyDatabase, openCopy, openReadOnly } from './database.ts';
import { type LaneProof, verifyLane } from './verify.ts';

/** The copy is not what it should be; nothing was left behind. */
export class BadCopy extends Error {}

/**
 * Copies `source` to `target` while an appliance may be writing to it. The copy is made beside the
 * target, checked (`quick_check`, hash chains), synced and renamed: the target is whole or absent.
 * @returns what the chains of the copy prove; a break in them is the source's own.
 * @throws (as a rejection) BadCopy, SQLite's or the file system's error; no file is left then.
 */
export async function backupTo(source: string, target: string): Promise<readonly LaneProof[]> {
  const part = `${target}.part`;
  removeCopy(part);
  try {
    const db = openReadOnly(source);
    try {
      await copyDatabase(db, part);
    } finally {
      db.close();
    }
    const proofs = checkedCopy(part);
    syncFile(part);
    renameSync(part, target);
    syncFolder(dirname(target));
    return proofs;
  } catch (error) {
    removeCopy(part);
    throw error;
  }
}

function checkedCopy(path: string): readonly LaneProof[] {
  const db = openCopy(path);
  try {
    const found = db.pragma('quick_check(3)', { simple: true });
    if (found !== 'ok') throw new BadCopy(`quick_check of the copy: ${String(found)}`);
    return LANES.map((lane) => verifyLane(db, lane, null));
  } finally {
    db.close();
  }
}

function syncFile(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function removeCopy(path: string): void {
  for (const side of ['', '-wal', '-shm', '-journal']) {
    if (existsSync(path + side)) rmSync(path + side, { force: true });
  }
}
