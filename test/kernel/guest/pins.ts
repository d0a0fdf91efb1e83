/**
 * The guest's pins as the world outside sees them. Orders go over the console, and the answer is
 * waited for: whoever drives a pin goes on when it has moved.
 */
import { openSync, readSync, writeSync } from 'node:fs';
import { noteDelay } from './stalls.ts';

/** Begins a line that is for the host. */
const ORDER_MARK = '@pin ';

const CONSOLE = process.env['GUEST_CONSOLE'] ?? '/dev/console';
const terminal = openSync(CONSOLE, 'r+');

/** @throws Error when the host refuses */
export function askHost(order: string): string {
  const startMs = performance.now();
  writeSync(terminal, `${ORDER_MARK}${order}\n`);
  const byte = Buffer.alloc(1);
  let text = '';
  while (!text.endsWith('\n')) {
    if (readSync(terminal, byte, 0, 1, null) === 1) text += byte.toString('latin1');
  }
  noteDelay(performance.now() - startMs);
  const answer = text.trim();
  if (answer.startsWith('!')) throw new Error(`pin order "${order}": ${answer.slice(1)}`);
  return answer;
}

/** Moves an input line from outside. */
export function drivePin(line: number, high: boolean): void {
  askHost(`drive ${line} ${high ? 1 : 0}`);
}

/** Electrical level of a line. */
export function pinLevel(line: number): boolean {
  return askHost(`level ${line}`) === '1';
}

/** Levels that a line takes from now on are remembered; none while it stays as it is. */
export function watchPin(line: number): void {
  askHost(`watch ${line}`);
}

export function pinHistory(line: number): readonly boolean[] {
  return Array.from(askHost(`history ${line}`), (one) => one === '1');
}

/** What the chip's own registers say of a line (emulated Raspberry Pi only). */
export function pinDirection(line: number): 'in' | 'out' {
  return askHost(`direction ${line}`) === 'out' ? 'out' : 'in';
}
