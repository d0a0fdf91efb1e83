/** Raises and restores the faults of a line whose bytes are no packets; names the other ports. */
import type { FaultNotice } from '../domain/step.ts';
import type { Clock } from '../domain/ports.ts';
import type { KernelFiles } from './bus-ports.ts';
import type { LineHealthOptions, LineTrouble } from './line-health.ts';
import { LineHealth } from './line-health.ts';

/** Names that survive replugging: by serial number, else by where the adapter is plugged in. */
const STABLE_NAMES = ['/dev/serial/by-id', '/dev/serial/by-path'];

export interface LineWatchHost {
  readonly clock: Clock;
  readonly files: KernelFiles;
  readonly sensor: string;
  fault(notice: FaultNotice): void;
}

export class LineWatch {
  readonly #health: LineHealth;
  readonly #host: LineWatchHost;
  readonly #path: string;
  #raised: LineTrouble['fault'] | null = null;
  /** Looking up the other ports takes a moment, and the trouble may pass meanwhile. */
  #isTold = false;
  #telling: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(options: LineHealthOptions, host: LineWatchHost) {
    this.#health = new LineHealth(options);
    this.#host = host;
    this.#path = options.path;
  }

  /** The line was opened anew; what is raised stays until a packet comes. */
  opened(): void {
    this.#health.restart();
  }

  /** @param packet whether these bytes ended a packet without error */
  received(bytes: Uint8Array, packet: boolean): void {
    if (packet) {
      this.#health.restart();
      this.#restore(`packets come from ${this.#path}`);
      return;
    }
    const trouble = this.#health.received(bytes, this.#host.clock.monotonicMs());
    if (trouble === null || trouble.fault === this.#raised) return;
    this.#restore('it is something else');
    this.#raised = trouble.fault;
    this.#telling = this.#raise(trouble);
  }

  /** Never rejects; nothing is told afterwards. A raised fault is left standing. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#telling;
  }

  async #raise({ fault, detail }: LineTrouble): Promise<void> {
    const told = fault === 'notABoard' ? `${detail}; ${await this.#otherPorts()}` : detail;
    if (this.#closed || this.#raised !== fault) return;
    this.#host.fault({ fault, subject: this.#host.sensor, raised: true, detail: told });
    this.#isTold = true;
  }

  async #otherPorts(): Promise<string> {
    for (const directory of STABLE_NAMES) {
      const listed = await this.#host.files.list(directory);
      if (!listed.ok || listed.value.length === 0) continue;
      const names = listed.value.map((name) => `${directory}/${name}`);
      return `choose the right port, found: ${names.join(', ')}`;
    }
    return `choose the right port; none is under ${STABLE_NAMES.join(' or ')}`;
  }

  #restore(detail: string): void {
    const fault = this.#raised;
    this.#raised = null;
    if (fault === null || !this.#isTold) return;
    this.#isTold = false;
    this.#host.fault({ fault, subject: this.#host.sensor, raised: false, detail });
  }
}
