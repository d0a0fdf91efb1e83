/** How lines are named in messages, the same on every backend. */
import type { LineAddress } from '../ports.ts';

/** `line 17` or `line "GPIO17"`. */
export function lineText(line: number | string): string {
  return typeof line === 'string' ? `line "${line}"` : `line ${line}`;
}

/** `siren (GPIO chip "pinctrl-bcm2711", line 17)`. */
export function whereText(name: string, at: LineAddress): string {
  return `${name} (GPIO chip "${at.chip}", ${lineText(at.line)})`;
}

/** What a level is called at the pin. */
export function levelText(high: boolean): string {
  return high ? 'high' : 'low';
}

/** Longer lists tell nobody more. */
const MOST_NAMED = 12;

/** Joins what was found; `none` for nothing. */
export function listText(found: readonly string[]): string {
  if (found.length === 0) return 'none';
  const more = found.length - MOST_NAMED;
  return found.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
