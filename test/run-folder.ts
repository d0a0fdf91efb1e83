/** Where tests put what they build: programs find the checkout's packages there. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';

/** Names the folder of a whole run of tests, which is removed at its end. */
export const RUN_FOLDER = 'EMBEREYE_TEST_RUN_FOLDER';

/**
 * A new folder below node_modules; it is gone when this process ends, or the run of tests.
 * @param root the checkout
 */
export function folderBesidePackages(root: string, prefix: string): string {
  const parent = process.env[RUN_FOLDER] ?? join(root, 'node_modules', '.cache');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, prefix));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
