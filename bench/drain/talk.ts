/** The processes of the drain benchmark, and what they say to one another. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** First argument of the bundle when it is to play a part instead of running the benchmark. */
export const PART = 'drain-part';
export const PARTS = ['appliance', 'bare', 'watcher'] as const;
export type Part = (typeof PARTS)[number];

/** What a part is told at its start. */
export interface Setting {
  /** Holds the journal and the texts of each slice. */
  readonly directory: string;
  readonly port: number;
}

export interface SliceOrder {
  /** Counts from 0; the bare client sends the texts of this slice. */
  readonly slice: number;
  readonly events: number;
  /** Alarms among them: they are drained first, and live ones come behind them. */
  readonly oldAlarms: number;
  /** Name of the broker, and so of the position in the journal. */
  readonly broker: string;
}

export interface SliceReport {
  readonly events: number;
  readonly elapsedMs: number;
  /** Processor time of all threads of the part meanwhile. */
  readonly cpuMs: number;
  /** Longest time between two answers of the broker: it, or the machine, stood still for so long. */
  readonly silenceMs: number;
  /** Only the appliance: see `AlarmTimes`. */
  readonly alarms?: readonly AlarmTimes[];
  readonly reconnects?: number;
}

/** One alarm that came up during the drain, on the clock of `process.hrtime`. */
export interface AlarmTimes {
  readonly seq: number;
  readonly appendedMs: number;
  /** Durable: the uplink could read it from here on. */
  readonly committedMs: number;
  readonly acknowledgedMs: number;
}

/** What the watcher saw: number of an alarm and when it came. */
export type Sightings = readonly (readonly [seq: number, atMs: number])[];

/** A part in a process of its own; one order at a time. */
export class PartProcess {
  readonly #child: ChildProcess;
  readonly #name: Part;

  private constructor(child: ChildProcess, name: Part) {
    this.#child = child;
    this.#name = name;
  }

  /** @param nodeArgs of the engine, for example the size of its young generation. */
  static async start(
    name: Part,
    setting: Setting,
    nodeArgs: readonly string[],
  ): Promise<PartProcess> {
    const child = fork(fileURLToPath(import.meta.url), [PART, name, JSON.stringify(setting)], {
      execArgv: [...nodeArgs],
      serialization: 'json',
    });
    const part = new PartProcess(child, name);
    await part.#answer();
    return part;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** What the part answers is what its own file says: the two ends are one program. */
  async ask<T>(order: unknown): Promise<T> {
    this.#child.send({ order });
    return (await this.#answer()) as T;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGTERM');
    await ended;
  }

  #answer(): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const gone = (code: number | null): void =>
        reject(new Error(`the part ${this.#name} ended with code ${code}`));
      this.#child.once('exit', gone);
      this.#child.once('message', (message: { readonly answer: unknown }) => {
        this.#child.off('exit', gone);
        resolve(message.answer);
      });
    });
  }
}

/** The other end: says that it is ready, then answers each order. */
export function serve(answer: (order: unknown) => Promise<unknown>): void {
  const send = (value: unknown): void => void process.send?.({ answer: value });
  process.on('message', ({ order }: { readonly order: unknown }) => {
    void answer(order).then(send);
  });
  process.on('disconnect', () => process.exit(0));
  process.on('SIGTERM', () => process.exit(0));
  send('ready');
}

/** Longest time between two calls. */
export class Silence {
  #lastMs = Infinity;
  #longestMs = 0;

  heard(nowMs: number): void {
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  get longestMs(): number {
    return this.#longestMs;
  }
}

/** Processor time of this process so far, all threads, in milliseconds. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
