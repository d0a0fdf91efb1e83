/** A process with some of the appliances in it. */
import path from 'node:path';
import { sleep, systemClock, systemRandom } from '../../src/clock.ts';
import type { Log } from '../../src/domain/ports.ts';
import { Appliance } from './appliance.ts';
import type { FromWorker, ToWorker, WorkerSetUp } from './protocol.ts';

const PROGRESS_MS = 1000;
/** Databases opened at a time: each is a thread that starts. */
const OPENED_AT_A_TIME = 8;

export function runWorker(): void {
  const worker = new Worker();
  process.on('message', (message: ToWorker) => void worker.take(message));
  // Without whoever started it a worker has nobody to talk to.
  process.once('disconnect', () => process.exit(1));
}

class Worker {
  readonly #clock = systemClock();
  readonly #random = systemRandom();
  #appliances: Appliance[] = [];
  #byId = new Map<string, Appliance>();

  async take(message: ToWorker): Promise<void> {
    switch (message.kind) {
      case 'setUp':
        await this.#setUp(message);
        tell({ kind: 'ready' });
        setInterval(() => this.#progress(), PROGRESS_MS);
        return;
      case 'storm':
        await this.#storm(message.events, message.perSecond);
        tell({ kind: 'stormOver' });
        return;
      case 'digests': {
        const lanes = [];
        for (const appliance of this.#appliances) lanes.push(...(await appliance.digests()));
        tell({ kind: 'digests', lanes });
        return;
      }
      case 'ids':
        tell({ kind: 'ids', ids: (await this.#byId.get(message.device)?.ids(message.lane)) ?? [] });
        return;
      case 'stop':
        await Promise.all(this.#appliances.map((appliance) => appliance.stop()));
        tell({ kind: 'stopped' });
        process.disconnect();
    }
  }

  async #setUp({ ids, folder, writerPath, hosts, port }: WorkerSetUp): Promise<void> {
    const log: Log = (level, text, fields) => {
      if (level === 'error' && !text.includes('subscription'))
        process.stderr.write(`${text} ${JSON.stringify(fields ?? {})}\n`);
    };
    const deps = { clock: this.#clock, random: this.#random, log };
    for (let at = 0; at < ids.length; at += OPENED_AT_A_TIME) {
      const opened = await Promise.all(
        ids.slice(at, at + OPENED_AT_A_TIME).map(async (id, i) => {
          const first = (at + i) % hosts.length;
          const order = [...hosts.slice(first), ...hosts.slice(0, first)];
          const directory = path.join(folder, id);
          const options = { id, directory, writerPath, hosts: order, port };
          const appliance = await Appliance.open(options, deps);
          this.#byId.set(id, appliance);
          return appliance;
        }),
      );
      for (const appliance of opened) appliance.start();
      this.#appliances.push(...opened);
    }
  }

  /** Evenly over the appliances and over the time, each with a place of its own in the second. */
  async #storm(events: number, perSecond: number): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    const each = this.#appliances.map(async (appliance, i) => {
      const offset = i / this.#appliances.length;
      for (let n = 0; n < events; n += 1) {
        const dueMs = startMs + ((n + offset) * 1000) / perSecond;
        const waitMs = dueMs - this.#clock.monotonicMs();
        if (waitMs > 0) await sleep(this.#clock, waitMs);
        appliance.raise();
      }
    });
    await Promise.all(each);
  }

  #progress(): void {
    const sum = (of: (appliance: Appliance) => number): number =>
      this.#appliances.reduce((total, appliance) => total + of(appliance), 0);
    tell({
      kind: 'progress',
      raised: sum(({ raised }) => raised),
      backlog: sum(({ delivery }) => delivery.backlog),
      published: sum(({ delivery }) => delivery.published),
      connected: sum(({ connected }) => Number(connected)),
      reconnects: sum(({ delivery }) => delivery.reconnects),
      acknowledged: sum(({ acknowledged }) => acknowledged),
      residentBytes: process.memoryUsage.rss(),
    });
  }
}

function tell(message: FromWorker): void {
  process.send?.(message);
}
