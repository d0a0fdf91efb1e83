import { describe, expect, it } from 'vitest';
import { DEFAULT_FAILOVER, FailoverTransport } from '../../src/uplink/failover.ts';
import { connectProbe } from '../../src/uplink/probes.ts';
import { DEFAULT_LINK_OPTIONS, ReconnectingLink } from '../../src/uplink/reconnecting-link.ts';
import { SimulatedBroker, simulatedTransport } from '../../src/uplink/simulated-link.ts';
import { DEFAULT_UPLINK_OPTIONS, Uplink } from '../../src/uplink/uplink.ts';
import { BROKER, ROOT, SNAPSHOT } from './bench.ts';
import { BOOT, EventMaker, MemoryJournal } from './memory-journal.ts';
import { seededRandom, VirtualClock } from './virtual-clock.ts';
import type { FaultNotice } from '../../src/domain/step.ts';

const MINUTE_MS = 60_000;

/** An uplink over two brokers that share nothing. */
class Pair {
  readonly clock = new VirtualClock();
  readonly brokers = [new SimulatedBroker(this.clock), new SimulatedBroker(this.clock)] as const;
  readonly journal = new MemoryJournal();
  readonly make = new EventMaker();
  readonly faults: FaultNotice[] = [];
  readonly uplink: Uplink;

  constructor() {
    const { clock } = this;
    const log = (): void => undefined;
    const addresses = this.brokers.map((broker, index) => ({
      transport: simulatedTransport(broker, 'unit', `simulated://${index}`),
      probe: connectProbe(simulatedTransport(broker, 'unit-probe'), clock, 10_000),
    }));
    const transport = new FailoverTransport(addresses, { clock, log });
    const deps = { clock, random: seededRandom(1), log };
    this.uplink = new Uplink(
      {
        ...DEFAULT_UPLINK_OPTIONS,
        broker: BROKER,
        root: ROOT,
        identity: { deviceId: 'unit-1', bootId: BOOT },
        birth: { version: '1.0.0', configHash: 'abc', capabilities: [] },
      },
      {
        ...{ clock, log, journal: this.journal },
        wallTime: () => new Date(clock.wallMs()).toISOString(),
        link: new ReconnectingLink(transport, deps, DEFAULT_LINK_OPTIONS),
        state: () => SNAPSHOT,
        submit: ({ requestId }) => Promise.resolve({ requestId, ok: true, detail: 'done' }),
        onRefused: () => undefined,
        onFault: (notice) => this.faults.push(notice),
        onAckLatency: () => undefined,
      },
    );
    this.journal.onCommit((receipt) => this.uplink.committed(receipt));
  }

  get place(): number | null {
    return this.uplink.counters.addressIndex;
  }

  numbers(index: 0 | 1): number[] {
    return this.brokers[index].accepted
      .filter(({ topic }) => topic === `${ROOT}/event/alarm`)
      .map(({ payload }) => (JSON.parse(payload) as { seq: number }).seq);
  }

  alternative(): (boolean | undefined)[] {
    return this.faults
      .filter(({ fault }) => fault === 'brokerAlternative')
      .map(({ raised }) => raised);
  }
}

