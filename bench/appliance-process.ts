/** The appliance as users run it, `embereye run`, in a process of its own with a state of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The bundle beside this one. */
export const PROGRAM = join(dirname(fileURLToPath(import.meta.url)), 'embereye.js');
const TMPFS = '/dev/shm';
const STARTED_WITHIN_MS = 20_000;
/** USER_HZ, the unit of `/proc/PID/stat`; the same on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;

export interface Ports {
  readonly boards: number;
  readonly http: number;
}

export class ApplianceProcess {
  readonly ports: Ports;
  /** Where lines are mirrored: see `SimulatedGpio`. */
  readonly lines: string;
  readonly #child: ChildProcess;
  readonly #folders: readonly string[];

  private constructor(child: ChildProcess, ports: Ports, lines: string, folders: string[]) {
    this.#child = child;
    this.ports = ports;
    this.lines = lines;
    this.#folders = folders;
  }

  /** @param settings of the configuration, beside what every benchmark needs. */
  static async start(settings: Readonly<Record<string, unknown>> = {}): Promise<ApplianceProcess> {
    const state = mkdtempSync(join(tmpdir(), 'embereye-bench-'));
    const memory = mkdtempSync(join(existsSync(TMPFS) ? TMPFS : tmpdir(), 'embereye-bench-'));
    const lines = join(memory, 'gpio');
    const config = {
      device: { id: 'bench' },
      state: { directory: state, runDirectory: memory },
      ingest: { host: '127.0.0.1', port: 0 },
      http: { host: '127.0.0.1', port: 0 },
      gpio: {
        backend: 'simulated',
        mirrorDirectory: lines,
        outputs: [{ id: 'siren', role: 'siren', line: 17 }],
      },
      ...settings,
    };
    if ('gpio' in settings) Object.assign(settings['gpio'] as object, { mirrorDirectory: lines });
    const file = join(state, 'appliance.yaml');
    writeFileSync(file, JSON.stringify(config));
    // By its own first line, which sets the engine up.
    const child = spawn(PROGRAM, ['run', '--config', file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ports = await portsOf(child);
    return new ApplianceProcess(child, ports, lines, [state, memory]);
  }

  get metricsUrl(): string {
    return `http://127.0.0.1:${this.ports.http}/metrics`;
  }

  /** Largest resident memory since the process started, in megabytes. */
  get peakMegabytes(): number {
    return field(this.#child, 'VmHWM') / 1024;
  }

  get residentMegabytes(): number {
    return field(this.#child, 'VmRSS') / 1024;
  }

  get cpuSeconds(): number {
    return cpuSecondsOf(this.#child);
  }

  async stop(): Promise<void> {
    await ended(this.#child);
    for (const folder of this.#folders) rmSync(folder, { recursive: true, force: true });
  }
}

/** Processor time of all threads of a child so far, in user and kernel mode. */
export function cpuSecondsOf(child: ChildProcess): number {
  const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
  // After the command name, which may hold anything and ends with the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Asks a child to end and waits until it has. */
export function ended(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
    child.kill('SIGTERM');
  });
}

function field(child: ChildProcess, name: string): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
}

/** From the log line that says that everything runs. */
function portsOf(child: ChildProcess): Promise<Ports> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the appliance did not start within ${STARTED_WITHIN_MS} ms`));
    }, STARTED_WITHIN_MS);
    child.once('exit', (code) => reject(new Error(`the appliance ended with code ${code}`)));
    if (child.stdout === null) throw new Error('the appliance has no standard output');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { msg, boards, http } = JSON.parse(line) as Record<string, unknown>;
      if (msg !== 'started') return;
      clearTimeout(late);
      if (typeof boards === 'number' && typeof http === 'number') resolve({ boards, http });
      else reject(new Error(`the appliance has no ports: ${line}`));
    });
  });
}
