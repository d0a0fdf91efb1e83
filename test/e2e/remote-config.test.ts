import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signCommand } from '../../src/uplink/command-sign.ts';
import { hasMosquitto, Mosquitto } from '../uplink/mosquitto.ts';
import { Listener, publish, RawBoard } from './field.ts';
import { embereye, eventually } from './processes.ts';
import { Unit } from './unit.ts';

const ROOT = 'embereye/v1/unit';
const KEY = 'centre';

type Payload = Record<string, unknown>;

/** An appliance whose configuration is changed by a central server that signs what it sends. */
class Site {
  readonly broker = new Mosquitto();
  readonly #pair = generateKeyPairSync('ed25519');
  #sent = 0;
  #counter = 0;
  #boards: RawBoard[] = [];
  unit!: Unit;
  listener!: Listener;

  async start(configure: object = {}): Promise<void> {
    await this.broker.start();
    this.listener = await Listener.start(this.broker.port);
    const publicKey = this.#pair.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    const publicKeyFile = this.broker.write('centre.pem', publicKey);
    this.unit = await Unit.prepare({
      uplink: {
        brokers: [{ id: 'central', url: `mqtt://127.0.0.1:${this.broker.port}` }],
        commands: {
          require: 'signature',
          keys: [{ id: KEY, level: 'installer', algorithm: 'ed25519', publicKeyFile }],
          configure: { enabled: true, probationSeconds: 12, steadySeconds: 1.5, ...configure },
        },
      },
    });
    await this.unit.start();
    await this.dialIn();
    await this.running(await this.fileHash());
  }

