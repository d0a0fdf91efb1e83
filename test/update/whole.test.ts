import { generateKeyPairSync } from 'node:crypto';
import { basename } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { takeRequest } from '../../src/update/request.ts';
import { resume } from '../../src/update/resume.ts';
import { putOnTrial } from '../../src/update/updater.ts';
import { signCommand } from '../../src/uplink/command-sign.ts';
import { Child, eventually } from '../e2e/processes.ts';
import { Listener, publish } from '../e2e/field.ts';
import { freePort } from '../uplink/tcp-proxy.ts';
import { hasMosquitto, Mosquitto } from '../uplink/mosquitto.ts';
import { Machine } from './machine.ts';
import { TERMS } from './site.ts';

type Payload = Record<string, unknown>;

const FIRST = '1.0.0';
const ROOT = 'embereye/v1/unit';

describe.skipIf(!hasMosquitto)('the whole path of an update (mosquitto is installed)', () => {
  const machine = new Machine(FIRST);
  const broker = new Mosquitto();
  const pair = generateKeyPairSync('ed25519');
  let listener: Listener;
  const terms = { ...TERMS, steadyMs: 1500, probationMs: 60_000 };

  beforeAll(async () => {
    await broker.start();
    listener = await Listener.start(broker.port);
    const publicKey = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const publicKeyFile = broker.write('centre.pem', publicKey);
    const keys = [{ id: 'centre', level: 'installer', algorithm: 'ed25519', publicKeyFile }];
    machine.configure({
      ingest: { enabled: false },
      http: { host: '127.0.0.1', port: await freePort() },
      uplink: {
        brokers: [{ id: 'central', url: `mqtt://127.0.0.1:${broker.port}` }],
        commands: { require: 'signature', keys },
      },
    });
    machine.start();
    await runs(FIRST);
  }, 60_000);
  afterAll(async () => {
    await listener.end();
    await machine.remove();
    await broker.remove();
  });

  /** Waits until a version answers and is connected. */
  const runs = (version: string): Promise<true> =>
    eventually(
      () => `${version} runs: ${machine.said.slice(-8).join('')}`,
      async () => {
        const looked = await machine.world().look();
        if (looked.kind !== 'seen') return null;
        const { unit } = looked.sight;
        return unit.version === version && unit.brokers[0]?.connected === true;
      },
      60_000,
    );

  const told = (phase: string, version: string): Promise<Payload> =>
    listener
      .event('system', ({ type, data }) => {
        const { phase: is, version: of } = data as Payload;
        return type === 'update' && is === phase && of === version;
      })
      .then(({ data }) => data as Payload);

  async function update(version: string, flaw: Parameters<Machine['release']>[1], ms: number) {
    const from = machine.release(version, flaw);
    const order = { from, origin: 'cli:test', requestId: `r-${version}`, isTold: false };
    await putOnTrial({ ...order, allowDowngrade: false }, terms, machine.world());
    return resume({ ...terms, probationMs: ms }, machine.world());
  }

  it('asked for by a central server, fetched, proven: a newer release stays', async () => {
    const server = await machine.serve();
    const url = `${server}/${basename(machine.release('1.1.0', 'none'))}`;
    const fields = { requestId: 'r-1', counter: 1, url, version: '1.1.0', percentage: 100 };
    const command = JSON.stringify(fields);
    const signed = { root: ROOT, name: 'update', keyId: 'centre', command };
    const signature = signCommand(signed, pair.privateKey);
    const payload = JSON.stringify({ keyId: 'centre', signature, command });
    await publish(broker.port, `${ROOT}/command/update`, payload);
    const answer = await listener.on('/response', (heard) => heard.payload['requestId'] === 'r-1');
    expect(answer.payload).toMatchObject({ ok: true });
    // What the path unit and the service do.
    const request = await eventually('the request', () => takeRequest(machine.runDirectory));
    expect(request).toMatchObject({ url, version: '1.1.0', origin: 'mqtt:unnamed(centre)' });
    const order = { ...request, from: request.url, wanted: request.version, isTold: true };
    await putOnTrial({ ...order, allowDowngrade: false }, terms, machine.world());
    expect(await resume(terms, machine.world())).toBe('confirmed');
    await runs('1.1.0');
    const requested = await told('requested', '1.1.0');
    expect(requested).toMatchObject({ requestId: 'r-1', fromVersion: FIRST });
    expect(await told('started', '1.1.0')).toMatchObject({ slot: 'a' });
    expect(await told('confirmed', '1.1.0')).toMatchObject({ fromVersion: FIRST });
    await machine.restart();
    await runs('1.1.0');
  }, 90_000);

  it('one that throws at its start: the launcher goes back, and its reason is told', async () => {
    expect(await update('1.2.0', 'throws', 60_000)).toBe('rolledBack');
    await runs('1.1.0');
    const { reason } = await told('rolledBack', '1.2.0');
    expect(reason).toBe('it was started 3 times within its probation and did not pass');
    await eventually('the fault stands', async () => {
      const looked = await machine.world().look();
      return looked.kind === 'seen' && JSON.stringify(looked.sight.look.view).includes('1.2.0: ');
    });
  }, 90_000);

  it('one that hangs is rolled back when its time is over', async () => {
    expect(await update('1.3.0', 'hangs', 4000)).toBe('rolledBack');
    await runs('1.1.0');
    const { reason } = await told('rolledBack', '1.3.0');
    expect(reason).toBe('nobody answers at its control socket');
  }, 90_000);

  it('one that loses its broker is rolled back, and the broker hears why', async () => {
    expect(await update('1.4.0', { losesPort: broker.port }, 15_000)).toBe('rolledBack');
    await runs('1.1.0');
    const { reason } = await told('rolledBack', '1.4.0');
    expect(reason).toContain('broker central is not connected');
  }, 90_000);

  it('each is told once, through every restart and a kill', async () => {
    await machine.stop('SIGKILL');
    machine.start();
    await runs('1.1.0');
    await told('rolledBack', '1.4.0');
    const events = listener.events('system').filter(({ type }) => type === 'update');
    const ids = events.map(({ data }) => (data as Payload)['update']);
    expect(new Set(ids).size).toBe(ids.length);
    const phases = events.map(({ data }) => (data as Payload)['phase']);
    expect(phases).toEqual([
      ...['requested', 'started', 'confirmed', 'requested', 'started', 'rolledBack'],
      ...['requested', 'started', 'rolledBack', 'requested', 'started', 'rolledBack'],
    ]);
  }, 60_000);

  it('the command line of the package tells of it, and asks whether it may disturb', async () => {
    const script = `${machine.root}/opt/embereye/bin/embereye`;
    const environment = { EMBEREYE_ROOT: machine.root };
    const cli = async (...args: string[]): Promise<Child> => {
      const child = new Child(
        'sh',
        [script, 'update', '--root', machine.root, ...args],
        environment,
      );
      await child.ended;
      return child;
    };
    const { out } = await cli('--status');
    expect(out).toContain('in use: 1.1.0, of slot a');
    expect(out).toContain('rolled back: 1.4.0: broker central is not connected');
    const run = ['--run-directory', machine.runDirectory];
    const may = await cli('--may-restart', ...run);
    expect([may.out, (await may.ended).code]).toEqual(['the appliance may be disturbed\n', 0]);
    const nobody = await cli('--may-restart', '--run-directory', `${machine.root}/nobody`);
    expect((await nobody.ended).code, 'nobody answers: not a yes').toBe(4);
  }, 60_000);
});
