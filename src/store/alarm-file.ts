/**
 * The alarm file: every alarm once more, beside the database and independent of it. Two files of a
 * fixed size whose bytes are reserved when they are made, so that alarms can still be written when
 * the disk has no room for a commit, and a database that is damaged does not take them with it.
 *
 * Alarms are appended and synced before their commit. When the file in use is full the other one
 * is overwritten from its beginning: first whatever of it is needed goes to the end of the file in
 * use, where room is kept for that. Needed is an alarm that the database lacks; it is never given
 * up. Then those that some broker has not had, the newest first, as far as the room goes.
 *
 * Nothing in here throws: a file that cannot be written is told, and the commit goes on.
 */
import { Buffer } from 'node:buffer';
import { closeSync, fdatasyncSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openOrMake, readWhole, reserve, writeWhole } from './alarm-file-disk.ts';
import { type AlarmFileContents, type FileRecord, readAlarmFile } from './alarm-file-frames.ts';
import { textOf } from './database.ts';
import type { EventRow } from './messages.ts';
import { NO_FLOOR } from './numbering.ts';
import { eventFrame, HEADER_BYTES, headsFrame } from './ring-frames.ts';

export const ALARM_FILE_NAMES = ['alarms.0.log', 'alarms.1.log'] as const;
/** Size of each of the two files. */
export const ALARM_FILE_BYTES = 1024 * 1024;
/** Of it, kept for alarms that are taken over from the other file. */
const CARRY_SHARE = 0.25;

export interface AlarmFileStart {
  /** Every alarm that can be read, oldest number first, each id once. */
  readonly records: readonly KnownAlarm[];
  /** Why the file cannot be used; null when it can. */
  readonly failure: string | null;
  /** What was found damaged, for people; '' where nothing was. */
  readonly damage: string;
  /** A write that the end of a former run cut short, and that has been cut off; '' for none. */
  readonly torn: string;
}

export type KnownAlarm = Pick<FileRecord, 'event' | 'json'>;

/** `full`: what the database lacks fills the file; `failed`: it cannot be written. */
export type AppendOutcome =
  { readonly kind: 'kept' } | { readonly kind: 'full' | 'failed'; readonly detail: string };

interface Entry {
  readonly seq: number;
  readonly json: string;
  /** Which of the two files has its newest copy. */
  file: number;
  inDatabase: boolean;
}

interface OpenFile {
  readonly fd: number;
  generation: number;
  end: number;
}

export class AlarmFile {
  readonly #directory: string;
  readonly #bytes: number;
  readonly #deliveredUpTo: () => number;
  readonly #entries = new Map<string, Entry>();
  #files: readonly OpenFile[] | null = null;
  #current = 0;

  /**
   * @param deliveredUpTo highest alarm that every broker has had; asked now and then.
   * @param bytes size of each file.
   */
  constructor(directory: string, deliveredUpTo: () => number, bytes = ALARM_FILE_BYTES) {
    this.#directory = directory;
    this.#deliveredUpTo = deliveredUpTo;
    this.#bytes = bytes;
  }

  get isOpen(): boolean {
    return this.#files !== null;
  }

