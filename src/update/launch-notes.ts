/**
 * What the launcher noted. Its files belong to the appliance's own user, so that nothing here is
 * believed beyond "this trial is over": the worst that a liar reaches is the release before.
 */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from './refused.ts';

const MOST_BYTES = 512;

/** Why the launcher has given a trial up; null: it has not, or nothing can be read. */
export function givenUp(folder: string, trialId: string): string | null {
  const [line = ''] = (readNote(join(folder, 'fallback')) ?? '').split('\n');
  if (!line.startsWith(`${trialId} `)) return null;
  const why = line.slice(trialId.length + 1).replace(/[^ -~]/g, '?');
  return why === '' ? 'the launcher gave it up' : why;
}

/** Null where there is none. */
function readNote(path: string): string | null {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === null) throw error;
    return null;
  }
  try {
    const bytes = Buffer.alloc(MOST_BYTES);
    return bytes.toString('utf8', 0, readSync(file, bytes, 0, MOST_BYTES, 0));
  } catch (error) {
    if (codeOf(error) === null) throw error;
    return null;
  } finally {
    closeSync(file);
  }
}
