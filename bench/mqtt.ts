/**
 * Deciding packet to an independent subscriber: over a durable commit (fsync) and a broker. The
 * clock starts before the packet is written and stops when this process, which is the subscriber
 * too, is handed the message.
 */
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock, systemRandom } from '../src/clock.ts';
import { silentLog } from '../src/log.ts';
import { createMqttLink, DEFAULT_MQTT_OPTIONS } from '../src/uplink/mqtt-link.ts';
import { hasMosquitto, Mosquitto } from '../test/uplink/mosquitto.ts';
import { AlarmRig, pause } from './alarm-rig.ts';
import { monotonicMs } from './line-file.ts';
import type { Figure, Section } from './section.ts';
import { latencyFigures, Skipped } from './section.ts';

const TRIALS = 300;
const DISK_WRITES = 200;
const WITHIN_MS = 10_000;
const FILTER = 'embereye/v1/bench/event/alarm';

class Subscriber {
  readonly #link;
  readonly #waiting = new Map<string, (atMs: number) => void>();

  constructor(port: number) {
    const options = {
      ...DEFAULT_MQTT_OPTIONS,
      host: '127.0.0.1',
      port,
      clientId: 'bench',
    };
    const deps = {
      clock: systemClock(),
      random: systemRandom(),
      log: silentLog,
    };
    this.#link = createMqttLink(options, deps);
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#link.open({
        onState: ({ kind }) => {
          if (kind === 'connected') resolve();
        },
        onMessage: ({ payload }) => this.#hear(monotonicMs(), payload),
        will: () => null,
      });
    });
    const result = await this.#link.subscribe(FILTER, { retained: false });
    if (result.kind !== 'subscribed') throw new Error(`not subscribed: ${result.reason}`);
  }

  /** When the alarm of a zone arrives. */
  alarmOf(zone: string): Promise<number> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no alarm of ${zone}`)), WITHIN_MS);
      this.#waiting.set(zone, (atMs) => {
        clearTimeout(late);
        this.#waiting.delete(zone);
        resolve(atMs);
      });
    });
  }

  close(): Promise<void> {
    return this.#link.close(1000);
  }

  #hear(atMs: number, payload: Uint8Array): void {
    const event = JSON.parse(new TextDecoder().decode(payload)) as {
      readonly type: string;
      readonly data: { readonly zone: string };
    };
    if (event.type === 'alarm') this.#waiting.get(event.data.zone)?.(atMs);
  }
}

/** What the disk alone takes for a durable write: part of every figure here, and none of ours. */
async function diskFloor(): Promise<readonly number[]> {
  const path = join(tmpdir(), `embereye-bench-${process.pid}`);
  const descriptor = openSync(path, 'w');
  const page = Buffer.alloc(4096, 1);
  const waits: number[] = [];
  for (let at = 0; at < DISK_WRITES; at++) {
    const startMs = monotonicMs();
    writeSync(descriptor, page, 0, page.length, at * page.length);
    fdatasyncSync(descriptor);
    waits.push(monotonicMs() - startMs);
    await pause(10);
  }
  closeSync(descriptor);
  rmSync(path);
  return waits;
}

async function measure(rig: AlarmRig, subscriber: Subscriber): Promise<readonly number[]> {
  const latencies: number[] = [];
  for (let trial = 0; trial < TRIALS; trial++) {
    const arrival = subscriber.alarmOf(rig.nextZone);
    const sentMs = rig.sendSmoke();
    latencies.push((await arrival) - sentMs);
    await rig.settle();
  }
  return latencies;
}

export const mqttSection: Section = {
  name: 'mqtt',
  title: 'Packet to an independent MQTT subscriber, durable in between (mosquitto)',
  async run(progress): Promise<readonly Figure[]> {
    if (!hasMosquitto) throw new Skipped('mosquitto is not installed');
    const broker = new Mosquitto();
    await broker.start();
    const subscriber = new Subscriber(broker.port);
    await subscriber.open();
    const brokers = [{ id: 'central', url: `mqtt://127.0.0.1:${broker.port}` }];
    const rig = await AlarmRig.start({ uplink: { brokers } });
    try {
      await pause(1000);
      progress(`${TRIALS} alarms`);
      return [
        ...latencyFigures('packet to subscriber', await measure(rig, subscriber)),
        ...latencyFigures('of this the disk: write and fdatasync of 4 kB', await diskFloor()),
      ];
    } finally {
      await rig.stop();
      await subscriber.close();
      await broker.remove();
    }
  },
};
