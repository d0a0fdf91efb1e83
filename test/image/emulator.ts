/** A machine of QEMU with its monitor: what a person with a bench supply and a meter would have. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../e2e/processes.ts';

export interface EmulatorOptions {
  /** Everything but monitor and display; serial ports too. */
  readonly args: readonly string[];
  /** The console is appended here, for people. */
  readonly logFile: string;
}

const KEPT_LINES = 400;

export class Emulator {
  readonly ended: Promise<void>;
  /** Names of QMP's events in the order they came: RESET, SHUTDOWN, WATCHDOG... */
  readonly events: string[] = [];
  /** The last lines of the console. */
  readonly console: string[] = [];
  readonly #child: ChildProcess;
  readonly #folder = mkdtempSync(join(tmpdir(), 'embereye-image-'));
  #monitor: Monitor | null = null;
  #text = '';

  private constructor({ args, logFile }: EmulatorOptions) {
    const monitor = `unix:${this.#socket},server=on,wait=off`;
    this.#child = spawn('qemu-system-aarch64', [...args, '-display', 'none', '-qmp', monitor], {
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child.stdin?.on('error', () => undefined);
    const log = createWriteStream(logFile, { flags: 'a' });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        log.write(text);
        this.#take(text);
      });
    }
    this.ended = new Promise((resolve) => {
      const over = (): void => {
        log.end();
        rmSync(this.#folder, { recursive: true, force: true });
        resolve();
      };
      this.#child.once('error', (error) => {
        this.console.push(error.message);
        over();
      });
      this.#child.once('close', over);
    });
    process.once('exit', () => this.#child.kill('SIGKILL'));
  }

  /** Power on. @throws Error with QEMU's words when it ends at once */
  static async start(options: EmulatorOptions): Promise<Emulator> {
    const machine = new Emulator(options);
    const ended = machine.ended.then(() => {
      throw new Error(`QEMU ended at once: ${machine.console.join(' ')}`);
    });
    ended.catch(() => undefined); // Much later it ends as it should.
    const open = Monitor.open(machine.#socket, (name) => machine.events.push(name));
    machine.#monitor = await Promise.race([open, ended]);
    return machine;
  }

  /** A command of QMP. @throws Error when it is refused, or the machine has ended */
  ask(execute: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    if (this.#monitor === null) throw new Error('the machine has not been started');
    return this.#monitor.ask(execute, args);
  }

  /** A 32 bit word of physical memory, as the monitor's `xp` shows it. */
  async word(address: number): Promise<number> {
    const line = `xp /1xw 0x${address.toString(16)}`;
    const said = String(await this.ask('human-monitor-command', { 'command-line': line }));
    const [, value] = /:\s*0x([0-9a-f]{8})/.exec(said) ?? [];
    if (value === undefined) throw new Error(`${line} answered "${said.trim()}"`);
    return parseInt(value, 16);
  }

  /** Types into the console. */
  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** The power goes: nothing in the machine is told. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #take(text: string): void {
    const lines = (this.#text + text).split('\n');
    this.#text = lines.pop() ?? '';
    this.console.push(...lines.map((line) => line.replaceAll('\r', '')));
    this.console.splice(0, this.console.length - KEPT_LINES);
  }

  get #socket(): string {
    return join(this.#folder, 'qmp');
  }
}

interface Answer {
  readonly return?: unknown;
  readonly error?: { readonly desc: string };
  readonly event?: string;
}

/** QMP: a JSON object a line; answers come in the order of the questions, events between them. */
class Monitor {
  readonly #socket: Socket;
  readonly #waiting: ((answer: Answer) => void)[] = [];
  readonly #onEvent: (name: string) => void;
  #text = '';

  private constructor(socket: Socket, onEvent: (name: string) => void) {
    this.#socket = socket;
    this.#onEvent = onEvent;
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#text + text).split('\n');
      this.#text = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') this.#take(JSON.parse(line) as Answer);
    });
    const over = (): void => {
      for (const resolve of this.#waiting.splice(0)) resolve({ error: { desc: 'it has ended' } });
    };
    socket.on('error', over);
    socket.on('close', over);
  }

  static async open(path: string, onEvent: (name: string) => void): Promise<Monitor> {
    const monitor = await eventually(`QEMU listens at ${path}`, async () => {
      const socket = connect(path);
      const open = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true));
        socket.once('error', () => resolve(false));
      });
      return open ? new Monitor(socket, onEvent) : null;
    });
    await monitor.ask('qmp_capabilities', {});
    return monitor;
  }

  async ask(execute: string, args: Readonly<Record<string, unknown>>): Promise<unknown> {
    const answer = await new Promise<Answer>((resolve) => {
      this.#waiting.push(resolve);
      this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    });
    if (answer.error !== undefined) throw new Error(`QEMU on ${execute}: ${answer.error.desc}`);
    return answer.return;
  }

  #take(answer: Answer): void {
    if (answer.event !== undefined) this.#onEvent(answer.event);
    else if ('return' in answer || 'error' in answer) this.#waiting.shift()?.(answer);
  }
}
