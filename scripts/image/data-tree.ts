/** What the packages put where a unit writes goes to the data partition. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runTool } from '../../test/arm64/host.ts';
import { DATA_PLACES } from './layout.ts';

/** Until a seed brings its own. */
const FIRST_HOST_NAME = 'embereye';

/**
 * Fills `data` with the folders of DATA_PLACES as they are in `root`, owners and modes too, and
 * leaves empty folders there to mount them on.
 */
export async function separateData(root: string, data: string): Promise<void> {
  mkdirSync(data, { mode: 0o755 });
  for (const { folder, at } of DATA_PLACES) {
    const place = join(root, at);
    const kept = join(data, folder);
    if (existsSync(place)) await runTool('cp', ['-a', place, kept]);
    else mkdirSync(kept, { mode: 0o755 });
    rmSync(place, { recursive: true, force: true });
    mkdirSync(dirname(place), { recursive: true, mode: 0o755 });
    mkdirSync(place, { mode: 0o755 });
  }
  mkdirSync(join(data, 'ssh/authorized_keys.d'), { recursive: true, mode: 0o755 });
  writeFileSync(join(data, 'hostname'), `${FIRST_HOST_NAME}\n`, { mode: 0o644 });
}