  /** Reads what former runs left, cuts a torn end and reserves the files' bytes. */
  open(): AlarmFileStart {
    this.close();
    const known = new Map(this.#entries);
    this.#entries.clear();
    const records = new Map<string, KnownAlarm>();
    const files: OpenFile[] = [];
    const found = { damage: [] as string[], torn: [] as string[] };
    let failure: string | null = null;
    for (const [file, name] of ALARM_FILE_NAMES.entries()) {
      const path = join(this.#directory, name);
      try {
        mkdirSync(this.#directory, { recursive: true });
        const { contents, open } = this.#openOne(path);
        files.push(open);
        if (contents.damagedBytes > 0) {
          found.damage.push(`${path}: ${contents.damagedBytes} bytes cannot be read`);
        }
        if (contents.torn) found.torn.push(`${path}: cut at byte ${contents.end}`);
        for (const { event, json, stale } of contents.records) {
          const { id, seq } = event;
          records.set(id, { event, json });
          if (stale) continue;
          this.#entries.set(id, {
            seq,
            json,
            file,
            inDatabase: known.get(id)?.inDatabase === true,
          });
        }
      } catch (error) {
        failure ??= `${path}: ${textOf(error)}`;
      }
    }
    if (failure === null) this.#use(files);
    else for (const { fd } of files) closeSync(fd);
    return {
      failure,
      records: [...records.values()].sort((a, b) => a.event.seq - b.event.seq),
      damage: found.damage.join('; '),
      torn: found.torn.join('; '),
    };
  }

  /** Makes alarms durable here. What the file has already is not written again. */
  append(rows: readonly EventRow[]): AppendOutcome {
    const fresh = rows.filter(({ lane, id }) => lane === 'alarm' && !this.#entries.has(id));
    try {
      return this.#appendAll(fresh);
    } catch (error) {
      this.close();
      return { kind: 'failed', detail: `${this.#directory}: ${textOf(error)}` };
    }
  }

  /** The database has these for good. */
  stored(rows: Iterable<Pick<EventRow, 'id'>>): void {
    for (const { id } of rows) {
      const entry = this.#entries.get(id);
      if (entry !== undefined) entry.inDatabase = true;
    }
  }

  close(): void {
    for (const { fd } of this.#files ?? []) closeSync(fd);
    this.#files = null;
  }

  #openOne(path: string): { contents: AlarmFileContents; open: OpenFile } {
    const fd = openOrMake(path);
    try {
      const bytes = readWhole(fd);
      const contents = readAlarmFile(bytes);
      const { generation, end } = contents;
      reserve(fd, bytes, this.#bytes);
      if (contents.torn) {
        writeWhole(fd, Buffer.alloc(Math.min(HEADER_BYTES, bytes.length - end)), end);
        fdatasyncSync(fd);
      }
      return { contents, open: { fd, generation, end } };
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  #use(files: readonly OpenFile[]): void {
    this.#files = files;
    this.#current = (files[1]?.generation ?? 0) > (files[0]?.generation ?? 0) ? 1 : 0;
  }

  #appendAll(rows: readonly EventRow[]): AppendOutcome {
    let waiting: EventRow[] = [];
    let bytes = 0;
    for (const row of rows) {
      const length = frameBytes(row);
      if (!this.#fits(bytes + length)) {
        this.#write(waiting);
        waiting = [];
        bytes = 0;
        const full = this.#fits(length) ? null : this.#turn();
        if (full !== null) return full;
      }
      waiting.push(row);
      bytes += length;
    }
    this.#write(waiting);
    return { kind: 'kept' };
  }

  /** Leaves room for what has to be taken over, and for the heads frame of a new filling. */
  #fits(bytes: number): boolean {
    const { end, generation } = this.#inUse();
    return generation > 0 && end + bytes <= this.#bytes * (1 - CARRY_SHARE);
  }

  /** Goes over to the other file; what of it is needed comes to the end of this one first. */
  #turn(): AppendOutcome | null {
    const files = this.#files ?? [];
    const { end, generation } = this.#inUse();
    const next = generation === 0 ? this.#current : 1 - this.#current;
    const target = files[next];
    if (target === undefined) throw new Error('the alarm file is not open');
    const needed = next === this.#current ? [] : this.#neededOf(next, this.#bytes - end);
    if (needed === null) {
      const detail = `${this.#directory}: the alarm file is full of alarms that the database lacks`;
      return { kind: 'full', detail };
    }
    if (needed.length > 0) this.#writeEntries(needed);
    for (const [id, entry] of this.#entries) {
      if (entry.file === next && next !== this.#current) this.#entries.delete(id);
    }
    const alarms = [...this.#entries.values()].map(({ seq }) => seq);
    const lastSeq = { ...NO_FLOOR.lastSeq, alarm: Math.max(0, ...alarms) };
    target.generation = Math.max(...files.map((file) => file.generation)) + 1;
    const heads = headsFrame(target.generation, { lastSeq, lastId: null });
    target.end = 0;
    this.#current = next;
    this.#put(heads);
    return null;
  }

  /** Null when alarms that only this file has need more than `room` bytes. */
  #neededOf(file: number, room: number): readonly Entry[] | null {
    const delivered = this.#deliveredUpTo();
    const inFile = [...this.#entries.values()].filter((entry) => entry.file === file);
    const only = inFile.filter(({ inDatabase }) => !inDatabase);
    let left = room - only.reduce((sum, { json }) => sum + frameBytes({ json }), 0);
    if (left < 0) return null;
    const others = inFile
      .filter(({ inDatabase, seq }) => inDatabase && seq > delivered)
      .sort((a, b) => b.seq - a.seq)
      .filter(({ json }) => {
        left -= frameBytes({ json });
        return left >= 0;
      });
    return [...only, ...others].sort((a, b) => a.seq - b.seq);
  }

  #write(rows: readonly EventRow[]): void {
    if (rows.length === 0) return;
    const { generation } = this.#inUse();
    this.#put(Buffer.concat(rows.map(({ json }) => eventFrame(generation, json))));
    for (const { id, seq, json } of rows) {
      this.#entries.set(id, { seq, json, file: this.#current, inDatabase: false });
    }
  }

  #writeEntries(entries: readonly Entry[]): void {
    const { generation } = this.#inUse();
    this.#put(Buffer.concat(entries.map(({ json }) => eventFrame(generation, json))));
    for (const entry of entries) entry.file = this.#current;
  }

  /** Durable when it returns. */
  #put(bytes: Buffer): void {
    const file = this.#inUse();
    writeWhole(file.fd, bytes, file.end);
    fdatasyncSync(file.fd);
    file.end += bytes.length;
  }

  #inUse(): OpenFile {
    const file = this.#files?.[this.#current];
    if (file === undefined) throw new Error('the alarm file is not open');
    return file;
  }
}

function frameBytes({ json }: Pick<EventRow, 'json'>): number {
  return HEADER_BYTES + Buffer.byteLength(json);
}
