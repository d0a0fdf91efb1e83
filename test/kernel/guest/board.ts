/** The GPIO chips of the two emulated machines, and what is wired to them. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CdevCalls } from '../../../src/hal/gpio/cdev-calls.ts';
import type { LineInfo, LineSettings } from '../../../src/hal/gpio/uapi.ts';
import { loadLibc } from '../../../src/hal/native/libc.ts';
import { drivePin } from './pins.ts';

export interface Board {
  readonly chip: string;
  readonly siren: number;
  readonly relay: number;
  readonly button: number;
  readonly names: { readonly output: string; readonly input: string };
  /** A line that a driver of the kernel holds, and under which name; null: none here. */
  readonly kernelHeld: { readonly line: number; readonly consumer: string } | null;
  /** Whether each change of a pin is told, and inputs can be driven. */
  readonly hasHands: boolean;
}

const BOARDS: Readonly<Record<string, Board>> = {
  virt: {
    chip: '9030000.pl061',
    siren: 0,
    button: 1,
    relay: 2,
    names: { output: 'SIREN', input: 'BUTTON' },
    kernelHeld: { line: 7, consumer: 'power-hold' },
    hasHands: true,
  },
  raspi3b: {
    chip: 'pinctrl-bcm2835',
    siren: 17,
    button: 27,
    relay: 22,
    names: { output: 'GPIO17', input: 'GPIO27' },
    kernelHeld: null,
    hasHands: false,
  },
};

export function board(): Board {
  const name = process.env['GUEST_BOARD'] ?? '';
  const found = BOARDS[name];
  if (found === undefined) throw new Error(`no board "${name}"`);
  return found;
}

const loaded = await loadLibc();
if (!loaded.ok) throw loaded.error;
export const libc = loaded.value;
const calls = new CdevCalls(libc);

const INPUT: LineSettings = {
  direction: 'in',
  bias: 'asIs',
  edges: false,
  high: null,
  debounceUs: null,
};

function must<T>(
  what: string,
  answer: { readonly ok: true; readonly value: T } | { readonly ok: false; readonly code: string },
): T {
  if (!answer.ok) throw new Error(`${what}: ${answer.code}`);
  return answer.value;
}

/** Runs with the open chip. */
function withChip<T>(run: (chip: number) => T): T {
  const { chip: label } = board();
  for (const name of readdirSync('/dev').filter((one) => /^gpiochip\d+$/.test(one))) {
    const chip = must(name, calls.open(join('/dev', name)));
    try {
      if (must(name, calls.chipInfo(chip)).label === label) return run(chip);
    } finally {
      calls.close(chip);
    }
  }
  throw new Error(`no chip "${label}"`);
}

export function lineInfo(offset: number): LineInfo {
  return withChip((chip) => must(`line ${offset}`, calls.lineInfo(chip, offset)));
}

/** Holds a line under a name of one's own. @returns the descriptor */
export function hold(offset: number, consumer: string): number {
  return withChip((chip) =>
    must(
      `line ${offset}`,
      calls.request(chip, { offset, consumer, settings: INPUT, eventBuffer: 0 }),
    ),
  );
}

/**
 * As after power-on: nobody holds the line, and it is an input that is low. (A PL061 takes no level
 * for an output while the line is an input: what it showed last appears for a moment.)
 */
export function reset(offset: number): void {
  unexport(offset);
  const line = hold(offset, 'reset');
  if (board().hasHands) drivePin(offset, false);
  calls.close(line);
}

const SYSFS = '/sys/class/gpio';

export function exportedNumber(offset: number): number {
  const chips = readdirSync(SYSFS).filter((name) => /^gpiochip\d+$/.test(name));
  const read = (chip: string, file: string): string =>
    readFileSync(join(SYSFS, chip, file), 'utf8').trim();
  const found = chips.find((chip) => read(chip, 'label') === board().chip);
  if (found === undefined) throw new Error(`sysfs has no chip "${board().chip}"`);
  return Number(read(found, 'base')) + offset;
}

function unexport(offset: number): void {
  const number = exportedNumber(offset);
  if (readdirSync(SYSFS).includes(`gpio${number}`)) {
    writeFileSync(join(SYSFS, 'unexport'), String(number));
  }
}
