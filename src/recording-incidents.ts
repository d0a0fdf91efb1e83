/**
 * The black box: which events are recorded, of which sensors, for how long. One recording at a
 * time: an event that comes while another one is being recorded prolongs it, and adds the sensors
 * of its zone with what memory holds of them, until the recording is as long as one may be.
 */
import type { JournalEvent } from './domain/event.ts';
import type { SensorId, ZoneId } from './domain/units.ts';
import type { PanelView } from './domain/view.ts';
import type { RecordingParts } from './recording-parts.ts';
import { BOX_FOLDER, MEGABYTE, recordingFolder } from './recording-parts.ts';
import { Reading } from './store/black-box/memory.ts';
import type { IncidentRecord, TextRecord } from './store/black-box/record.ts';
import { Scribe } from './store/black-box/scribe.ts';
import type { Task } from './store/black-box/scribe.ts';
import type { Cause } from './store/black-box/shelf.ts';
import { CAUSES, Shelf } from './store/black-box/shelf.ts';

/** A recording of a standing fire must end some time; the next event begins another one. */
const LONGEST_MS = 30 * 60_000;
const PERIOD_MS = 1000;
const SYNC_MS = 5000;
/** No recording takes more than this part of the room for all. */
const FILE_PART = 1 / 4;

export class Incidents {
  readonly shelf: Shelf;
  readonly scribe: Scribe;
  readonly #parts: RecordingParts;
  #current: Incident | null = null;
  /** Began while the one before was being ended. */
  #waiting: Incident | null = null;
  #incidents = 0;
  #lost = 0;

  constructor(parts: RecordingParts) {
    this.#parts = parts;
    const { config, clock, disk, fault, wallTime } = parts;
    const { diskMegabytes, keepEvents } = config.recording.blackBox;
    const maxBytes = diskMegabytes * MEGABYTE;
    this.shelf = new Shelf({
      disk,
      directory: recordingFolder(config, BOX_FOLDER),
      limits: () => ({ maxBytes, maxFiles: keepEvents, oldestWallMs: -Infinity }),
      freeBytes: config.box.freeMegabytes * MEGABYTE,
    });
    this.scribe = new Scribe({
      ...{ clock, disk, fault, wallTime, shelf: this.shelf },
      ...{ subject: 'blackBox', periodMs: PERIOD_MS, syncMs: SYNC_MS },
      maxFileBytes: maxBytes * FILE_PART,
      ended: () => this.#ended(),
    });
  }

  /** Recordings begun since the start. */
  get incidents(): number {
    return this.#incidents;
  }

  get lost(): number {
    return this.#lost + (this.#current?.reading.lost ?? 0);
  }

  /** Looks for events that are worth a recording. */
  look(events: readonly JournalEvent[], view: PanelView, nowMs: number): void {
    const { faults } = this.#parts.config.recording.blackBox;
    for (const event of events) {
      const found = triggerOf(event, faults);
      if (found === null) continue;
      const { cause, zone } = found;
      const sources = view.sources.filter((source) => source.zone === zone);
      this.#begin(cause, zone, [...new Set(sources.map(({ sensor }) => sensor))], nowMs);
    }
  }

  #begin(cause: Cause, zone: string, sensors: readonly SensorId[], nowMs: number): void {
    const open = this.#waiting ?? this.#current;
    if (open !== null && open.over(nowMs) === null) {
      open.add(cause, zone, sensors, nowMs);
      return;
    }
    this.#incidents += 1;
    const incident = new Incident(this.#parts, zone, nowMs);
    incident.add(cause, zone, sensors, nowMs);
    if (this.#current === null) this.#write(incident);
    else this.#waiting = incident;
  }

  #write(incident: Incident): void {
    this.#current = incident;
    this.scribe.begin(incident);
  }

  #ended(): void {
    this.#lost += this.#current?.reading.lost ?? 0;
    const next = this.#waiting;
    this.#current = null;
    this.#waiting = null;
    if (next !== null) this.#write(next);
  }
}

/** What makes an event worth a recording; null for all others. */
function triggerOf(
  event: JournalEvent,
  withFaults: boolean,
): { readonly cause: Cause; readonly zone: ZoneId } | null {
  if (event.type === 'alarm' || event.type === 'preAlarm') {
    return { cause: event.type, zone: event.data.zone };
  }
  if (!withFaults || event.type !== 'faultRaised') return null;
  const { fault, zone } = event.data;
  return fault === 'noData' && zone !== null ? { cause: 'fault', zone } : null;
}

/** One recording that is being made. */
class Incident implements Task {
  readonly reading: Reading;
  readonly zone: string;
  readonly #parts: RecordingParts;
  readonly #begunMs: number;
  /** From when on each sensor is recorded. */
  readonly #fromMs = new Map<SensorId, number>();
  readonly #causes: IncidentRecord[] = [];
  #cause: Cause = 'fault';
  #untilMs = 0;
  #opened = false;

  constructor(parts: RecordingParts, zone: string, nowMs: number) {
    this.#parts = parts;
    this.zone = zone;
    this.#begunMs = nowMs;
    const selection = (sensor: SensorId): number | null => this.#fromMs.get(sensor) ?? null;
    this.reading = new Reading(parts.memory, selection, nowMs - this.#beforeMs);
  }

  get cause(): Cause {
    return this.#cause;
  }

  get #beforeMs(): number {
    return 1000 * this.#parts.config.recording.blackBox.beforeSeconds;
  }

  add(cause: Cause, zone: string, sensors: readonly SensorId[], nowMs: number): void {
    const { blackBox } = this.#parts.config.recording;
    if (CAUSES.indexOf(cause) > CAUSES.indexOf(this.#cause)) this.#cause = cause;
    for (const sensor of sensors) {
      if (!this.#fromMs.has(sensor)) this.#fromMs.set(sensor, nowMs - this.#beforeMs);
    }
    const untilMs = nowMs + 1000 * blackBox.afterSeconds;
    this.#untilMs = Math.min(untilMs, this.#begunMs + LONGEST_MS);
    const record: IncidentRecord = { kind: 'incident', atMs: nowMs, cause, zone, sensors };
    this.#causes.push(record);
    // The file may be open already: then this is how it learns of it.
    this.#parts.memory.notes.add(nowMs, JSON.stringify(record));
  }

  opening(): readonly TextRecord[] {
    // The first file learns of its causes among the notes; one after a failure would not.
    const again = this.#opened ? this.#causes : [];
    this.#opened = true;
    return [this.#parts.header(this.cause, this.zone), ...again];
  }

  over(nowMs: number): string | null {
    return nowMs < this.#untilMs ? null : 'over';
  }
}
