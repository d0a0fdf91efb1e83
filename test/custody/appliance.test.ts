/**
 * The real program between two real brokers: a centre that says nothing, the escalation that
 * follows (a line, a fault, the second broker), and the late confirmation that ends it.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Listener, publish, RawBoard } from '../e2e/field.ts';
import { eventually } from '../e2e/processes.ts';
import { SIREN, Unit } from '../e2e/unit.ts';
import { hasMosquitto, Mosquitto } from '../uplink/mosquitto.ts';

const ESCALATION = 27;
const ROOT = 'embereye/v1/unit';

describe.skipIf(!hasMosquitto)('an alarm whose centre is silent (needs mosquitto)', () => {
  const [main, second] = [new Mosquitto(), new Mosquitto()];
  let unit: Unit;
  let board: RawBoard;
  let centre: Listener;
  let reserve: Listener;

  beforeAll(async () => {
    await main.start();
    await second.start();
    centre = await Listener.start(main.port);
    reserve = await Listener.start(second.port);
    unit = await Unit.prepare();
    unit.configure({
      gpio: {
        backend: 'simulated',
        mirrorDirectory: `${unit.scratch.memory}/gpio`,
        outputs: [
          { id: 'siren', role: 'siren', line: SIREN },
          { id: 'dialler', role: 'escalation', line: ESCALATION },
        ],
      },
      uplink: {
        acknowledgement: { withinSeconds: 5 },
        brokers: [
          { id: 'main', url: `mqtt://127.0.0.1:${main.port}` },
          { id: 'second', url: `mqtt://127.0.0.1:${second.port}`, onlyEscalated: true },
        ],
      },
    });
    await unit.start();
    board = await RawBoard.connect(unit.boardPort, 'A');
  }, 90_000);
  afterAll(async () => {
    board.close();
    await centre.end();
    await reserve.end();
    await unit.remove();
    await main.remove();
    await second.remove();
  });

  const isAlarm = ({ type }: Record<string, unknown>): boolean => type === 'alarm';
  const level = (wanted: boolean) => () => (unit.level(ESCALATION) === wanted ? true : null);

  it('drives its escalation, and the second broker gets the alarm and nothing else', async () => {
    board.clean();
    board.smoke();
    const alarm = await centre.event('alarm', isAlarm);
    expect(reserve.events('alarm')).toEqual([]);
    await eventually(() => `the dialler is driven: ${unit.said}`, level(true), 30_000);
    const late = await reserve.event('alarm', isAlarm);
    expect(late).toEqual({ ...alarm, historical: true });
    expect(await centre.event('system', ({ type }) => type === 'escalated')).toMatchObject({
      data: { alarms: [{ id: alarm['id'], seq: 1, zone: 'a' }], brokers: ['second'] },
    });
    const silent = ({ data }: Record<string, unknown>): boolean =>
      (data as { fault?: unknown }).fault === 'centralSilent';
    expect(await centre.event('fault', silent)).toMatchObject({ type: 'faultRaised' });
    expect([...reserve.events('system'), ...reserve.events('fault')]).toEqual([]);
  }, 60_000);

  it('rests when the centre confirms, and tells the chain of custody after a reset', async () => {
    const { id } = await centre.event('alarm', isAlarm);
    await publish(main.port, `${ROOT}/ack`, JSON.stringify({ ids: [id], by: 'centre-1' }));
    await eventually('the dialler rests', level(false), 30_000);
    expect(
      await centre.event('operator', ({ type }) => type === 'centrallyConfirmed'),
    ).toMatchObject({ data: { origin: 'mqtt:centre-1', alarms: [{ id }] } });
    await publish(main.port, `${ROOT}/command/acknowledge`, JSON.stringify({ zone: 'a' }));
    const { data } = await centre.event('system', ({ type }) => type === 'custody');
    const { stages, complete } = data as {
      readonly stages: readonly { readonly stage: string; readonly afterMs: number }[];
      readonly complete: boolean;
    };
    expect(complete).toBe(true);
    expect(stages.map(({ stage }) => stage)).toEqual([
      ...['detected', 'output', 'stored', 'broker', 'central', 'operator'],
    ]);
    const times = stages.map(({ afterMs }) => afterMs);
    expect([...times].sort((a, b) => a - b)).toEqual(times);
    const page = await unit.page('/metrics');
    expect(page?.text).toContain('embereye_custody_escalations_total 1');
    expect(page?.text).toContain('embereye_custody_open_alarms 0');
  }, 60_000);
});
