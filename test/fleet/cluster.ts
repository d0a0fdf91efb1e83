/** Three NATS servers with JetStream and a listener for MQTT each. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { connect } from '@nats-io/transport-node';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { Cut, Network, NodePlace } from './network.ts';
import { type Cleanup, end, programOf, sleep, until } from './tools.ts';

export const MQTT_PORT = 1883;
const CLIENT_PORT = 4222;
const MONITOR_PORT = 8222;

export class Node {
  readonly name: string;
  readonly place: NodePlace;
  readonly #config: string;
  readonly #log: string;
  #child: ChildProcess | null = null;

  constructor(name: string, place: NodePlace, others: readonly string[], folder: string) {
    this.name = name;
    this.place = place;
    this.#config = path.join(folder, `${name}.conf`);
    this.#log = path.join(folder, `${name}.log`);
    const store = path.join(folder, name);
    mkdirSync(store, { recursive: true });
    const { address } = place;
    // Without stream_replicas NATS takes as many copies as it knew nodes when the first client came.
    const routes = others.map((other) => `nats://${other}:6222`).join(', ');
    writeFileSync(
      this.#config,
      `server_name: ${name}
      listen: ${address}:${CLIENT_PORT}
      http: ${address}:${MONITOR_PORT}
      ping_interval: "5s"
      ping_max: 2
      jetstream { store_dir: "${store}", max_mem: 256MB, max_file: 8GB }
      cluster { name: fleet, listen: "${address}:6222", routes: [${routes}] }
      mqtt { listen: "${address}:${MQTT_PORT}", stream_replicas: 3 }
      `,
    );
  }

  get running(): boolean {
    return this.#child !== null;
  }

  start(): void {
    const log = openSync(this.#log, 'a');
    const server = programOf('nats-server') ?? 'nats-server';
    const [command, args] = inPlace(this.place, server, ['-c', this.#config]);
    this.#child = spawn(command, args, { stdio: ['ignore', log, log] });
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child !== null) await end(child, 'SIGKILL');
  }

  /** It takes part in the cluster again. What single streams do is asked elsewhere. */
  async isHealthy(): Promise<boolean> {
    try {
      const url = `http://${this.place.address}:${MONITOR_PORT}/healthz?js-server-only=true`;
      const answer = await fetch(url, { signal: AbortSignal.timeout(2000) });
      return answer.ok;
    } catch {
      // No answer at all: certainly not healthy. Whoever waits tells it in the end.
      return false;
    }
  }

  /** The server's own words, for a failed run. */
  lastWords(lines: number): string {
    return readFileSync(this.#log, 'utf8').trimEnd().split('\n').slice(-lines).join('\n');
  }

  residentBytes(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) return 0;
    const [, kilobytes = '0'] = /^VmRSS:\s+(\d+)/m.exec(statusOf(pid)) ?? [];
    return Number(kilobytes) * 1024;
  }
}

/** A command and its words, as they are run in the node's network. */
function inPlace(place: NodePlace, program: string, words: readonly string[]): [string, string[]] {
  const [first, ...others] = place.prefix;
  return first === undefined ? [program, [...words]] : [first, [...others, program, ...words]];
}

function statusOf(pid: number): string {
  return readFileSync(`/proc/${pid}/status`, 'utf8');
}

export class Cluster {
  readonly nodes: readonly Node[];

  constructor(network: Network, folder: string) {
    const addresses = network.places.map(({ address }) => address);
    this.nodes = network.places.map((place, i) => {
      const others = addresses.filter((address) => address !== place.address);
      return new Node(`n${i + 1}`, place, others, folder);
    });
  }

  get servers(): string[] {
    return this.nodes.map(({ place }) => `${place.address}:${CLIENT_PORT}`);
  }

  get mqttHosts(): string[] {
    return this.nodes.map(({ place }) => place.address);
  }

  async start(cleanup: Cleanup): Promise<void> {
    for (const node of this.nodes) {
      cleanup.add(node.name, () => node.kill());
      node.start();
    }
    await until('the NATS cluster is healthy', 30_000, () => this.isHealthy());
    // The group of all nodes needs a leader before anybody can make a stream.
    await until('the NATS cluster has a leader', 30_000, async () => (await this.leader()) !== '');
  }

  async isHealthy(): Promise<boolean> {
    const healthy = await Promise.all(this.nodes.map((node) => node.isHealthy()));
    return healthy.every(Boolean);
  }

  /** Name of the node that leads a stream, or of the one that leads the cluster; '' in between. */
  async leader(stream?: string): Promise<string> {
    const leader = await this.#asked(async (manager) => {
      if (stream !== undefined) return (await manager.streams.info(stream)).cluster?.leader;
      await manager.getAccountInfo();
      return 'somebody';
    });
    return leader ?? '';
  }

  async #asked<T>(question: (manager: JetStreamManager) => Promise<T>): Promise<T | null> {
    try {
      const connection = await connect({ servers: this.servers, timeout: 2000, reconnect: false });
      try {
        return await question(await jetstreamManager(connection, { timeout: 2000 }));
      } finally {
        await connection.close();
      }
    } catch {
      // An election is going on; whoever needs the answer asks again, and tells when none comes.
      return null;
    }
  }

  /**
   * Why another node must not be hurt yet: one has not caught up with this stream and this durable.
   * Null where all have.
   */
  async whyNotWhole(stream: string, durable: string): Promise<string | null> {
    if (!(await this.isHealthy())) return 'a node is not healthy';
    const infos = await this.#asked(async (manager) => [
      await manager.streams.info(stream),
      await manager.consumers.info(stream, durable),
    ]);
    const isWhole = infos?.every(
      ({ cluster }) =>
        cluster?.leader !== undefined &&
        cluster.replicas?.length === this.nodes.length - 1 &&
        cluster.replicas.every(({ current, offline }) => current && !offline),
    );
    if (isWhole) return null;
    return infos === null ? 'no answer' : JSON.stringify(infos.map(({ cluster }) => cluster));
  }

  async killFor(node: Node, downMs: number): Promise<void> {
    await node.kill();
    await sleep(downMs);
    node.start();
  }

  async cutFor(node: Node, how: Cut, forMs: number): Promise<void> {
    node.place.cut(how);
    await sleep(forMs);
    node.place.heal();
  }
}
