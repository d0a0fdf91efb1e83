import { describe, expect, it } from 'vitest';
import { CONTRACT } from '../../scripts/contract-table.ts';
import { HomeAssistantDesk } from '../../src/uplink/home-assistant-desk.ts';
import {
  type DiscoveryPlan,
  discoveriesOf,
  discoveryTopic,
} from '../../src/uplink/home-assistant.ts';
import { topicsOf, type StateSnapshot } from '../../src/uplink/payload.ts';
import { Remembered } from '../../src/uplink/remembered.ts';
import { VirtualClock } from '../uplink/virtual-clock.ts';
import { MemoryStore, sourceView, stateOf, TWO_ZONES, zoneView } from './stage.ts';
import { fieldsRead, render } from './template.ts';
import { publishedSchema } from './validators.ts';

const plan: DiscoveryPlan = {
  prefix: 'homeassistant',
  topics: topicsOf('embereye/v1/unit-1'),
  deviceId: 'unit-1',
  deviceName: 'Plant',
  version: '1.0.0',
  buttons: [],
};

const explanation = { summary: 's', votes: [], confidence: 1 } as never;

function componentsOf(state: StateSnapshot, zone: string | null, buttons = plan.buttons) {
  const topic = discoveryTopic(plan.prefix, plan.deviceId, zone);
  const found = discoveriesOf({ ...plan, buttons }, state).find((one) => one.topic === topic);
  return found?.config.components ?? {};
}

/** What an entity shows of a state that may be another than the one it was announced with. */
function shown(zone: string | null, key: string, state: StateSnapshot): string {
  const template = componentsOf(TWO_ZONES, zone)[key]?.['value_template'];
  return render(String(template), state as never);
}

