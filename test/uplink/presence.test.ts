import { describe, expect, it } from 'vitest';
import { Bench, ROOT } from './bench.ts';

const status = (bench: Bench): unknown =>
  JSON.parse(bench.broker.retained(`${ROOT}/status`) ?? 'null');

describe('status', () => {
  it('says who came, with what, on which connection', async () => {
    const bench = new Bench();
    bench.uplink.start();
    await bench.clock.advance(50);
    expect(status(bench)).toMatchObject({
      status: 'online',
      bootId: 'boot-1',
      connection: 1,
      version: '1.0.0',
      configHash: 'abc',
      capabilities: ['acknowledge'],
    });
    expect(bench.uplink.counters).toMatchObject({ connected: true, protocol: 'simulated' });
  });

  it('turns offline when the connection breaks, and online with the next', async () => {
    const bench = new Bench();
    bench.uplink.start();
    await bench.clock.advance(50);
    bench.broker.goDown();
    expect(status(bench)).toMatchObject({ status: 'offline', connection: 1 });
    await bench.clock.advance(5000);
    bench.broker.comeUp();
    await bench.clock.until(() => bench.uplink.counters.connected, 40_000);
    await bench.clock.advance(50);
    expect(status(bench)).toMatchObject({ status: 'online' });
    expect(bench.uplink.counters.reconnects).toBe(1);
  });

  it('is corrected when an earlier will comes late, and not in a race', async () => {
    const bench = new Bench();
    bench.uplink.start();
    await bench.clock.advance(5000);
    const late = JSON.stringify({ status: 'offline', bootId: 'boot-1', connection: 0 });
    bench.broker.publish(`${ROOT}/status`, late, { retain: true });
    await bench.clock.advance(1100);
    expect(status(bench)).toMatchObject({ status: 'online', connection: 1 });
    expect(bench.uplink.counters.statusCorrections).toBe(1);
    const births = bench.taken('status').length;
    for (let round = 0; round < 100; round += 1) {
      bench.broker.publish(`${ROOT}/status`, 'not even JSON', { retain: true });
      await bench.clock.advance(10);
    }
    expect(bench.taken('status').length - births).toBeLessThanOrEqual(2);
    await bench.clock.advance(2000);
    expect(status(bench)).toMatchObject({ status: 'online' });
  });

  it.each([
    ['the will of this very connection', { status: 'offline', bootId: 'boot-1', connection: 1 }],
    ['the birth of an earlier connection', { status: 'online', bootId: 'boot-1', connection: 0 }],
    ['the birth of an earlier life', { status: 'online', bootId: 'boot-0', connection: 1 }],
  ])('is corrected over %s', async (_what, wrong) => {
    const bench = new Bench();
    bench.uplink.start();
    await bench.clock.advance(5000);
    bench.broker.publish(`${ROOT}/status`, JSON.stringify(wrong), { retain: true });
    await bench.clock.advance(1100);
    expect(status(bench)).toMatchObject({ status: 'online', bootId: 'boot-1', connection: 1 });
    expect(bench.uplink.counters.statusCorrections).toBe(1);
  });

  it('is repeated when the broker refuses it', async () => {
    const bench = new Bench();
    bench.broker.faults.fate = ({ topic }) => (topic.endsWith('/status') ? 'reject' : 'deliver');
    bench.uplink.start();
    await bench.clock.advance(1000);
    expect(status(bench)).toBeNull();
    bench.broker.faults.fate = () => 'deliver';
    await bench.clock.advance(31_000);
    expect(status(bench)).toMatchObject({ status: 'online' });
  });

  it('names the reason of a stop, and publishes no will then', async () => {
    const bench = new Bench();
    bench.uplink.start();
    await bench.clock.advance(50);
    await bench.stop('configuration changed');
    expect(status(bench)).toMatchObject({ status: 'offline', reason: 'configuration changed' });
    await bench.clock.advance(60_000);
    expect(bench.broker.sessions).toBe(0);
  });

  it('does not keep a stop waiting for a dead broker', async () => {
    const bench = new Bench();
    bench.uplink.start();
    await bench.clock.advance(50);
    bench.broker.faults.halfOpen = true;
    bench.journal.append(bench.make.some('alarm', 3));
    await bench.stop('power', 1000);
    expect(bench.uplink.counters.connected).toBe(false);
    expect(bench.journal.cursor('central', 'alarm')).toBe(0);
  });
});

describe('state', () => {
  it('is whole, retained, sent on connect and on change, at most five times a second', async () => {
    const bench = new Bench();
    bench.uplink.start();
    await bench.clock.advance(1000);
    expect(bench.taken('state')).toHaveLength(1);
    for (let change = 0; change < 100; change += 1) {
      bench.snapshot = { ...bench.snapshot, condition: change === 99 ? 'alarm' : 'fault' };
      bench.uplink.stateChanged();
      await bench.clock.advance(10);
    }
    await bench.clock.advance(1000);
    const states = bench.taken('state');
    expect(states.length).toBeGreaterThan(3);
    expect(states.length).toBeLessThanOrEqual(8);
    expect(states.at(-1)).toMatchObject({ condition: 'alarm', outputs: { faultRelay: true } });
    expect(JSON.parse(bench.broker.retained(`${ROOT}/state`) ?? '')).toEqual(states.at(-1));
    expect(bench.uplink.counters.statesCoalesced).toBeGreaterThan(80);
  });

  it('is sent again some time after a refusal', async () => {
    const bench = new Bench();
    bench.broker.faults.fate = ({ topic }) => (topic.endsWith('/state') ? 'reject' : 'deliver');
    bench.uplink.start();
    await bench.clock.advance(10_000);
    bench.broker.faults.fate = () => 'deliver';
    await bench.clock.advance(15_000);
    expect(bench.taken('state')).toHaveLength(0);
    await bench.clock.advance(10_000);
    expect(bench.taken('state')).toHaveLength(1);
  });

  it('is sent again after a reconnect, also when the last one was lost', async () => {
    const bench = new Bench();
    bench.uplink.start();
    await bench.clock.advance(1000);
    bench.broker.goDown();
    bench.snapshot = { ...bench.snapshot, condition: 'alarm' };
    bench.uplink.stateChanged();
    await bench.clock.advance(10_000);
    bench.broker.comeUp();
    await bench.clock.advance(40_000);
    expect(bench.taken('state').at(-1)).toMatchObject({ condition: 'alarm' });
  });
});

describe('an unreachable broker', () => {
  it('is a fault after half a minute, restored by the connection, nothing else', async () => {
    const bench = new Bench();
    bench.broker.faults.down = true;
    bench.uplink.start();
    await bench.clock.advance(29_000);
    expect(bench.faults).toEqual([]);
    await bench.clock.advance(3_600_000);
    expect(bench.faults).toEqual([
      {
        fault: 'brokerUnreachable',
        subject: 'uplink:central',
        raised: true,
        detail: 'connection refused at simulated://broker',
      },
    ]);
    bench.broker.comeUp();
    await bench.clock.advance(31_000);
    expect(bench.faults).toHaveLength(2);
    expect(bench.faults[1]).toMatchObject({ fault: 'brokerUnreachable', raised: false });
  });
});
