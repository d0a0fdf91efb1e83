/** GPIO chips and lines for the doctor, through the character device. */
import type { CdevCalls } from '../gpio/cdev-calls.ts';
import { readLines, scanChips } from '../gpio/chips.ts';
import type { HalError, HalResult } from '../ports.ts';
import { done } from '../ports.ts';
import type { ChipFacts, GpioFacts } from './world.ts';

/** Asks every chip and line once; requests none. Error `absent` without such a device. */
export function listGpio(calls: CdevCalls, devDirectory = '/dev'): HalResult<GpioFacts> {
  const scan = scanChips(calls, devDirectory);
  if (!scan.ok) return scan;
  const unreadable: HalError[] = [];
  const chips: ChipFacts[] = [];
  for (const one of scan.value.unreadable) if (!one.ok) unreadable.push(one.error);
  for (const chip of scan.value.chips) {
    const lines = readLines(calls, chip);
    if (lines.ok) chips.push({ path: chip.path, label: chip.label, lines: lines.value });
    else unreadable.push(lines.error);
  }
  return done({ chips, unreadable });
}
