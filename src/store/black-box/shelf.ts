/**
 * A folder of recordings: their names, which of them go when room is needed, and how much may be
 * taken. A recording's name says all that this needs to know, so that a folder that was copied
 * elsewhere reads the same:
 *
 *   000012-alarm-cold_room-20260131T120000Z.ebx          ended, or left by a killed process
 *   000012-alarm-cold_room-20260131T120000Z.ebx.part     being written
 *   000012-alarm-cold_room-20260131T120000Z.ebx.exported somebody has a copy of it
 */
import { join } from 'node:path';
import type { BoxDisk } from './disk.ts';

/** `alarm` last: of several causes of one file, the last in this order names it. */
export const CAUSES = ['hour', 'fault', 'preAlarm', 'alarm'] as const;
export type Cause = (typeof CAUSES)[number];

export const SUFFIX = '.ebx';
export const PART_SUFFIX = '.part';
export const EXPORTED_SUFFIX = '.exported';
const NAME = /^(\d{6,12})-(hour|fault|preAlarm|alarm)-([a-z0-9_-]{1,48})-(\d{8}T\d{6}Z)\.ebx$/;

export interface RecordingName {
  /** Counts up through restarts, whatever the wall clock says. */
  readonly number: number;
  readonly cause: Cause;
  /** `all` for hours. */
  readonly zone: string;
  /** Wall time of its beginning, `20260131T120000Z`. */
  readonly stamp: string;
}

export function fileNameOf({ number, cause, zone, stamp }: RecordingName): string {
  return `${String(number).padStart(6, '0')}-${cause}-${zone}-${stamp}${SUFFIX}`;
}

/** Null for a file that is no recording of this appliance: it is left alone. */
export function parseFileName(name: string): RecordingName | null {
  const [, number, cause, zone = '', stamp = ''] = NAME.exec(name) ?? [];
  if (number === undefined) return null;
  return { number: Number(number), cause: cause as Cause, zone, stamp };
}

