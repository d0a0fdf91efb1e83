/** Lines that a keeper holds for this process, and what its trouble means: nothing but a notice. */
import { readFileSync } from 'node:fs';
import type { HalResult, LineAddress, OnLoss } from '../ports.ts';
import { whereText } from './line-text.ts';
import type { LineKeeper } from './line-keeper.ts';
import type { GpioNoticeListener } from './notice.ts';

/** What a backend needs to have lines kept. */
export interface Keeping {
  readonly keeper: LineKeeper | null;
  readonly notice: GpioNoticeListener;
}

/** The electrical level on loss: inactive for a line that drops, null for one that stays. */
export function levelOnLoss(at: LineAddress, onLoss: OnLoss): boolean | null {
  return onLoss === 'drop' ? at.activeLow : null;
}

/**
 * How a line that stays tells its keeper what it is to show; null where nobody keeps it.
 * @param told hears it, too
 */
export function intention(
  { keeper }: Keeping,
  key: string,
  onLoss: OnLoss,
  told: (high: boolean) => void = () => undefined,
): ((high: boolean) => void) | null {
  if (keeper === null || onLoss === 'drop') return null;
  return (high) => {
    told(high);
    keeper.onLoss(key, high);
  };
}

/** Reports trouble with the keeper as a notice: the line works without it. */
export function noteKeeper<T>(
  { notice }: Keeping,
  name: string,
  at: LineAddress,
  result: HalResult<T>,
): T | null {
  if (result.ok) return result.value;
  const detail =
    `${whereText(name, at)}: works, and is not kept when this process ends: ` +
    result.error.message;
  notice({ kind: 'keeper', name, detail });
  return null;
}

/** Tells the keeper what a line that is a file does when this process is gone. */
export function keepFile(
  keeping: Keeping,
  key: string,
  path: string,
  line: { readonly name: string; readonly at: LineAddress; readonly onLoss: OnLoss },
): void {
  const { keeper } = keeping;
  if (keeper === null) return;
  const { name, at, onLoss } = line;
  const level = levelOnLoss(at, onLoss);
  const write = level === null ? null : level ? '1\n' : '0\n';
  noteKeeper(keeping, name, at, keeper.keepFile(key, path, { write }));
}

/**
 * Whether a descriptor is what the kernel says to be a request of this line. Kernels before 5.17 do
 * not say it: then true, and the line's own answers decide.
 */
export function describesLine(descriptor: number, chipName: string, offset: number): boolean {
  const fields = descriptorFields(descriptor);
  const chip = /^gpio-chip:\s*(\S+)/m.exec(fields)?.[1];
  const line = /^gpio-line:\s*(\d+)/m.exec(fields)?.[1];
  return (chip ?? chipName) === chipName && (line ?? String(offset)) === String(offset);
}

function descriptorFields(descriptor: number): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8');
  } catch {
    // Without /proc nothing is known, which is what older kernels say, too.
    return '';
  }
}
