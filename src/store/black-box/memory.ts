/** All that the newest minutes left in memory, within one limit for the whole appliance. */
import { FrameMemory } from './frame-memory.ts';
import type { SensorFrames } from './frame-memory.ts';
import { NoteMemory } from './note-memory.ts';
import type { RecordWriter } from './record-writer.ts';
import type { TextRecord } from './record.ts';
import { RowMemory } from './row-memory.ts';
import type { RowRing } from './row-memory.ts';
import type { SensorId } from '../../domain/units.ts';

/** Shares of the memory: frames are by far the largest. */
const FRAMES_PART = 3 / 4;
const ROWS_PART = 1 / 8;
const NOTES_PART = 1 / 8;

export class BoxMemory {
  readonly frames: FrameMemory;
  readonly rows: RowMemory;
  readonly notes: NoteMemory;

  /** @param historyMs how long things are kept where the memory allows it */
  constructor(maxBytes: number, historyMs: number) {
    this.frames = new FrameMemory(maxBytes * FRAMES_PART, historyMs);
    this.rows = new RowMemory(maxBytes * ROWS_PART, historyMs);
    this.notes = new NoteMemory(maxBytes * NOTES_PART, historyMs);
  }

  get bytes(): number {
    return this.frames.bytes + this.rows.bytes + this.notes.bytes;
  }
}

/** From when on a sensor is wanted; null: not at all. */
export type Selection = (sensor: SensorId) => number | null;

/** Rows go into records of at most so many. */
const ROWS_A_RECORD = 64;

/** How far a recording has got with the memory; what was overwritten before it came is counted. */
export class Reading {
  readonly #memory: BoxMemory;
  readonly #selection: Selection;
  readonly #frames = new Map<SensorFrames, number>();
  readonly #rows = new Map<RowRing, number>();
  #notes: number;
  #lost = 0;

  /** @param notesFromMs notes from this time on */
  constructor(memory: BoxMemory, selection: Selection, notesFromMs: number) {
    this.#memory = memory;
    this.#selection = selection;
    const { notes } = memory;
    let number = notes.first;
    while (number < notes.next && (notes.at(number)?.atMs ?? 0) < notesFromMs) number += 1;
    this.#notes = number;
  }

  /** Frames, rows and notes that came too late for the disk. */
  get lost(): number {
    return this.#lost;
  }

  /**
   * Writes what is new, until the block holds `limit` bytes.
   * @param everything also readings that may still be merged with those that follow
   * @returns whether there is more
   */
  fill(writer: RecordWriter, limit: number, nowMs: number, everything: boolean): boolean {
    this.#fillNotes(writer, limit);
    for (const ring of this.#memory.rows.rings) {
      if (writer.length >= limit) return true;
      this.#fillRows(ring, writer, everything ? ring.next : ring.settledEnd(nowMs));
    }
    for (const frames of this.#memory.frames.sensors) {
      if (writer.length >= limit) return true;
      this.#fillFrames(frames, writer, limit);
    }
    return writer.length >= limit;
  }

  #fillNotes(writer: RecordWriter, limit: number): void {
    const { notes } = this.#memory;
    if (this.#notes < notes.first) {
      this.#tellGap(
        writer,
        { kind: 'gap', what: 'notes', sensor: null },
        notes.first - this.#notes,
      );
      this.#notes = notes.first;
    }
    for (; this.#notes < notes.next && writer.length < limit; this.#notes++) {
      const note = notes.at(this.#notes);
      if (note !== null) writer.json(note.json);
    }
  }

  #fillRows(ring: RowRing, writer: RecordWriter, end: number): void {
    const fromMs = this.#selection(ring.sensor);
    if (fromMs === null) return;
    let number = this.#rows.get(ring);
    if (number !== undefined && number < ring.first) {
      const { sensor } = ring;
      this.#tellGap(writer, { kind: 'gap', what: 'rows', sensor }, ring.first - number);
    }
    number = Math.max(number ?? 0, ring.first);
    while (number < end && ring.get(number, 0) < fromMs) number += 1;
    while (number < end) {
      const { kind, sensor, channel } = ring;
      const until = Math.min(end, number + ROWS_A_RECORD);
      const rows: (number | null)[][] = [];
      for (; number < until; number++) rows.push(rowOf(ring, number));
      writer.text({ kind, sensor, channel, rows });
    }
    this.#rows.set(ring, number);
  }

  #fillFrames(frames: SensorFrames, writer: RecordWriter, limit: number): void {
    const fromMs = this.#selection(frames.sensor);
    if (fromMs === null) return;
    let number = this.#frames.get(frames);
    if (number !== undefined && number < frames.first) {
      const { sensor } = frames;
      this.#tellGap(writer, { kind: 'gap', what: 'frames', sensor }, frames.first - number);
    }
    number = Math.max(number ?? 0, frames.first);
    for (; number < frames.next && writer.length < limit; number++) {
      const slot = frames.at(number);
      if (slot !== null && slot.atMs >= fromMs) writer.frame(slot);
    }
    this.#frames.set(frames, number);
  }

  #tellGap(
    writer: RecordWriter,
    gap: Omit<Extract<TextRecord, { kind: 'gap' }>, 'lost'>,
    lost: number,
  ): void {
    this.#lost += lost;
    writer.text({ ...gap, lost });
  }
}

function rowOf(ring: RowRing, number: number): (number | null)[] {
  const row: (number | null)[] = [];
  for (let column = 0; column < ring.width; column++) {
    const value = ring.get(number, column);
    row.push(Number.isFinite(value) ? value : null);
  }
  return row;
}