describe('several addresses of a broker', () => {
  it('are tried in order, each a bounded number of times, with one cursor', async () => {
    const pair = new Pair();
    pair.brokers[0].faults.down = true;
    pair.journal.append(pair.make.some('alarm', 5));
    pair.uplink.start();
    await pair.clock.advance(10_000);
    expect(pair.place).toBe(1);
    expect(pair.numbers(1)).toEqual([1, 2, 3, 4, 5]);
    expect(pair.alternative()).toEqual([true]);
    expect(pair.faults[0]).toMatchObject({ supervisory: true, subject: 'uplink:central' });
    expect(pair.journal.cursor(BROKER, 'alarm')).toBe(5);
  });

  it('go on to the next one when the first is lost, and lose nothing', async () => {
    const pair = new Pair();
    pair.uplink.start();
    await pair.clock.advance(MINUTE_MS);
    expect(pair.place).toBe(0);
    pair.journal.append(pair.make.some('alarm', 10));
    pair.brokers[0].goDown();
    await pair.clock.advance(20_000);
    expect(pair.place).toBe(1);
    expect(new Set([...pair.numbers(0), ...pair.numbers(1)]).size).toBe(10);
    expect(pair.journal.cursor(BROKER, 'alarm')).toBe(10);
  });

  it('leave one that takes connections and answers nothing', async () => {
    const pair = new Pair();
    pair.brokers[0].faults.fate = ({ topic }) =>
      topic.includes('/event/') ? 'loseAck' : 'deliver';
    pair.journal.append(pair.make.some('alarm', 3));
    pair.uplink.start();
    await pair.clock.advance(2 * MINUTE_MS);
    expect(pair.place).toBe(1);
    expect(pair.journal.cursor(BROKER, 'alarm')).toBe(3);
  });

  it('return to the first once it has answered for the stated time, without a goodbye', async () => {
    const pair = new Pair();
    pair.brokers[0].faults.down = true;
    pair.uplink.start();
    await pair.clock.advance(30_000);
    pair.brokers[0].comeUp();
    await pair.clock.advance(DEFAULT_FAILOVER.failBackAfterMs - 20_000);
    expect(pair.place).toBe(1);
    await pair.clock.advance(MINUTE_MS);
    expect(pair.place).toBe(0);
    expect(pair.alternative()).toEqual([true, false]);
    expect(pair.brokers[0].retained(`${ROOT}/status`)).toContain('"status":"online"');
    // The other one says in our name that we are not there any more.
    expect(pair.brokers[1].retained(`${ROOT}/status`)).toContain('"status":"offline"');
    expect(pair.brokers[1].sessions).toBe(0);
  });

  it('do not return while the first comes and goes, and ever later when returns fail', async () => {
    const pair = new Pair();
    pair.brokers[0].faults.down = true;
    pair.uplink.start();
    for (let round = 0; round < 60; round += 1) {
      await pair.clock.advance(MINUTE_MS);
      if (round % 2 === 0) pair.brokers[0].comeUp();
      else pair.brokers[0].goDown();
    }
    expect(pair.uplink.counters.addressSwitches).toBe(0);
    // Now it takes every probe, and ends what matters: each return fails.
    pair.brokers[0].comeUp();
    pair.brokers[0].faults.fate = () => 'hangUp';
    await pair.clock.advance(8 * 60 * MINUTE_MS);
    expect(pair.uplink.counters.addressSwitches).toBeGreaterThan(4);
    expect(pair.uplink.counters.addressSwitches).toBeLessThan(30);
    expect(pair.place).toBe(1);
  });

  it('wait between rounds when nothing answers anywhere', async () => {
    const pair = new Pair();
    for (const broker of pair.brokers) broker.faults.down = true;
    pair.uplink.start();
    await pair.clock.advance(60 * MINUTE_MS);
    expect(pair.faults).toMatchObject([{ fault: 'brokerUnreachable', raised: true }]);
    pair.brokers[1].comeUp();
    await pair.clock.advance(90_000);
    expect(pair.place).toBe(1);
  });

  it('end at once when the appliance stops, in the midst of a probe too', async () => {
    const pair = new Pair();
    pair.brokers[0].faults.down = true;
    pair.uplink.start();
    await pair.clock.advance(30_000);
    pair.brokers[0].faults.down = false;
    pair.brokers[0].faults.halfOpen = true;
    await pair.clock.advance(16_000);
    const stopped = pair.uplink.stop('test', 1000);
    await pair.clock.advance(1000);
    await stopped;
    await pair.clock.advance(10 * MINUTE_MS);
    expect([pair.brokers[0].sessions, pair.brokers[1].sessions]).toEqual([0, 0]);
    expect(pair.brokers[1].retained(`${ROOT}/status`)).toContain('"reason":"test"');
  });
});
