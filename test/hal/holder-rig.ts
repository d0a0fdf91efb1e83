/** A real GPIO holder process, and runtimes of its that can be killed. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import * as esbuild from 'esbuild';
import type { Libc } from '../../src/hal/native/libc.ts';
import { loadLibc } from '../../src/hal/native/libc.ts';
import { Child, embereyeProgram, eventually, PROJECT_ROOT } from '../e2e/processes.ts';
import type { Order, Said } from './holder-runtime.ts';

export function holderProgram(): string {
  return join(dirname(embereyeProgram()), 'gpio-holder.js');
}

export async function realLibc(): Promise<Libc> {
  const libc = await loadLibc();
  if (!libc.ok) throw libc.error;
  return libc.value;
}

/** The bundled runtime stand-in, beside the holder's bundle, where it finds its packages. */
export async function runtimeProgram(): Promise<string> {
  const outfile = join(dirname(embereyeProgram()), 'holder-runtime.js');
  await esbuild.build({
    absWorkingDir: PROJECT_ROOT,
    entryPoints: [join(import.meta.dirname, 'holder-runtime.ts')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  });
  return outfile;
}

export class HolderRig {
  readonly folder = mkdtempSync(join(tmpdir(), 'holder-'));
  readonly path = join(this.folder, 'holder.sock');
  #holder: Child | null = null;
  readonly #runtimes: Runtime[] = [];

  static async start(...args: readonly string[]): Promise<HolderRig> {
    const rig = new HolderRig();
    await rig.startHolder(...args);
    return rig;
  }

  async startHolder(...args: readonly string[]): Promise<Child> {
    const holder = this.launch(...args);
    this.#holder = holder;
    await eventually(
      () => `holder listens: ${holder.err}`,
      () => holder.err.includes('"listening"') || !holder.running,
    );
    return holder;
  }

  launch(...args: readonly string[]): Child {
    return new Child(process.execPath, [holderProgram(), '--socket', this.path, ...args]);
  }

  get holder(): Child {
    if (this.#holder === null) throw new Error('not started');
    return this.#holder;
  }

  get pid(): number {
    const [, pid] = /"pid":(\d+),/.exec(this.holder.err) ?? [];
    return Number(pid);
  }

  descriptors(): number {
    return readdirSync(`/proc/${this.pid}/fd`).length;
  }

  file(name: string, text: string): string {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  inode(name: string): number {
    return statSync(join(this.folder, name)).ino;
  }

  runtime(program: string): Runtime {
    const runtime = new Runtime(program, this.path);
    this.#runtimes.push(runtime);
    return runtime;
  }

  /** Waits for a line of the holder's log. */
  async says(text: string): Promise<void> {
    await eventually(
      () => `the holder says ${text}: ${this.holder.err}`,
      () => this.holder.err.includes(text),
    );
  }

  async remove(): Promise<void> {
    for (const runtime of this.#runtimes) await runtime.kill();
    await this.#holder?.end('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class Runtime {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #waiting: ((said: Said) => void)[] = [];

  constructor(program: string, socketPath: string) {
    const child = spawn(process.execPath, [program, socketPath], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child = child;
    this.#ended = new Promise((resolve) => child.once('close', () => resolve()));
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#waiting.shift()?.(JSON.parse(line) as Said);
    });
  }

  say(order: Order): Promise<Said> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin?.write(`${JSON.stringify(order)}\n`);
    });
  }

  /** Stops it as a debugger would: it lives, and does nothing. */
  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
