import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVENT_EXAMPLES } from '../../scripts/contract-events.ts';
import { CONTRACT } from '../../scripts/contract-table.ts';
import { LANES } from '../../src/domain/event.ts';
import { Listener, publish, RawBoard } from '../e2e/field.ts';
import { embereye, eventually } from '../e2e/processes.ts';
import { RESET_BUTTON, Unit } from '../e2e/unit.ts';
import { hasMosquitto, Mosquitto } from '../uplink/mosquitto.ts';
import { channelOf, Validators } from './validators.ts';

const ROOT = 'embereye/v1/unit';
const SILENCE_NOTICED_WITHIN_MS = 90_000;
/** Everything but one sensor's readings: the broker refuses these, which makes a gap. */
const RULES = `topic deny ${ROOT}/telemetry/b\ntopic readwrite #\n`;

describe.skipIf(!hasMosquitto)('every message of a real appliance fits the contract', () => {
  const broker = new Mosquitto(['allow_anonymous true', 'acl_file %d/rules']);
  const validators = new Validators();
  const boards: RawBoard[] = [];
  let unit: Unit;
  let listener: Listener;

  const command = (name: string, payload: object, options: readonly string[] = []) =>
    publish(broker.port, `${ROOT}/command/${name}`, JSON.stringify(payload), options);
  const answered = (requestId: string) =>
    listener.on('/response', ({ payload }) => payload['requestId'] === requestId);
  const type = (wanted: string) => (event: Record<string, unknown>) => event['type'] === wanted;
  const atMachine = async (...args: string[]) => {
    const { code, err } = await embereye([...args, '--run-directory', unit.runFolder]);
    expect(code, `${args.join(' ')}: ${err}`).toBe(0);
  };

  beforeAll(async () => {
    broker.write('rules', RULES);
    await broker.start();
    listener = await Listener.start(broker.port);
    unit = await Unit.prepare();
    unit.configure({
      state: {
        directory: unit.stateFolder,
        runDirectory: unit.runFolder,
        telemetrySeconds: 1,
      },
      panel: { delays: { siren: { seconds: 2 } } },
      uplink: {
        brokers: [{ id: 'central', url: `mqtt://127.0.0.1:${broker.port}` }],
        acknowledgement: { withinSeconds: 60 },
      },
    });
    await unit.start();
    boards.push(await RawBoard.connect(unit.boardPort, 'A'));
    boards.push(await RawBoard.connect(unit.boardPort, 'B'));
  }, 90_000);
  afterAll(async () => {
    for (const board of boards) board.close();
    await listener.end();
    await unit.remove();
    await broker.remove();
  });

  it('lives through an alarm, commands, faults, a new board and a refused topic', async () => {
    const [a, b] = boards;
    a?.clean();
    b?.clean();
    await listener.on('/telemetry/a');
    a?.smoke();
    await listener.event('alarm', type('alarm'));
    for (const name of ['acknowledge', 'silence', 'reset']) {
      await command(name, { requestId: `${name}-1` });
      await answered(`${name}-1`);
    }
    await command('acknowledge', { zone: 'nowhere', requestId: 'wrong-1' }, ['-V', '5']);
    await answered('wrong-1');
    const id = listener.events('alarm').find(type('alarm'))?.['id'];
    await publish(broker.port, `${ROOT}/ack`, JSON.stringify({ ids: [id], by: 'centre' }));
    await listener.event('operator', type('centrallyConfirmed'));
    a?.clean();
    await eventually('clean air', async () => {
      unit.press(RESET_BUTTON, true);
      await new Promise((resolve) => setTimeout(resolve, 200));
      unit.press(RESET_BUTTON, false);
      const state = listener
        .heard()
        .filter(({ topic }) => topic.endsWith('/state'))
        .at(-1);
      return state?.payload['condition'] !== 'alarm';
    });
    boards.push(await RawBoard.connect(unit.boardPort, 'UNKNOWN-7'));
    boards[2]?.clean();
    await listener.event('system', type('sensorAppeared'));
    b?.close();
    await listener.event('fault', type('faultRaised'), SILENCE_NOTICED_WITHIN_MS);
    await listener.on('/gap');
  }, 120_000);

  it('lives through what an installer does at the machine', async () => {
    await atMachine('disable', 'zone', 'a', '--for', '60s');
    await atMachine('enable', 'zone', 'a');
    await atMachine('disable', 'sensor', 'a', '--for', '60s');
    await atMachine('enable', 'sensor', 'a');
    await atMachine('disable', 'output', 'siren', '--for', '60s');
    await atMachine('enable', 'output', 'siren');
    await atMachine('maintenance', '--for', '60s');
    await atMachine('maintenance', '--end');
    await atMachine('test', 'zone', 'a', '--for', '60s');
    await atMachine('enable', 'zone', 'a');
    await listener.event('operator', type('testEnded'));
  });

  it('starts a second time', async () => {
    expect((await unit.end()).code).toBe(0);
    await listener.event('system', type('stopped'));
    await unit.start();
    await eventually('a second birth', () => {
      const births = listener.heard().filter(({ payload }) => payload['status'] === 'online');
      return new Set(births.map(({ payload }) => payload['bootId'])).size === 2;
    });
    await unit.end('SIGKILL');
    await listener.on('/status', ({ payload }) => payload['reason'] === 'connection lost');
  });

  it('said nothing that is not in the contract', () => {
    const heard = listener.heard().filter(({ topic }) => !topic.includes('probe'));
    const sent = heard.filter(({ topic }) => !topic.endsWith('/ack'));
    expect(sent.length).toBeGreaterThan(50);
    const problems = sent.flatMap(({ topic, payload }) => {
      const channel = channelOf(ROOT, topic);
      if (channel === null) return [`${topic} is no topic of the contract`];
      return validators.problems(channel.name, payload).map((one) => `${topic}: ${one}`);
    });
    expect(problems.slice(0, 20)).toEqual([]);
  });

  it('said something on every lane and topic, and much of the vocabulary', () => {
    const names = new Set(listener.heard().map(({ topic }) => channelOf(ROOT, topic)?.name));
    const silent = CONTRACT.filter(({ action, name }) => action === 'send' && !names.has(name));
    expect(silent.map(({ name }) => name)).toEqual([]);
    const types = new Set(LANES.flatMap((lane) => listener.events(lane).map((e) => e['type'])));
    const all = Object.keys(EVENT_EXAMPLES);
    console.log(`event types seen: ${[...types].join(', ')} (${types.size} of ${all.length})`);
    expect(all.filter((one) => types.has(one)).length).toBeGreaterThanOrEqual(24);
  });
});
