/** One appliance as its neighbours know it: configuration, ports, lines, pages. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { freePort } from '../uplink/tcp-proxy.ts';
import { Child, type Ended, eventually, Scratch } from './processes.ts';

export const SIREN = 17;
export const FAULT_RELAY = 22;
export const RESET_BUTTON = 5;

export type Settings = Readonly<Record<string, unknown>>;

export interface Fault {
  readonly fault: string;
  readonly subject: string;
  readonly detail: string;
}

export class Unit {
  readonly scratch = new Scratch();
  readonly boardPort: number;
  readonly httpPort: number;
  readonly configFile = join(this.scratch.disk, 'appliance.yaml');
  readonly stateFolder = join(this.scratch.disk, 'state');
  readonly runFolder = join(this.scratch.memory, 'run');
  readonly #lines = join(this.scratch.memory, 'gpio');
  #process: Child | null = null;

  private constructor(boardPort: number, httpPort: number) {
    this.boardPort = boardPort;
    this.httpPort = httpPort;
  }

  /** An appliance that is configured and not started. */
  static async prepare(settings: Settings = {}): Promise<Unit> {
    const unit = new Unit(await freePort(), await freePort());
    unit.configure(settings);
    return unit;
  }

  static async start(settings: Settings = {}): Promise<Unit> {
    const unit = await Unit.prepare(settings);
    await unit.start();
    return unit;
  }

  /** Zones `a` and `b`, each with a board of its name that has smoke on ADC1. */
  configure(settings: Settings): void {
    const watched = (id: string) => ({
      id,
      sensors: [
        { sensor: id, channel: 'ADC1', role: 'smoke' },
        { sensor: id, channel: 'thermal', role: 'thermal' },
      ],
    });
    const text = JSON.stringify({
      device: { id: 'unit' },
      logLevel: 'warn',
      state: { directory: this.stateFolder, runDirectory: this.runFolder },
      ingest: { host: '127.0.0.1', port: this.boardPort },
      http: { host: '127.0.0.1', port: this.httpPort },
      boards: [
        { id: 'a', match: { serial: 'A' } },
        { id: 'b', match: { serial: 'B' }, cadenceSeconds: 1 },
      ],
      zones: [watched('a'), watched('b')],
      gpio: {
        backend: 'simulated',
        mirrorDirectory: this.#lines,
        outputs: [
          { id: 'siren', role: 'siren', line: SIREN },
          { id: 'fault-relay', role: 'faultRelay', line: FAULT_RELAY },
        ],
        inputs: [{ id: 'reset-button', role: 'reset', line: RESET_BUTTON }],
      },
      ...settings,
    });
    writeFileSync(this.configFile, text);
  }

  /** Starts the process and waits for its first verdict of health. */
  async start(environment: Record<string, string> = {}): Promise<void> {
    this.launch(environment);
    await eventually(
      () => `healthy: ${this.said}`,
      async () => {
        if (!this.process.running) throw new Error(`it ended: ${this.said}`);
        return (await this.page('/health'))?.status === 200;
      },
    );
  }

  launch(environment: Record<string, string> = {}): Child {
    this.#process = Child.embereye(['run', '--config', this.configFile], environment);
    return this.#process;
  }

  get process(): Child {
    if (this.#process === null) throw new Error('not started');
    return this.#process;
  }

  get said(): string {
    return this.#process?.err ?? '';
  }

  end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<Ended> {
    return this.process.end(signal);
  }

  async remove(): Promise<void> {
    if (this.#process !== null) await this.#process.end('SIGKILL');
    this.scratch.remove();
  }

  /** Level of an output as its file shows it; null while there is none. */
  level(line: number): boolean | null {
    try {
      return readFileSync(this.#lineFile(line), 'utf8').startsWith('1');
    } catch {
      return null; // the appliance has not opened the line yet
    }
  }

  /** Works an input, as a button or contact does. */
  press(line: number, high: boolean): void {
    writeFileSync(this.#lineFile(line), high ? '1\n' : '0\n');
  }

  /** Takes the files of the lines away, so that a level seen later was written later. */
  forgetLevels(): void {
    mkdirSync(join(this.#lines, `simulated-${SIREN}`), { recursive: true });
    writeFileSync(this.#lineFile(SIREN), '');
  }

  page(path: string): Promise<{ readonly status: number; readonly text: string } | null> {
    return new Promise((resolve) => {
      const asked = request({ port: this.httpPort, host: '127.0.0.1', path }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (part: string) => (text += part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', () => resolve(null));
      });
      asked.on('error', () => resolve(null));
      asked.end();
    });
  }

  async faults(): Promise<readonly Fault[]> {
    const page = await this.page('/ready');
    return page === null ? [] : (JSON.parse(page.text) as { faults: Fault[] }).faults;
  }

  /** Waits for a standing fault. */
  fault(name: string): Promise<Fault> {
    return eventually(
      () => `fault ${name}: ${this.said}`,
      async () => (await this.faults()).find(({ fault }) => fault === name),
    );
  }

  async faultGone(name: string): Promise<void> {
    await eventually(`fault ${name} restored`, async () => {
      const page = await this.page('/ready');
      return page !== null && !page.text.includes(`"${name}"`);
    });
  }

  /** Every sample of the metrics page by its name with labels. */
  async metrics(): Promise<ReadonlyMap<string, number>> {
    const page = await this.page('/metrics');
    const samples = (page?.text ?? '').split('\n').filter((line) => /^[a-z]/.test(line));
    return new Map(
      samples.map((line) => {
        const space = line.lastIndexOf(' ');
        return [line.slice(0, space), Number(line.slice(space + 1))];
      }),
    );
  }

  siren(active: boolean): Promise<true> {
    return eventually(
      () => `siren ${active ? 'active' : 'inactive'}: ${this.said}`,
      () => this.level(SIREN) === active,
    );
  }

  /** Folders with the file of one line each. */
  lineFolders(): readonly string[] {
    return readdirSync(this.#lines).map((name) => join(this.#lines, name));
  }

  #lineFile(line: number): string {
    return join(this.#lines, `simulated-${line}`, 'value');
  }
}
