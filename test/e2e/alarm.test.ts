import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasMosquitto, Mosquitto } from '../uplink/mosquitto.ts';
import { type Heard, Listener, publish, RawBoard } from './field.ts';
import { Child, eventually } from './processes.ts';
import { RESET_BUTTON, SIREN, Unit } from './unit.ts';

const ROOT = 'embereye/v1/unit';

describe.skipIf(!hasMosquitto)('from a board to the siren and to the centre', () => {
  const broker = new Mosquitto();
  let unit: Unit;
  let listener: Listener;
  let board: RawBoard;

  beforeAll(async () => {
    await broker.start();
    listener = await Listener.start(broker.port);
    unit = await Unit.start({
      uplink: {
        brokers: [{ id: 'central', url: `mqtt://127.0.0.1:${broker.port}` }],
      },
    });
    board = await RawBoard.connect(unit.boardPort, 'A');
  }, 90_000);
  afterAll(async () => {
    board.close();
    await listener.end();
    await unit.remove();
    await broker.remove();
  });

  const state = async () => (await fresh()).payload;
  const fresh = async () => {
    const late = await Listener.start(broker.port, `${ROOT}/#`);
    const heard = await late.on(`${ROOT}/state`);
    await late.end();
    return heard;
  };
  const command = async (name: string, payload: object, options: readonly string[] = []) =>
    publish(broker.port, `${ROOT}/command/${name}`, JSON.stringify(payload), options);

  it('smoke on a board sounds the siren, and the event arrives with its explanation', async () => {
    board.clean();
    expect(unit.level(SIREN)).toBe(false);
    board.smoke();
    await unit.siren(true);
    const { data, seq } = await listener.event('alarm', ({ type }) => type === 'alarm');
    expect(seq).toBe(1);
    expect(data).toMatchObject({
      zone: 'a',
      explanation: { votes: [{ role: 'smoke' }] },
    });
  });

  it('status and state are retained: whoever comes late knows', async () => {
    const late = await Listener.start(broker.port, `${ROOT}/#`);
    const status = await late.on(`${ROOT}/status`);
    expect(status).toMatchObject({
      retain: true,
      payload: { status: 'online', connection: 1 },
    });
    const alarmed = ({ payload }: Heard) => payload['condition'] === 'alarm';
    const { payload } = await late.on(`${ROOT}/state`, alarmed);
    expect(payload).toMatchObject({
      zones: [{ id: 'a', condition: 'alarm' }, { id: 'b' }],
    });
    expect(payload).toMatchObject({ outputs: { siren: true } });
    const later = await Listener.start(broker.port, `${ROOT}/#`);
    expect(await later.on(`${ROOT}/state`)).toMatchObject({ retain: true });
    await later.end();
    await late.end();
  });

  it('acknowledge is answered with its correlation data (MQTT 5)', async () => {
    const options = ['-V', '5', '-D', 'PUBLISH', 'correlation-data', 'ask-1'];
    await command('acknowledge', { zone: 'a', actor: 'desk' }, options);
    const { payload } = await listener.on(
      '/response',
      ({ correlation }) => correlation === 'ask-1',
    );
    expect(payload).toMatchObject({ command: 'acknowledge', ok: true });
    const { data } = await listener.event('operator', ({ type }) => type === 'acknowledged');
    expect(data).toMatchObject({ origin: 'mqtt:desk', zones: ['a'] });
  });

  it('silence is answered with its request id (MQTT 3.1.1), and lifted by a new alarm', async () => {
    await command('silence', { requestId: 'quiet-1' }, ['-V', '311']);
    await listener.on('/response', ({ payload }) => payload['requestId'] === 'quiet-1');
    await unit.siren(false);
    const other = await RawBoard.connect(unit.boardPort, 'B');
    other.smoke();
    await unit.siren(true);
    other.clean();
    other.close();
  });

  it('a request id is carried out once, and wrong commands are answered with reasons', async () => {
    await command('silence', { requestId: 'quiet-1' });
    await command('acknowledge', { zone: 'nowhere', requestId: 'wrong-1' });
    await command('explode', { requestId: 'wrong-2' });
    await publish(broker.port, `${ROOT}/command/reset`, 'no JSON');
    const answers = async (test: (payload: Record<string, unknown>) => boolean) =>
      (await listener.on('/response', ({ payload }) => test(payload))).payload;
    expect(await answers((p) => p['requestId'] === 'wrong-1')).toMatchObject({
      ok: false,
      error: 'unknownZone',
    });
    expect(await answers((p) => p['requestId'] === 'wrong-2')).toMatchObject({
      error: 'unknownCommand',
    });
    expect(await answers((p) => p['command'] === 'reset')).toMatchObject({
      error: 'badArgument',
    });
    expect(unit.level(SIREN)).toBe(true);
    expect(listener.events('operator').filter(({ type }) => type === 'silenced')).toHaveLength(1);
  });

  it('reset alarms again at once while there is fresh evidence, and ends without', async () => {
    board.smoke();
    const before = listener.events('alarm').length;
    await command('reset', { requestId: 'reset-1', zone: 'a' });
    await listener.on('/response', ({ payload }) => payload['requestId'] === 'reset-1');
    await eventually('reset and a new alarm', () => {
      const types = listener.events('alarm').slice(before);
      return types.some(({ type }) => type === 'alarmReset') && types.at(-1)?.['type'] === 'alarm';
    });
    expect(unit.level(SIREN)).toBe(true);
    board.clean();
    await eventually('clean air was seen', async () => {
      const { sources } = (await state()) as {
        sources: { sensor: string; value: number }[];
      };
      return sources.some(({ sensor, value }) => sensor === 'a' && value > 0 && value < 10);
    });
    unit.press(RESET_BUTTON, true);
    await unit.siren(false);
    const seqs = listener.events('alarm').map(({ seq }) => seq);
    expect(seqs).toEqual(seqs.map((_, i) => i + 1));
    unit.press(RESET_BUTTON, false);
  });

  it('a simulated board whose scene burns alarms by its temperatures', async () => {
    board.close();
    const fire = Child.embereye([
      ...['simulate-board', '--to', `127.0.0.1:${unit.boardPort}`, '--serial', 'B'],
      ...['--cadence', '0.5', '--fire-at', '2', '--growth', 'ultraFast'],
    ]);
    await unit.siren(true);
    const { data } = await listener.event('alarm', ({ type, data }) => {
      return type === 'alarm' && JSON.stringify(data).includes('"role":"thermal"');
    });
    expect(data).toMatchObject({ zone: 'b' });
    expect((await fire.end('SIGINT')).code).toBe(0);
  });

  it('a clean stop says goodbye, with everything delivered', async () => {
    const { code } = await unit.end();
    expect(code).toBe(0);
    await listener.event('system', ({ type }) => type === 'stopped');
    await listener.on('/status', ({ payload }) => payload['status'] === 'offline');
    for (const lane of ['alarm', 'operator', 'system', 'fault']) {
      const seqs = listener.events(lane).map(({ seq }) => seq);
      expect(seqs, lane).toEqual(seqs.map((_, i) => i + 1));
    }
  });
});
