/**
 * Writes one recording after another from the memory to disk: a block every now and then, each
 * packed and written outside of the event loop. Whatever the disk does, nothing waits for it but
 * the recording: what the memory overwrites meanwhile is lost to it, and its file says so.
 *
 *   begin ──► file opened ──► block, block, sync, block, ... ──► end record, sync, rename
 *                 ▲                      │
 *                 └── after a while ── error: the file is left as it is, and the fault stands
 */
import { join } from 'node:path';
import type { Cancel, Clock } from '../../domain/ports.ts';
import type { FaultNotice } from '../../domain/step.ts';
import { BoxFile } from './box-file.ts';
import type { BoxDisk } from './disk.ts';
import type { Reading } from './memory.ts';
import { RecordWriter } from './record-writer.ts';
import type { TextRecord } from './record.ts';
import type { Cause, Shelf } from './shelf.ts';
import { fileNameOf, stampOf } from './shelf.ts';

/** What one file, or several after a failure, shall hold. */
export interface Task {
  readonly reading: Reading;
  /** As of now: it may become graver. */
  readonly cause: Cause;
  readonly zone: string;
  /** What every file of it begins with, the header first. */
  opening(): readonly TextRecord[];
  /** Why it has come to its end; null while it goes on. */
  over(nowMs: number): string | null;
}

export interface ScribeOptions {
  readonly clock: Clock;
  readonly disk: BoxDisk;
  readonly shelf: Shelf;
  /** `blackBox` or `recordedDays`. */
  readonly subject: string;
  readonly fault: (notice: FaultNotice) => void;
  readonly wallTime: () => string;
  /** Between two looks at the memory. */
  readonly periodMs: number;
  /** What was written so long ago survives a power cut. */
  readonly syncMs: number;
  readonly maxFileBytes: number;
  /** The task's last record is on disk, or never will be. */
  readonly ended: (task: Task) => void;
}

/** A block takes some hundred microseconds of the event loop: the copying and the checksums. */
const BLOCK_BYTES = 64 * 1024;
/** Room that must be there before more is written. */
const RESERVE_BYTES = 2 * 1024 * 1024;
const RETRY_MS = 30_000;
const STALLED_MS = 30_000;

export interface ScribeCounters {
  files: number;
  frames: number;
  failures: number;
}

export class Scribe {
  readonly counters: ScribeCounters = { files: 0, frames: 0, failures: 0 };
  readonly #options: ScribeOptions;
  #task: Task | null = null;
  #file: BoxFile | null = null;
  #writer = new RecordWriter();
  #syncedMs = 0;
  #notBeforeMs = 0;
  #raised = false;
  #closing = false;
  #cancel: Cancel = () => undefined;
  #turn: Promise<void> | null = null;
  /** Kept while a file lives: its name must not change but for the cause. */
  #stamp = '';
  #number = 0;

  constructor(options: ScribeOptions) {
    this.#options = options;
  }

  get task(): Task | null {
    return this.#task;
  }

  /** Whether the disk is being waited for. */
  get busy(): boolean {
    return this.#turn !== null;
  }

