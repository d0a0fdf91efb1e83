/** An appliance's uplink and an independent reader, in real time, for tests with real brokers. */
import type { RefusedAttempt } from '../../src/uplink/command-desk.ts';
import { afterEach } from 'vitest';
import type { CommandOutcome, CommandRequest } from '../../src/domain/command.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import type { IncomingMessage, Link } from '../../src/uplink/link.ts';
import {
  createMqttLink,
  DEFAULT_MQTT_OPTIONS,
  type MqttLinkOptions,
} from '../../src/uplink/mqtt-link.ts';
import { DEFAULT_UPLINK_OPTIONS, Uplink, type UplinkOptions } from '../../src/uplink/uplink.ts';
import { BROKER, ROOT, SNAPSHOT } from './bench.ts';
import { BOOT, EventMaker, MemoryJournal } from './memory-journal.ts';
import { Mosquitto } from './mosquitto.ts';
import { realClock, seededRandom } from './virtual-clock.ts';

export const FAST = {
  answerTimeoutMs: 700,
  connectTimeoutMs: 1500,
  retryMinMs: 20,
  retryMaxMs: 100,
};
export const log = (): void => undefined;
export const clock = realClock();

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** What a test opened; undone in reverse order when it ends. */
export const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

let made = 0;
export function link(options: Partial<MqttLinkOptions> & { port: number }): Link {
  made += 1;
  const common = {
    ...DEFAULT_MQTT_OPTIONS,
    ...FAST,
    host: '127.0.0.1',
    clientId: `client-${made}`,
  };
  return createMqttLink({ ...common, ...options }, { clock, random: seededRandom(made), log });
}

/** An independent reader of everything, with a connection of its own. */
export class Reader {
  readonly messages: IncomingMessage[] = [];
  readonly link: Link;
  #connected = false;
  #subscribed = false;

  constructor(port: number, options: Partial<MqttLinkOptions> = {}) {
    this.link = link({ port, ...options });
  }

  async open(): Promise<this> {
    this.link.open({
      onState: (state) => {
        this.#connected = state.kind === 'connected';
        this.#subscribed = false;
        if (!this.#connected) return;
        void this.link.subscribe('#', { retained: true }).then(() => (this.#subscribed = true));
      },
      onMessage: (message) => this.messages.push(message),
      will: () => null,
    });
    cleanups.push(() => this.link.close(200));
    await this.listening();
    return this;
  }

  /**
   * A broker that was killed has forgotten who subscribed: what it takes before this resolves is
   * acknowledged, and never seen here.
   */
  async listening(): Promise<void> {
    await until(() => this.#subscribed);
  }

  payloads(topic: string): Record<string, unknown>[] {
    return this.messages
      .filter((message) => message.topic === `${ROOT}/${topic}`)
      .map(({ payload }) => JSON.parse(Buffer.from(payload).toString()) as Record<string, unknown>);
  }

  uniqueIds(lane: string): unknown[] {
    return [...new Set(this.payloads(`event/${lane}`).map(({ id }) => id))];
  }
}

export class Unit {
  readonly journal = new MemoryJournal();
  readonly make = new EventMaker();
  readonly faults: FaultNotice[] = [];
  readonly submitted: CommandRequest[] = [];
  readonly refused: RefusedAttempt[] = [];
  readonly uplink: Uplink;

  constructor(uplinkLink: Link, options: Partial<UplinkOptions> = {}) {
    const named = {
      broker: BROKER,
      root: ROOT,
      identity: { deviceId: 'unit-1', bootId: BOOT },
      birth: { version: '1.0.0', configHash: 'abc', capabilities: [] },
    };
    this.uplink = new Uplink(
      { ...DEFAULT_UPLINK_OPTIONS, ...named, ...options },
      {
        clock,
        wallTime: () => new Date().toISOString(),
        log,
        journal: this.journal,
        link: uplinkLink,
        state: () => SNAPSHOT,
        submit: (request): Promise<CommandOutcome> => {
          this.submitted.push(request);
          return Promise.resolve({ requestId: request.requestId, ok: true, detail: 'done' });
        },
        onRefused: (attempt) => this.refused.push(attempt),
        onFault: (notice) => this.faults.push(notice),
        onAckLatency: () => undefined,
      },
    );
    this.journal.onCommit((receipt) => this.uplink.committed(receipt));
    cleanups.push(() => this.uplink.stop('test over', 400));
  }

  start(): this {
    this.uplink.start();
    return this;
  }
}

export async function broker(lines?: readonly string[]): Promise<Mosquitto> {
  const started = new Mosquitto(lines);
  cleanups.push(() => started.remove());
  await started.start();
  return started;
}
