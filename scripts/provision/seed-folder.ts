/** A seed as a folder on the laptop, to be copied to the first partition of a card. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { install, stage, syncFolder } from '../../src/seed/place.ts';

/** Replaces a folder as a whole. Only its owner may read it: it holds a key. */
export function writeSeedFolder(folder: string, files: ReadonlyMap<string, Buffer>): void {
  const fresh = `${folder}.new`;
  rmSync(fresh, { recursive: true, force: true });
  for (const [name, bytes] of files) {
    const place = join(fresh, name);
    stage(place, bytes, 0o600, null);
    install(place);
  }
  if (existsSync(folder)) rmSync(folder, { recursive: true });
  renameSync(fresh, folder);
  syncFolder(dirname(folder));
}
