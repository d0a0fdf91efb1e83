import { describe, expect, it } from 'vitest';
import { eventMessage, topicsOf } from '../../src/uplink/payload.ts';
import { Bench, BROKER, ROOT } from './bench.ts';
import { telemetryRow } from './memory-journal.ts';

const topicOf = (message: { topic: string }): string => message.topic.slice(ROOT.length + 1);

describe('delivery', () => {
  it('delivers what was there at the start and what comes later, and moves cursors', async () => {
    const bench = new Bench();
    bench.journal.append(bench.make.some('alarm', 3));
    bench.uplink.start();
    await bench.clock.advance(100);
    bench.journal.append([bench.make.make('alarm'), bench.make.make('fault')]);
    await bench.clock.advance(100);
    expect(bench.ids('alarm')).toEqual(['alarm-1', 'alarm-2', 'alarm-3', 'alarm-4']);
    expect(bench.ids('fault')).toEqual(['fault-1']);
    expect(bench.journal.cursor(BROKER, 'alarm')).toBe(4);
    expect(bench.journal.cursor(BROKER, 'fault')).toBe(1);
    expect(bench.uplink.counters.backlog.alarm).toBe(0);
    expect(bench.latencies).toHaveLength(5);
  });

  it('delivers what can be read although it could not be committed', async () => {
    const bench = new Bench();
    bench.uplink.start();
    await bench.clock.advance(100);
    bench.journal.appendUndurable(bench.make.some('alarm', 2));
    await bench.clock.advance(100);
    expect(bench.ids('alarm')).toEqual(['alarm-1', 'alarm-2']);
  });

  it('goes back to its cursors when the store was opened later than it began', async () => {
    const bench = new Bench();
    bench.journal.append(bench.make.some('alarm', 3));
    // Nobody could say how far it was: it began above what the store holds.
    bench.journal.advance(BROKER, 'alarm', 3);
    bench.uplink.start();
    bench.journal.append(bench.make.some('alarm', 1));
    await bench.clock.advance(100);
    expect(bench.ids('alarm')).toEqual(['alarm-4']);
    bench.journal.rewind(BROKER, 'alarm', 1);
    bench.uplink.committed({ committed: {}, events: 0, commitMs: 0, rewound: ['another'] });
    await bench.clock.advance(100);
    expect(bench.ids('alarm')).toEqual(['alarm-4']);
    bench.uplink.committed({ committed: {}, events: 0, commitMs: 0, rewound: [BROKER] });
    await bench.clock.advance(100);
    expect(bench.ids('alarm')).toEqual(['alarm-4', 'alarm-2', 'alarm-3', 'alarm-4']);
    expect(bench.journal.cursor(BROKER, 'alarm')).toBe(4);
  });

  it('sends nothing more than alarms while enough bytes wait for the broker', async () => {
    const bench = new Bench({ backlogPerSecond: Infinity, windowBytes: 2000 });
    bench.broker.faults.latencyMs = 1000;
    bench.journal.append(bench.make.some('fault', 100, { bootId: 'boot-0' }));
    bench.uplink.start();
    await bench.clock.advance(1500);
    const each = JSON.stringify(bench.journal.events.fault[0]).length;
    const sent = bench.uplink.counters.published;
    // One may lie across the limit.
    expect(sent * each).toBeGreaterThanOrEqual(2000);
    expect((sent - 2) * each).toBeLessThan(2000);
    bench.journal.append(bench.make.some('alarm', 2));
    await bench.clock.advance(1);
    expect(bench.uplink.counters.published).toBe(sent + 2);
  });

  it('publishes the very bytes of the journal, and says of old ones that they are old', async () => {
    const bench = new Bench();
    const [old] = bench.make.some('alarm', 1, { bootId: 'boot-0', wall: '2020-01-01T00:00:00Z' });
    const [live] = bench.make.some('alarm', 1);
    bench.journal.append([old!, live!]);
    bench.uplink.start();
    await bench.clock.advance(100);
    const sent = bench.broker.accepted.filter(({ topic }) => topic.endsWith('/event/alarm'));
    const topics = topicsOf(ROOT);
    expect(sent.map(({ payload }) => payload)).toEqual([
      eventMessage(topics, old!, true).payload,
      eventMessage(topics, live!, false).payload,
    ]);
  });

  it('goes on from the durable cursor in the next life', async () => {
    const bench = new Bench();
    bench.journal.append(bench.make.some('fault', 5));
    bench.uplink.start();
    await bench.clock.advance(100);
    await bench.stop('restart');
    const before = bench.ids('fault').length;
    bench.build('boot-2').start();
    bench.journal.append(bench.make.some('fault', 1));
    await bench.clock.advance(100);
    expect(bench.ids('fault').slice(before)).toEqual(['fault-6']);
  });

  it('counts what waits also while there is no broker', async () => {
    const bench = new Bench();
    bench.uplink.start();
    await bench.clock.advance(100);
    bench.broker.goDown();
    await bench.clock.advance(1000);
    bench.journal.append(bench.make.some('alarm', 3));
    await bench.clock.advance(1000);
    expect(bench.uplink.counters.backlog.alarm).toBe(3);
  });

  it('moves no cursor without an acknowledgement, and sends again after the time-out', async () => {
    const bench = new Bench();
    bench.broker.faults.fate = (message) =>
      message.topic.endsWith('/alarm') ? 'loseAck' : 'deliver';
    bench.journal.append(bench.make.some('alarm', 2));
    bench.uplink.start();
    await bench.clock.advance(9000);
    expect(bench.ids('alarm')).toEqual(['alarm-1', 'alarm-2']);
    expect(bench.journal.cursor(BROKER, 'alarm')).toBe(0);
    bench.broker.faults.fate = () => 'deliver';
    await bench.clock.advance(5000);
    expect(bench.journal.cursor(BROKER, 'alarm')).toBe(2);
    expect(bench.uniqueIds('alarm')).toEqual(['alarm-1', 'alarm-2']);
    expect(bench.uplink.counters.timedOut).toBeGreaterThan(0);
    expect(bench.uplink.counters.quarantined).toBe(0);
  });

  it('lets an alarm pass a backlog and a full window', async () => {
    const bench = new Bench({ window: 8, alarmReserve: 2, backlogPerSecond: 50 });
    bench.broker.faults.latencyMs = 20;
    bench.clock.wallOffsetMs += 3_600_000;
    const old = { bootId: 'boot-0', wall: '2026-01-01T00:00:00.000Z' };
    bench.journal.append(bench.make.some('fault', 400, old));
    bench.uplink.start();
    await bench.clock.advance(1000);
    const before = bench.ids('fault').length;
    expect(before).toBeGreaterThan(30);
    expect(before).toBeLessThan(80);
    bench.journal.append([bench.make.make('alarm', { monotonicMs: bench.clock.monotonicMs() })]);
    await bench.clock.advance(41);
    expect(bench.ids('alarm')).toEqual(['alarm-1']);
    expect(bench.taken('event/fault')[0]).toHaveProperty('historical', true);
    expect(bench.taken('event/alarm')[0]).not.toHaveProperty('historical');
  });

  it('serves live events before the backlog of a higher lane', async () => {
    const bench = new Bench({ window: 1, backlogPerSecond: 1000 });
    bench.clock.wallOffsetMs += 3_600_000;
    bench.journal.append(bench.make.some('fault', 20, { bootId: 'boot-0' }));
    bench.journal.append(bench.make.some('system', 5));
    bench.journal.append(bench.make.some('alarm', 2, { bootId: 'boot-0' }));
    bench.uplink.start();
    await bench.clock.advance(1000);
    const order = bench.broker.accepted
      .map(topicOf)
      .filter((topic) => topic.startsWith('event/'))
      .map((topic) => topic.slice('event/'.length));
    const expected = ['alarm', 'alarm', ...Array<string>(5).fill('system')];
    expect(order.slice(0, 7)).toEqual(expected);
    expect(order).toHaveLength(27);
  });

  it('keeps the bound on messages in flight, and on items in hand', async () => {
    const bench = new Bench({
      window: 16,
      alarmReserve: 4,
      pageSize: 64,
      backlogPerSecond: Infinity,
    });
    bench.broker.faults.latencyMs = 100;
    bench.journal.append(bench.make.some('fault', 1000, { bootId: 'boot-0' }));
    bench.uplink.start();
    // Connecting and the birth take their round trips first.
    await bench.clock.advance(150);
    const sent = bench.uplink.counters.published;
    expect(sent).toBe(12);
    await bench.clock.advance(100);
    expect(bench.uplink.counters.published).toBe(2 * sent);
    expect(bench.uplink.counters.backlog.fault).toBe(1000 - sent);
    expect(bench.journal.largestLimit).toBe(64);
    await bench.clock.advance(20_000);
    expect(bench.uniqueIds('fault')).toHaveLength(1000);
    expect(bench.ids('fault')).toHaveLength(1000);
  });

  it('honours a receive maximum of one', async () => {
    const bench = new Bench({ receiveMaximum: 1 });
    bench.journal.append(bench.make.some('alarm', 5));
    bench.journal.append(bench.make.some('system', 5));
    bench.uplink.start();
    await bench.clock.advance(2000);
    expect(bench.ids('alarm')).toHaveLength(5);
    expect(bench.ids('system')).toHaveLength(5);
    expect(bench.uplink.counters).toMatchObject({ reconnects: 0, lost: 0 });
  });

  it('delivers telemetry by sensor and the gap ledger', async () => {
    const bench = new Bench();
    bench.journal.appendTelemetry([telemetryRow('west', 20), telemetryRow('east', 21)]);
    bench.journal.recordGap({ lane: 'telemetry', firstSeq: 1, lastSeq: 9, reason: 'thinned' });
    bench.uplink.start();
    await bench.clock.advance(100);
    bench.journal.appendTelemetry([telemetryRow('west', 22)]);
    await bench.clock.advance(2000);
    expect(bench.taken('telemetry/west').map(({ row }) => row)).toEqual([1, 3]);
    expect(bench.taken('telemetry/east').map(({ row }) => row)).toEqual([2]);
    expect(bench.taken('gap')).toHaveLength(1);
    expect(bench.journal.cursor(BROKER, 'telemetry')).toBe(3);
    expect(bench.journal.cursor(BROKER, 'gap')).toBe(1);
  });

  it('survives a journal that cannot be read, at the start and later', async () => {
    const bench = new Bench();
    bench.journal.broken = true;
    bench.uplink.start();
    await bench.clock.advance(1500);
    expect(bench.uplink.counters.readErrors).toBeGreaterThan(0);
    bench.journal.broken = false;
    bench.journal.append(bench.make.some('alarm', 1));
    await bench.clock.advance(1500);
    expect(bench.ids('alarm')).toEqual(['alarm-1']);
    bench.journal.broken = true;
    bench.journal.append(bench.make.some('alarm', 1));
    await bench.clock.advance(1500);
    bench.journal.broken = false;
    await bench.clock.advance(1500);
    expect(bench.ids('alarm')).toEqual(['alarm-1', 'alarm-2']);
  });

  it('delivers what waits before it says goodbye', async () => {
    const bench = new Bench();
    bench.broker.faults.latencyMs = 50;
    bench.uplink.start();
    await bench.clock.advance(500);
    bench.journal.append(bench.make.some('system', 40));
    await bench.stop('updating', 5000);
    expect(bench.ids('system')).toHaveLength(40);
    const last = bench.broker.accepted.at(-1);
    expect(last?.topic).toBe(`${ROOT}/status`);
    expect(JSON.parse(last?.payload ?? '')).toMatchObject({
      status: 'offline',
      reason: 'updating',
    });
    expect(bench.broker.sessions).toBe(0);
  });
});