  async end(): Promise<void> {
    for (const board of this.#boards) board.close();
    await this.listener.end();
    await this.unit.remove();
    await this.broker.remove();
  }

  /** Boards that dial in again whenever the appliance is back, as real ones do. */
  async dialIn(): Promise<void> {
    for (const board of this.#boards) board.close();
    this.#boards = [];
    for (const serial of ['A', 'B']) {
      const board = await RawBoard.connect(this.unit.boardPort, serial);
      board.clean();
      this.#boards.push(board);
    }
  }

  smoke(): void {
    this.#boards[0]?.smoke();
  }

  /** Sends one and waits for its answer. */
  async give(name: string, fields: object, more: { sign?: boolean } = {}): Promise<Payload> {
    this.#sent += 1;
    const requestId = `r-${this.#sent}-${Math.random().toString(36).slice(2)}`;
    const payload = this.payload(name, { requestId, ...fields }, more.sign ?? true);
    await publish(this.broker.port, `${ROOT}/command/${name}`, payload);
    const { payload: answer } = await this.listener.on(
      '/response',
      (heard) => heard.payload['requestId'] === ((fields as Payload)['requestId'] ?? requestId),
    );
    return answer;
  }

  /** With a counter: the clock of the machine that tests may not be set by anybody. */
  payload(name: string, fields: object, sign = true): string {
    this.#counter += 1;
    const command = JSON.stringify({ counter: this.#counter, ...fields });
    if (!sign) return command;
    const signed = { root: ROOT, name, keyId: KEY, command };
    const signature = signCommand(signed, this.#pair.privateKey);
    return JSON.stringify({ keyId: KEY, signature, command });
  }

  text(): Record<string, unknown> {
    return JSON.parse(readFileSync(this.unit.configFile, 'utf8')) as Record<string, unknown>;
  }

  changed(more: Record<string, unknown>): string {
    return JSON.stringify({ ...this.text(), ...more });
  }

  async fileHash(): Promise<string> {
    const heard = await this.listener.on('/status', ({ payload }) => 'configHash' in payload);
    return String(heard.payload['configHash']);
  }

  /** Waits until the last status names that configuration. */
  async running(hash: string): Promise<void> {
    await eventually(
      () => `runs ${hash}: ${this.unit.said}`,
      () => {
        const statuses = this.listener.heard().filter(({ topic }) => topic.endsWith('/status'));
        const last = statuses.at(-1)?.payload;
        return last?.['status'] === 'online' && last['configHash'] === hash;
      },
    );
  }

  told(type: string, configHash: string): Promise<Payload> {
    return this.listener.event(
      'system',
      (event) => event['type'] === type && (event['data'] as Payload)['configHash'] === configHash,
    );
  }
}

const reportOf = (answer: Payload) => answer['report'] as { configHash: string; changes: string[] };

describe.skipIf(!hasMosquitto)('a configuration from afar', () => {
  const site = new Site();
  let fileHash = '';
  let keptHash = '';
  beforeAll(async () => {
    await site.start();
    fileHash = await site.fileHash();
  }, 60_000);
  afterAll(() => site.end());

  it('is promised in the birth, and refused unsigned', async () => {
    const { payload } = await site.listener.on('/status');
    expect(payload['capabilities']).toContain('configure');
    const answer = await site.give('configure', { text: '', baseHash: fileHash }, { sign: false });
    expect(answer).toMatchObject({ ok: false, error: 'notPermitted' });
  });

  it('is checked as check-config does, and compared, without doing anything', async () => {
    const broken = await site.give('configure', { text: 'zones: [{}]', baseHash: fileHash });
    expect(broken).toMatchObject({ ok: false, error: 'badArgument' });
    expect((broken['report'] as { problems: string[] }).problems[0]).toMatch(/^text:1: zones\[0\]/);
    const device = { device: { id: 'unit', name: 'Hall' } };
    const text = site.changed(device);
    const stale = await site.give('configure', { text, baseHash: '0123456789abcdef' });
    expect(stale).toMatchObject({ ok: false, error: 'stale' });
    const dry = await site.give('configure', { text, baseHash: fileHash, dryRun: true });
    expect(dry).toMatchObject({ ok: true });
    expect(reportOf(dry).changes).toEqual(['device.name: "EmberEye edge" -> "Hall"']);
    const other = site.changed({ device: { id: 'other' } });
    const refused = await site.give('configure', { text: other, baseHash: fileHash });
    expect(refused).toMatchObject({ ok: false, error: 'notPermitted' });
    expect(refused['detail']).toContain('device.id');
    await site.running(fileHash);
  });

  it('runs on probation, is kept when all is well, and stays through a restart', async () => {
    const text = site.changed({ device: { id: 'unit', name: 'Hall' } });
    const answer = await site.give('configure', { text, baseHash: fileHash });
    expect(answer).toMatchObject({ ok: true });
    keptHash = reportOf(answer).configHash;
    await site.running(keptHash);
    await site.dialIn();
    const applied = await site.told('configurationApplied', keptHash);
    expect(applied['data']).toMatchObject({
      from: fileHash,
      origin: `mqtt:unnamed(${KEY})`,
      changes: ['device.name: "EmberEye edge" -> "Hall"'],
    });
    await site.told('configurationKept', keptHash);
    await site.unit.end();
    await site.unit.start();
    await site.dialIn();
    await site.running(keptHash);
    const where = ['--state-directory', site.unit.stateFolder];
    const history = await embereye(['config', 'history', ...where]);
    expect(history.out).toMatch(new RegExp(`^\\* ${keptHash}  .* kept`));
    const shown = await embereye(['config', 'show', ...where]);
    expect(shown.out).toBe(`${text}\n`);
  });

  it('answers a request again, and does not carry it out again, also after a kill', async () => {
    const fields = { requestId: 'once', text: '', baseHash: keptHash };
    const first = await site.give('configure', fields);
    expect(first).toMatchObject({ ok: false });
    const heard = () =>
      site.listener.heard().filter(({ payload }) => payload['requestId'] === 'once');
    const silence = site.payload('silence', { requestId: 'twice' });
    const topic = `${ROOT}/command/silence`;
    const answers = () =>
      site.listener
        .heard()
        .filter((h) => h.topic.endsWith('/response') && h.payload['requestId'] === 'twice');
    await publish(site.broker.port, topic, silence);
    await eventually('the first answer', () => answers().length === 1);
    await site.unit.end('SIGKILL');
    await site.unit.start();
    await site.running(keptHash);
    await publish(site.broker.port, topic, silence);
    await eventually('the second answer', () => answers().length === 2);
    // Killed before its answer was on the disk, it is told from the journal, in other words.
    expect(answers()[1]?.payload).toMatchObject({ requestId: 'twice', ok: true });
    const silenced = site.listener.events('operator').filter(({ type }) => type === 'silenced');
    expect(silenced).toHaveLength(1);
    const other = site.payload('sound', { requestId: 'twice' });
    await publish(site.broker.port, `${ROOT}/command/sound`, other);
    await eventually('the third answer', () => answers().length === 3);
    expect(answers()[2]?.payload).toMatchObject({ ok: false, error: 'badArgument' });
    expect(heard().length).toBeGreaterThan(0);
    await site.dialIn();
  });

  it('that loses its broker is reverted by itself, and says why', async () => {
    const { uplink } = site.text() as { uplink: { brokers: object[] } };
    const lost = { ...uplink, brokers: [{ id: 'central', url: 'mqtt://127.0.0.1:9' }] };
    const text = site.changed({ uplink: lost });
    const answer = await site.give('configure', { text, baseHash: keptHash });
    expect(answer).toMatchObject({ ok: true });
    const { configHash } = reportOf(answer);
    const reverted = await site.told('configurationReverted', configHash);
    expect(reverted['data']).toMatchObject({ from: keptHash });
    expect((reverted['data'] as Payload)['reason']).toContain('broker central is not connected');
    await site.told('configurationApplied', configHash);
    await site.running(keptHash);
    await site.dialIn();
  }, 60_000);

  it('killed twice during its probation: the one before it runs again', async () => {
    const text = site.changed({ device: { id: 'unit', name: 'Killed' } });
    const answer = await site.give('configure', { text, baseHash: keptHash });
    const { configHash } = reportOf(answer);
    await site.running(configHash);
    await site.unit.end('SIGKILL');
    await site.unit.start();
    await site.running(configHash);
    await site.unit.end('SIGKILL');
    await site.unit.start();
    await site.running(keptHash);
    const { data } = await site.told('configurationReverted', configHash);
    expect((data as Payload)['reason']).toContain('stopped 2 times during its probation');
    await site.dialIn();
  }, 60_000);

  it('goes back by the command line, and the file counts once it is edited', async () => {
    const run = ['--run-directory', site.unit.runFolder];
    const wrong = await embereye(['config', 'rollback', '0000000000000000', ...run]);
    expect(wrong.code).toBe(1);
    expect(wrong.err).toContain('is not in the history');
    const back = await embereye(['config', 'rollback', fileHash, ...run]);
    expect(back).toMatchObject({ code: 0 });
    await site.running(fileHash);
    await site.dialIn();
    await site.told('configurationKept', fileHash);
    const forth = await embereye(['config', 'rollback', keptHash, ...run]);
    expect(forth).toMatchObject({ code: 0 });
    await site.running(keptHash);
    await site.dialIn();
    await eventually('kept again', () => {
      const events = site.listener.events('system');
      return (
        events.filter(
          ({ type, data }) =>
            type === 'configurationKept' && (data as Payload)['configHash'] === keptHash,
        ).length === 2
      );
    });
    writeFileSync(site.unit.configFile, site.changed({ logLevel: 'info' }));
    await site.unit.end();
    await site.unit.start();
    const { data } = await site.told('configurationReverted', keptHash);
    expect((data as Payload)['reason']).toContain('was changed on the appliance');
  }, 60_000);

  it('is not applied while a zone is in alarm, and the alarm stays latched', async () => {
    await site.dialIn();
    site.smoke();
    await site.unit.siren(true);
    const statuses = site.listener.heard().filter(({ topic }) => topic.endsWith('/status'));
    const baseHash = String(statuses.at(-1)?.payload['configHash']);
    const text = site.changed({ device: { id: 'unit', name: 'Now' } });
    const answer = await site.give('configure', { text, baseHash });
    expect(answer).toMatchObject({ ok: false, error: 'notApplicable' });
    expect(answer['detail']).toContain('zone a is in alarm');
    expect(existsSync(join(site.unit.stateFolder, 'configuration'))).toBe(true);
  });
});
