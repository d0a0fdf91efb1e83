/** The recorder of days: everything that the chosen sensors send, one file an hour. */
import type { SensorId } from './domain/units.ts';
import type { RecordingParts } from './recording-parts.ts';
import { DAYS_FOLDER, MEGABYTE, recordingFolder } from './recording-parts.ts';
import { Reading } from './store/black-box/memory.ts';
import type { TextRecord } from './store/black-box/record.ts';
import { Scribe } from './store/black-box/scribe.ts';
import type { Task } from './store/black-box/scribe.ts';
import { Shelf } from './store/black-box/shelf.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Larger blocks pack better, and the memory holds a minute. */
const PERIOD_MS = 15_000;
const SYNC_MS = 60_000;
const FILE_PART = 1 / 8;
/** More hours than any configuration keeps: bytes and days bound them. */
const MOST_FILES = 100_000;

export class RecordedDays {
  readonly shelf: Shelf;
  readonly scribe: Scribe;
  readonly #parts: RecordingParts;
  readonly #sensors: ReadonlySet<string>;
  #reading: Reading | null = null;

  constructor(parts: RecordingParts) {
    this.#parts = parts;
    const { config, clock, disk, fault, wallTime } = parts;
    const { days } = config.recording;
    this.#sensors = new Set(days.sensors);
    const maxBytes = days.diskMegabytes * MEGABYTE;
    this.shelf = new Shelf({
      disk,
      directory: recordingFolder(config, DAYS_FOLDER),
      limits: () => ({
        maxBytes,
        maxFiles: MOST_FILES,
        oldestWallMs: clock.wallMs() - days.keepDays * DAY_MS,
      }),
      freeBytes: config.box.freeMegabytes * MEGABYTE,
    });
    this.scribe = new Scribe({
      ...{ clock, disk, fault, wallTime, shelf: this.shelf },
      ...{ subject: 'recordedDays', periodMs: PERIOD_MS, syncMs: SYNC_MS },
      maxFileBytes: maxBytes * FILE_PART,
      ended: () => undefined,
    });
  }

  get lost(): number {
    return this.#reading?.lost ?? 0;
  }

  wants(sensor: SensorId): boolean {
    return this.#sensors.size === 0 || this.#sensors.has(sensor);
  }

  /** Begins the next file where the one before has ended. */
  tick(): void {
    if (this.scribe.task !== null) return;
    const selection = (sensor: SensorId): number | null => (this.wants(sensor) ? -Infinity : null);
    this.#reading ??= new Reading(this.#parts.memory, selection, -Infinity);
    this.scribe.begin(new HourOfDay(this.#parts, this.#reading));
  }
}

/** One hour by the wall clock, or by the monotonic one where that was set. */
class HourOfDay implements Task {
  readonly reading: Reading;
  readonly cause = 'hour';
  readonly zone = 'all';
  readonly #parts: RecordingParts;
  readonly #hour: number;
  readonly #begunMs: number;

  constructor(parts: RecordingParts, reading: Reading) {
    this.#parts = parts;
    this.reading = reading;
    this.#hour = hourOf(parts);
    this.#begunMs = parts.clock.monotonicMs();
  }

  opening(): readonly TextRecord[] {
    return [this.#parts.header('hour', null)];
  }

  over(nowMs: number): string | null {
    const isOver = hourOf(this.#parts) !== this.#hour || nowMs - this.#begunMs >= HOUR_MS;
    return isOver ? 'hour' : null;
  }
}

function hourOf({ clock }: RecordingParts): number {
  return Math.floor(clock.wallMs() / HOUR_MS);
}