describe('what Home Assistant is told', () => {
  it('is one device for the appliance and one for each zone, on safe topics', () => {
    const discoveries = discoveriesOf(plan, TWO_ZONES);
    expect(discoveries.map(({ topic }) => topic)).toEqual([
      'homeassistant/device/embereye_unit-1/config',
      'homeassistant/device/embereye_unit-1_ZONE_kitchen/config',
      'homeassistant/device/embereye_unit-1_ZONE_hall/config',
    ]);
    for (const { topic, config } of discoveries) {
      expect(topic).toMatch(/^[A-Za-z0-9_/-]+$/);
      expect(config.state_topic).toBe('embereye/v1/unit-1/state');
      expect(config.availability).toEqual([
        {
          topic: 'embereye/v1/unit-1/status',
          value_template: '{{ value_json.status }}',
          payload_available: 'online',
          payload_not_available: 'offline',
        },
      ]);
    }
    expect(discoveries[1]?.config.device['via_device']).toBe('embereye_unit-1');
    const ids = discoveries.flatMap(({ config }) =>
      Object.values(config.components).map((one) => one['unique_id']),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('no two pairs of device and zone share a topic', () => {
    const topic = (device: string, zone: string | null) => discoveryTopic('ha', device, zone);
    expect(topic('a', 'b_c')).not.toBe(topic('a_b', 'c'));
    expect(topic('a-zone-b', null)).not.toBe(topic('a', 'b'));
  });

  it('names what a zone looks for, where it is one thing', () => {
    const of = (...roles: ('smoke' | 'gas' | 'thermal')[]) => {
      const sources = roles.map((role, i) => sourceView('z', `s${i}`, 'ADC1', { role }));
      return componentsOf(stateOf([zoneView('z')], sources), 'z')['alarm']?.['device_class'];
    };
    expect([of('smoke', 'smoke'), of('gas'), of('thermal'), of('smoke', 'gas'), of()]).toEqual([
      ...['smoke', 'gas', 'heat', 'safety', 'safety'],
    ]);
  });

  it('gives values their units', () => {
    expect(componentsOf(TWO_ZONES, 'kitchen')['k1/thermal']).toMatchObject({
      ...{ platform: 'sensor', unit_of_measurement: '°C', device_class: 'temperature' },
    });
    expect(componentsOf(TWO_ZONES, 'kitchen')['k1/ADC1']).toMatchObject({
      unit_of_measurement: '%',
    });
  });

  it('shows the zone as its state says, and nothing of a zone that is gone', () => {
    expect(shown('kitchen', 'alarm', TWO_ZONES)).toBe('False');
    const burning = stateOf(
      [zoneView('kitchen', { alarm: { sinceMs: 1, explanation }, disabledUntilMs: 5 })],
      [],
      { condition: 'alarm' },
    );
    expect(shown('kitchen', 'alarm', burning)).toBe('True');
    expect(shown('kitchen', 'preAlarm', burning)).toBe('False');
    expect(shown('kitchen', 'disabled', burning)).toBe('True');
    expect(shown('hall', 'alarm', burning)).toBe('None');
    expect(shown(null, 'alarm', burning)).toBe('True');
    expect(shown(null, 'condition', burning)).toBe('alarm');
    const fault = { fault: 'f', subject: 's', detail: 'd', sinceMs: 1 };
    const broken = stateOf([zoneView('hall', { faults: [fault] })], [], { faults: [fault] });
    expect(shown('hall', 'fault', broken)).toBe('True');
    expect(shown(null, 'fault', broken)).toBe('True');
    expect(shown('hall', 'fault', TWO_ZONES)).toBe('False');
    const held = { ...TWO_ZONES, maintenanceUntilMs: 7 };
    expect([shown(null, 'maintenance', held), shown(null, 'maintenance', TWO_ZONES)]).toEqual([
      ...['True', 'False'],
    ]);
    expect(shown(null, 'siren', TWO_ZONES)).toBe('False');
  });

  it('shows a value only while it is believed: a silent sensor is unknown, not cool', () => {
    const show = (quality: 'good' | 'warmingUp' | 'stale' | 'frozen' | 'neverSeen') =>
      shown('kitchen', 'k1/thermal', {
        ...TWO_ZONES,
        sources: [sourceView('kitchen', 'k1', 'thermal', { value: 21.5, quality })],
      });
    expect(
      ['good', 'warmingUp', 'stale', 'frozen', 'neverSeen'].map((q) => show(q as 'good')),
    ).toEqual(['21.5', '21.5', 'None', 'None', 'None']);
    expect(shown('kitchen', 'k1/thermal', stateOf([], []))).toBe('None');
  });

  it('reads only fields that the schema of the state has', () => {
    const channel = CONTRACT.find(({ name }) => name === 'state');
    if (channel === undefined) throw new Error('no state in the contract');
    const { definitions } = publishedSchema(channel) as {
      definitions: Record<string, { properties: object }>;
    };
    const known = (type: string) => Object.keys(definitions[type]?.properties ?? {});
    for (const zone of ['kitchen', 'hall']) {
      for (const one of Object.values(componentsOf(TWO_ZONES, zone))) {
        const template = String(one['value_template']);
        const type = template.includes('value_json.sources') ? 'SourceView' : 'ZoneView';
        expect(fieldsRead(template).length).toBeGreaterThan(0);
        expect(known(type)).toEqual(expect.arrayContaining([...fieldsRead(template)]));
      }
    }
  });

  it('lets a source with an unsafe channel out, rather than into a template', () => {
    const odd = sourceView('z', 's', "x' | list");
    expect(Object.keys(componentsOf(stateOf([zoneView('z')], [odd]), 'z'))).not.toContain(
      "s/x' | list",
    );
  });

  it('offers buttons only where told', () => {
    const platforms = (buttons: DiscoveryPlan['buttons']) =>
      Object.values(componentsOf(TWO_ZONES, null, buttons)).filter(
        (one) => one.platform === 'button',
      );
    expect(platforms([])).toEqual([]);
    expect(platforms(['silence'])).toMatchObject([
      { command_topic: 'embereye/v1/unit-1/command/silence' },
    ]);
  });
});

describe('the desk for Home Assistant', () => {
  async function desk(store: MemoryStore, own: DiscoveryPlan | null, broker = 'central') {
    const clock = new VirtualClock();
    const world = { clock, announced: 0, refreshed: 0, state: TWO_ZONES };
    const made = new HomeAssistantDesk({
      ...{ clock, broker, plan: own, refreshMs: 30_000 },
      remembered: await Remembered.load(store, 'announced'),
      state: () => world.state,
      announce: () => (world.announced += 1),
      refresh: () => (world.refreshed += 1),
    });
    return { world, made };
  }
  const short = (messages: readonly { topic: string; payload: string | Uint8Array }[]) =>
    messages.map(({ topic, payload }) => [topic.split('/')[2], payload === '' ? 'gone' : 'here']);

  it('takes away what a switched-off appliance announced, until the broker has taken it', async () => {
    const store = new MemoryStore();
    const on = await desk(store, plan);
    on.made.messages();
    const off = await desk(store, null);
    const gone = [
      ['embereye_unit-1', 'gone'],
      ['embereye_unit-1_ZONE_kitchen', 'gone'],
      ['embereye_unit-1_ZONE_hall', 'gone'],
    ];
    expect(short(off.made.messages())).toEqual(gone);
    const [first] = off.made.messages();
    expect(first?.retain).toBe(true);
    if (first !== undefined) off.made.taken(first);
    const again = await desk(store, null);
    expect(short(again.made.messages())).toEqual(gone.slice(1));
    expect(off.made.subscriber).toBeNull();
  });

  it('takes away a zone and a sensor that are gone', async () => {
    const store = new MemoryStore();
    const { world, made } = await desk(store, plan);
    for (const message of made.messages()) made.taken(message);
    world.state = stateOf([zoneView('kitchen')], [sourceView('kitchen', 'k1', 'ADC1')]);
    const messages = made.messages();
    expect(short(messages)).toEqual([
      ['embereye_unit-1', 'here'],
      ['embereye_unit-1_ZONE_kitchen', 'here'],
      ['embereye_unit-1_ZONE_hall', 'gone'],
    ]);
    const kitchen = JSON.parse(String(messages[1]?.payload)) as {
      components: Record<string, object>;
    };
    expect(kitchen.components['k1/thermal']).toEqual({ platform: 'sensor' });
    for (const message of messages) made.taken(message);
    expect(short(made.messages())).toHaveLength(2);
    expect(JSON.stringify(made.messages())).not.toContain('k1/thermal');
  });

  it('remembers a sensor that is gone until the broker has taken the news', async () => {
    const store = new MemoryStore();
    const first = await desk(store, plan);
    first.made.messages();
    for (let life = 0; life < 2; life += 1) {
      const { world, made } = await desk(store, plan);
      world.state = stateOf([zoneView('kitchen')], [sourceView('kitchen', 'k1', 'ADC1')]);
      expect(JSON.stringify(made.messages())).toContain('k1/thermal');
    }
  });

  it('knows each broker for itself', async () => {
    const store = new MemoryStore();
    (await desk(store, plan, 'a')).made.messages();
    expect((await desk(store, null, 'b')).made.messages()).toEqual([]);
    expect((await desk(store, null, 'a')).made.messages()).toHaveLength(3);
  });

  it('announces when zones change and when Home Assistant starts, several reasons at once', async () => {
    const { world, made } = await desk(new MemoryStore(), plan);
    const say = (word: string, retained = false) =>
      made.subscriber?.onMessage({
        ...{ topic: 'homeassistant/status', payload: Buffer.from(word), retained },
        ...{ responseTopic: null, correlation: null, expirySeconds: null },
      });
    made.seen(TWO_ZONES);
    made.seen({ ...TWO_ZONES, condition: 'alarm' });
    say('offline');
    say('online', true);
    await world.clock.advance(2000);
    expect(world.announced).toBe(0);
    made.seen(stateOf([zoneView('kitchen')], []));
    for (let i = 0; i < 20; i += 1) say('online');
    await world.clock.advance(2000);
    expect(world.announced).toBe(1);
    expect(made.subscriber?.matches('homeassistant/status')).toBe(true);
    expect(made.subscriber?.matches('homeassistant/other')).toBe(false);
  });

  it('keeps values fresh while it is switched on', async () => {
    const on = await desk(new MemoryStore(), plan);
    const off = await desk(new MemoryStore(), null);
    for (const { made } of [on, off]) made.start();
    await on.world.clock.advance(95_000);
    await off.world.clock.advance(95_000);
    on.made.stop();
    await on.world.clock.advance(95_000);
    expect([on.world.refreshed, off.world.refreshed]).toEqual([3, 0]);
  });
});
