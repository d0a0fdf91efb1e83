/**
 * GPIO chips and lines of the character device, found by label and name at each opening. A chip's
 * number says nothing: it differs between kernels and even between two starts.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../os-errors.ts';
import type { HalResult, LineAddress } from '../ports.ts';
import { done, failed } from '../ports.ts';
import type { CdevCalls } from './cdev-calls.ts';
import { cdevFailure, infoFailure } from './cdev-errors.ts';
import { lineText, listText } from './line-text.ts';
import type { ChipInfo, LineInfo } from './uapi.ts';

export interface CdevChip extends ChipInfo {
  /** `/dev/gpiochip0`; two paths may lead to one chip, the first is named. */
  readonly path: string;
}

export interface ChipScan {
  readonly chips: readonly CdevChip[];
  /** Devices that could not be asked, each with its reason. */
  readonly unreadable: readonly HalResult<never>[];
}

export interface FoundLine {
  readonly chip: CdevChip;
  readonly offset: number;
  /** Names the line from one process to the next: by the chip's label where one chip has it. */
  readonly key: string;
}

/** Error `absent` where there is no GPIO character device at all. */
export function scanChips(calls: CdevCalls, devDirectory: string): HalResult<ChipScan> {
  let names: string[];
  try {
    names = readdirSync(devDirectory).filter((name) => /^gpiochip\d+$/.test(name));
  } catch (error) {
    return failed('absent', `${devDirectory} cannot be read: ${messageOf(error)}`, error);
  }
  if (names.length === 0) {
    return failed(
      'absent',
      `no GPIO character device (${join(devDirectory, 'gpiochip*')}): on a kernel without it set ` +
        'gpio.backend to onoff; in a container pass the device in',
    );
  }
  names.sort((a, b) => numberOf(a) - numberOf(b));
  const chips = new Map<string, CdevChip>();
  const unreadable: HalResult<never>[] = [];
  for (const name of names) {
    const path = join(devDirectory, name);
    const info = onChip(calls, path, (chip) => {
      const answer = calls.chipInfo(chip);
      return answer.ok ? done(answer.value) : cdevFailure(path, 'asking', answer.code);
    });
    if (!info.ok) unreadable.push(info);
    else if (!chips.has(info.value.name)) chips.set(info.value.name, { path, ...info.value });
  }
  return done({ chips: [...chips.values()], unreadable });
}

/** Every line of a chip as the kernel describes it. */
export function readLines(calls: CdevCalls, chip: CdevChip): HalResult<readonly LineInfo[]> {
  return onChip(calls, chip.path, (descriptor) => {
    const lines: LineInfo[] = [];
    for (let offset = 0; offset < chip.lines; offset++) {
      const info = calls.lineInfo(descriptor, offset);
      if (!info.ok) return infoFailure(chip.path, info.code);
      lines.push(info.value);
    }
    return done(lines);
  });
}

/** Opens a chip for as long as `use` runs. */
export function onChip<T>(
  calls: CdevCalls,
  path: string,
  use: (descriptor: number) => HalResult<T>,
): HalResult<T> {
  const opened = calls.open(path);
  if (!opened.ok) return cdevFailure(path, 'opening', opened.code);
  const result = use(opened.value);
  const closed = calls.close(opened.value);
  return closed.ok || !result.ok ? result : cdevFailure(path, 'closing', closed.code);
}

/**
 * Errors: `absent` for an unknown chip, name or offset (the message lists what there is), `other`
 * where several fit, `permission` where the chip may be one that cannot be opened.
 */
export function findLine(
  calls: CdevCalls,
  devDirectory: string,
  at: LineAddress,
): HalResult<FoundLine> {
  const scan = scanChips(calls, devDirectory);
  if (!scan.ok) return scan;
  const { chips } = scan.value;
  const fitting = at.chip === '*' ? chips : chips.filter(({ label }) => label === at.chip);
  if (fitting.length === 0) return noChip(at, scan.value);
  if (typeof at.line === 'string') return findNamed(calls, fitting, at, at.line, scan.value);
  const [chip] = fitting;
  if (chip === undefined || fitting.length > 1) {
    return failed(
      'other',
      `${fitting.length} GPIO chips fit "${at.chip}": ${chipList(fitting)}; name the line ` +
        'instead of its offset, or give a label that one chip has',
    );
  }
  if (Number.isInteger(at.line) && at.line >= 0 && at.line < chip.lines) {
    return done({ chip, offset: at.line, key: keyOf(chip, at.line, chips) });
  }
  return failed(
    'absent',
    `GPIO chip "${at.chip}" has lines 0..${chip.lines - 1}, line ${at.line} is not among them`,
  );
}

function findNamed(
  calls: CdevCalls,
  chips: readonly CdevChip[],
  at: LineAddress,
  name: string,
  scan: ChipScan,
): HalResult<FoundLine> {
  const found: FoundLine[] = [];
  const names = new Set<string>();
  for (const chip of chips) {
    const lines = readLines(calls, chip);
    if (!lines.ok) return lines;
    for (const info of lines.value) {
      if (info.name !== '') names.add(info.name);
      if (info.name !== name) continue;
      const { offset } = info;
      found.push({ chip, offset, key: keyOf(chip, offset, scan.chips) });
    }
  }
  const [line] = found;
  if (line !== undefined && found.length === 1) return done(line);
  if (line === undefined) {
    const text =
      `no line of GPIO chip "${at.chip}" is named "${name}"; ` +
      (names.size === 0
        ? 'the kernel names none here: give the offset'
        : `found: ${listText([...names])}`);
    return unlessUnreadable(at.chip === '*' ? scan : { ...scan, unreadable: [] }, text);
  }
  const places = found.map(
    ({ chip, offset }) => `line ${offset} of "${chip.label}" (${chip.name})`,
  );
  return failed(
    'other',
    `${lineText(name)} is found ${found.length} times: ${listText(places)}; give the chip's ` +
      'label and the offset',
  );
}

function noChip(at: LineAddress, scan: ChipScan): HalResult<never> {
  const text = `no GPIO chip is labelled "${at.chip}"; found: ${chipList(scan.chips)}`;
  return unlessUnreadable(scan, text);
}

/** What is missing may be where nobody could look; then that is the trouble. */
function unlessUnreadable(scan: ChipScan, text: string): HalResult<never> {
  const [hidden] = scan.unreadable;
  if (hidden === undefined || hidden.ok) return failed('absent', text);
  return failed(hidden.error.kind, `${text}; ${hidden.error.message}`);
}

function chipList(chips: readonly CdevChip[]): string {
  return listText(chips.map(({ label, name, lines }) => `"${label}" (${name}, ${lines} lines)`));
}

function keyOf({ label, name }: CdevChip, offset: number, chips: readonly CdevChip[]): string {
  const alone = chips.filter((chip) => chip.label === label).length === 1;
  return `cdev:${alone ? label : `${label}@${name}`}:${offset}`;
}

function numberOf(name: string): number {
  return Number(name.slice('gpiochip'.length));
}
