/** The processes of the proof: appliance, broker, subscriber, and whoever gives commands. */
import { type ChildProcess, spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const owned = new Set<ChildProcess>();

/** The child does not outlive this process, however it ends. */
export function own<T extends ChildProcess>(child: T): T {
  owned.add(child);
  child.once('exit', () => owned.delete(child));
  return child;
}
process.once('exit', () => {
  for (const child of owned) child.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const here = dirname(fileURLToPath(import.meta.url));

export const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, ms));

/** Waits for a condition; rejects in words when it does not come. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  patienceMs = 60_000,
): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`waited in vain: ${what}`);
    await pause(20);
  }
}

/** A port that nobody listens at now. */
export function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Resolves when the process has ended; at once when it had. */
export function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => child.once('exit', () => resolve()));
}

/**
 * The bundle in a folder beside its packages, so that a build of the same checkout during the proof
 * does not change what is being proved.
 */
export function copyBundle(): { readonly program: string; remove(): void } {
  const parent = join(here, '..', 'node_modules', '.cache');
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, 'kill-'));
  for (const name of readdirSync(here)) {
    if (name.endsWith('.js')) copyFileSync(join(here, name), join(folder, name));
  }
  return {
    program: join(folder, 'embereye.js'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const BROKER = ['/usr/sbin/mosquitto', '/usr/local/sbin/mosquitto'].find((at) => existsSync(at));

export interface BrokerManner {
  readonly host?: string;
  /** Lines of its configuration about what it keeps; default: written down at a clean end. */
  readonly keeps?: readonly string[];
}

/** mosquitto with its sessions on disk: what it has acknowledged survives its restart. */
export class Broker {
  readonly port: number;
  readonly host: string;
  readonly #config: string;
  #child: ChildProcess | null = null;

  /** @throws when mosquitto is not installed. */
  constructor(folder: string, port: number, manner: BrokerManner = {}) {
    if (BROKER === undefined) throw new Error('mosquitto is not installed: run npm run setup');
    const { host = '127.0.0.1', keeps = ['persistence true'] } = manner;
    this.port = port;
    this.host = host;
    this.#config = join(folder, 'mosquitto.conf');
    const lines = [
      `listener ${port} ${host}`,
      `user ${userInfo().username}`,
      'allow_anonymous true',
      ...keeps,
      `persistence_location ${folder}/`,
      'max_queued_messages 0',
      'set_tcp_nodelay true',
    ];
    writeFileSync(this.#config, `${lines.join('\n')}\n`);
  }

  get up(): boolean {
    return this.#child !== null;
  }

  async start(): Promise<void> {
    this.#child = own(
      spawn(BROKER ?? '', ['-c', this.#config], {
        stdio: 'ignore',
      }),
    );
    await until('the broker answers', () => answers(this.port, this.host));
  }

  /** 0 while there is none. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** It takes what comes and answers nothing, until it goes on. */
  stall(): void {
    this.#child?.kill('SIGSTOP');
  }

  goOn(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Its process has been killed by somebody else, or is just being: waits for its end. */
  async gone(): Promise<void> {
    const child = this.#child;
    if (child !== null) await ended(child);
    this.#child = null;
  }

  /** A clean end: it writes down what it has acknowledged and not passed on. */
  async stop(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    child.kill('SIGTERM');
    await ended(child);
  }
}

function answers(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, host);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** `mosquitto_sub` with a session that outlives restarts of the broker. */
export class Subscriber {
  readonly #child: ChildProcess;
  #text = '';
  #subscribed = 0;
  readonly lines: string[] = [];

  constructor(port: number, topics: readonly string[], host = '127.0.0.1') {
    const filters = topics.flatMap((topic) => ['-t', topic]);
    const session = ['-V', '311', '-c', '-i', 'kill-proof', '-q', '1', '-d', '-F', '%t %p'];
    const args = ['-h', host, '-p', String(port), ...filters, ...session];
    // Line by line: its own words, unlike messages, would otherwise wait in its buffer.
    const child = spawn('stdbuf', ['-oL', 'mosquitto_sub', ...args], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#child = own(child);
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      const lines = (this.#text + part).split('\n');
      this.#text = lines.pop() ?? '';
      for (const line of lines) {
        if (line.startsWith('Subscribed ')) this.#subscribed += 1;
        else if (!line.startsWith('Client ')) this.lines.push(line);
      }
    });
  }

  /** How often the broker has confirmed its subscriptions: once after each connect. */
  get subscribed(): number {
    return this.#subscribed;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await ended(this.#child);
  }
}

/** `mosquitto_pub` that sends a line at a time to one topic, started again when it ends. */
export class Commander {
  readonly #port: number;
  readonly #topic: string;
  #child: ChildProcess | null = null;

  constructor(port: number, topic: string) {
    this.#port = port;
    this.#topic = topic;
  }

  send(payload: object): void {
    this.#child ??= this.#start();
    this.#child.stdin?.write(`${JSON.stringify(payload)}\n`);
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    child.kill('SIGKILL');
    await ended(child);
  }

  #start(): ChildProcess {
    const args = ['-p', String(this.#port), '-t', this.#topic, '-q', '1', '-l'];
    const child = spawn('mosquitto_pub', args, {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    own(child).stdin.on('error', () => undefined);
    child.once('exit', () => (this.#child = null));
    return child;
  }
}
