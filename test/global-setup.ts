import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from '../scripts/build.mjs';
import { RUN_FOLDER } from './run-folder.ts';

/**
 * The writer thread and the command line run from the bundle, so it is built once before tests.
 * What tests put beside the packages is removed here: the processes of tests are ended, and do not
 * come to it themselves.
 */
export default async function setup(): Promise<() => void> {
  const parent = join(import.meta.dirname, '..', 'node_modules', '.cache');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'tests-'));
  process.env[RUN_FOLDER] = folder;
  await build();
  return () => rmSync(folder, { recursive: true, force: true });
}
