/** A PostgreSQL of its own: in a temporary folder, on a Unix socket and a port, nobody else's. */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Client, type QueryResultRow } from 'pg';
import { freePort } from '../uplink/tcp-proxy.ts';

const DEBIAN = '/usr/lib/postgresql';

/** The folder with initdb and pg_ctl; null where PostgreSQL is not installed. */
function programs(): string | null {
  if (!existsSync(DEBIAN)) return null;
  const folders = readdirSync(DEBIAN)
    .sort((a, b) => Number(b) - Number(a))
    .map((version) => path.join(DEBIAN, version, 'bin'));
  return folders.find((folder) => existsSync(path.join(folder, 'initdb'))) ?? null;
}

export const hasPostgres = programs() !== null;

/** PostgreSQL refuses root: it runs as its own user, or as nobody. */
function otherUser(): { readonly name: string; readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find((line) => line.startsWith(`${name}:`))?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { name, uid: Number(uid), gid: Number(gid) };
  }
  throw new Error('PostgreSQL does not run as root, and there is neither postgres nor nobody');
}

export class Postgres {
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'embereye-postgres-'));
  readonly #user = otherUser();
  readonly #bin = programs() ?? '';
  #port = 0;

  get url(): string {
    return `postgres://central@127.0.0.1:${this.#port}/postgres`;
  }

  async start(): Promise<void> {
    if (this.#user !== null) chownSync(this.#folder, this.#user.uid, this.#user.gid);
    chmodSync(this.#folder, 0o700);
    this.#run('initdb', ['-D', this.#data, '-U', 'central', '-A', 'trust', '-E', 'UTF8', '-N']);
    this.#port = await freePort();
    this.startAgain();
  }

  /** With the same port and data. */
  startAgain(): void {
    const listen = `-c listen_addresses=127.0.0.1 -p ${this.#port} -k ${this.#folder}`;
    const limits = '-c max_connections=60 -c shared_buffers=64MB';
    const log = path.join(this.#folder, 'log');
    this.#run('pg_ctl', ['-D', this.#data, '-w', '-l', log, '-o', `${listen} ${limits}`, 'start']);
  }

  /** At once, as a crash: what was committed is found again at the next start. */
  crash(): void {
    this.#run('pg_ctl', ['-D', this.#data, '-w', '-m', 'immediate', 'stop']);
  }

  remove(): void {
    if (existsSync(path.join(this.#data, 'postmaster.pid'))) this.crash();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** One statement on a connection of its own. */
  async query<T extends QueryResultRow>(text: string, values: unknown[] = []): Promise<T[]> {
    const client = new Client({ connectionString: this.url });
    await client.connect();
    try {
      return (await client.query<T>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  get #data(): string {
    return path.join(this.#folder, 'data');
  }

  #run(program: string, args: readonly string[]): void {
    const file = path.join(this.#bin, program);
    const [command = '', ...words] =
      this.#user === null ? [file] : ['runuser', '-u', this.#user.name, '--', file];
    // The server inherits the output of pg_ctl: it must not be a pipe that is waited for.
    const { status, stderr } = spawnSync(command, [...words, ...args], {
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', program === 'initdb' ? 'pipe' : 'ignore'],
      encoding: 'utf8',
    });
    if (status !== 0) throw new Error(`${program} failed: ${stderr} ${this.#log()}`);
  }

  #log(): string {
    const file = path.join(this.#folder, 'log');
    return existsSync(file) ? readFileSync(file, 'utf8').slice(-2000) : 'no log';
  }
}
