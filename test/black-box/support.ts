/** Folders, clocks, arrays and whole recordings for the tests of the black box. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach } from 'vitest';
import { parseConfig } from '../../src/config.ts';
import type { Config } from '../../src/config-schema.ts';
import type { RawTap } from '../../src/domain/raw-tap.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import type { SensorId } from '../../src/domain/units.ts';
import { sensorId } from '../../src/domain/units.ts';
import type { BoxDisk } from '../../src/store/black-box/disk.ts';
import { nodeDisk } from '../../src/store/black-box/disk.ts';
import { BoxMemory, Reading } from '../../src/store/black-box/memory.ts';
import { readIncident } from '../../src/store/black-box/read.ts';
import type { BoxRecord, FrameRecord, HeaderRecord } from '../../src/store/black-box/record.ts';
import { Scribe } from '../../src/store/black-box/scribe.ts';
import type { ScribeOptions, Task } from '../../src/store/black-box/scribe.ts';
import { Shelf } from '../../src/store/black-box/shelf.ts';
import { Taps } from '../../src/store/black-box/tap.ts';
import { isoFromWallMs } from '../../src/store/wall-time.ts';
import { ManualClock, seededRandom } from '../hal/manual-clock.ts';

export const HALL_ARRAY = sensorId('hall-array');
export const SHED_ARRAY = sensorId('shed-array');

const folders: string[] = [];
const closers: (() => Promise<void>)[] = [];
/** Something that holds a file open until the test is over. */
export function closeAfter(close: () => Promise<void>): void {
  closers.push(close);
}
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** A folder on a real disk that goes away with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'embereye-box-'));
  folders.push(folder);
  return folder;
}

const breathe = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Moves time on until something has come true; time stands still while the disk is waited for. */
export async function until(
  { clock, isBusy }: { readonly clock: ManualClock; readonly isBusy: () => boolean },
  what: string,
  isSo: () => boolean,
  stepMs = 100,
): Promise<void> {
  for (let turn = 0; turn < 20_000; turn++) {
    while (isBusy()) await breathe();
    if (isSo()) return;
    clock.advance(stepMs);
    await breathe();
  }
  throw new Error(`did not come true: ${what}`);
}

/** Words that change as those of a real array do: by about a count. */
export class NoisyArray {
  readonly words = new Uint16Array(834);
  readonly #random = seededRandom(7);

  constructor() {
    for (let i = 0; i < 834; i++) this.words[i] = this.#random.uint32();
  }

  next(): Uint16Array {
    for (let i = 0; i < 834; i++) {
      this.words[i] = (this.words[i] ?? 0) + (this.#random.uint32() % 5) - 2;
    }
    return this.words;
  }
}

export const PICTURE = new Float32Array(768).fill(21.5);

/** A tap with a decoding, as a legacy board has it: no EEPROM is needed. */
export function legacyTap(taps: Taps, sensor: SensorId): RawTap {
  const tap = taps.open(sensor);
  tap.decoding({ kind: 'legacy', offsetCelsius: 0 }, null);
  return tap;
}

export const HEADER: HeaderRecord = {
  ...{ kind: 'header', format: 1, version: 'test', device: 'unit', bootId: 'boot' },
  ...{ configHash: 'hash', atMs: 1000, wall: '2023-11-14T22:13:21.000Z', cause: 'alarm' },
  ...{ zone: 'hall', config: {} },
};

/** A task of all sensors that lasts until it is told. */
export class EndlessTask implements Task {
  readonly reading: Reading;
  cause: Task['cause'] = 'preAlarm';
  readonly zone = 'hall';
  reason: string | null = null;

  constructor(memory: BoxMemory, fromMs = -Infinity) {
    this.reading = new Reading(memory, () => fromMs, fromMs);
  }

  opening() {
    return [HEADER];
  }

  over(): string | null {
    return this.reason;
  }
}

/** A scribe over a real folder, or over a disk with troubles of its own. */
export function scribeRig(disk: BoxDisk = nodeDisk, change: Partial<ScribeOptions> = {}) {
  const clock = new ManualClock();
  const directory = temporaryFolder();
  const faults: FaultNotice[] = [];
  const ended: Task[] = [];
  const maxBytes = 50_000_000;
  const limits = () => ({ maxBytes, maxFiles: 100, oldestWallMs: -Infinity });
  const shelf = new Shelf({ disk, directory, limits, freeBytes: 0 });
  const memory = new BoxMemory(16_000_000, 60_000);
  const taps = new Taps(memory.frames);
  const scribe = new Scribe({
    ...{ clock, disk, shelf, subject: 'blackBox', periodMs: 1000, syncMs: 5000 },
    fault: (notice) => faults.push(notice),
    wallTime: () => isoFromWallMs(clock.wallMs()),
    maxFileBytes: 1_000_000,
    ended: (task) => ended.push(task),
    ...change,
  });
  const isBusy = (): boolean => scribe.busy;
  closeAfter(() => scribe.close());
  return { clock, directory, faults, ended, shelf, memory, taps, scribe, isBusy };
}

export async function recordsOf(file: string): Promise<readonly BoxRecord[]> {
  const records: BoxRecord[] = [];
  for await (const record of readIncident(file)) records.push(record);
  return records;
}

export function framesOf(records: readonly BoxRecord[]): readonly FrameRecord[] {
  return records.filter((record) => record.kind === 'frame');
}

/** A valid configuration with its state in a folder. */
export function configOf(directory: string, more: Readonly<Record<string, unknown>>): Config {
  const text = JSON.stringify({ state: { directory, runDirectory: directory }, ...more });
  const result = parseConfig(text, {}, []);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.config;
}
