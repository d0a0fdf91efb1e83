/**
 * What the appliance records of itself: the black box around alarms, and, where it is wanted, whole
 * days. Both read one memory; neither can hold a step up.
 */
import { viewOf } from './alarm/panel.ts';
import type { Config } from './config-schema.ts';
import type { Clock } from './domain/ports.ts';
import type { OpenRawTap } from './domain/raw-tap.ts';
import type { FaultNotice } from './domain/step.ts';
import type { SensorId } from './domain/units.ts';
import { RecordedDays } from './recording-days.ts';
import { Incidents } from './recording-incidents.ts';
import { RecordingNotes } from './recording-notes.ts';
import type { RecordingParts } from './recording-parts.ts';
import { MEGABYTE } from './recording-parts.ts';
import type { StepReport } from './runtime.ts';
import type { BoxDisk } from './store/black-box/disk.ts';
import { oneAtATime } from './store/black-box/disk.ts';
import { BoxMemory } from './store/black-box/memory.ts';
import { FORMAT } from './store/black-box/record.ts';
import type { HeaderRecord } from './store/black-box/record.ts';
import type { Cause } from './store/black-box/shelf.ts';
import { Taps } from './store/black-box/tap.ts';
import { isoFromWallMs } from './store/wall-time.ts';

export interface RecorderOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly disk: BoxDisk;
  readonly version: string;
  readonly bootId: string;
  readonly configHash: string;
  readonly fault: (notice: FaultNotice) => void;
}

export interface RecordingStats {
  /** Of the newest raw data, in memory. */
  readonly memoryBytes: number;
  /** On disk, at the last look. */
  readonly diskBytes: Readonly<Record<'blackBox' | 'days', number>>;
  readonly files: Readonly<Record<'blackBox' | 'days', number>>;
  readonly incidents: number;
  /** Frames, rows and notes that were overwritten before the disk took them. */
  readonly lost: number;
  readonly failures: number;
}

/** What a pause of the disk may cost without a gap in a day, and slack for the black box. */
const SPARE_MS = 10_000;
const DAYS_HISTORY_MS = 60_000;

export class Recorder {
  /** Taps for what receives raw words. */
  readonly openRawTap: OpenRawTap;
  /** What recordings are made from. */
  readonly memory: BoxMemory;
  readonly #notes: RecordingNotes;
  readonly #incidents: Incidents | null;
  readonly #days: RecordedDays | null;

  constructor(options: RecorderOptions) {
    const { config, clock, fault } = options;
    const { blackBox, days } = config.recording;
    const beforeMs = blackBox.enabled ? 1000 * blackBox.beforeSeconds : 0;
    const historyMs = Math.max(beforeMs, days.enabled ? DAYS_HISTORY_MS : 0) + SPARE_MS;
    this.memory = new BoxMemory(blackBox.memoryMegabytes * MEGABYTE, historyMs);
    this.#notes = new RecordingNotes(this.memory.notes, clock);
    const disk = oneAtATime(options.disk);
    const parts: RecordingParts = {
      ...{ config, clock, disk, fault, memory: this.memory },
      wallTime: () => isoFromWallMs(clock.wallMs()),
      header: (cause, zone) => headerOf(options, cause, zone),
    };
    this.#incidents = blackBox.enabled ? new Incidents(parts) : null;
    this.#days = days.enabled ? new RecordedDays(parts) : null;
    const taps = new Taps(this.memory.frames);
    this.openRawTap = (sensor) => (this.#isRecorded(sensor) ? taps.open(sensor) : null);
  }

  /** Takes note of a step. A few microseconds; more only in a step with an event. */
  observe(report: StepReport): void {
    const { inputs, events, panel, nowMs } = report;
    if (inputs.windows.length > 0) this.memory.rows.add(inputs.windows);
    this.#notes.look(inputs.windows, nowMs);
    this.#days?.tick();
    if (events.length === 0) return;
    const view = viewOf(panel, nowMs);
    this.#notes.events(events, view, nowMs);
    this.#incidents?.look(events, view, nowMs);
  }

  get stats(): RecordingStats {
    const [box, days] = [this.#incidents?.scribe, this.#days?.scribe];
    return {
      memoryBytes: this.memory.bytes,
      diskBytes: {
        blackBox: this.#incidents?.shelf.bytes ?? 0,
        days: this.#days?.shelf.bytes ?? 0,
      },
      files: { blackBox: this.#incidents?.shelf.files ?? 0, days: this.#days?.shelf.files ?? 0 },
      incidents: this.#incidents?.incidents ?? 0,
      lost: (this.#incidents?.lost ?? 0) + (this.#days?.lost ?? 0),
      failures: (box?.counters.failures ?? 0) + (days?.counters.failures ?? 0),
    };
  }

  /** Whether a disk is being waited for. */
  get busy(): boolean {
    return [this.#incidents, this.#days].some((one) => one?.scribe.busy === true);
  }

  /** Ends what is being recorded. Never rejects; a disk that hangs is the caller's deadline. */
  async close(): Promise<void> {
    await Promise.all([this.#incidents?.scribe.close(), this.#days?.scribe.close()]);
  }

  #isRecorded(sensor: SensorId): boolean {
    return this.#incidents !== null || (this.#days?.wants(sensor) ?? false);
  }
}

/** Null where the configuration wants nothing recorded. */
export function openRecorder(options: RecorderOptions): Recorder | null {
  const { blackBox, days } = options.config.recording;
  return blackBox.enabled || days.enabled ? new Recorder(options) : null;
}

/** Sections that decide about alarms; the others may hold secrets, and recordings are passed on. */
const DECIDING: ReadonlySet<string> = new Set([
  ...['ingest', 'boards', 'sensors', 'zones', 'limits', 'detection', 'hours', 'model', 'panel'],
]);

function headerOf(options: RecorderOptions, cause: Cause, zone: string | null): HeaderRecord {
  const { config, clock, version, bootId, configHash } = options;
  const parts = Object.entries(config).filter(([name]) => DECIDING.has(name));
  return {
    ...{ kind: 'header', format: FORMAT, version, bootId, configHash, cause, zone },
    device: config.device.id,
    atMs: clock.monotonicMs(),
    wall: isoFromWallMs(clock.wallMs()),
    config: Object.fromEntries(parts),
  };
}
