/**
 * The panel's state in its own small file, read before anything else at a start. Three files can
 * exist: `path`, `path.next` (being written) and `path.previous`. At every moment of a save at
 * least one of them is whole, whatever a power cut does.
 *
 * Saving runs in Node's thread pool and not in the writer thread: there a stalled commit would
 * hold it up, and here at most one of the pool's threads can hang, because one save is under way
 * at a time. A newer state that comes meanwhile replaces the one that waits.
 */
import { readFileSync } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { Cancel, Clock, Log } from '../domain/ports.ts';
import { TroubleBoard, type TroubleListener } from './troubles.ts';

const FORMAT = 'embereye-snapshot 1';
/** A panel is a few kilobytes; a file beyond this is not ours. */
const MAX_BYTES = 16 * 1024 * 1024;
const RETRY_MS = 5000;

export type SnapshotRead =
  | {
      readonly ok: true;
      readonly value: unknown;
      /** False when the newest file was damaged and an older one stands in: tell it as a fault. */
      readonly newest: boolean;
    }
  | {
      readonly ok: false;
      readonly reason: string;
      /** Files are there and none can be used; false where there are none. */
      readonly damaged: boolean;
    };

/**
 * Reads the newest whole snapshot. Never throws; `version` must be the one it was saved with. The
 * caller parses `value`: the checksum proves only that it is what was saved.
 */
export function readSnapshot(path: string, version: number): SnapshotRead {
  const reasons: string[] = [];
  for (const suffix of ['', '.next', '.previous']) {
    const read = readOne(path + suffix, version);
    if (!read.ok) {
      reasons.push(read.reason);
      continue;
    }
    // A cut between the two renames leaves the newest one as `.next` and nothing at `path`.
    return { ...read, newest: reasons.every(isMissing) && suffix !== '.previous' };
  }
  return { ok: false, reason: reasons.join('; '), damaged: !reasons.every(isMissing) };
}

export interface SnapshotOptions {
  readonly path: string;
  /** Of what is saved; a reader with another version refuses it. */
  readonly version: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly onTrouble: TroubleListener;
}

export class SnapshotWriter {
  readonly #options: SnapshotOptions;
  readonly #troubles: TroubleBoard;
  #waiting: { readonly value: unknown } | null = null;
  #tellWhenSaved: ((saved: boolean) => void)[] = [];
  /** Cleared in the same turn as the last look at what waits, so that no save falls between. */
  #busy = false;
  #saving: Promise<void> = Promise.resolve();
  #cancelRetry: Cancel | null = null;
  #saved = 0;

  constructor(options: SnapshotOptions) {
    this.#options = options;
    this.#troubles = new TroubleBoard((trouble) => {
      const { kind, detail, raised } = trouble;
      options.log(raised ? 'error' : 'info', 'snapshot trouble', { kind, detail, raised });
      options.onTrouble(trouble);
    });
  }

  /** Snapshots written since the start. */
  get saved(): number {
    return this.#saved;
  }

  /**
   * Saves soon; the latest wins. `value` is JSON and must not change afterwards.
   * @param tell called once this state or a newer one is durable, or with false when saving failed.
   */
  save(value: unknown, tell: (saved: boolean) => void = () => undefined): void {
    this.#waiting = { value };
    this.#tellWhenSaved.push(tell);
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#begin();
  }

  /** Resolves when the latest state is on disk, or when saving it has failed once. */
  async flush(): Promise<void> {
    if (this.#waiting !== null) this.#begin();
    while (this.#busy) await this.#saving;
  }

  /** Stops trying again; call `flush` first. */
  close(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
  }

  #begin(): void {
    if (this.#busy) return;
    this.#busy = true;
    this.#saving = this.#saveWaiting();
  }

  async #saveWaiting(): Promise<void> {
    while (this.#waiting !== null) {
      const { value } = this.#waiting;
      this.#waiting = null;
      const told = this.#tellWhenSaved;
      this.#tellWhenSaved = [];
      try {
        await writeSnapshot(this.#options.path, this.#options.version, value);
        this.#saved += 1;
        this.#troubles.restore('snapshotFailed');
        for (const tell of told) tell(true);
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        this.#troubles.raise('snapshotFailed', `${this.#options.path}: ${detail}`);
        for (const tell of told) tell(false);
        this.#waiting ??= { value };
        this.#cancelRetry ??= this.#options.clock.after(RETRY_MS, () => {
          this.#cancelRetry = null;
          this.#begin();
        });
        break;
      }
    }
    this.#busy = false;
  }
}

async function writeSnapshot(path: string, version: number, value: unknown): Promise<void> {
  const body = Buffer.from(JSON.stringify({ version, value }));
  const head = Buffer.from(`${FORMAT} ${body.length} ${checksumText(body)}\n`);
  await mkdir(dirname(path), { recursive: true });
  await writeDurably(`${path}.next`, Buffer.concat([head, body]));
  await renameIfThere(path, `${path}.previous`);
  await rename(`${path}.next`, path);
  await syncFolder(dirname(path));
}

async function writeDurably(path: string, bytes: Buffer): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function renameIfThere(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/** A rename is durable only when its folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

const MISSING = 'is not there';
const isMissing = (reason: string): boolean => reason.endsWith(MISSING);

type OneRead =
  { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly reason: string };

function readOne(path: string, version: number): OneRead {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const detail = codeOf(error) === 'ENOENT' ? MISSING : `cannot be read (${codeOf(error)})`;
    return { ok: false, reason: `${path} ${detail}` };
  }
  const body = bodyOf(bytes);
  if (body === null) return { ok: false, reason: `${path} is damaged` };
  const found = parsed(body);
  if (found === null) return { ok: false, reason: `${path} is damaged` };
  if (found.version !== version) {
    const reason = `${path} has version ${String(found.version)}, this release reads ${version}`;
    return { ok: false, reason };
  }
  return { ok: true, value: found.value };
}

/** The checked content, or null when the file is not whole. */
function bodyOf(bytes: Buffer): Buffer | null {
  const lineEnd = bytes.indexOf(0x0a);
  if (lineEnd < 0 || bytes.length > MAX_BYTES) return null;
  const body = bytes.subarray(lineEnd + 1);
  const expected = `${FORMAT} ${body.length} ${checksumText(body)}`;
  return bytes.toString('latin1', 0, lineEnd) === expected ? body : null;
}

function parsed(body: Buffer): { version: unknown; value: unknown } | null {
  try {
    const raw: unknown = JSON.parse(body.toString('utf8'));
    if (typeof raw !== 'object' || raw === null) return null;
    const { version, value } = raw as { version?: unknown; value?: unknown };
    return { version, value };
  } catch {
    return null;
  }
}

function checksumText(body: Buffer): string {
  return crc32(body).toString(16).padStart(8, '0');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error);
}
