/** What a part of the benchmark is, and the figures that it hands back. */

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** How it was measured, where the name does not say it. */
  readonly note?: string;
}

/** What the command line says beside names. */
export interface BenchOptions {
  /** `--events N`: size of the backlog in `drain`; null: its own. */
  readonly events: number | null;
}

export interface Section {
  /** As given on the command line. */
  readonly name: string;
  readonly title: string;
  /** @param progress one line for a person who waits. */
  run(progress: (line: string) => void, options: BenchOptions): Promise<readonly Figure[]>;
}

/** A measurement that cannot be made is said by name, with the reason, and is no figure. */
export class Skipped extends Error {
  override readonly name = 'Skipped';
}

export function figure(name: string, value: number, unit: string, note?: string): Figure {
  return note === undefined ? { name, value, unit } : { name, value, unit, note };
}

/** The value below which `share` (0..1) of the sorted copy of `values` lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

/** p50, p99 and largest of a series in milliseconds, and how many there were. */
export function latencyFigures(name: string, values: readonly number[]): readonly Figure[] {
  return [
    figure(`${name}: p50`, quantile(values, 0.5), 'ms'),
    figure(`${name}: p99`, quantile(values, 0.99), 'ms'),
    figure(`${name}: largest`, quantile(values, 1), 'ms', `of ${values.length} trials`),
  ];
}
