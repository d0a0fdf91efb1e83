/**
 * The alarm ring: what has just been decided, in a small file in memory (tmpfs), written before
 * the outputs are. It survives a kill of the process; the journal on disk survives the rest.
 *
 * Writing is synchronous and never waits for a disk: no fsync, one open file, one `write` for a
 * step. When everything in it is durable in the journal the file is rewound. Nothing in here
 * throws: a ring that cannot be written is a trouble, and the outputs go on without it.
 *
 * When the file would outgrow its bound it is rewritten to half of it. Overflow policy: first
 * goes what is durable, then the oldest of the other lanes, and the oldest alarms last; what went
 * before it was durable is counted.
 */
import { Buffer } from 'node:buffer';
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statfsSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import type { JournalEvent } from '../domain/event.ts';
import type { CommitReceipt, Log } from '../domain/ports.ts';
import { Fifo } from './fifo.ts';
import { higherFloor, NO_FLOOR, type NumberFloor } from './numbering.ts';
import {
  eventFrame,
  headsFrame,
  type Kept,
  MAX_PAYLOAD_BYTES,
  raised,
  readFrames,
  thinned,
} from './ring-frames.ts';
import { TroubleBoard, type TroubleListener } from './troubles.ts';

export const DEFAULT_RING_PATH = '/run/embereye/ring';
const DEFAULT_MAX_BYTES = 4 * 1024 * 1024;
/** `statfs` type of tmpfs (linux/magic.h). */
const TMPFS_MAGIC = 0x01021994;
const ON_DISK = 'writing may stall; embereye doctor says how to make state.runDirectory';

export interface RingOptions {
  /** On tmpfs; normally `DEFAULT_RING_PATH`. */
  readonly path: string;
  /** Used when nothing can be opened at `path`: a file in the state folder. */
  readonly fallbackPath: string | null;
  readonly log: Log;
  readonly onTrouble: TroubleListener;
  readonly maxBytes?: number;
}

export interface RecoveredRing {
  /** Events of the former run that were not known to be durable; append them to the journal. */
  readonly events: readonly JournalEvent[];
  readonly heads: NumberFloor;
  readonly damagedBytes: number;
}

export class AlarmRing {
  readonly recovered: RecoveredRing;
  readonly #options: RingOptions;
  readonly #maxBytes: number;
  readonly #troubles: TroubleBoard;
  /** What is in the file and not known to be durable, oldest first. */
  #kept = new Fifo<Kept>();
  #heads: NumberFloor;
  #generation: number;
  #fd: number | null = null;
  #path: string;
  #end = 0;
  /** The file lacks events that are kept. */
  #behind = false;
  #lost = 0;

