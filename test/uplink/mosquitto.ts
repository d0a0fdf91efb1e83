import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { freePort } from './tcp-proxy.ts';

const BINARY = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'].find(
  (file) => existsSync(file),
);
export const hasMosquitto = BINARY !== undefined;

/** A real broker of its own: own port, own configuration, nothing kept on disk. */
export class Mosquitto {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'embereye-mosquitto-'));
  readonly #lines: readonly string[];
  #child: ChildProcess | null = null;
  #port = 0;

  /** @param lines of mosquitto.conf; `%d` is the folder for files. */
  constructor(lines: readonly string[] = ['allow_anonymous true']) {
    this.#lines = lines;
  }

  get port(): number {
    return this.#port;
  }

  async reservePort(): Promise<number> {
    if (this.#port === 0) this.#port = await freePort();
    return this.#port;
  }

  write(name: string, content: string): string {
    const file = path.join(this.folder, name);
    writeFileSync(file, content, { mode: 0o600 });
    return file;
  }

  async start(): Promise<void> {
    const port = await this.reservePort();
    const lines = [
      `listener ${port} 127.0.0.1`,
      `user ${userInfo().username}`,
      'persistence false',
      'set_tcp_nodelay true',
      ...this.#lines.map((line) => line.replaceAll('%d', this.folder)),
    ];
    const config = this.write('mosquitto.conf', `${lines.join('\n')}\n`);
    const child = spawn(BINARY ?? '', ['-c', config], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#child = child;
    let said = '';
    child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    for (let tries = 0; tries < 200; tries += 1) {
      if (child.exitCode !== null) throw new Error(`mosquitto ended: ${said}`);
      if (await answers(port)) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`mosquitto does not answer: ${said}`);
  }

  signal(name: 'SIGSTOP' | 'SIGCONT' | 'SIGHUP'): void {
    this.#child?.kill(name);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGCONT');
    child.kill('SIGKILL');
    await ended;
  }

  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Runs a tool to its end; throws with its words when it fails. */
export function runTool(command: string, args: readonly string[], cwd?: string): void {
  const { status, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    ...(cwd === undefined ? {} : { cwd }),
  });
  if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
