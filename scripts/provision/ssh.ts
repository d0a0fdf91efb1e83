/** A unit over the system's ssh: one connection, commands as the user or as root. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { whole } from '../../src/commands/arguments.ts';
import { checked } from './options.ts';
import type { Ended, RunOptions } from './programs.ts';
import { runProgram } from './programs.ts';
import { trustHostKey } from './ssh-host-key.ts';
import { quoted, SSH_FAILED, sshTrouble } from './ssh-words.ts';
import { missing, refusal } from './trouble.ts';
import type { ProvisionWorld } from './world.ts';

/** As the command line gives them. */
export interface SshOptions {
  /** `host` or `user@host`, also a name of the user's ssh configuration. */
  readonly host: string;
  readonly port?: number;
  readonly sshKey?: string;
  readonly knownHosts?: string;
  readonly hostKey?: string;
}

export function withSsh(command: Command): Command {
  return command
    .option('--port <n>', 'of the SSH server', checked(whole))
    .option('--ssh-key <file>', 'private key to log in with')
    .option('--known-hosts <file>', 'where host keys are kept')
    .option('--host-key <fingerprint>', 'SHA256:... of its host key, where nobody can be asked');
}

/** Becomes root in one of three ways. */
type Root =
  | { readonly kind: 'root' }
  | { readonly kind: 'sudo' }
  | { readonly kind: 'asked'; readonly secret: string };

export class SshHost {
  readonly name: string;
  readonly #args: readonly string[];
  readonly #folder: string;
  readonly #world: ProvisionWorld;
  #root: Root | null = null;

  private constructor(name: string, args: readonly string[], folder: string, w: ProvisionWorld) {
    this.name = name;
    this.#args = args;
    this.#folder = folder;
    this.#world = w;
  }

  /** Checks the host key, and logs in. @throws Trouble */
  static async connect(options: SshOptions, world: ProvisionWorld): Promise<SshHost> {
    const { host: name, port = null, hostKey, knownHosts, sshKey } = options;
    if (!/^[\w.@:%-]+$/.test(name) || name.startsWith('-')) {
      throw missing(`"${name}" is no host: write HOST or USER@HOST`);
    }
    const known = await trustHostKey(
      {
        host: name.replace(/^.*@/, ''),
        port,
        knownHosts: knownHosts ?? null,
        expected: hostKey ?? null,
      },
      world,
    );
    const folder = mkdtempSync(join(tmpdir(), 'embereye-ssh-'));
    const set = [
      ['StrictHostKeyChecking', 'yes'],
      ['UserKnownHostsFile', known],
      // ssh asks for a password itself, on the terminal; without one it must not wait.
      ['BatchMode', world.ask === undefined ? 'yes' : 'no'],
      ...[
        ['ConnectTimeout', '10'],
        ['ServerAliveInterval', '5'],
        ['ServerAliveCountMax', '3'],
      ],
      // One login for all that follows.
      ['ControlMaster', 'auto'],
      ['ControlPath', join(folder, 'c')],
      ['ControlPersist', '120'],
    ].flatMap(([key = '', value = '']) => ['-o', `${key}=${value}`]);
    const at = port === null ? [] : ['-p', String(port)];
    const key = sshKey === undefined ? [] : ['-i', resolve(world.cwd, sshKey)];
    const host = new SshHost(name, [...set, ...at, ...key], folder, world);
    await host.run('true').catch(async (error: unknown) => {
      await host.close();
      throw error;
    });
    return host;
  }

  /** One command as the user of the login. @throws Trouble where the connection fails. */
  async run(command: string, options: RunOptions = {}): Promise<Ended> {
    const args = [...this.#args, '--', this.name, `sh -c ${quoted(command)}`];
    const ended = await runProgram('ssh', args, this.#world, options);
    if (ended.code === SSH_FAILED) throw missing(sshTrouble(this.name, ended.err));
    return ended;
  }

  /** One command as root. @throws Trouble where the connection fails or nobody may become root. */
  async runAsRoot(command: string, options: RunOptions = {}): Promise<Ended> {
    this.#root ??= await this.#becomeRoot();
    const whole = `sh -c ${quoted(command)}`;
    if (this.#root.kind === 'root') return this.run(command, options);
    if (this.#root.kind === 'sudo') return this.run(`sudo -n ${whole}`, options);
    // sudo reads exactly one line, and leaves the rest of its input to the command.
    const first = `${this.#root.secret}\n`;
    const { input = '' } = options;
    const after = typeof input === 'string' ? `${first}${input}` : following(first, input);
    return this.run(`sudo -k -S -p '' ${whole}`, { ...options, input: after });
  }

  /** A raw connection through the unit to one of its own ports; what it answers. */
  async through(port: number, request: string, limitMs: number): Promise<Ended> {
    const args = [...this.#args, '-W', `127.0.0.1:${port}`, '--', this.name];
    return runProgram('ssh', args, this.#world, { input: request, limitMs });
  }

  async close(): Promise<void> {
    // Also after Ctrl-C: else the connection would stay open for its two minutes.
    const { environment } = this.#world;
    const args = [...this.#args, '-O', 'exit', '--', this.name];
    await runProgram('ssh', args, { environment, signal: new AbortController().signal });
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #becomeRoot(): Promise<Root> {
    const { out } = await this.run('id -u');
    if (out.trim() === '0') return { kind: 'root' };
    const plain = await this.run('sudo -k -n true');
    if (plain.code === 0) return { kind: 'sudo' };
    const advice =
      `log in as root, or give the user sudo on the unit: see docs/provisioning.md. It says: ` +
      plain.err.trim();
    if (/not found/.test(plain.err)) throw refusal(`there is no sudo on ${this.name}: ${advice}`);
    const secret = await this.#world.ask?.(`sudo password on ${this.name}: `, true);
    if (secret === undefined || secret === null || secret === '') {
      throw refusal(`nobody may become root on ${this.name}: ${advice}`);
    }
    const tried = await this.run(`sudo -k -S -p '' true`, { input: `${secret}\n` });
    if (tried.code === 0) return { kind: 'asked', secret };
    throw refusal(`sudo on ${this.name} refuses: wrong password, or the user is not in group sudo`);
  }
}

async function* following(first: string, rest: AsyncIterable<Uint8Array>) {
  yield Buffer.from(first);
  yield* rest;
}

/** Connects, works, and closes whatever happens. */
export async function withHost<T>(
  options: SshOptions,
  world: ProvisionWorld,
  work: (host: SshHost) => Promise<T>,
): Promise<T> {
  const host = await SshHost.connect(options, world);
  try {
    return await work(host);
  } finally {
    await host.close();
  }
}
