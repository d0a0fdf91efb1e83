import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildEntry } from '../../scripts/build.mjs';
import { LANES } from '../../src/domain/event.ts';
import { Consumer, setUpCentral } from '../fleet/consumers.ts';
import { Cleanup, end, programOf, until } from '../fleet/tools.ts';
import { freePort } from '../uplink/tcp-proxy.ts';
import { link, Unit } from '../uplink/unit.ts';
import { event } from './events.ts';
import { hasPostgres, Postgres } from './postgres.ts';

const server = programOf('nats-server');

describe.skipIf(server === null || !hasPostgres)('central with nats-server and PostgreSQL', () => {
  const cleanup = new Cleanup();
  const postgres = new Postgres();
  const folder = mkdtempSync(path.join(tmpdir(), 'embereye-nats-'));
  let mqttPort = 0;
  let args: string[] = [];
  let program = '';

  beforeAll(async () => {
    cleanup.add('folder', () => rmSync(folder, { recursive: true, force: true }));
    program = await buildEntry('central/main.ts');
    cleanup.add('postgres', () => postgres.remove());
    await postgres.start();
    const clientPort = await freePort();
    mqttPort = await freePort();
    const config = path.join(folder, 'nats.conf');
    writeFileSync(
      config,
      `server_name: n1
      listen: 127.0.0.1:${clientPort}
      jetstream { store_dir: "${folder}" }
      mqtt { listen: "127.0.0.1:${mqttPort}", stream_replicas: 1 }`,
    );
    const child: ChildProcess = spawn(server ?? '', ['-c', config], { stdio: 'ignore' });
    cleanup.add('nats-server', () => end(child, 'SIGKILL'));
    args = ['--url', `nats://127.0.0.1:${clientPort}`, '--database', postgres.url];
    args.push('--batch', '50', '--check-every-ms', '100');
  }, 60_000);
  afterAll(() => cleanup.run((line) => expect.fail(line)), 30_000);

  async function count(table: string): Promise<number> {
    const rows = await postgres.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${table}`);
    return rows[0]?.n ?? 0;
  }

  it('says what to do while the stream is not there, and makes the durable once it is', async () => {
    const options = { program, args, folder };
    expect(() => setUpCentral(options)).toThrow('connect an MQTT client once');
    const knock = link({ port: mqttPort });
    let open = false;
    knock.open({
      onState: ({ kind }) => (open ||= kind === 'connected'),
      onMessage: () => undefined,
      will: () => null,
    });
    await until('connected', 60_000, () => open);
    await knock.close(500);
    setUpCentral(options);
    setUpCentral(options);
  });

  it('two instances on one durable: every event stands once, also after kills', async () => {
    const options = { program, args, folder };
    const all = ['a', 'b'].map((name) => new Consumer(name, options, cleanup));
    for (const consumer of all) consumer.start();
    const events = LANES.flatMap((lane) =>
      Array.from({ length: 200 }, (_, i) => event('unit-1', lane, i + 1)),
    );
    const sender = new Unit(link({ port: mqttPort }), { backlogPerSecond: Infinity });
    sender.journal.append(events.slice(0, 500));
    sender.start();
    await until('some stored', 60_000, async () => (await count('event')) > 100);
    await all[0]?.killFor(100);
    sender.journal.append(events.slice(500));
    await until('all stored', 60_000, async () => (await count('event')) === events.length);
    const rows = await postgres.query<{ id: string }>('SELECT id::text FROM event');
    expect(rows.map(({ id }) => id).sort()).toEqual(events.map(({ id }) => id).sort());
    expect(await count('conflict')).toBe(0);
    for (const consumer of all) await consumer.stop();
  }, 90_000);
});
