/** Real processes of `central/`, and what they count. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { type Cleanup, end, sleep } from './tools.ts';

export interface Counted {
  readonly messages: number;
  readonly redelivered: number;
  readonly events: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly poison: number;
  readonly batches: number;
  readonly acks: number;
  readonly residentBytes: number;
}
const NAMES = [
  ...(['messages', 'redelivered', 'events', 'duplicates', 'conflicts'] as const),
  ...(['poison', 'batches', 'acks'] as const),
];

export interface ConsumersOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly folder: string;
}

/** @throws Error with the program's words. */
export function setUpCentral({ program, args }: ConsumersOptions): void {
  const { status, stderr } = spawnSync(process.execPath, [program, ...args, '--setup'], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`central --setup: ${stderr}`);
}

export class Consumer {
  readonly name: string;
  readonly #options: ConsumersOptions;
  #child: ChildProcess | null = null;
  /** Of lives that ended. */
  #before: Counted = zero();
  #now: Counted = zero();
  peakBytes = 0;

  constructor(name: string, options: ConsumersOptions, cleanup: Cleanup) {
    this.name = name;
    this.#options = options;
    cleanup.add(name, () => this.kill());
  }

  start(): void {
    const { program, args, folder } = this.#options;
    const log = createWriteStream(path.join(folder, `${this.name}.log`), { flags: 'a' });
    const own = ['--name', this.name, '--stats-every-ms', '500'];
    const child = spawn(process.execPath, [program, ...args, ...own], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    child.stderr.pipe(log);
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#now = JSON.parse(line) as Counted;
      this.peakBytes = Math.max(this.peakBytes, this.#now.residentBytes);
    });
  }

  /** The newest it told: a killed one has counted a little more than it could tell. */
  get counted(): Counted {
    return added(this.#before, this.#now);
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async killFor(downMs: number): Promise<void> {
    await this.kill();
    await sleep(downMs);
    this.start();
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    await end(child, signal);
    this.#before = added(this.#before, this.#now);
    this.#now = zero();
  }
}

export function added(a: Counted, b: Counted): Counted {
  const sum = { ...zero(), residentBytes: Math.max(a.residentBytes, b.residentBytes) };
  for (const name of NAMES) sum[name] = a[name] + b[name];
  return sum;
}

export function zero(): { -readonly [K in keyof Counted]: number } {
  return {
    ...{ messages: 0, redelivered: 0, events: 0, duplicates: 0, conflicts: 0 },
    ...{ poison: 0, batches: 0, acks: 0, residentBytes: 0 },
  };
}
