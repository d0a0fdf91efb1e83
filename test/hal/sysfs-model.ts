/**
 * A directory that looks like the kernel's sysfs GPIO, and exported lines that behave like it:
 * numbers, `direction`, `active_low`, `edge` and `value` are files; only electricity is missing.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExportedLine } from '../../src/hal/gpio-onoff.ts';

export type ModelFault = 'held' | 'forbidden' | 'directionIgnored' | 'shortedLow' | 'noEdge';

export class SysfsModel {
  readonly root = mkdtempSync(join(tmpdir(), 'sysfs-gpio-'));
  /** Levels that each line has had since it was exported. */
  readonly history = new Map<number, boolean[]>();
  readonly unexported: number[] = [];
  readonly #faults = new Map<number, ModelFault>();
  readonly #watchers = new Map<number, (high: boolean) => void>();
  readonly #troubles = new Map<number, (error: unknown) => void>();

  addChip(label: string, base: number, lines: number): void {
    const directory = join(this.root, `gpiochip${base}`);
    mkdirSync(directory);
    this.#write(join(directory, 'label'), label);
    this.#write(join(directory, 'base'), String(base));
    this.#write(join(directory, 'ngpio'), String(lines));
  }

  /** Replaces a file of a chip, as a broken driver might show it. */
  spoil(base: number, file: string, text: string): void {
    this.#write(join(this.root, `gpiochip${base}`, file), text);
  }

  setFault(number: number, fault: ModelFault | null): void {
    if (fault === null) this.#faults.delete(number);
    else this.#faults.set(number, fault);
  }

  level(number: number): boolean {
    return readFileSync(this.#file(number, 'value'), 'utf8').startsWith('1');
  }

  setLevel(number: number, high: boolean): void {
    mkdirSync(join(this.root, `gpio${number}`), { recursive: true });
    if (this.#set(number, high)) this.#watchers.get(number)?.(high);
  }

  /** An error while the kernel's event is handled. */
  breakWatch(number: number, error: Error): void {
    this.#troubles.get(number)?.(error);
  }

  /** Shaped as `ExportLine`. */
  readonly exportLine = (number: number, direction: 'in' | 'high' | 'low'): ExportedLine => {
    const fault = this.#faults.get(number);
    if (fault === 'held') throw systemError('EBUSY', 'device or resource busy, write');
    if (fault === 'forbidden') throw systemError('EACCES', 'permission denied, open');
    mkdirSync(join(this.root, `gpio${number}`), { recursive: true });
    const shown = direction === 'in' || fault === 'directionIgnored' ? 'in' : 'out';
    this.#write(this.#file(number, 'direction'), shown);
    this.#write(this.#file(number, 'active_low'), '0');
    this.#write(this.#file(number, 'edge'), fault === 'noEdge' ? 'none' : 'both');
    if (direction !== 'in') this.#set(number, direction === 'high');
    else if (!this.history.has(number)) this.#set(number, false);
    return {
      read: () => this.level(number),
      write: (high) => {
        this.#set(number, high);
      },
      watch: (moved, trouble) => {
        this.#watchers.set(number, moved);
        this.#troubles.set(number, trouble);
      },
      unexport: () => {
        this.#watchers.delete(number);
        this.#troubles.delete(number);
        this.unexported.push(number);
      },
    };
  };

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  /** @returns whether the level changed. */
  #set(number: number, wanted: boolean): boolean {
    const high = wanted && this.#faults.get(number) !== 'shortedLow';
    const levels = this.history.get(number) ?? [];
    const before = levels.at(-1);
    levels.push(high);
    this.history.set(number, levels);
    this.#write(this.#file(number, 'value'), high ? '1' : '0');
    return before !== high;
  }

  #file(number: number, name: string): string {
    return join(this.root, `gpio${number}`, name);
  }

  #write(path: string, text: string): void {
    writeFileSync(path, `${text}\n`);
  }
}

export function systemError(code: string, message: string): Error {
  return Object.assign(new Error(`${code}: ${message}`), { code });
}
