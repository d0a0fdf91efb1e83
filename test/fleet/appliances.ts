/** The appliances of a run, spread over processes. */
import { type ChildProcess, fork } from 'node:child_process';
import path from 'node:path';
import type { LaneDigest } from './appliance.ts';
import type { FromWorker, Progress, ToWorker } from './protocol.ts';
import { type Cleanup, end } from './tools.ts';

export interface AppliancesOptions {
  readonly count: number;
  readonly processes: number;
  readonly folder: string;
  readonly program: string;
  readonly writerPath: string;
  readonly hosts: readonly string[];
  readonly port: number;
  readonly seed: number;
}

const NOTHING: Progress = {
  ...{ raised: 0, backlog: 0, published: 0, connected: 0, reconnects: 0, acknowledged: 0 },
  residentBytes: 0,
};

export class Appliances {
  readonly #workers: WorkerProcess[] = [];

  async start(options: AppliancesOptions, cleanup: Cleanup): Promise<void> {
    const { count, processes, folder, program, writerPath, hosts, port, seed } = options;
    const all = Array.from({ length: count }, (_, i) => `unit-${String(i + 1).padStart(4, '0')}`);
    const starting = Array.from({ length: processes }, (_, at) => {
      const worker = new WorkerProcess(program);
      this.#workers.push(worker);
      cleanup.add(`appliances ${at + 1}`, () => worker.kill());
      const ids = all.filter((_id, i) => i % processes === at);
      return worker.ask('ready', {
        kind: 'setUp',
        ...{ ids, writerPath, hosts, port, seed: seed + at },
        folder: path.join(folder, 'appliances'),
      });
    });
    await Promise.all(starting);
  }

  get progress(): Progress {
    return this.#workers.reduce(
      (sum, { progress }) => ({
        raised: sum.raised + progress.raised,
        backlog: sum.backlog + progress.backlog,
        published: sum.published + progress.published,
        connected: sum.connected + progress.connected,
        reconnects: sum.reconnects + progress.reconnects,
        acknowledged: sum.acknowledged + progress.acknowledged,
        residentBytes: sum.residentBytes + progress.residentBytes,
      }),
      NOTHING,
    );
  }

  /** Resolves when every appliance has raised everything. */
  async storm(events: number, perSecond: number): Promise<void> {
    await Promise.all(
      this.#workers.map((worker) => worker.ask('stormOver', { kind: 'storm', events, perSecond })),
    );
  }

  async digests(): Promise<readonly LaneDigest[]> {
    const answers = await Promise.all(
      this.#workers.map((worker) => worker.ask('digests', { kind: 'digests' })),
    );
    return answers.flatMap(({ lanes }) => lanes);
  }

  async ids(device: string, lane: string): Promise<readonly { seq: number; id: string }[]> {
    const all = [];
    for (const worker of this.#workers) {
      all.push(...(await worker.ask('ids', { kind: 'ids', device, lane })).ids);
    }
    return all;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.ask('stopped', { kind: 'stop' })));
  }
}

type Answer<K extends FromWorker['kind']> = Extract<FromWorker, { kind: K }>;

class WorkerProcess {
  progress: Progress = NOTHING;
  readonly #child: ChildProcess;
  #wanted: { kind: string; resolve: (m: FromWorker) => void; reject: (e: Error) => void } | null =
    null;

  constructor(program: string) {
    this.#child = fork(program, ['worker'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (message: FromWorker) => {
      if (message.kind === 'progress') this.progress = message;
      else if (message.kind === this.#wanted?.kind) this.#wanted.resolve(message);
    });
    this.#child.once('exit', (code, signal) =>
      this.#wanted?.reject(new Error(`a process of appliances ended: ${signal ?? code ?? ''}`)),
    );
  }

  /** One question at a time. */
  ask<K extends FromWorker['kind']>(kind: K, message: ToWorker): Promise<Answer<K>> {
    return new Promise((resolve, reject) => {
      this.#wanted = { kind, resolve: (answer) => resolve(answer as Answer<K>), reject };
      this.#child.send(message);
    });
  }

  async kill(): Promise<void> {
    await end(this.#child, 'SIGKILL');
  }
}