  /** Begins to write soon. Only while there is no other task. */
  begin(task: Task): void {
    if (this.#task !== null || this.#closing) return;
    this.#task = task;
    this.#cancel();
    this.#cancel = this.#options.clock.soon(() => this.#start());
  }

  /** Ends what is being written; resolves when the disk has it or refuses it. Never rejects. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#cancel();
    await this.#turn;
    this.#cancel();
    this.#notBeforeMs = 0;
    if (this.#task !== null) await this.#write(this.#task);
  }

  #start(): void {
    this.#cancel();
    const task = this.#task;
    if (task === null || this.#turn !== null) return;
    this.#turn = this.#write(task).then(() => {
      this.#turn = null;
      if (this.#task === null || this.#closing) return;
      this.#cancel = this.#options.clock.after(this.#options.periodMs, () => this.#start());
    });
  }

  /** One turn with the disk. Never rejects. */
  async #write(task: Task): Promise<void> {
    const { clock, shelf } = this.#options;
    if (clock.monotonicMs() < this.#notBeforeMs) return;
    const stalled = clock.after(STALLED_MS, () =>
      this.#tell(`${shelf.directory}: the disk has not answered for ${STALLED_MS / 1000} s`),
    );
    let isOver = false;
    try {
      isOver = await this.#writeNew(task);
      this.#restore();
    } catch (error) {
      isOver = this.#closing || task.over(clock.monotonicMs()) !== null;
      await this.#giveUp(error instanceof Error ? error.message : String(error));
    }
    stalled();
    if (!isOver) return;
    this.#task = null;
    this.#options.ended(task);
  }

  /** @returns whether the task is done with */
  async #writeNew(task: Task): Promise<boolean> {
    const { clock, maxFileBytes, syncMs, shelf } = this.#options;
    const nowMs = clock.monotonicMs();
    const file = this.#file ?? (await this.#open(task, nowMs));
    await file.moveTo(this.#path(task));
    let over = this.#closing ? 'stopped' : task.over(nowMs);
    const writer = this.#writer;
    for (let more = true; more;) {
      more = task.reading.fill(writer, BLOCK_BYTES, nowMs, over !== null);
      if (file.bytes >= maxFileBytes) {
        over ??= 'full';
        more = false;
      }
      if (!more && over !== null) writer.text(this.#end(over, writer.frames));
      if (writer.length > 0) await file.append(writer.bytes);
      writer.clear();
    }
    if (over !== null) {
      await file.finish();
      this.#file = null;
      this.counters.frames += writer.frames;
      await shelf.makeRoom(0, null);
      return true;
    }
    if (nowMs - this.#syncedMs >= syncMs) {
      this.#syncedMs = nowMs;
      await this.#room(file.partName);
      await file.sync();
    }
    return false;
  }

  async #open(task: Task, nowMs: number): Promise<BoxFile> {
    const { shelf, disk, wallTime } = this.#options;
    await shelf.prepare();
    await this.#room(null);
    this.#number = shelf.number();
    this.#stamp = stampOf(wallTime());
    const file = await BoxFile.create(disk, this.#path(task));
    this.#file = file;
    this.#writer = new RecordWriter();
    this.#syncedMs = nowMs;
    this.counters.files += 1;
    for (const record of task.opening()) this.#writer.text(record);
    return file;
  }

  #path({ cause, zone }: Task): string {
    const name = fileNameOf({ number: this.#number, cause, zone, stamp: this.#stamp });
    return join(this.#options.shelf.directory, name);
  }

  /** @throws Error that says what is missing */
  async #room(writing: string | null): Promise<void> {
    const why = await this.#options.shelf.makeRoom(RESERVE_BYTES, writing);
    if (why !== null) throw new Error(why);
  }

  #end(reason: string, frames: number): TextRecord {
    const { clock, wallTime } = this.#options;
    return { kind: 'end', atMs: clock.monotonicMs(), wall: wallTime(), reason, frames };
  }

  /** The file stays, readable as far as it goes; another one is tried later. */
  async #giveUp(why: string): Promise<void> {
    const { clock, shelf } = this.#options;
    const file = this.#file;
    this.#file = null;
    this.counters.frames += this.#writer.frames;
    this.counters.failures += 1;
    this.#notBeforeMs = clock.monotonicMs() + RETRY_MS;
    let detail = why;
    try {
      await file?.abandon();
    } catch (error) {
      const also = error instanceof Error ? error.message : String(error);
      if (!why.includes(also)) detail = `${why}; ${also}`;
    }
    this.#tell(`${shelf.directory}: ${detail}`);
  }

  #tell(why: string): void {
    if (this.#raised) return;
    this.#raised = true;
    const detail = `${why}: what is seen is not recorded; mend or clear the disk`;
    const { fault, subject } = this.#options;
    fault({ fault: 'blackBoxFailed', subject, raised: true, detail });
  }

  #restore(): void {
    if (!this.#raised) return;
    this.#raised = false;
    const { fault, subject, shelf } = this.#options;
    const detail = `${shelf.directory} can be written again`;
    fault({ fault: 'blackBoxFailed', subject, raised: false, detail });
  }
}
