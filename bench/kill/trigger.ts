/**
 * A process of its own that kills the appliance shortly after its siren line went active. It knows
 * the line's file alone, and looks at it without a pause: commit and PUBACK follow the output within
 * a millisecond or two, which is less than a file watcher takes to wake up.
 */
import { openSync, readFileSync, readSync, writeSync } from 'node:fs';

const HIGH = 0x31;
/** Without a rise for this long the kill comes all the same. */
const PATIENCE_MS = 20_000;

/** Prints the wall times of the rise (0 where there was none) and of the kill, and ends. */
export function killOnRise(pid: number, file: string, delayMs: number): void {
  const roseAtMs = waitForRise(file);
  const endMs = performance.now() + delayMs;
  while (performance.now() < endMs);
  const killedAtMs = Date.now();
  process.kill(pid, 'SIGKILL');
  writeSync(1, `${roseAtMs} ${killedAtMs}`);
}

function waitForRise(file: string): number {
  const descriptor = openSync(file, 'r');
  const byte = Buffer.alloc(1);
  const endMs = performance.now() + PATIENCE_MS;
  let wasActive = true;
  while (performance.now() < endMs) {
    readSync(descriptor, byte, 0, 1, 0);
    const isActive = byte[0] === HIGH;
    if (isActive && !wasActive) return Date.now();
    wasActive = isActive;
  }
  return 0;
}

export function active(file: string): boolean {
  return readFileSync(file, 'latin1').startsWith('1');
}
