/** Two real programs on one network: the alarm of the one without a broker goes out by the other. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Listener, RawBoard } from '../e2e/field.ts';
import { eventually } from '../e2e/processes.ts';
import { Unit } from '../e2e/unit.ts';
import { hasMosquitto, Mosquitto } from '../uplink/mosquitto.ts';
import { freePort } from '../uplink/tcp-proxy.ts';

describe.skipIf(!hasMosquitto)('two appliances of a site (needs mosquitto)', () => {
  const broker = new Mosquitto();
  const units: Unit[] = [];
  let board: RawBoard;
  let centre: Listener;

  beforeAll(async () => {
    await broker.start();
    centre = await Listener.start(broker.port, 'embereye/v1/#');
    const [near, far, nowhere] = [await freePort(), await freePort(), await freePort()];
    for (const [id, port, peer, peerPort, brokerPort] of [
      ['near', near, 'far', far, broker.port],
      ['far', far, 'near', near, nowhere],
    ] as const) {
      const unit = await Unit.prepare();
      const keyFile = join(unit.scratch.disk, 'site.key');
      writeFileSync(keyFile, Buffer.alloc(32, 5), { mode: 0o600 });
      unit.configure({
        device: { id },
        box: { enabled: false },
        uplink: { brokers: [{ id: 'main', url: `mqtt://127.0.0.1:${brokerPort}` }] },
        neighbours: {
          ...{ enabled: true, keyFile, host: '127.0.0.1', port, helloSeconds: 0.2 },
          silentSeconds: 3,
          peers: [{ id: peer, host: '127.0.0.1', port: peerPort }],
        },
      });
      await unit.start();
      units.push(unit);
    }
    board = await RawBoard.connect(units[1]!.boardPort, 'A');
  }, 90_000);
  afterAll(async () => {
    board.close();
    for (const unit of units) await unit.remove();
    await centre.end();
    await broker.remove();
  });

  it('the alarm of the one without a broker reaches the centre by the other', async () => {
    board.clean();
    board.smoke();
    const { topic, payload } = await centre.on('embereye/v1/far/event/alarm', () => true);
    expect(topic).toBe('embereye/v1/far/event/alarm');
    expect(payload).toMatchObject({ deviceId: 'far', lane: 'alarm', seq: 1, type: 'alarm' });
    const told = await centre.on(
      'embereye/v1/near/event/system',
      ({ payload: event }) => event['type'] === 'neighbourAlarm',
    );
    expect(told.payload).toMatchObject({
      data: { neighbour: 'far', alarm: payload['id'], zone: 'a' },
    });
    await eventually('it is known as carried', async () => {
      const page = await units[1]!.page('/metrics');
      return /embereye_neighbour_alarms_total\{direction="carriedByOthers"\} [1-9]/.test(
        page?.text ?? '',
      );
    });
  }, 60_000);

  it('a neighbour that ends is told, and told again when it is back', async () => {
    await units[1]!.end('SIGKILL');
    const silent = (type: string) => () =>
      centre
        .heard()
        .some(
          ({ topic, payload }) =>
            topic === 'embereye/v1/near/event/fault' &&
            payload['type'] === type &&
            (payload['data'] as { fault?: unknown }).fault === 'neighbourSilent',
        );
    await eventually('it is silent', silent('supervisoryRaised'), 30_000);
    await units[1]!.start();
    await eventually('it is heard again', silent('supervisoryRestored'), 30_000);
  }, 90_000);
});
