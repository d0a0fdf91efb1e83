import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FaultNotice } from '../../src/domain/step.ts';
import type { StateSnapshot } from '../../src/uplink/payload.ts';
import { Remembered } from '../../src/uplink/remembered.ts';
import { createSimulatedLink, SimulatedBroker } from '../../src/uplink/simulated-link.ts';
import { encodeSparkplug } from '../../src/uplink/sparkplug/encode.ts';
import { SparkplugNode } from '../../src/uplink/sparkplug/node.ts';
import { EventMaker, MemoryJournal } from '../uplink/memory-journal.ts';
import { seededRandom, VirtualClock } from '../uplink/virtual-clock.ts';
import { SparkplugHost } from './sparkplug-host.ts';
import { MemoryStore, sourceView, stateOf, TWO_ZONES, zoneView } from './stage.ts';

const NCMD = 'spBv1.0/plant/NCMD/unit-1';

class World {
  readonly clock = new VirtualClock();
  readonly broker: SimulatedBroker;
  readonly journal = new MemoryJournal();
  readonly make = new EventMaker();
  readonly store = new MemoryStore();
  readonly faults: FaultNotice[] = [];
  state: StateSnapshot = TWO_ZONES;
  #heard = 0;
  readonly host = new SparkplugHost();

  constructor(receiveMaximum = 65_535) {
    this.broker = new SimulatedBroker(this.clock, { receiveMaximum });
  }

  async node(seed = 1): Promise<SparkplugNode> {
    const log = (): void => undefined;
    const deps = { clock: this.clock, random: seededRandom(seed), log };
    const node = new SparkplugNode(
      {
        ...{ group: 'plant', node: 'unit-1', name: 'central-sparkplug', valueMs: 10_000 },
        identity: { deviceId: 'unit-1', bootId: `boot-${seed}` },
        facts: { version: '1.0.0', configHash: 'abc' },
      },
      {
        ...{ clock: this.clock, log, journal: this.journal },
        link: createSimulatedLink(this.broker, deps),
        remembered: await Remembered.load(this.store, 'sparkplug'),
        state: () => this.state,
        onFault: (notice) => this.faults.push(notice),
      },
    );
    this.journal.onCommit((receipt) => node.committed(receipt));
    node.start();
    return node;
  }

