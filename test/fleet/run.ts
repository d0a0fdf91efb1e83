/** One run: builds the fleet up, lets the storm go over it, hurts it meanwhile, and judges. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { sleep as sleepOn, systemClock, systemRandom } from '../../src/clock.ts';
import { Postgres } from '../central/postgres.ts';
import { Appliances } from './appliances.ts';
import { Cluster, MQTT_PORT } from './cluster.ts';
import {
  added,
  Consumer,
  type ConsumersOptions,
  type Counted,
  setUpCentral,
  zero,
} from './consumers.ts';
import { linkTo } from './links.ts';
import { makeNetwork, type Network } from './network.ts';
import type { FleetOptions } from './options.ts';
import { Cleanup, until } from './tools.ts';
import { type Done, makeTrouble } from './trouble.ts';
import { judge, type Verdict } from './verdict.ts';

export interface Programs {
  /** This program, which runs appliances when its first word is `worker`. */
  readonly fleet: string;
  readonly writer: string;
  readonly central: string;
}

export interface FleetResult {
  readonly ok: boolean;
  readonly options: FleetOptions;
  /** Why nodes could only be killed; null where they were cut off too. */
  readonly limits: string | null;
  readonly verdict: Verdict;
  readonly done: readonly Done[];
  readonly connectS: number;
  readonly stormS: number;
  /** From the last event to the last row; null: it never came. */
  readonly drainS: number | null;
  readonly published: number;
  readonly reconnects: number;
  /** Ids of alarms that arrived at appliances as acknowledged by the centre. */
  readonly acknowledged: number;
  readonly counted: Counted;
  readonly peakMb: {
    readonly appliances: number;
    readonly consumer: number;
    readonly node: number;
  };
  /** Most rows stored within a second. */
  readonly bestPerSecond: number;
}

/** The number that the MQTT of NATS may open with before anything is there to be consumed. */
const STREAMS = { mqtt: '$MQTT_msgs', own: 'embereye' } as const;
const CONNECT_WITHIN_MS = 180_000;

export async function runFleet(
  options: FleetOptions,
  programs: Programs,
  say: (line: string) => void,
): Promise<FleetResult> {
  const cleanup = new Cleanup();
  const folder = mkdtempSync(path.join(tmpdir(), 'embereye-fleet-'));
  if (!options.keep) cleanup.add(folder, () => rmSync(folder, { recursive: true, force: true }));
  const stopped = stopRequest();
  try {
    return await Promise.race([fleet(options, programs, folder, cleanup, say), stopped]);
  } finally {
    if (options.keep) say(`kept: ${folder}`);
    await cleanup.run(say);
  }
}

/** Rejects on Ctrl-C, so that namespaces, servers and folders are cleaned up. */
function stopRequest(): Promise<never> {
  return new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => reject(new Error(`ended by ${signal}`)));
    }
  });
}

async function fleet(
  options: FleetOptions,
  programs: Programs,
  folder: string,
  cleanup: Cleanup,
  say: (line: string) => void,
): Promise<FleetResult> {
  const stream = STREAMS[options.stream];
  const network = makeNetwork(3, cleanup);
  if (network.limits !== null) say(`no partitions: ${network.limits}`);
  const made = await centre(options, programs, { folder, stream, network }, cleanup);
  const { cluster, postgres, consumers } = made;
  const meter = new Meter(made, say);
  cleanup.add('meter', () => meter.stop());
  const appliances = new Appliances();
  const connectS = await connectAll(options, programs, { folder, cluster, appliances }, cleanup);
  say(`${options.appliances} appliances are connected after ${connectS} s`);
  meter.start(() => appliances.progress.residentBytes);
  const startMs = performance.now();
  const trouble = { cluster, network, consumers, stream, rounds: options.rounds, say };
  const [done, stormS] = await Promise.all([
    makeTrouble(trouble),
    appliances.storm(options.storm, options.rate).then(() => seconds(startMs)),
  ]);
  const lastMs = Math.max(startMs + stormS * 1000, performance.now());
  const drained = await waitUntilDrained(options, appliances, meter);
  const drainS = drained ? seconds(Math.min(lastMs, performance.now())) : null;
  say(drained ? `drained ${drainS ?? 0} s later` : 'nothing more comes: not drained');
  // An acknowledgement may still be under way when the last row stands.
  await sleepOn(systemClock(), 1500);
  const verdict = await judge(postgres, appliances);
  const { published, reconnects, acknowledged } = appliances.progress;
  await appliances.stop();
  for (const consumer of consumers) await consumer.stop();
  meter.stop();
  const ok = drained && verdict.missing + verdict.invented === 0 && verdict.journalled > 0;
  return {
    ...{ ok, options, limits: network.limits, verdict, done, connectS, stormS, drainS },
    ...{ published, reconnects, acknowledged, peakMb: meter.peakMb },
    counted: consumers.reduce((sum, { counted }) => added(sum, counted), zero()),
    bestPerSecond: meter.bestPerSecond,
  };
}

interface Centre {
  readonly cluster: Cluster;
  readonly postgres: Postgres;
  readonly consumers: readonly Consumer[];
}

