/**
 * An emulated machine (QEMU) whose pins are in the test's hands: QEMU's test protocol drives the
 * inputs of its GPIO chip, tells of each change of an output, and reads registers from outside.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '../e2e/processes.ts';

export interface MachineOptions {
  /** `-M ...` and what else makes the machine; not its serial ports. */
  readonly hardware: readonly string[];
  /** Serial ports that come before the one with the console. */
  readonly serialsBefore: number;
  readonly kernel: string;
  readonly initramfs: string;
  readonly deviceTree: string;
  readonly commandLine: string;
  /** A line of the console without its line break. */
  readonly onLine: (line: string) => void;
}

export class Machine {
  readonly ended: Promise<void>;
  readonly startedAtMs = performance.now();
  readonly #child: ChildProcess;
  readonly #folder: string;
  #qtest: Conversation | null = null;
  #text = '';

  private constructor(options: MachineOptions) {
    this.#folder = mkdtempSync(join(tmpdir(), 'embereye-machine-'));
    const serials = Array.from({ length: options.serialsBefore }, () => ['-serial', 'null']).flat();
    const args = [
      ...options.hardware,
      ...['-display', 'none', '-nic', 'none', '-no-reboot', '-monitor', 'none'],
      ...[...serials, '-serial', 'stdio'],
      ...['-qmp', `unix:${this.#path('qmp')},server=on,wait=off`],
      ...['-qtest', `unix:${this.#path('qtest')},server=on,wait=off`, '-qtest-log', 'none'],
      ...['-kernel', options.kernel, '-initrd', options.initramfs, '-dtb', options.deviceTree],
      ...['-append', options.commandLine],
    ];
    this.#child = spawn('qemu-system-aarch64', args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stdin?.on('error', () => undefined);
    const heard = (text: string): void => {
      const lines = (this.#text + text).split('\n');
      this.#text = lines.pop() ?? '';
      for (const line of lines) options.onLine(line.replaceAll('\r', ''));
    };
    this.#child.stdout?.setEncoding('utf8').on('data', heard);
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => options.onLine(text));
    this.ended = new Promise((resolve) => {
      this.#child.once('error', (error) => {
        options.onLine(error.message);
        resolve();
      });
      this.#child.once('close', () => {
        rmSync(this.#folder, { recursive: true, force: true });
        resolve();
      });
    });
  }

  static async start(options: MachineOptions): Promise<Machine> {
    const machine = new Machine(options);
    const ended = machine.ended.then(() => Promise.reject(new Error('QEMU ended at once')));
    ended.catch(() => undefined); // Much later it ends as it should.
    machine.#qtest = await Promise.race([Conversation.open(machine.#path('qtest')), ended]);
    return machine;
  }

  /** Types into the console. */
  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** One command of the test protocol. @throws Error when it is refused */
  async command(text: string): Promise<string> {
    const answer = (await this.#qtest?.ask(`${text}\n`)) ?? 'not connected';
    if (!answer.startsWith('OK')) throw new Error(`QEMU on "${text}": ${answer}`);
    return answer.slice(2).trim();
  }

  /** Hears each change of an output of the device that `irq_intercept_out` named. */
  onPin(listener: (line: number, high: boolean) => void): void {
    this.#qtest?.listen((text) => {
      const [, word, line] = /^IRQ (raise|lower) (\d+)$/.exec(text) ?? [];
      if (word !== undefined) listener(Number(line), word === 'raise');
    });
  }

  /** Path in QEMU's tree of its first device of a type. */
  async devicePath(type: string): Promise<string> {
    const monitor = await Conversation.open(this.#path('qmp'));
    const parent = '/machine/unattached';
    const list = { execute: 'qom-list', arguments: { path: parent } };
    await monitor.ask('{"execute":"qmp_capabilities"}\n', /"return"/);
    const answer = await monitor.ask(`${JSON.stringify(list)}\n`, /"return": \[/);
    monitor.close();
    const { return: devices } = JSON.parse(answer) as {
      return: { name: string; type: string }[];
    };
    const found = devices.find((device) => device.type === `child<${type}>`);
    if (found === undefined) throw new Error(`QEMU has no device of type ${type}`);
    return `${parent}/${found.name}`;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }
}

/** Lines over a unix socket: answers to what was asked, in order, and what nobody asked for. */
class Conversation {
  readonly #socket: Socket;
  readonly #waiting: { readonly is: RegExp; readonly resolve: (line: string) => void }[] = [];
  #listener: (line: string) => void = () => undefined;
  #text = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#text + text).split('\n');
      this.#text = lines.pop() ?? '';
      for (const line of lines) this.#take(line.trim());
    });
    const over = (): void => {
      for (const { resolve } of this.#waiting.splice(0)) resolve('the machine has ended');
    };
    socket.on('error', over);
    socket.on('close', over);
  }

  static open(path: string): Promise<Conversation> {
    return eventually(`QEMU listens at ${path}`, async () => {
      const socket = connect(path);
      const open = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true));
        socket.once('error', () => resolve(false));
      });
      return open ? new Conversation(socket) : null;
    });
  }

  ask(text: string, is = /^(OK|FAIL|ERR)/): Promise<string> {
    return new Promise((resolve) => {
      this.#waiting.push({ is, resolve });
      this.#socket.write(text);
    });
  }

  listen(listener: (line: string) => void): void {
    this.#listener = listener;
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(line: string): void {
    if (this.#waiting[0]?.is.test(line) === true) this.#waiting.shift()?.resolve(line);
    else this.#listener(line);
  }
}
