/** Real processes of the bundled command line, and waiting for what they do. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { folderBesidePackages } from '../run-folder.ts';

export const PROJECT_ROOT = resolve(import.meta.dirname, '../..');
export const SHARED_DATA = resolve(PROJECT_ROOT, '../shared/data');

/** Long enough for a machine that is busy with other things. */
const PATIENCE_MS = 25_000;
const LOOK_EVERY_MS = 20;

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** What `look` finds, as soon as it is neither null nor false; otherwise fails in words. */
export async function eventually<T>(
  what: string | (() => string),
  look: () => T | null | false | undefined | Promise<T | null | false | undefined>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const endMs = performance.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found !== null && found !== false && found !== undefined) return found;
    if (performance.now() > endMs) {
      throw new Error(`did not happen: ${typeof what === 'string' ? what : what()}`);
    }
    await pause(LOOK_EVERY_MS);
  }
}

/**
 * The bundle in a folder of its own, where it still finds its packages and the trained model:
 * another build of the same checkout then does not change a program that a test is about to start.
 */
function copyOfBundle(): string {
  const folder = folderBesidePackages(PROJECT_ROOT, 'e2e-');
  const dist = join(PROJECT_ROOT, 'dist');
  const copy = join(folder, 'dist');
  mkdirSync(copy);
  for (const name of readdirSync(dist)) {
    if (name.endsWith('.js')) copyFileSync(join(dist, name), join(copy, name));
  }
  symlinkSync(join(PROJECT_ROOT, 'models'), join(folder, 'models'));
  return join(copy, 'embereye.js');
}

let program: string | null = null;
export function embereyeProgram(): string {
  program ??= copyOfBundle();
  return program;
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child with what it has said so far. */
export class Child {
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcess;
  #out = '';
  #err = '';

  constructor(command: string, args: readonly string[], environment: Record<string, string> = {}) {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    this.#child = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#out += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#err += text));
    this.ended = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
      child.once('error', (error) => {
        this.#err += error.message;
        resolve({ code: null, signal: null });
      });
    });
  }

  static embereye(args: readonly string[], environment: Record<string, string> = {}): Child {
    return new Child(process.execPath, [embereyeProgram(), ...args], environment);
  }

  get out(): string {
    return this.#out;
  }

  get err(): string {
    return this.#err;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** 0 where it could not be started. */
  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Whole lines; the last one may still be on its way. */
  lines(): string[] {
    return this.#out.split('\n').slice(0, -1);
  }

  /** Sends a signal and waits for the end; one that ignores it is killed after a while. */
  async end(signal: 'SIGTERM' | 'SIGKILL' | 'SIGINT' = 'SIGTERM'): Promise<Ended> {
    if (this.running) this.#child.kill(signal);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), PATIENCE_MS);
    const ended = await this.ended;
    clearTimeout(timer);
    return ended;
  }
}

/** Runs the command line to its end. */
export async function embereye(args: readonly string[], environment: Record<string, string> = {}) {
  const child = Child.embereye(args, environment);
  const { code } = await child.ended;
  return { code, out: child.out, err: child.err };
}

/** Folders of one test: on disk, and on tmpfs where there is one. */
export class Scratch {
  readonly disk = mkdtempSync(join(tmpdir(), 'embereye-e2e-'));
  readonly memory = mkdtempSync(
    join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'embereye-e2e-'),
  );

  remove(): void {
    for (const folder of [this.disk, this.memory]) rmSync(folder, { recursive: true, force: true });
  }
}
