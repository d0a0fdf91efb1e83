/**
 * An OpenSSH server of a test: unprivileged port, own keys, and commands that land in a folder
 * which plays the unit: its /etc and /var/tmp, and small stand-ins for what changes a system.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { buildEntry } from '../../scripts/build.mjs';
import { PROJECT_ROOT } from '../e2e/processes.ts';
import { folderBesidePackages } from '../run-folder.ts';
import { freePort } from '../uplink/tcp-proxy.ts';

const SSHD = ['/usr/sbin/sshd', '/usr/local/sbin/sshd'].find((file) => existsSync(file));
const hasClient = spawnSync('ssh', ['-V']).error === undefined;
export const hasSsh = SSHD !== undefined && hasClient;

/** The script of an `embereye` that knows `identity` only, with the unit's folder for it. */
export async function identityProgram(unit: string): Promise<string> {
  const outdir = folderBesidePackages(PROJECT_ROOT, 'identity-');
  const file = await buildEntry('test/provision/identity-program.ts', { outdir });
  return `exec ${process.execPath} ${file} "$@" --folder ${join(unit, 'etc/embereye/identity')}`;
}

/** Paths of the product that lie below the unit's folder here. */
const MAPPED = ['/etc/embereye', '/var/tmp', '/run/embereye', '/usr/bin/embereye'];

export class FakeUnit {
  readonly folder = mkdtempSync(join(tmpdir(), 'embereye-unit-'));
  #server: ChildProcess | null = null;
  #said = '';
  port = 0;

  at(...names: string[]): string {
    return join(this.folder, ...names);
  }

  write(name: string, text: string, mode = 0o644): string {
    mkdirSync(join(this.at(name), '..'), { recursive: true });
    writeFileSync(this.at(name), text);
    chmodSync(this.at(name), mode);
    return this.at(name);
  }

  read(name: string): string {
    return readFileSync(this.at(name), 'utf8');
  }

  /** A program of the unit; `text` is a POSIX shell script without its first line. */
  program(name: string, text: string): void {
    this.write(`bin/${name}`, `#!/bin/sh\n${text}\n`, 0o755);
  }

  get hostKeyFingerprint(): string {
    const args = ['-lf', this.at('host.pub')];
    return spawnSync('ssh-keygen', args, { encoding: 'utf8' }).stdout.split(' ')[1] ?? '';
  }

  get clientKey(): string {
    return this.at('client');
  }

  get user(): string {
    return userInfo().username;
  }

  async start(): Promise<void> {
    for (const name of ['etc/embereye', 'var/tmp', 'run/embereye', 'bin']) {
      mkdirSync(this.at(name), { recursive: true });
    }
    // sshd of root refuses to start without its empty folder, which Debian's service makes.
    if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
    this.newHostKey();
    const made = ['-q', '-t', 'ed25519', '-N', '', '-f', this.clientKey];
    spawnSync('ssh-keygen', made);
    const wrapper = this.write('wrapper', this.#wrapper(), 0o755);
    // Scripts on standard input are rewritten too: nothing may reach the machine's own /etc.
    this.program('sh', `[ $# -gt 0 ] && exec /bin/sh "$@"\nsed ${this.#rules()} | /bin/sh`);
    this.port = await freePort();
    this.write(
      'sshd_config',
      [
        `ListenAddress 127.0.0.1:${this.port}`,
        `HostKey ${this.at('host')}`,
        `AuthorizedKeysFile ${this.clientKey}.pub`,
        `ForceCommand ${wrapper}`,
        `PidFile ${this.at('pid')}`,
        'StrictModes no\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no',
        'PermitRootLogin prohibit-password\nUseDNS no\nAllowTcpForwarding yes',
      ].join('\n'),
    );
    await this.#listen();
  }

  newHostKey(): void {
    rmSync(this.at('host'), { force: true });
    rmSync(this.at('host.pub'), { force: true });
    spawnSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', this.at('host')]);
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.#listen();
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null || server.exitCode !== null) return;
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGTERM');
    await ended;
  }

  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #rules(): string {
    return MAPPED.map((path) => `-e 's#${path}#${this.folder}${path}#g'`).join(' ');
  }

  /** Commands of one login are rewritten to the unit's folder, and remembered. */
  #wrapper(): string {
    return [
      '#!/bin/sh',
      `PATH=${this.at('bin')}:$PATH; export PATH`,
      `UNIT=${this.folder}; export UNIT`,
      `printf '%s\\n' "$SSH_ORIGINAL_COMMAND" >> ${this.at('commands')}`,
      `exec sh -c "$(printf '%s' "$SSH_ORIGINAL_COMMAND" | sed ${this.#rules()})"`,
      '',
    ].join('\n');
  }

  async #listen(): Promise<void> {
    const server = spawn(SSHD ?? '', ['-D', '-e', '-f', this.at('sshd_config')], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#server = server;
    server.stderr.on('data', (text: Buffer) => (this.#said += text.toString()));
    for (let tries = 0; tries < 400; tries++) {
      if (server.exitCode !== null) throw new Error(`sshd ended: ${this.#said}`);
      if (await answers(this.port)) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`sshd does not answer: ${this.#said}`);
  }
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
