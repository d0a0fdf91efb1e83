/** Home Assistant and Sparkplug hosts at a real broker, with a real appliance. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../e2e/processes.ts';
import { RawBoard } from '../e2e/field.ts';
import { Unit } from '../e2e/unit.ts';
import { hasMosquitto, Mosquitto } from '../uplink/mosquitto.ts';
import { cleanups, Reader } from '../uplink/unit.ts';
import { SparkplugHost } from './sparkplug-host.ts';

describe.skipIf(!hasMosquitto)('an appliance that others find by themselves', () => {
  const broker = new Mosquitto();
  let unit: Unit;
  const central = () => ({ id: 'central', url: `mqtt://127.0.0.1:${broker.port}` });

  beforeAll(async () => {
    await broker.start();
    unit = await Unit.prepare();
  }, 60_000);
  afterAll(async () => {
    await unit.remove();
    await broker.remove();
  });

  /** What a client that comes now finds retained below a prefix: topic and payload. */
  async function retained(prefix: string): Promise<Map<string, string>> {
    const reader = await new Reader(broker.port).open();
    await eventually('something retained', () => reader.messages.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    const found = reader.messages.filter((one) => one.retained && one.topic.startsWith(prefix));
    return new Map(found.map(({ topic, payload }) => [topic, Buffer.from(payload).toString()]));
  }
  const discoveries = async () => [...(await retained('homeassistant/')).keys()].sort();
  const all = ['unit', 'unit_ZONE_a', 'unit_ZONE_b'].map(
    (id) => `homeassistant/device/embereye_${id}/config`,
  );

  it('stands at the broker for Home Assistant, and again when that starts', async () => {
    unit.configure({ uplink: { brokers: [central()], homeAssistant: { enabled: true } } });
    await unit.start();
    await eventually('three devices', async () => (await discoveries()).length === 3);
    expect(await discoveries()).toEqual(all);
    const zone = JSON.parse((await retained('homeassistant/')).get(all[1] ?? '') ?? '') as {
      components: Record<string, object>;
    };
    expect(Object.keys(zone.components)).toEqual(
      expect.arrayContaining(['alarm', 'fault', 'a/ADC1', 'a/thermal']),
    );
    const reader = await new Reader(broker.port).open();
    await eventually('seen once', () => reader.messages.length > 4);
    const before = reader.messages.filter(({ topic }) => topic === all[0]).length;
    await reader.link.publish({ topic: 'homeassistant/status', payload: 'online', retain: false });
    await eventually(
      'announced again',
      () => reader.messages.filter(({ topic }) => topic === all[0]).length > before,
    );
    expect((await unit.end()).code).toBe(0);
  });

  it('takes away what is gone: a zone, and everything once it is switched off', async () => {
    const smoke = (sensor: string) => ({ sensor, channel: 'ADC1', role: 'smoke' });
    const zones = [{ id: 'a', sensors: [smoke('a'), smoke('b')] }];
    unit.configure({ zones, uplink: { brokers: [central()], homeAssistant: { enabled: true } } });
    await unit.start();
    await eventually('two devices', async () => (await discoveries()).length === 2);
    expect(await discoveries()).toEqual(all.slice(0, 2));
    expect((await unit.end()).code).toBe(0);
    unit.configure({ uplink: { brokers: [central()] } });
    await unit.start();
    await eventually('none', async () => (await discoveries()).length === 0);
    expect((await unit.end()).code).toBe(0);
  });

  it('lives as a Sparkplug node through an alarm, a kill and a stop', async () => {
    const host = new SparkplugHost();
    const reader = await new Reader(broker.port).open();
    let heard = 0;
    const listen = (): void => {
      for (const { topic, payload, retained: old } of reader.messages.slice(heard)) {
        if (!old) host.hear({ topic, bytes: payload });
      }
      heard = reader.messages.length;
    };
    const until = (what: string, test: () => boolean) =>
      eventually(
        () => `${what}: ${JSON.stringify(host.problems)} ${host.types.join()}`,
        () => {
          listen();
          return test();
        },
      );
    unit.configure({
      uplink: { brokers: [central()], sparkplug: { enabled: true, valueSeconds: 1 } },
    });
    await unit.start();
    await until('born', () => host.online && host.devices.length === 2);
    const board = await RawBoard.connect(unit.boardPort, 'A');
    cleanups.push(() => {
      board.close();
      return Promise.resolve();
    });
    board.smoke();
    await until('alarm', () => host.values.get('a Alarm')?.value === true);
    await until('its event', () => host.ids('alarm').length === 1);
    await until('a value', () => typeof host.values.get('a a/ADC1')?.value === 'number');
    const first = host.bdSeq;
    await unit.end('SIGKILL');
    await until('dead by its will', () => !host.online);
    await unit.start();
    await until('born again', () => host.births === 2 && host.devices.length === 2);
    expect(host.bdSeq).toBe(((first ?? 0) + 1) % 256);
    await until('started twice', () => host.ids('system').length >= 2);
    expect((await unit.end()).code).toBe(0);
    await until('dead by its own hand', () => !host.online);
    const seqs = host.events
      .filter(({ name }) => name === 'Event/system')
      .map(({ properties }) => properties?.['seq']?.value);
    const unique = [...new Set(seqs)];
    expect(unique).toEqual(unique.map((_, i) => Number(unique[0]) + i));
    expect(host.problems).toEqual([]);
  });
});
