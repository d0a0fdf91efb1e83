import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { signCommand } from '../../src/uplink/command-sign.ts';
import { hasMosquitto, Mosquitto } from '../uplink/mosquitto.ts';
import { Listener, publish } from './field.ts';
import { Child, embereye, eventually } from './processes.ts';
import { Unit } from './unit.ts';

const ROOT = 'embereye/v1/unit';
const SECRET = 'a secret of more than thirty-two bytes, shared with the centre';

type Payload = Record<string, unknown>;

describe.skipIf(!hasMosquitto)('commands from people who mean no good', () => {
  const broker = new Mosquitto();
  let unit: Unit;
  let listener: Listener;
  let secretFile = '';

  beforeAll(async () => {
    await broker.start();
    listener = await Listener.start(broker.port);
    secretFile = broker.write('centre.secret', SECRET);
    const tokenFile = broker.write('viewer.token', 'the word of the viewer');
    unit = await Unit.prepare({
      uplink: {
        brokers: [{ id: 'central', url: `mqtt://127.0.0.1:${broker.port}` }],
        commands: {
          require: 'token',
          keys: [
            { id: 'centre', level: 'installer', algorithm: 'hmacSha256', secretFile },
            { id: 'viewer', level: 'viewer', algorithm: 'token', tokenFile },
          ],
        },
      },
    });
    await unit.start();
    await listener.on('/status');
  }, 60_000);
  afterAll(async () => {
    await listener.end();
    await unit.remove();
    await broker.remove();
  });

  const answers = () =>
    listener
      .heard()
      .filter(({ topic }) => topic.endsWith('/response'))
      .map((h) => h.payload);
  /** Sends bytes as they are. */
  const raw = async (name: string, bytes: string | Buffer): Promise<Payload> => {
    const before = answers().length;
    const file = join(broker.folder, 'payload');
    writeFileSync(file, bytes);
    const topic = `${ROOT}/command/${name}`;
    const args = ['-p', String(broker.port), '-t', topic, '-q', '1', '-f', file];
    expect((await new Child('mosquitto_pub', args).ended).code).toBe(0);
    await eventually('an answer', () => answers().length > before);
    return answers()[before] ?? {};
  };
  const signed = (name: string, fields: object, root = ROOT): string => {
    const command = JSON.stringify(fields);
    const what = { root, name, keyId: 'centre', command };
    return JSON.stringify({
      ...{ keyId: 'centre', command },
      signature: signCommand(what, Buffer.from(SECRET)),
    });
  };

  it.each([
    ['unsigned', '{"requestId":"a"}', 'notPermitted', 'a token or a signature'],
    ['oversized', `{"requestId":"${'x'.repeat(5000)}"}`, 'badArgument', 'at most 4096'],
    ['no UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), 'badArgument', 'UTF-8'],
    ['no JSON', 'reset please', 'badArgument', 'not JSON'],
    ['deep', `{"zone":${'['.repeat(1000)}${']'.repeat(1000)}}`, 'badArgument', 'deeper'],
    ['a field twice', '{"zone":"a","zone":"b"}', 'badArgument', 'twice'],
    ['an unknown field', '{"zoen":"a"}', 'badArgument', 'zoen'],
    [
      'a wrong signature',
      '{"keyId":"centre","signature":"AAAAAAAAAAAAAAAAAAAAAAAAAAAA","command":"{\\"requestId\\":\\"b\\",\\"counter\\":1}"}',
      'notPermitted',
      'do not belong together',
    ],
    [
      'of another unit',
      signed('silence', { requestId: 'c', counter: 1 }, 'embereye/v1/other'),
      'notPermitted',
      'do not belong together',
    ],
    [
      'a wrong word',
      '{"requestId":"d","keyId":"viewer","token":"guessed"}',
      'notPermitted',
      'do not belong together',
    ],
    [
      'a viewer',
      '{"requestId":"e","keyId":"viewer","token":"the word of the viewer"}',
      'notPermitted',
      'needs access level operator',
    ],
  ])('%s: refused with its reason', async (_, bytes, error, word) => {
    const answer = await raw('silence', bytes);
    expect(answer).toMatchObject({ ok: false, error });
    expect(answer['detail']).toContain(word);
  });

  it('a viewer may ask for a whole state, and it comes', async () => {
    const states = () => listener.heard().filter(({ topic }) => topic.endsWith('/state')).length;
    const before = states();
    const body = { requestId: 's', keyId: 'viewer', token: 'the word of the viewer' };
    expect(await raw('snapshot', JSON.stringify(body))).toMatchObject({ ok: true });
    await eventually('a state', () => states() > before);
    await listener.event('operator', ({ type }) => type === 'snapshotRequested');
  });

  it('the command line signs one that is taken, once', async () => {
    const args = ['--root', ROOT, '--key-id', 'centre', '--secret', secretFile, '--counter', '10'];
    const made = await embereye(['command', 'sign', 'silence', ...args]);
    expect(made).toMatchObject({ code: 0, err: '' });
    const first = await raw('silence', made.out);
    expect(first).toMatchObject({ ok: true });
    expect(await raw('silence', made.out)).toEqual(first);
    const silenced = listener.events('operator').filter(({ type }) => type === 'silenced');
    expect(silenced).toHaveLength(1);
    expect(silenced[0]?.['data']).toMatchObject({ origin: 'mqtt:unnamed(centre)' });
  });

  it('recorded ones are not carried out again, not after kill -9 either', async () => {
    const old = signed('sound', { requestId: 'o', counter: 20 });
    const first = await raw('sound', old);
    expect(await raw('silence', signed('silence', { requestId: 'p', counter: 21 }))).toMatchObject({
      ok: true,
    });
    await unit.end('SIGKILL');
    await unit.start();
    await listener.on('/status');
    await eventually('connected', async () => {
      const metrics = await unit.metrics();
      return [...metrics].some(
        ([name, n]) => name.startsWith('embereye_uplink_connected') && n === 1,
      );
    });
    expect(await raw('sound', old)).toEqual(first);
    const other = signed('sound', { requestId: 'q', counter: 20 });
    expect(await raw('sound', other)).toMatchObject({ ok: false, error: 'stale' });
    const contrary = signed('silence', { requestId: 'o', counter: 22 });
    expect(await raw('silence', contrary)).toMatchObject({ ok: false, error: 'badArgument' });
  });

  it('a flood is refused, does not fill the journal, and ends', async () => {
    const before = listener.events('operator').length;
    const lines = Array.from({ length: 600 }, (_, i) => `{"requestId":"f-${i}"}`).join('\n');
    const file = join(broker.folder, 'flood');
    writeFileSync(file, `${lines}\n`);
    const pub = `mosquitto_pub -p ${broker.port} -t ${ROOT}/command/reset -q 1 -l < ${file}`;
    expect((await new Child('sh', ['-c', pub]).ended).code).toBe(0);
    const health = await unit.page('/health');
    expect(health?.status).toBe(200);
    await eventually('commands are taken again', async () => {
      const body = signed('silence', { requestId: `g-${Date.now()}`, counter: Date.now() });
      await publish(broker.port, `${ROOT}/command/silence`, body);
      return answers().some(
        ({ requestId, ok }) => String(requestId).startsWith('g-') && ok === true,
      );
    });
    const refused = listener.events('operator').slice(before);
    expect(refused.filter(({ type }) => type === 'commandRefused').length).toBeLessThan(15);
  });
});