async function centre(
  options: FleetOptions,
  programs: Programs,
  where: { readonly folder: string; readonly stream: string; readonly network: Network },
  cleanup: Cleanup,
): Promise<Centre> {
  const { folder, stream, network } = where;
  const cluster = new Cluster(network, folder);
  await cluster.start(cleanup);
  const postgres = new Postgres();
  cleanup.add('postgres', () => postgres.remove());
  await postgres.start();
  // NATS makes the stream of its MQTT messages when the first MQTT client connects.
  await knock(cluster);
  const urls = `nats://${cluster.servers.join(',')}`;
  const args = ['--url', urls, '--database', postgres.url, '--stream', stream];
  const central: ConsumersOptions = { program: programs.central, args, folder };
  await until('stream and durable are made', 30_000, () => tried(() => setUpCentral(central)));
  const consumers = Array.from(
    { length: options.consumers },
    (_, i) => new Consumer(`central-${i + 1}`, central, cleanup),
  );
  for (const consumer of consumers) consumer.start();
  return { cluster, postgres, consumers };
}

/** A stream of three copies needs every node to know of the others: the first try may be early. */
function tried(work: () => void): boolean {
  try {
    work();
    return true;
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return false;
  }
}

async function knock(cluster: Cluster): Promise<void> {
  const deps = { clock: systemClock(), random: systemRandom(), log: () => undefined };
  const link = linkTo('knock', 'central', cluster.mqttHosts, MQTT_PORT, deps);
  let connected = false;
  link.open({
    onState: ({ kind }) => (connected ||= kind === 'connected'),
    onMessage: () => undefined,
    will: () => null,
  });
  await until('NATS accepts an MQTT client', 60_000, () => connected);
  await link.close(1000);
}

async function connectAll(
  options: FleetOptions,
  programs: Programs,
  parts: { readonly folder: string; readonly cluster: Cluster; readonly appliances: Appliances },
  cleanup: Cleanup,
): Promise<number> {
  const { folder, cluster, appliances } = parts;
  mkdirSync(path.join(folder, 'appliances'));
  const startMs = performance.now();
  await appliances.start(
    {
      ...{ count: options.appliances, processes: options.processes, seed: options.seed, folder },
      ...{ program: programs.fleet, writerPath: programs.writer },
      ...{ hosts: cluster.mqttHosts, port: MQTT_PORT },
    },
    cleanup,
  );
  await until(
    'all appliances are connected',
    CONNECT_WITHIN_MS,
    () => appliances.progress.connected === options.appliances,
  );
  return seconds(startMs);
}

/** False when nothing new came for too long. */
async function waitUntilDrained(
  options: FleetOptions,
  appliances: Appliances,
  meter: Meter,
): Promise<boolean> {
  const wanted = options.appliances * options.storm;
  let best = -1;
  let sinceMs = performance.now();
  for (;;) {
    const stored = await meter.measure();
    if (stored >= wanted && appliances.progress.backlog === 0) return true;
    if (stored > best) {
      best = stored;
      sinceMs = performance.now();
    } else if (performance.now() - sinceMs > options.patienceMs) return false;
    await sleepOn(systemClock(), 500);
  }
}

/** What is looked at once a second: rows and memory. */
class Meter {
  readonly peakMb = { appliances: 0, consumer: 0, node: 0 };
  bestPerSecond = 0;
  readonly #postgres: Postgres;
  readonly #consumers: readonly Consumer[];
  readonly #cluster: Cluster;
  #last: { readonly rows: number; readonly atMs: number } | null = null;
  readonly #say: (line: string) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor({ postgres, consumers, cluster }: Centre, say: (line: string) => void) {
    this.#say = say;
    this.#postgres = postgres;
    this.#consumers = consumers;
    this.#cluster = cluster;
  }

  start(applianceBytes: () => number): void {
    this.#timer = setInterval(() => {
      this.measure().catch((error: unknown) => this.#say(`rows not counted: ${String(error)}`));
      const { peakMb } = this;
      peakMb.appliances = Math.max(peakMb.appliances, megabytes(applianceBytes()));
      for (const { peakBytes } of this.#consumers) {
        peakMb.consumer = Math.max(peakMb.consumer, megabytes(peakBytes));
      }
      for (const node of this.#cluster.nodes) {
        peakMb.node = Math.max(peakMb.node, megabytes(node.residentBytes()));
      }
    }, 1000);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Rows in the table of events. */
  async measure(): Promise<number> {
    const [row] = await this.#postgres.query<{ n: number }>('SELECT count(*)::int AS n FROM event');
    const rows = row?.n ?? 0;
    const atMs = performance.now();
    if (this.#last !== null) {
      const rate = ((rows - this.#last.rows) * 1000) / (atMs - this.#last.atMs);
      this.bestPerSecond = Math.max(this.bestPerSecond, Math.round(rate));
    }
    this.#last = { rows, atMs };
    return rows;
  }
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1e6);
}

function seconds(sinceMs: number): number {
  return Math.round((performance.now() - sinceMs) / 100) / 10;
}
