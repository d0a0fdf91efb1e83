/** The appliance under proof: always the same configuration, state and ports. */
import { type ChildProcess, spawn } from 'node:child_process';
import { openSync, closeSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { ended, own, until } from './children.ts';
import { zoneNames } from './scene.ts';

const SIREN = 17;

export interface Places {
  /** Configuration, log and, unless it is told otherwise, the state. */
  readonly disk: string;
  readonly memory: string;
  readonly program: string;
  readonly boardPort: number;
  readonly httpPort: number;
  readonly brokerPort: number;
}

/** How a unit differs from the one of the kill proof. */
export interface Manner {
  /** Where it listens and is asked; default 127.0.0.1. */
  readonly host?: string;
  readonly brokerHost?: string;
  /** On a disk of its own. */
  readonly stateFolder?: string;
  /** What starts node, such as `ip netns exec NAME`. */
  readonly through?: readonly string[];
  /** Added to this process's own. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Sections of the configuration that take the place of the usual ones. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Added to the broker's section. */
  readonly broker?: Readonly<Record<string, unknown>>;
}

export class Unit {
  readonly root = 'embereye/v1/proof';
  readonly stateFolder: string;
  readonly ringFile: string;
  readonly sirenFile: string;
  readonly #places: Places;
  readonly #manner: Manner;
  readonly #config: string;
  #child: ChildProcess | null = null;

  constructor(places: Places, manner: Manner = {}) {
    this.#places = places;
    this.#manner = manner;
    const { host = '127.0.0.1', brokerHost = '127.0.0.1' } = manner;
    this.stateFolder = manner.stateFolder ?? join(places.disk, 'state');
    this.ringFile = join(places.memory, 'ring');
    const lines = join(places.memory, 'gpio');
    this.sirenFile = join(lines, `simulated-${SIREN}`, 'value');
    this.#config = join(places.disk, 'appliance.yaml');
    const config = {
      device: { id: 'proof' },
      logLevel: 'error',
      state: { directory: this.stateFolder, runDirectory: places.memory },
      ingest: { host, port: places.boardPort },
      http: { host, port: places.httpPort },
      boards: zoneNames.map((id) => ({ id, match: { serial: id } })),
      zones: zoneNames.map((id) => ({
        id,
        sensors: [{ sensor: id, channel: 'ADC1', role: 'smoke' }],
      })),
      gpio: {
        backend: 'simulated',
        mirrorDirectory: lines,
        outputs: [{ id: 'siren', role: 'siren', line: SIREN }],
      },
      uplink: {
        brokers: [
          { id: 'central', url: `mqtt://${brokerHost}:${places.brokerPort}`, ...manner.broker },
        ],
      },
      ...manner.settings,
    };
    writeFileSync(this.#config, JSON.stringify(config));
  }

  get boardPort(): number {
    return this.#places.boardPort;
  }

  get logFile(): string {
    return join(this.#places.disk, 'appliance.log');
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get running(): boolean {
    const child = this.#child;
    return child !== null && child.exitCode === null && child.signalCode === null;
  }

  async start(): Promise<void> {
    this.launch();
    await until('the appliance is healthy', () => this.healthy());
  }

  async healthy(): Promise<boolean> {
    return (await this.#page('/health')) !== null;
  }

  launch(): void {
    const { through = [], environment = {} } = this.#manner;
    const log = openSync(this.logFile, 'a');
    const program = [process.execPath, this.#places.program, 'run', '--config', this.#config];
    const [command = '', ...args] = [...through, ...program];
    this.#child = own(
      spawn(command, args, {
        stdio: ['ignore', log, log],
        env: { ...process.env, ...environment },
      }),
    );
    closeSync(log);
  }

  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    this.#child?.kill(signal);
    await this.gone();
  }

  async gone(): Promise<void> {
    if (this.#child !== null) await ended(this.#child);
  }

  /** Everything decided is durable and acknowledged. */
  async drained(): Promise<boolean> {
    const text = await this.#page('/metrics');
    if (text === null || !/^embereye_store_backlog_events 0$/m.test(text)) return false;
    const backlog = text.match(/^embereye_uplink_backlog_events\{.*\} \d+$/gm) ?? [];
    const events = backlog.filter((line) => !line.includes('"telemetry"'));
    return events.length > 0 && events.every((line) => line.endsWith(' 0'));
  }

  #page(path: string): Promise<string | null> {
    return new Promise((resolve) => {
      const { host = '127.0.0.1' } = this.#manner;
      const asked = request({ port: this.#places.httpPort, host, path }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part: string) => (text += part));
        answer.on('end', () => resolve(answer.statusCode === 200 ? text : null));
        answer.on('error', () => resolve(null));
      });
      asked.on('error', () => resolve(null));
      asked.end();
    });
  }
}
