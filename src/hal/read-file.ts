/** Whole files for drivers, with trouble as a value. */
import { open } from 'node:fs/promises';
import { errorKindOf, messageOf } from './os-errors.ts';
import type { HalResult } from './ports.ts';
import { done, failed } from './ports.ts';

/** A recording of a day is about 300 MB; what is played here is minutes or hours of it. */
export const FILE_LIMIT_BYTES = 256 * 1024 * 1024;

/** Errors: `absent`, `permission`, `other` (also for a file above `limitBytes`). */
export async function readWholeFile(
  path: string,
  limitBytes = FILE_LIMIT_BYTES,
): Promise<HalResult<Uint8Array>> {
  try {
    const file = await open(path, 'r');
    try {
      const { size } = await file.stat();
      if (size > limitBytes) {
        return failed('other', `${path} has ${size} bytes, at most ${limitBytes} are read: cut it`);
      }
      return done(await file.readFile());
    } finally {
      await file.close();
    }
  } catch (error) {
    return failed(errorKindOf(error), `${path} cannot be read: ${messageOf(error)}`, error);
  }
}
