/**
 * balena's update lock: while this file exists, its supervisor neither updates nor restarts the
 * container. It is held while nobody may be disturbed (`disturb.ts`), and given back afterwards.
 *
 * The supervisor takes the file itself, by exclusive creation, while it works; so does this. What
 * tells a lock of an earlier run of ours from one of the supervisor's is its content. A lock that
 * stands when the appliance ends stays: its alarm stands again after the next start.
 */
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Log } from '../domain/ports.ts';
import type { FaultNotice } from '../domain/step.ts';
import type { DisturbVerdict } from './disturb.ts';
import { disturbText } from './disturb.ts';

/** Where balena's supervisor looks for it. */
export const BALENA_LOCK_FILE = '/tmp/balena/updates.lock';
const MARK = 'embereye';

export interface UpdateLockParts {
  readonly file: string;
  readonly log: Log;
  readonly onFault: (notice: FaultNotice) => void;
}

/**
 * Whether there is one to keep: `auto` where the folder is there or the environment is balena's.
 */
export function wantsUpdateLock(
  mode: 'auto' | 'on' | 'off',
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  if (mode !== 'auto') return mode === 'on';
  return (environment['BALENA'] ?? '') !== '' || existsSync(dirname(file));
}

export class UpdateLock {
  readonly #parts: UpdateLockParts;
  /** Null: what is there has not been looked at. */
  #held: boolean | null = null;
  #trouble: string | null = null;

  /** A lock that an earlier run left behind stays until the first verdict. */
  constructor(parts: UpdateLockParts) {
    this.#parts = parts;
  }

  get held(): boolean {
    return this.#held ?? false;
  }

  /** Takes or gives back; tries again at each call what did not work. */
  follow(verdict: DisturbVerdict): void {
    try {
      this.#held ??= ownerOf(this.#parts.file) === 'us';
      if (verdict.ok && this.#held) this.#release();
      // Also where it is held already: somebody may have removed the file.
      else if (!verdict.ok) this.#take(disturbText(verdict.reasons));
      this.#tell(null);
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error));
    }
  }

  #take(why: string): void {
    const { file, log } = this.#parts;
    const before = ownerOf(file);
    // The supervisor is at work: it ends this process, or gives the lock back.
    this.#held = before === 'us' || (before === null && made(file, `${MARK} ${why}\n`));
    if (before === null && this.#held) log('info', 'update lock taken', { file, why });
  }

  #release(): void {
    const { file, log } = this.#parts;
    // Somebody may have removed ours by hand and taken the place: that one is not ours to remove.
    if (ownerOf(file) === 'us') rmSync(file, { force: true });
    this.#held = false;
    log('info', 'update lock released', { file });
  }

  #tell(trouble: string | null): void {
    if ((trouble === null) === (this.#trouble === null)) return;
    this.#trouble = trouble;
    const { file, onFault } = this.#parts;
    const remedy = `make ${dirname(file)} writable, or set service.updateLock.mode to off`;
    const detail = trouble === null ? 'works again' : `${trouble}: an update may come: ${remedy}`;
    onFault({
      ...{ fault: 'updateLockFailed', subject: 'updates', supervisory: true },
      ...{ raised: trouble !== null, detail },
    });
  }
}

/** False where somebody else was faster. */
function made(file: string, text: string): boolean {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'wx', 0o644);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
  try {
    writeSync(descriptor, text);
  } finally {
    closeSync(descriptor);
  }
  return true;
}

/** Null: there is no lock. */
function ownerOf(file: string): 'us' | 'other' | null {
  try {
    return readFileSync(file, 'utf8').startsWith(`${MARK} `) ? 'us' : 'other';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
