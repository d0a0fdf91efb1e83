/** An appliance in a root: a board with smoke, a siren in a file, free ports. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RawBoard } from '../e2e/field.ts';
import { eventually, pause } from '../e2e/processes.ts';
import { freePort } from '../uplink/tcp-proxy.ts';
import type { Root } from './root.ts';
import { wordsIn } from './root.ts';

export const CONFIG = '/etc/embereye/appliance.yaml';
const SIREN = 17;
const SET_USER = ['setpriv', '--reuid=embereye', '--regid=embereye', '--init-groups'];
const LINES = '/run/embereye/lines';
export const SIREN_FILE = `${LINES}/simulated-${SIREN}/value`;
/** An emulated processor is ten to thirty times slower than a real one. */
const PATIENCE_MS = 150_000;
/** How long the board shows clean air first. */
const CLEAN_MS = 1500;

export interface Ports {
  readonly board: number;
  readonly http: number;
}

export async function freePorts(): Promise<Ports> {
  return { board: await freePort(), http: await freePort() };
}

/** A configuration, as JSON, which YAML can read; with a line of its owner's that must survive. */
export function configText({ board, http }: Ports, more: object = {}): string {
  const config = {
    device: { id: 'unit' },
    ingest: { host: '127.0.0.1', port: board },
    http: { host: '127.0.0.1', port: http },
    boards: [{ id: 'a', match: { serial: 'A' } }],
    zones: [{ id: 'a', sensors: [{ sensor: 'a', channel: 'ADC1', role: 'smoke' }] }],
    gpio: {
      backend: 'simulated',
      mirrorDirectory: LINES,
      outputs: [{ id: 'siren', role: 'siren', line: SIREN }],
    },
    ...more,
  };
  return `# changed by its owner\n${JSON.stringify(config, null, 1)}\n`;
}

/** The appliance of a root, started as its unit starts it. */
export class Site {
  readonly #root: Root;
  readonly #ports: Ports;
  readonly #process: ChildProcess;
  #said = '';
  #ended = false;

  private constructor(root: Root, ports: Ports) {
    this.#root = root;
    this.#ports = ports;
    // As RuntimeDirectory= of the unit does.
    const run = 'install -d -m 0755 -o embereye -g embereye /run/embereye && exec "$@"';
    const asUser = ['sh', '-c', run, 'start', ...SET_USER];
    const launch = ['/opt/embereye/bin/embereye-launch', 'run', '--config', CONFIG];
    const [command = '', ...args] = wordsIn(root.folder, [...asUser, ...launch]);
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    }
    child.once('close', () => (this.#ended = true));
    this.#process = child;
  }

  /** Resolves when `/health` answers 200. @throws Error with its last words */
  static async start(root: Root, ports: Ports): Promise<Site> {
    const site = new Site(root, ports);
    try {
      await eventually(
        () => `healthy: ${site.#said.slice(-2000)}`,
        async () => {
          if (site.#ended) throw new Error(`it ended: ${site.#said.slice(-2000)}`);
          return (await statusOf(`http://127.0.0.1:${ports.http}/health`)) === 200;
        },
        PATIENCE_MS,
      );
      return site;
    } catch (error) {
      site.kill();
      throw error;
    }
  }

  siren(): boolean {
    try {
      return readFileSync(join(this.#root.folder, SIREN_FILE), 'utf8').startsWith('1');
    } catch {
      return false; // not opened yet
    }
  }

  /** Clean air, then smoke, until the siren sounds; then the board goes. */
  async burn(): Promise<void> {
    const board = await RawBoard.connect(this.#ports.board, 'A');
    try {
      board.clean();
      await pause(CLEAN_MS);
      board.smoke();
      await this.sounds();
    } finally {
      board.close();
    }
  }

  async sounds(): Promise<void> {
    await eventually(
      () => `the siren sounds: ${this.#said.slice(-2000)}`,
      () => this.siren(),
      PATIENCE_MS,
    );
  }

  /** Stops it as systemd does. @throws Error when it does not end with 0 */
  async stop(): Promise<void> {
    const ended = new Promise<number | null>((resolve) => this.#process.once('close', resolve));
    const [inner] = childrenOf(this.#process.pid ?? 0);
    if (inner === undefined) throw new Error(`it is gone: ${this.#said.slice(-2000)}`);
    process.kill(inner, 'SIGTERM');
    const timer = setTimeout(() => this.kill(), PATIENCE_MS);
    const code = await ended;
    clearTimeout(timer);
    if (code !== 0) throw new Error(`stopped with ${code ?? 'kill'}: ${this.#said.slice(-2000)}`);
  }

  /** At once, with all of its children. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

async function statusOf(url: string): Promise<number | null> {
  try {
    return (await fetch(url)).status;
  } catch {
    return null; // nobody listens yet
  }
}
