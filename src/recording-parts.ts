/** What the black box and the recorder of days have in common. */
import { join, resolve } from 'node:path';
import type { Config } from './config-schema.ts';
import type { Clock } from './domain/ports.ts';
import type { FaultNotice } from './domain/step.ts';
import type { BoxDisk } from './store/black-box/disk.ts';
import type { BoxMemory } from './store/black-box/memory.ts';
import type { HeaderRecord } from './store/black-box/record.ts';
import type { Cause } from './store/black-box/shelf.ts';

export interface RecordingParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly disk: BoxDisk;
  readonly memory: BoxMemory;
  readonly fault: (notice: FaultNotice) => void;
  readonly wallTime: () => string;
  header(cause: Cause, zone: string | null): HeaderRecord;
}

export const MEGABYTE = 1_000_000;

/** Folders within `state.directory`. */
export const BOX_FOLDER = 'black-box';
export const DAYS_FOLDER = 'days';

/** Absolute folder of the recordings of an appliance with this configuration. */
export function recordingFolder(config: Config, folder: string): string {
  return resolve(join(config.state.directory, folder));
}
