import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasMosquitto, Mosquitto } from '../uplink/mosquitto.ts';
import { Listener, publish, RawBoard } from './field.ts';
import { eventually } from './processes.ts';
import { FAULT_RELAY, SIREN, Unit } from './unit.ts';

const ROOT = 'embereye/v1/unit';
const LANES = ['alarm', 'fault', 'operator', 'system'];

describe.skipIf(!hasMosquitto)('a restart with latched alarms', () => {
  const broker = new Mosquitto();
  let unit: Unit;
  let listener: Listener;

  beforeAll(async () => {
    await broker.start();
    listener = await Listener.start(broker.port);
    unit = await Unit.prepare({
      uplink: {
        brokers: [{ id: 'central', url: `mqtt://127.0.0.1:${broker.port}` }],
      },
    });
    await unit.start();
  }, 60_000);
  afterAll(async () => {
    await listener.end();
    await unit.remove();
    await broker.remove();
  });

  const started = (restoredAlarms: readonly string[]) =>
    listener.event('system', ({ type, data }) => {
      const { restoredAlarms: restored } = data as {
        restoredAlarms?: string[];
      };
      return type === 'started' && JSON.stringify(restored) === JSON.stringify(restoredAlarms);
    });
  const zoneA = async (test: (zone: Record<string, unknown>) => boolean) => {
    const late = await Listener.start(broker.port, `${ROOT}/#`);
    const { bootId } = listener.events('system').at(-1) ?? {};
    await late.on(`${ROOT}/state`, ({ payload }) => {
      const zone = (payload['zones'] as Record<string, unknown>[]).find(({ id }) => id === 'a');
      return payload['bootId'] === bootId && zone !== undefined && test(zone);
    });
    await late.end();
  };
  const command = (name: string, requestId: string) =>
    publish(broker.port, `${ROOT}/command/${name}`, JSON.stringify({ requestId }));

  it('kill -9 in alarm: the siren sounds at once, no board connected', async () => {
    const board = await RawBoard.connect(unit.boardPort, 'A');
    board.smoke();
    await unit.siren(true);
    board.close();
    expect(await unit.end('SIGKILL')).toEqual({
      code: null,
      signal: 'SIGKILL',
    });
    unit.forgetLevels();
    unit.launch();
    await unit.siren(true);
    const { data } = await started(['a']);
    expect(data).toMatchObject({ restoredAlarms: ['a'] });
    expect((await unit.metrics()).get('embereye_ingest_packets_total{kind="sensor"}')).toBe(0);
  });

  it('SIGTERM: acknowledged and silenced stay so, the alarm stays latched', async () => {
    await command('acknowledge', 'ack-1');
    await command('silence', 'silence-1');
    await listener.on('/response', ({ payload }) => payload['requestId'] === 'silence-1');
    await unit.siren(false);
    expect(await unit.end('SIGTERM')).toEqual({ code: 0, signal: null });
    unit.forgetLevels();
    await unit.start();
    await zoneA((z) => z['alarm'] !== null && z['acknowledged'] === true && z['silenced'] === true);
    expect(unit.level(SIREN)).toBe(false);
    expect(unit.level(FAULT_RELAY)).not.toBeNull();
  });

  it('kill -9 right after a command: what was answered is still so', async () => {
    await command('reset', 'reset-1');
    const { payload } = await listener.on('/response', (heard) => {
      return heard.payload['requestId'] === 'reset-1';
    });
    expect(payload).toMatchObject({ ok: true });
    await unit.end('SIGKILL');
    await unit.start();
    await zoneA((zone) => zone['alarm'] === null && zone['acknowledged'] === false);
    expect(unit.level(SIREN)).toBe(false);
  });

  it('every lane arrives without gap or repetition under another id', async () => {
    expect((await unit.end('SIGTERM')).code).toBe(0);
    await eventually('four starts', () => {
      const starts = listener.events('system').filter(({ type }) => type === 'started');
      return starts.length === 4;
    });
    for (const lane of LANES) {
      const events = listener.events(lane);
      expect(
        events.map(({ seq }) => seq),
        lane,
      ).toEqual(events.map((_, i) => i + 1));
    }
    const ids = LANES.flatMap((lane) => listener.events(lane).map(({ id }) => id));
    expect(new Set(ids).size).toBe(ids.length);
    const boots = listener.events('system').map(({ bootId }) => bootId);
    expect(new Set(boots).size).toBe(4);
  });
});
