/**
 * GPIO numbers of the sysfs interface, found from chip labels. The kernel numbers the lines of all
 * chips in one row, and where a chip's row starts differs from kernel to kernel (512 on one, 0 or
 * 399 on another): a number that was right yesterday moves somebody else's line today. Labels hold.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { errorKindOf, messageOf } from './os-errors.ts';
import type { HalResult, LineAddress } from './ports.ts';
import { DONE, done, failed } from './ports.ts';

export const SYSFS_GPIO = '/sys/class/gpio';

export interface SysfsChip {
  /** Directory name, `gpiochip512`. */
  readonly name: string;
  readonly label: string;
  /** Number of the chip's first line. */
  readonly base: number;
  readonly lines: number;
}

/**
 * All chips under `root`, by base. Errors: `absent` without sysfs GPIO, `permission`, `corrupt` for
 * a file that does not hold what it should.
 */
export function listChips(root: string): HalResult<readonly SysfsChip[]> {
  let names: string[];
  try {
    names = readdirSync(root).filter((name) => name.startsWith('gpiochip'));
  } catch (error) {
    return failed(
      errorKindOf(error) === 'permission' ? 'permission' : 'absent',
      `${root} cannot be read: this kernel has no sysfs GPIO (CONFIG_GPIO_SYSFS); ` +
        'use the character device backend, or a kernel that has it',
      error,
    );
  }
  const chips: SysfsChip[] = [];
  for (const name of names) {
    const chip = readChip(root, name);
    if (!chip.ok) return chip;
    chips.push(chip.value);
  }
  chips.sort((a, b) => a.base - b.base);
  return done(chips);
}

/**
 * The global number of a line. Errors: `absent` for an unknown label or an offset beyond the chip
 * (the message lists what there is), `other` when several chips carry the label.
 */
export function resolveLine(root: string, at: LineAddress): HalResult<number> {
  if (typeof at.line === 'string') {
    return failed(
      'absent',
      `sysfs does not tell the names of lines ("${at.line}"): give the offset on the chip, or ` +
        'use the character device backend',
    );
  }
  const chips = listChips(root);
  if (!chips.ok) return chips;
  const matches = chips.value.filter((chip) => chip.label === at.chip);
  const [chip] = matches;
  if (chip === undefined) {
    return failed('absent', `no GPIO chip is labelled "${at.chip}"; found: ${named(chips.value)}`);
  }
  if (matches.length > 1) {
    return failed(
      'other',
      `${matches.length} GPIO chips are labelled "${at.chip}" (${named(matches)}): a label must ` +
        'name one chip; use the character device backend and a line name',
    );
  }
  if (!Number.isInteger(at.line) || at.line < 0 || at.line >= chip.lines) {
    return failed(
      'absent',
      `GPIO chip "${at.chip}" has lines 0..${chip.lines - 1}, line ${at.line} is not among them`,
    );
  }
  return done(chip.base + at.line);
}

/** The file that shows and sets an exported line's level. */
export function valueFile(root: string, number: number): string {
  return join(root, `gpio${number}`, 'value');
}

/** What an exported line must look like once it has been set up. */
export interface ExpectedLine {
  readonly direction: 'in' | 'out';
  /** Electrical level, outputs only. */
  readonly high?: boolean;
}

/**
 * Reads a line's set-up back, because a failed set-up of a line that was already exported is not
 * reported by the layer below. Errors: `other` with what differs, `permission`, `absent`.
 */
export function verifyLine(root: string, number: number, expected: ExpectedLine): HalResult {
  const directory = join(root, `gpio${number}`);
  const wanted: [file: string, text: string][] = [
    ['direction', expected.direction],
    ['active_low', '0'],
  ];
  if (expected.direction === 'in') wanted.push(['edge', 'both']);
  if (expected.high !== undefined) wanted.push(['value', expected.high ? '1' : '0']);
  for (const [file, text] of wanted) {
    const path = join(directory, file);
    const read = readText(path);
    if (!read.ok) return read;
    if (read.value !== text) {
      return failed(
        'other',
        `${path} reads "${read.value}" after "${text}" was set: the line does not obey; ` +
          'another program may hold it, its permissions may be missing, or it may be shorted',
      );
    }
  }
  return DONE;
}

function readChip(root: string, name: string): HalResult<SysfsChip> {
  const label = readText(join(root, name, 'label'));
  if (!label.ok) return label;
  const base = readNumber(join(root, name, 'base'));
  if (!base.ok) return base;
  const lines = readNumber(join(root, name, 'ngpio'));
  if (!lines.ok) return lines;
  return done({ name, label: label.value, base: base.value, lines: lines.value });
}

function readNumber(path: string): HalResult<number> {
  const text = readText(path);
  if (!text.ok) return text;
  if (!/^\d{1,9}$/.test(text.value)) {
    return failed('corrupt', `${path} holds "${text.value}" where a number belongs`);
  }
  return done(Number(text.value));
}

function readText(path: string): HalResult<string> {
  try {
    return done(readFileSync(path, 'utf8').trim());
  } catch (error) {
    return failed(errorKindOf(error), `${path} cannot be read: ${messageOf(error)}`, error);
  }
}

function named(chips: readonly SysfsChip[]): string {
  if (chips.length === 0) return 'no chips at all';
  return chips.map((chip) => `"${chip.label}" (${chip.name}, ${chip.lines} lines)`).join(', ');
}
