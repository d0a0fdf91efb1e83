/** The central side on this machine: a broker that takes clients with certificates only. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort, own, until } from '../../bench/kill/children.ts';
import { connect } from 'node:net';
import { userInfo } from 'node:os';

const run = promisify(execFile);
/** The loopback of this machine, as a guest of QEMU's user network reaches it. */
export const HOST_IN_GUEST = '10.0.2.2';

/** PEM files: who signed, and who one is. */
export interface Credentials {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export interface Heard {
  readonly topic: string;
  readonly body: Readonly<Record<string, unknown>>;
}

export class Central {
  readonly port: number;
  readonly heard: Heard[] = [];
  readonly #client: Credentials;
  readonly #broker: ChildProcess;
  #listener: ChildProcess | null = null;
  #text = '';

  private constructor(port: number, client: Credentials, broker: ChildProcess) {
    this.port = port;
    this.#client = client;
    this.#broker = broker;
  }

  /**
   * @param server of the broker, valid for `HOST_IN_GUEST`.
   * @param client of whoever listens and commands here.
   */
  static async open(folder: string, server: Credentials, client: Credentials): Promise<Central> {
    const port = await freePort();
    const file = join(folder, 'mosquitto.conf');
    const lines = [
      `listener ${port} 127.0.0.1`,
      `user ${userInfo().username}`,
      `cafile ${server.caFile}`,
      `certfile ${server.certFile}`,
      `keyfile ${server.keyFile}`,
      'require_certificate true',
      'use_identity_as_username true',
      'allow_anonymous false',
      'persistence true',
      `persistence_location ${folder}/`,
      'max_queued_messages 0',
    ];
    writeFileSync(file, `${lines.join('\n')}\n`);
    const broker = own(spawn('/usr/sbin/mosquitto', ['-c', file], { stdio: 'ignore' }));
    const central = new Central(port, client, broker);
    await until('the broker answers', () => answers(port), 20_000);
    central.#listen();
    return central;
  }

  /** What came on `<root>/<topic>`, oldest first. */
  on(root: string, topic: string): readonly Heard['body'][] {
    return this.heard.filter((one) => one.topic === `${root}/${topic}`).map(({ body }) => body);
  }

  /** @throws Error when the broker refuses */
  async publish(topic: string, payload: string): Promise<void> {
    await run('mosquitto_pub', [...this.#words, '-q', '1', '-t', topic, '-m', payload]);
  }

  /** The broker stops to answer, and keeps its connections. */
  stall(): void {
    this.#broker.kill('SIGSTOP');
  }

  goOn(): void {
    this.#broker.kill('SIGCONT');
  }

  /** Ends the broker without a word: for a moment nobody answers. */
  close(): void {
    this.#listener?.kill('SIGKILL');
    this.#broker.kill('SIGKILL');
  }

  #listen(): void {
    const session = ['-V', '5', '-i', 'central', '-q', '1', '-t', '#', '-F', '%t %p'];
    const child = spawn('stdbuf', ['-oL', 'mosquitto_sub', ...this.#words, ...session], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#listener = own(child);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const lines = (this.#text + text).split('\n');
      this.#text = lines.pop() ?? '';
      for (const line of lines) this.#take(line);
    });
  }

  #take(line: string): void {
    const space = line.indexOf(' ');
    const text = line.slice(space + 1);
    if (space < 0 || !text.startsWith('{')) return;
    const body = JSON.parse(text) as Heard['body'];
    this.heard.push({ topic: line.slice(0, space), body });
  }

  get #words(): readonly string[] {
    const { caFile, certFile, keyFile } = this.#client;
    // The certificate is that of the name in the guest's network.
    const tls = ['--cafile', caFile, '--cert', certFile, '--key', keyFile, '--insecure'];
    return ['-h', '127.0.0.1', '-p', String(this.port), ...tls];
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
