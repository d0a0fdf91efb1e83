/** The proof's end of the probe: see `probe.ts`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ended, own } from '../kill/children.ts';
import type { Blow, Crossed, ProbeAnswer, ProbeRequest } from './probe.ts';

export interface ProbeTarget {
  /** The bundle that serves `probe` as its first argument. */
  readonly program: string;
  readonly host: string;
  readonly port: number;
  /** Where lines are mirrored, and the siren's number there. */
  readonly lines: string;
  readonly sirenLine: number;
}

export class ProbeClient {
  readonly #child: ChildProcess;
  readonly #waiting: ((answer: ProbeAnswer) => void)[] = [];

  constructor({ program, host, port, lines, sirenLine }: ProbeTarget) {
    const args = [program, 'probe', host, String(port), lines, String(sirenLine)];
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child = own(child);
    createInterface({ input: child.stdout }).on('line', (line) => {
      this.#waiting.shift()?.(JSON.parse(line) as ProbeAnswer);
    });
  }

  /** Smoke in a zone, and perhaps a blow. */
  async cross(zone: string, pid: number, withinMs: number, blow: Blow | null): Promise<Crossed> {
    return (await this.#ask({ do: 'cross', zone, pid, withinMs, blow })) as Crossed;
  }

  /** No smoke anywhere. */
  async air(): Promise<void> {
    await this.#ask({ do: 'air' });
  }

  /** How many boards are connected. */
  async connected(): Promise<number> {
    return ((await this.#ask({ do: 'connected' })) as { readonly connected: number }).connected;
  }

  async stop(): Promise<void> {
    this.#child.kill('SIGKILL');
    await ended(this.#child);
  }

  #ask(request: ProbeRequest): Promise<ProbeAnswer> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    });
  }
}
