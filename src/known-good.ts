/** The last configuration that started, kept beside the journal for when a new one is broken. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const NAME = 'last-known-good.yaml';

/** The text that started last, or null where there is none. */
export function readKnownGood(directory: string): string | null {
  try {
    return readFileSync(join(directory, NAME), 'utf8');
  } catch {
    // Not there, or not readable: the caller then has no fall-back and says so.
    return null;
  }
}

/** @returns what went wrong, or null; the appliance runs all the same. */
export function keepKnownGood(directory: string, text: string): string | null {
  const path = join(directory, NAME);
  try {
    mkdirSync(directory, { recursive: true });
    if (readKnownGood(directory) === text) return null;
    writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
    renameSync(`${path}.new`, path);
    return null;
  } catch (error) {
    return `${path} cannot be written: ${error instanceof Error ? error.message : String(error)}`;
  }
}