/** `2026-01-31T12:00:00.000Z` as `20260131T120000Z`. */
export function stampOf(wall: string): string {
  return `${wall.slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
}

/** Milliseconds since 1970 of a stamp. */
export function wallMsOfStamp(stamp: string): number {
  const [date, time] = [stamp.slice(0, 8), stamp.slice(9, 15)];
  const parts = [date.slice(0, 4), date.slice(4, 6), date.slice(6, 8)];
  const clock = [time.slice(0, 2), time.slice(2, 4), time.slice(4, 6)];
  return Date.parse(`${parts.join('-')}T${clock.join(':')}Z`);
}

export interface ShelfEntry extends RecordingName {
  readonly name: string;
  readonly bytes: number;
  readonly exported: boolean;
}

/** What files of a folder are, oldest first; others are left out. */
export function shelfEntries(
  files: readonly { readonly name: string; readonly bytes: number }[],
): readonly ShelfEntry[] {
  const names = new Set(files.map(({ name }) => name));
  return files
    .flatMap(({ name, bytes }) => {
      const isPart = name.endsWith(PART_SUFFIX);
      const parsed = parseFileName(isPart ? name.slice(0, -PART_SUFFIX.length) : name);
      const exported = names.has(name + EXPORTED_SUFFIX);
      return parsed === null ? [] : [{ ...parsed, name, bytes, exported }];
    })
    .sort((a, b) => a.number - b.number);
}

export interface ShelfLimits {
  /** Of all recordings together. */
  readonly maxBytes: number;
  readonly maxFiles: number;
  /** Hours that began before this are dropped; -Infinity keeps all. */
  readonly oldestWallMs: number;
}

/**
 * Names of recordings to drop so that `wanted` bytes and one more file fit: the oldest first, and
 * alarms that nobody has exported only when nothing else is left.
 * @param entries oldest first, without the one that is being written
 */
export function toDrop(
  entries: readonly ShelfEntry[],
  limits: ShelfLimits,
  wanted: number,
): readonly string[] {
  const isPrecious = ({ cause, exported }: ShelfEntry) => cause === 'alarm' && !exported;
  const tooOld = entries.filter(
    ({ cause, stamp }) => cause === 'hour' && wallMsOfStamp(stamp) < limits.oldestWallMs,
  );
  const kept = entries.filter((entry) => !tooOld.includes(entry));
  const order = [...kept.filter((one) => !isPrecious(one)), ...kept.filter(isPrecious)];
  const dropped = tooOld.map(({ name }) => name);
  let bytes = kept.reduce((sum, one) => sum + one.bytes, wanted);
  let files = kept.length + 1;
  for (const one of order) {
    if (bytes <= limits.maxBytes && files <= limits.maxFiles) break;
    dropped.push(one.name);
    bytes -= one.bytes;
    files -= 1;
  }
  return dropped;
}

export interface ShelfOptions {
  readonly disk: BoxDisk;
  readonly directory: string;
  readonly limits: () => ShelfLimits;
  /** Never leaves less than this free on the file system. */
  readonly freeBytes: number;
}

export class Shelf {
  readonly #options: ShelfOptions;
  #next = 1;
  #bytes = 0;
  #files = 0;

  constructor(options: ShelfOptions) {
    this.#options = options;
  }

  get directory(): string {
    return this.#options.directory;
  }

  /** Of what lies there, at the last look. */
  get bytes(): number {
    return this.#bytes;
  }
  get files(): number {
    return this.#files;
  }

  /** A number for a new recording. */
  number(): number {
    this.#next += 1;
    return this.#next - 1;
  }

  /**
   * Makes the folder, and names what a process that was killed has left.
   * @throws Error of the file system
   */
  async prepare(): Promise<void> {
    const { disk, directory } = this.#options;
    await disk.makeFolder(directory);
    for (const entry of shelfEntries(await disk.list(directory))) {
      this.#next = Math.max(this.#next, entry.number + 1);
      if (!entry.name.endsWith(PART_SUFFIX)) continue;
      const path = join(directory, entry.name);
      await disk.rename(path, path.slice(0, -PART_SUFFIX.length));
    }
  }

  /**
   * Drops what must go so that `wanted` more bytes fit.
   * @param writing name of the recording that is being written, which stays
   * @returns why they do not fit, or null
   * @throws Error of the file system
   */
  async makeRoom(wanted: number, writing: string | null): Promise<string | null> {
    const { disk, directory, limits } = this.#options;
    const all = shelfEntries(await disk.list(directory));
    const current = all.find(({ name }) => name === writing);
    const others = all.filter((entry) => entry !== current);
    const drop = new Set(toDrop(others, limits(), wanted + (current?.bytes ?? 0)));
    for (const name of drop) await this.#remove(name);
    const kept = others.filter(({ name }) => !drop.has(name));
    const why = await this.#spare(kept, wanted);
    this.#files = kept.length + (current === undefined ? 0 : 1);
    this.#bytes = kept.reduce((sum, { bytes }) => sum + bytes, current?.bytes ?? 0);
    return why;
  }

  /** Keeps the file system's reserve, at the cost of what is not precious. */
  async #spare(kept: ShelfEntry[], wanted: number): Promise<string | null> {
    const { disk, directory, freeBytes } = this.#options;
    for (;;) {
      const free = await disk.freeBytes(directory);
      if (free - wanted >= freeBytes) return null;
      const at = kept.findIndex(({ cause, exported }) => cause !== 'alarm' || exported);
      const [oldest] = at < 0 ? [] : kept.splice(at, 1);
      if (oldest === undefined) {
        const [now, least] = [megabytes(free), megabytes(freeBytes)];
        return `${now} MB free, and box.freeMegabytes keeps ${least}: make room on this disk`;
      }
      await this.#remove(oldest.name);
    }
  }

  async #remove(name: string): Promise<void> {
    const path = join(this.directory, name);
    await this.#options.disk.remove(path);
    await this.#options.disk.remove(path + EXPORTED_SUFFIX);
  }
}

function megabytes(bytes: number): string {
  return (bytes / 1_000_000).toFixed(0);
}
