/** Appliances that watch each other over a network that loses, doubles, delays and repeats. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FaultNotice } from '../../src/domain/step.ts';
import type { Undelivered } from '../../src/neighbours/carrying.ts';
import { Neighbours } from '../../src/neighbours/neighbours.ts';
import { SimulatedLan } from '../../src/neighbours/simulated-lan.ts';
import { ManualClock, seededRandom } from '../hal/manual-clock.ts';

const KEY = Buffer.alloc(32, 7);
const PORTS: Readonly<Record<string, number>> = { a: 1, b: 2, c: 3 };

function alarm(from: string, seq: number): Undelivered {
  const id = `019ab000-0000-7000-8000-${String(seq).padStart(12, '0')}`;
  const data = { zone: 'z', zoneName: 'Z' };
  return {
    id,
    json: JSON.stringify({ id, deviceId: from, lane: 'alarm', seq, type: 'alarm', data }),
  };
}

class Box {
  readonly faults: FaultNotice[] = [];
  readonly published: string[] = [];
  readonly told: string[] = [];
  waiting: Undelivered[] = [];
  uplink = true;
  brokerTakes = true;
  neighbours!: Neighbours;

  readonly id: string;
  readonly lan: SimulatedLan;
  readonly clock: ManualClock;
  readonly key: Buffer;

  constructor(id: string, lan: SimulatedLan, clock: ManualClock, key = KEY) {
    this.id = id;
    this.lan = lan;
    this.clock = clock;
    this.key = key;
  }

  async start(boot = 'boot'): Promise<void> {
    const peers = ['a', 'b', 'c']
      .filter((id) => id !== this.id)
      .map((id) => ({ id, host: 'lan', port: PORTS[id]! }));
    this.neighbours = new Neighbours(
      {
        ...{ deviceId: this.id, bootId: `${boot}-${this.id}`, root: `root/${this.id}`, peers },
        ...{ helloMs: 2000, silentMs: 30_000 },
      },
      {
        ...{ clock: this.clock, log: () => undefined, key: this.key },
        condition: () => 'normal',
        hasUplink: () => this.uplink,
        undelivered: () => Promise.resolve(this.waiting),
        onCarried: (id, by) => {
          this.waiting = this.waiting.filter((each) => each.id !== id);
          this.told.push(`${id.slice(-2)} by ${by}`);
        },
        publish: (root, json) => {
          const taken = this.uplink && this.brokerTakes;
          if (taken) this.published.push(`${root} ${json}`);
          return Promise.resolve(taken);
        },
        onAlarm: ({ from, id }) => void this.told.push(`${id.slice(-2)} of ${from}`),
        onFault: (notice) => void this.faults.push(notice),
      },
    );
    const at = { host: 'lan', port: PORTS[this.id]! };
    const opened = await this.lan.open(at, {
      onDatagram: (bytes) => this.neighbours.heard(bytes),
      onTrouble: (detail) => this.neighbours.troubled(detail),
    });
    if (!opened.ok) throw new Error(opened.error);
    this.neighbours.start(opened.value);
  }

  alive(): string[] {
    return this.neighbours.peers.filter(({ alive }) => alive).map(({ id }) => id);
  }
}

async function site(seed = 1) {
  const clock = new ManualClock();
  const lan = new SimulatedLan(clock, seededRandom(seed));
  const [a, b, c] = [new Box('a', lan, clock), new Box('b', lan, clock), new Box('c', lan, clock)];
  for (const box of [a, b, c]) await box.start();
  await clock.run(10_000);
  return { clock, lan, a, b, c };
}

describe('neighbours', () => {
  it('know of one another, and say who falls silent and who is back', async () => {
    const { clock, a, b, c } = await site();
    expect([a.alive(), b.alive(), c.alive()]).toEqual([
      ['b', 'c'],
      ['a', 'c'],
      ['a', 'b'],
    ]);
    await c.neighbours.stop();
    await clock.run(40_000);
    expect(a.faults).toMatchObject([
      { fault: 'neighbourSilent', subject: 'neighbour:c', raised: true, supervisory: true },
    ]);
    expect(a.alive()).toEqual(['b']);
    await c.start('second');
    await clock.run(10_000);
    expect(a.faults.at(-1)).toMatchObject({ subject: 'neighbour:c', raised: false });
    expect([a.alive(), c.alive()]).toEqual([
      ['b', 'c'],
      ['a', 'b'],
    ]);
  });

  it('that was never there is told as silent after its time, not before', async () => {
    const clock = new ManualClock();
    const a = new Box('a', new SimulatedLan(clock, seededRandom(1)), clock);
    await a.start();
    await clock.run(29_000);
    expect(a.faults).toEqual([]);
    await clock.run(3000);
    expect(a.faults.map(({ subject }) => subject).sort()).toEqual(['neighbour:b', 'neighbour:c']);
  });

  it('cannot be kept alive by somebody who repeats its words', async () => {
    const { clock, lan, a, c } = await site();
    const recorded: Uint8Array[] = [];
    const own = a.neighbours.heard.bind(a.neighbours);
    a.neighbours.heard = (bytes) => {
      recorded.push(Uint8Array.from(bytes));
      own(bytes);
    };
    await clock.run(10_000);
    await c.neighbours.stop();
    for (let round = 0; round < 40; round += 1) {
      await clock.run(2000);
      for (const bytes of recorded.slice(0, 20)) own(bytes);
    }
    expect(a.alive()).not.toContain('c');
    expect(lan.faults.loss).toBe(0);
  });

  it('without the key is nobody', async () => {
    const clock = new ManualClock();
    const lan = new SimulatedLan(clock, seededRandom(1));
    const a = new Box('a', lan, clock);
    const stranger = new Box('b', lan, clock, Buffer.alloc(32, 9));
    await a.start();
    await stranger.start();
    await clock.run(60_000);
    expect([a.alive(), stranger.alive()]).toEqual([[], []]);
    expect(a.neighbours.counters.refused).toBe(a.neighbours.counters.received);
  });
});

describe('an appliance without a broker', () => {
  it('has its alarms carried by a neighbour that has one, exactly as journalled', async () => {
    const { clock, a, b, c } = await site();
    a.uplink = false;
    b.uplink = false;
    await clock.run(3000);
    a.waiting = [alarm('a', 1), alarm('a', 2)];
    const texts = a.waiting.map(({ json }) => `root/a ${json}`);
    await clock.run(10_000);
    expect(a.waiting).toEqual([]);
    expect(c.published.toSorted()).toEqual(texts);
    expect(b.published).toEqual([]);
    expect(a.told.toSorted()).toEqual(['01 by c', '02 by c']);
    expect(c.told.toSorted()).toEqual(['01 of a', '02 of a']);
  });

  it('asks another neighbour where the first does not deliver', async () => {
    const { clock, a, b, c } = await site();
    a.uplink = false;
    b.brokerTakes = false;
    a.waiting = [alarm('a', 1)];
    await clock.run(20_000);
    expect([a.waiting, b.published]).toEqual([[], []]);
    expect(c.published).toHaveLength(1);
  });

  it('keeps its alarms while nobody has a broker', async () => {
    const { clock, a, b, c } = await site();
    for (const box of [a, b, c]) box.uplink = false;
    a.waiting = [alarm('a', 1)];
    await clock.run(60_000);
    expect(a.waiting).toHaveLength(1);
  });

  it('cannot have anything carried but its own alarms', async () => {
    const { clock, a, b, c } = await site();
    a.uplink = false;
    a.waiting = [
      alarm('b', 1),
      { id: 'x', json: 'no json' },
      { id: 'y', json: JSON.stringify({ ...JSON.parse(alarm('a', 3).json), lane: 'operator' }) },
    ];
    await clock.run(10_000);
    expect([...b.published, ...c.published, ...b.told, ...c.told]).toEqual([]);
    expect(a.waiting).toHaveLength(3);
  });

  it('gets every alarm out over a bad network, each to at most two brokers', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 20 }), async (seed, count) => {
        const { clock, lan, a, b, c } = await site(seed);
        Object.assign(lan.faults, { loss: 0.3, doubled: 0.3, delayMs: 3000 });
        a.uplink = false;
        a.waiting = Array.from({ length: count }, (_, i) => alarm('a', i + 1));
        await clock.run(600_000);
        expect(a.waiting).toEqual([]);
        for (const box of [b, c]) {
          expect(new Set(box.published).size, 'no alarm twice').toBe(box.published.length);
        }
        expect(new Set([...b.published, ...c.published]).size).toBe(count);
      }),
      { numRuns: 20 },
    );
  });
});
