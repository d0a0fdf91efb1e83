/** What a death in the middle of a save leaves of the panel's snapshot: half a file, or no newest. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { SeededRandom } from '../../src/simulator/random.ts';

/** In a third of all deaths each: a torn new file, the moment between two renames, or neither. */
export function tearSnapshot(path: string, random: SeededRandom): void {
  const kind = random.next();
  if (!existsSync(path)) return;
  if (kind < 1 / 3) {
    const whole = readFileSync(path);
    writeFileSync(`${path}.next`, whole.subarray(0, Math.floor(whole.length * random.next())));
  } else if (kind < 2 / 3) {
    renameSync(path, `${path}.next`);
  }
}
