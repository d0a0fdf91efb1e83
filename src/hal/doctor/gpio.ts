/** GPIO chips by label, and the lines that the configuration names, without taking them. */
import type { LineInfo } from '../gpio/uapi.ts';
import { lineText, listText } from '../gpio/line-text.ts';
import type { HalResult, LineAddress } from '../ports.ts';
import type { ProbeFinding } from '../probe.ts';
import { accessRemedy } from './permission.ts';
import type { ChipFacts, DoctorWorld, GpioFacts } from './world.ts';
import { finding, namesIn, trouble } from './world.ts';

const AREA = 'gpio';

/** One finding for each chip, and for each that cannot be opened. */
export async function gpioFindings(
  world: DoctorWorld,
  facts: HalResult<GpioFacts>,
): Promise<readonly ProbeFinding[]> {
  if (!facts.ok) {
    const state = facts.error.kind === 'absent' ? 'note' : 'skipped';
    return [finding(AREA, 'chips', state, facts.error.message)];
  }
  const blocked: ProbeFinding[] = [];
  for (const name of (await namesIn(world, '/dev')).filter((one) => /^gpiochip\d+$/.test(one))) {
    const remedy = await accessRemedy(world, `/dev/${name}`);
    if (!remedy.ok || remedy.value === null) continue;
    const found = `${world.self.user} may not use it`;
    blocked.push(finding(AREA, `/dev/${name}`, 'skipped', found, remedy.value));
  }
  // Where the permission is missing its remedy has been given; other trouble stands for itself.
  const others = facts.value.unreadable.filter(({ kind }) => kind !== 'permission');
  return [
    ...facts.value.chips.map(chipFinding),
    ...blocked,
    ...others.map((error) => trouble(AREA, 'a chip', error)),
  ];
}

function chipFinding({ path, label, lines }: ChipFacts): ProbeFinding {
  const held = lines.filter(({ used }) => used).map((line) => `${line.offset} by ${holder(line)}`);
  const holders = held.length === 0 ? 'all free' : `held: ${listText(held)}`;
  return finding(AREA, label, 'ok', `${path}, ${lines.length} lines, ${holders}`);
}

function holder({ consumer }: LineInfo): string {
  return consumer === '' ? 'the kernel' : `"${consumer}"`;
}

/** A line that the configuration names. */
export interface WantedLine {
  /** `output:siren`, `input:reset-button` */
  readonly area: string;
  readonly at: Pick<LineAddress, 'chip' | 'line'>;
  /** The backend is onoff: lines that were exported once stay so, and are taken over. */
  readonly onSysfs?: boolean;
}

/**
 * Whether the line exists and is free, and its direction now. The line is not requested.
 * @param running whether an appliance runs on this machine: it then holds the line rightly
 */
export function lineFinding(
  { area, at, onSysfs = false }: WantedLine,
  facts: HalResult<GpioFacts>,
  running: boolean,
): ProbeFinding {
  const subject = `${at.chip} ${lineText(at.line)}`;
  if (!facts.ok && onSysfs) {
    const found = 'sysfs does not tell who has it: looked at when the appliance opens it';
    return finding(area, subject, 'skipped', found);
  }
  if (!facts.ok) return trouble(area, subject, facts.error, 'see gpio above');
  const { chips, unreadable } = facts.value;
  const found = findLine(chips, at);
  if (typeof found === 'string') {
    const [hidden] = unreadable;
    if (hidden === undefined) return finding(area, subject, 'failed', found, chipsText(chips));
    // What is missing may be where nobody could look.
    return finding(area, subject, 'skipped', `${found}; ${hidden.message}`, 'see gpio above');
  }
  const { line, chip } = found;
  const name = line.name === '' ? '' : ` "${line.name}"`;
  const direction = line.direction === 'out' ? 'an output' : 'an input';
  const where = `${chip.path} line ${line.offset}${name}, now ${direction}`;
  if (!line.used) return finding(area, subject, 'ok', `${where}, free`);
  const held = `${where}, held by ${holder(line)}`;
  if (running) return finding(area, subject, 'ok', `${held}; an appliance is running`);
  if (onSysfs && line.consumer === 'sysfs') {
    return finding(area, subject, 'note', `${where}, exported by sysfs, as a run before leaves it`);
  }
  const remedy =
    'stop the program that holds it, remove the overlay that takes it, or use another line';
  return finding(area, subject, 'failed', held, remedy);
}

/** Whether asking for it as an input cannot move anything: nobody has it, and it is no output. */
export function isFreeInput(at: WantedLine['at'], facts: HalResult<GpioFacts>): boolean {
  if (!facts.ok) return false;
  const found = findLine(facts.value.chips, at);
  return typeof found !== 'string' && !found.line.used && found.line.direction === 'in';
}

type Found = { readonly chip: ChipFacts; readonly line: LineInfo };

function findLine(chips: readonly ChipFacts[], at: WantedLine['at']): Found | string {
  const fitting = chips.filter(({ label }) => at.chip === '*' || label === at.chip);
  if (fitting.length === 0) return `no GPIO chip is labelled "${at.chip}"`;
  const found = fitting.flatMap((chip) =>
    chip.lines
      .filter(({ offset, name }) => (typeof at.line === 'number' ? offset : name) === at.line)
      .map((line) => ({ chip, line })),
  );
  const [first] = found;
  if (first === undefined) return `"${at.chip}" has no ${lineText(at.line)}`;
  return found.length === 1 ? first : `${found.length} lines fit: give chip label and offset`;
}

function chipsText(chips: readonly ChipFacts[]): string {
  const list = listText(chips.map(({ label, lines }) => `${label} (lines 0..${lines.length - 1})`));
  return `correct chip and line; this machine has: ${list}`;
}
