/** A real broker, a real database and real processes of `central/`, for one test file. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buildEntry } from '../../scripts/build.mjs';
import { Consumer, setUpCentral } from '../fleet/consumers.ts';
import { Cleanup } from '../fleet/tools.ts';
import { Mosquitto } from '../uplink/mosquitto.ts';
import { Postgres } from './postgres.ts';

const FAST = ['--batch', '50', '--batch-wait-ms', '10', '--check-every-ms', '100'];

export class CentralWorld {
  readonly cleanup = new Cleanup();
  readonly postgres = new Postgres();
  readonly broker: Mosquitto;
  readonly folder = mkdtempSync(path.join(tmpdir(), 'embereye-central-'));
  program = '';
  /** Of one test. */
  readonly #consumers = new Cleanup();

  /** @param lines of mosquitto.conf. */
  constructor(lines: readonly string[]) {
    this.broker = new Mosquitto(lines);
  }

  async start(): Promise<void> {
    this.cleanup.add('folder', () => rmSync(this.folder, { recursive: true, force: true }));
    this.program = await buildEntry('central/main.ts');
    this.cleanup.add('postgres', () => this.postgres.remove());
    await this.postgres.start();
    this.cleanup.add('mosquitto', () => this.broker.remove());
    await this.broker.start();
    setUpCentral({ program: this.program, args: this.args([]), folder: this.folder });
  }

  args(more: readonly string[]): string[] {
    const url = `mqtt://127.0.0.1:${this.broker.port}`;
    return ['--url', url, '--database', this.postgres.url, ...FAST, ...more];
  }

  /** A process that reads until the end of the test. */
  consumer(name: string, more: readonly string[] = []): Consumer {
    const options = { program: this.program, args: this.args(more), folder: this.folder };
    const consumer = new Consumer(name, options, this.#consumers);
    consumer.start();
    return consumer;
  }

  /** A run with `--once` from its start to its end. */
  once(name: string, more: readonly string[] = []): { code: number | null; said: string } {
    const args = [...this.args(more), '--name', name, '--once', '--idle-ms', '1000'];
    const { status, stderr } = spawnSync(process.execPath, [this.program, ...args], {
      encoding: 'utf8',
    });
    return { code: status, said: stderr };
  }

  async count(table: string, where = 'true'): Promise<number> {
    const text = `SELECT count(*)::int AS n FROM ${table} WHERE ${where}`;
    return (await this.postgres.query<{ n: number }>(text))[0]?.n ?? 0;
  }

  /** Nobody reads, and nothing is there that a test before this one stored. */
  async clear(): Promise<void> {
    await this.#consumers.run((line) => {
      throw new Error(line);
    });
    const tables = 'event, gap, telemetry, device, lane, missing, conflict, poison';
    await this.postgres.query(`TRUNCATE ${tables}`);
  }
}