  async run(ms: number): Promise<void> {
    await this.clock.advance(ms);
    for (const message of this.broker.accepted.slice(this.#heard)) this.host.hear(message);
    this.#heard = this.broker.accepted.length;
  }

  rebirth(): void {
    const metrics = [
      { name: 'Node Control/Rebirth', type: 'Boolean' as const, value: true, timestamp: 0 },
    ];
    this.broker.publish(NCMD, encodeSparkplug({ timestamp: 0, metrics }));
  }
}

describe('a Sparkplug node', () => {
  it('is born with its zones, and then tells what changes', async () => {
    const world = new World();
    const node = await world.node();
    await world.run(1000);
    expect(world.host.problems).toEqual([]);
    expect(world.host.types).toEqual(['NBIRTH', 'DBIRTH', 'DBIRTH']);
    expect(world.host.devices).toEqual(['kitchen', 'hall']);
    expect(world.host.values.get('kitchen k1/thermal')).toMatchObject({
      ...{ type: 'Double', value: 22.5 },
      properties: { engUnit: { value: 'celsius' }, Quality: { type: 'Int32', value: 192 } },
    });
    expect(world.host.values.get('hall h1/ADC1')).toMatchObject({
      value: null,
      properties: { Quality: { value: 500 } },
    });
    const explanation = { summary: 's', votes: [], confidence: 1 } as never;
    world.state = stateOf(
      [zoneView('kitchen', { condition: 'alarm', alarm: { sinceMs: 5, explanation } })],
      [...TWO_ZONES.sources],
      { condition: 'alarm' },
    );
    node.stateChanged();
    await world.run(1000);
    expect(world.host.types.slice(3)).toEqual(['NDATA', 'DDEATH', 'DDATA']);
    expect(world.host.values.get('kitchen Alarm')?.value).toBe(true);
    expect(world.host.values.get(' Condition')?.value).toBe('alarm');
    expect(world.host.devices).toEqual(['kitchen']);
    expect(world.host.problems).toEqual([]);
    await world.run(60_000);
    expect(world.host.types).toHaveLength(6);
  });

  it('bears a zone again that has other sources than before', async () => {
    const world = new World();
    const node = await world.node();
    await world.run(1000);
    const more = sourceView('kitchen', 'k2', 'ADC1');
    world.state = stateOf(TWO_ZONES.zones, [...TWO_ZONES.sources, more]);
    node.stateChanged();
    await world.run(1000);
    expect(world.host.types.slice(3)).toEqual(['DBIRTH']);
    expect(world.host.values.has('kitchen k2/ADC1')).toBe(true);
    expect(world.host.problems).toEqual([]);
  });

  it('delivers every event once in order, old ones as history, with its JSON', async () => {
    const world = new World();
    await world.clock.advance(300_000);
    world.journal.append(world.make.some('alarm', 300));
    world.journal.append(world.make.some('fault', 5));
    await world.node();
    await world.run(5000);
    world.journal.append(world.make.some('system', 2, { monotonicMs: 305_000 }));
    await world.run(1000);
    expect(world.host.problems).toEqual([]);
    const ids = (lane: string, count: number) =>
      Array.from({ length: count }, (_, i) => `${lane}-${i + 1}`);
    expect(world.host.ids('alarm')).toEqual(ids('alarm', 300));
    expect(world.host.ids('fault')).toEqual(ids('fault', 5));
    const history = world.host.events.filter(({ isHistorical }) => isHistorical === true);
    expect(history).toHaveLength(305);
    const [first] = world.host.events;
    expect(first).toMatchObject({
      timestamp: Date.parse('2026-01-01T00:00:00.000Z'),
      properties: {
        ...{ type: { value: 'alarmReset' }, seq: { type: 'Int64', value: 1 } },
        ...{ zone: { value: 'kitchen' }, bootId: { value: 'boot-1' } },
      },
    });
    expect(JSON.parse(String(first?.value))).toMatchObject({ id: 'alarm-1', lane: 'alarm' });
    expect(world.journal.cursor('central-sparkplug', 'alarm')).toBe(300);
  });

  it('accounts for gaps, and leaves readings to others', async () => {
    const world = new World();
    await world.node();
    await world.run(1000);
    world.journal.recordGap({ lane: 'fault', firstSeq: 1, lastSeq: 2, reason: 'full' });
    await world.run(3000);
    expect(JSON.parse(String(world.host.gaps[0]?.value))).toMatchObject({ reason: 'full' });
    expect(world.journal.cursor('central-sparkplug', 'telemetry')).toBe(Number.MAX_SAFE_INTEGER);
    expect(world.host.problems).toEqual([]);
  });

  it('dies by its will, and lives on with another number', async () => {
    const world = new World();
    await world.node();
    await world.run(1000);
    const before = world.host.bdSeq;
    expect(world.host.online).toBe(true);
    world.broker.breakConnections();
    await world.run(0);
    expect(world.host.online).toBe(false);
    await world.run(5000);
    expect(world.host).toMatchObject({ online: true, births: 2 });
    expect(world.host.bdSeq).not.toBe(before);
    const will = world.broker.accepted.find(({ topic }) => topic.includes('NDEATH'));
    expect(will?.retain).toBe(false);
  });

  it('goes on with its numbers in the next life, from 255 to 0', async () => {
    const world = new World();
    world.store.put('sparkplug', 'bdSeq', '254');
    const seen: unknown[] = [];
    for (const seed of [1, 2, 3]) {
      const node = await world.node(seed);
      await world.run(1000);
      seen.push(world.host.bdSeq);
      const stopped = node.stop('test', 1000);
      await world.run(1000);
      await stopped;
      expect(world.host.online).toBe(false);
    }
    expect(seen).toEqual([255, 0, 1]);
    expect(world.host.problems).toEqual([]);
  });

  it('is born again when a host asks, not more often than once a second', async () => {
    const world = new World();
    await world.node();
    await world.run(2000);
    for (let i = 0; i < 50; i += 1) world.rebirth();
    await world.run(5000);
    expect(world.host.births).toBe(2);
    for (let i = 0; i < 30; i += 1) {
      world.rebirth();
      await world.run(100);
    }
    await world.run(5000);
    expect(world.host.births).toBeGreaterThan(3);
    expect(world.host.births).toBeLessThan(8);
    const { births } = world.host;
    expect(world.host.devices).toEqual(['kitchen', 'hall']);
    world.broker.publish(NCMD, 'no payload');
    world.broker.publish(NCMD, encodeSparkplug({ timestamp: 0, metrics: [] }));
    await world.run(5000);
    expect(world.host.births).toBe(births);
    expect(world.host.problems).toEqual([]);
  });

  it('is born again when the broker refused a message, so that no number is missed', async () => {
    const world = new World();
    await world.node();
    await world.run(1000);
    let refused = 0;
    world.broker.faults.fate = ({ topic }) =>
      topic.includes('NDATA') && (refused += 1) <= 2 ? 'reject' : 'deliver';
    world.journal.append(world.make.some('alarm', 20));
    await world.run(20_000);
    expect(world.host.births).toBeGreaterThan(1);
    expect([...world.host.ids('alarm')].sort()).toHaveLength(20);
  });

  it('tells that its broker cannot be reached', async () => {
    const world = new World();
    world.broker.goDown();
    await world.node();
    await world.run(60_000);
    expect(world.faults).toMatchObject([
      { fault: 'brokerUnreachable', subject: 'uplink:central-sparkplug', raised: true },
    ]);
    world.broker.comeUp();
    await world.run(60_000);
    expect(world.faults.at(-1)).toMatchObject({ raised: false });
  });

  it('is born whole with more zones than a link takes at a time', async () => {
    const world = new World(16);
    const names = Array.from({ length: 400 }, (_, i) => `z${i}`);
    world.state = stateOf(
      names.map((name) => zoneView(name)),
      [],
    );
    await world.node();
    await world.run(30_000);
    expect(world.host.devices).toHaveLength(400);
    expect(world.host).toMatchObject({ births: 1, problems: [] });
  });

  it('loses and reorders nothing, whatever the network does', async () => {
    const happening = fc.oneof(
      fc.constant('break' as const),
      fc.constant('rebirth' as const),
      fc.constant('change' as const),
      fc.constant('loseAck' as const),
      fc.constant('heal' as const),
      fc.constant('restart' as const),
      fc.constantFrom('alarm' as const, 'fault' as const, 'system' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { maxLength: 25 }), async (happenings) => {
        const world = new World();
        let node = await world.node();
        const made = { alarm: 0, fault: 0, system: 0 };
        let seed = 1;
        for (const one of happenings) {
          if (one === 'break') world.broker.breakConnections();
          else if (one === 'rebirth') world.rebirth();
          else if (one === 'loseAck') world.broker.faults.fate = () => 'loseAck';
          else if (one === 'heal') world.broker.faults.fate = () => 'deliver';
          else if (one === 'change') {
            const value = world.clock.monotonicMs();
            const [first, ...rest] = TWO_ZONES.sources;
            if (first !== undefined)
              world.state = stateOf(TWO_ZONES.zones, [{ ...first, value }, ...rest]);
            node.stateChanged();
          } else if (one === 'restart') {
            seed += 1;
            const stopped = node.stop('test', 500);
            await world.run(1000);
            await stopped;
            node = await world.node(seed);
          } else {
            made[one] += 7;
            world.journal.append(
              world.make.some(one, 7, { monotonicMs: world.clock.monotonicMs() }),
            );
          }
          await world.run(700);
        }
        world.broker.faults.fate = () => 'deliver';
        await world.run(120_000);
        expect(world.host.problems).toEqual([]);
        expect(world.host.online).toBe(true);
        for (const [lane, count] of Object.entries(made)) {
          expect(world.host.ids(lane)).toEqual(
            Array.from({ length: count }, (_, i) => `${lane}-${i + 1}`),
          );
        }
      }),
      { numRuns: 60 },
    );
  });
});
