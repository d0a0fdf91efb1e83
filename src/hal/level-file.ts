/** One simulated line as a file, `1\n` or `0\n`, that other processes read or write. */
import { closeSync, constants, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from './os-errors.ts';
import type { HalResult } from './ports.ts';
import { DONE, done, failed } from './ports.ts';

const HIGH = Buffer.from('1\n');
const LOW = Buffer.from('0\n');

export class LevelFile {
  readonly path: string;
  readonly #descriptor: number;
  readonly #byte = Buffer.alloc(1);

  private constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
  }

  /**
   * Opens or creates `<directory>/<chip>-<line>/value`, keeping what it holds; what does not belong
   * into a file name becomes `_`.
   */
  static open(directory: string, chip: string, line: number | string): HalResult<LevelFile> {
    const place = `${chip}-${line}`.replace(/[^A-Za-z0-9._-]/g, '_');
    const folder = join(directory, place);
    const path = join(folder, 'value');
    try {
      mkdirSync(folder, { recursive: true });
      return done(new LevelFile(path, openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644)));
    } catch (error) {
      return failed(
        'other',
        `${path} cannot be used as a simulated line: ${messageOf(error)}`,
        error,
      );
    }
  }

  /** One small write at the start of a file that stays open: microseconds. */
  write(high: boolean): HalResult {
    try {
      writeSync(this.#descriptor, high ? HIGH : LOW, 0, 2, 0);
      return DONE;
    } catch (error) {
      return failed('other', `${this.path} cannot be written: ${messageOf(error)}`, error);
    }
  }

  /** Null while the file is empty or holds something else: its writer may be half-way. */
  read(): HalResult<boolean | null> {
    try {
      if (readSync(this.#descriptor, this.#byte, 0, 1, 0) !== 1) return done(null);
    } catch (error) {
      return failed('other', `${this.path} cannot be read: ${messageOf(error)}`, error);
    }
    if (this.#byte[0] === HIGH[0]) return done(true);
    return done(this.#byte[0] === LOW[0] ? false : null);
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