  /** Reads what the former run left behind and makes the file ready. Never throws. */
  constructor(options: RingOptions) {
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.#troubles = new TroubleBoard((trouble) => {
      const { kind, detail, raised: began } = trouble;
      options.log(began ? 'error' : 'info', 'alarm ring trouble', { kind, detail, raised: began });
      options.onTrouble(trouble);
    });
    this.#path = options.path;
    const contents = [options.path, options.fallbackPath].map((path) => this.#read(path));
    const events = contents.flatMap((part) => part.events);
    this.#heads = contents.reduce((heads, part) => higherFloor(heads, part.heads), NO_FLOOR);
    this.#generation = Math.max(...contents.map((part) => part.generation));
    const damagedBytes = contents.reduce((sum, part) => sum + part.damagedBytes, 0);
    this.recovered = { events, heads: this.#heads, damagedBytes };
    for (const event of events) this.#kept.push({ event, json: JSON.stringify(event) });
    this.#openFirst();
  }

  /** Records given up before they were durable, since the start. */
  get lost(): number {
    return this.#lost;
  }

  /** Bytes in use. */
  get bytes(): number {
    return this.#end;
  }

  /** Where the ring is; null while it cannot be written. */
  get path(): string | null {
    return this.#fd === null || this.#behind ? null : this.#path;
  }

  /**
   * Writes events of one step, before the outputs. False when that failed: the trouble has been
   * told, the step goes on, and the events reach the ring with the next append that works.
   */
  append(events: readonly JournalEvent[]): boolean {
    if (events.length === 0) return !this.#behind;
    const frames: Buffer[] = [];
    for (const event of events) {
      const json = JSON.stringify(event);
      const bytes = eventFrame(this.#generation, json);
      if (bytes.length > MAX_PAYLOAD_BYTES) this.#countLost(1);
      else {
        this.#kept.push({ event, json });
        frames.push(bytes);
      }
    }
    this.#heads = raised(this.#heads, events);
    // After a failure the file lacks events, so everything kept is written anew.
    if (this.#fd === null || this.#behind) return this.#rewrite();
    const bytes = Buffer.concat(frames);
    if (this.#end + bytes.length > this.#maxBytes) return this.#rewrite();
    return this.#write(bytes);
  }

  /** Takes note of what is durable; the file is rewound once everything is. */
  committed(receipt: CommitReceipt): void {
    const durable = receipt.committed;
    const before = this.#kept.size;
    if (before === 0) return;
    const rest = new Fifo<Kept>();
    for (const kept of this.#kept) {
      if (kept.event.seq > (durable[kept.event.lane] ?? 0)) rest.push(kept);
    }
    this.#kept = rest;
    if (rest.size === 0) this.#rewind();
  }

  close(): void {
    if (this.#fd === null) return;
    closeSync(this.#fd);
    this.#fd = null;
  }

  #read(path: string | null): ReturnType<typeof readFrames> {
    const nothing = readFrames(Buffer.alloc(0));
    if (path === null) return nothing;
    try {
      return readFrames(readFileSync(path));
    } catch (error) {
      // No file is the normal case after a boot; anything else shows again when it is opened.
      if (!isMissing(error)) {
        this.#options.log('warn', 'alarm ring not readable', { path, detail: textOf(error) });
      }
      return nothing;
    }
  }

  /**
   * Takes the first path that works, with everything kept in it. Only at the start: later a disk
   * that hangs behind the fall-back path would hold up the outputs.
   */
  #openFirst(): void {
    const { path, fallbackPath } = this.#options;
    if (this.#rewrite()) {
      this.#removeFallback();
      return;
    }
    if (fallbackPath === null) return;
    this.#path = fallbackPath;
    if (!this.#rewrite()) this.#path = path;
  }

  /** What it held is in the ring now; a file that stays is only read once more. */
  #removeFallback(): void {
    const path = this.#options.fallbackPath;
    if (path === null) return;
    try {
      rmSync(path, { force: true });
    } catch (error) {
      this.#options.log('warn', 'old alarm ring not removed', { path, detail: textOf(error) });
    }
  }

  /**
   * Writes heads and kept events to a new file that takes the old one's place: a kill in the
   * middle leaves the old one. A ring that would still be too full is thinned first.
   */
  #rewrite(): boolean {
    this.#thin();
    this.#generation = (this.#generation + 1) >>> 0;
    const frames = [headsFrame(this.#generation, this.#heads)];
    for (const { json } of this.#kept) frames.push(eventFrame(this.#generation, json));
    const bytes = Buffer.concat(frames);
    const temporary = `${this.#path}.new`;
    let fd: number | null = null;
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      fd = openSync(temporary, 'w', 0o600);
      writeWhole(fd, bytes, 0);
      renameSync(temporary, this.#path);
      this.close();
      this.#fd = fd;
      this.#end = bytes.length;
      this.#working();
      return true;
    } catch (error) {
      if (fd !== null && fd !== this.#fd) {
        closeSync(fd);
        rmSync(temporary, { force: true });
      }
      return this.#failed(error);
    }
  }

  #write(bytes: Buffer): boolean {
    if (this.#fd === null) return false;
    try {
      writeWhole(this.#fd, bytes, this.#end);
      this.#end += bytes.length;
      return true;
    } catch (error) {
      return this.#failed(error);
    }
  }

  /** New heads first, then the cut: frames in between belong to an earlier generation. */
  #rewind(): void {
    if (this.#fd === null) return;
    this.#generation = (this.#generation + 1) >>> 0;
    const heads = headsFrame(this.#generation, this.#heads);
    try {
      writeWhole(this.#fd, heads, 0);
      ftruncateSync(this.#fd, heads.length);
      this.#end = heads.length;
      this.#behind = false;
      this.#troubles.restore('ringFull', 'ringUnavailable');
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Down to half of the bound, so that the next rewrite is a long time away. */
  #thin(): void {
    const { kept, lost } = thinned([...this.#kept], this.#maxBytes / 2);
    if (lost === 0) return;
    this.#kept = new Fifo<Kept>();
    for (const record of kept) this.#kept.push(record);
    this.#countLost(lost);
  }

  #countLost(count: number): void {
    this.#lost += count;
    const detail = 'records that are not on disk yet were given up; look at the store';
    this.#troubles.raise('ringFull', detail);
  }

  #failed(error: unknown): boolean {
    this.#behind = true;
    this.#troubles.raise('ringUnavailable', `${this.#path}: ${textOf(error)}`);
    return false;
  }

  #working(): void {
    this.#behind = false;
    this.#troubles.restore('ringUnavailable');
    if (statfsSync(this.#path).type === TMPFS_MAGIC) this.#troubles.restore('ringOnDisk');
    else this.#troubles.raise('ringOnDisk', `${this.#path} is not on tmpfs: ${ON_DISK}`);
  }
}

/** @throws the system's error; a short write is followed by the one that tells why. */
function writeWhole(fd: number, bytes: Buffer, position: number): void {
  let done = 0;
  while (done < bytes.length) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
