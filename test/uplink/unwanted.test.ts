/** What becomes of messages that the broker refuses or hangs up on; alarms: `set-aside.test.ts`. */
import { describe, expect, it } from 'vitest';
import type { Fate } from '../../src/uplink/simulated-link.ts';
import { Bench, BROKER } from './bench.ts';
import { telemetryRow } from './memory-journal.ts';

describe('messages that the broker does not want', () => {
  it('are tried three times, given up, put on record, and do not stop the lane', async () => {
    const bench = new Bench();
    bench.broker.faults.fate = ({ payload }) =>
      payload.includes('"id":"fault-2"') ? 'reject' : 'deliver';
    bench.journal.append(bench.make.some('fault', 4));
    bench.uplink.start();
    await bench.clock.advance(20_000);
    expect(bench.ids('fault')).toEqual(['fault-1', 'fault-3', 'fault-4']);
    expect(bench.uplink.counters.rejected).toBe(3);
    expect(bench.uplink.counters.quarantined).toBe(1);
    expect(bench.journal.gaps).toMatchObject([{ lane: 'fault', firstSeq: 2, lastSeq: 2 }]);
    expect(bench.taken('gap')).toHaveLength(1);
    expect(bench.journal.cursor(BROKER, 'fault')).toBe(4);
  });

  it('are found when the broker hangs up on them, among others in flight', async () => {
    const bench = new Bench();
    bench.broker.faults.fate = ({ payload }) =>
      payload.includes('"id":"fault-7"') ? 'hangUp' : 'deliver';
    bench.journal.append(bench.make.some('fault', 20));
    bench.journal.append(bench.make.some('alarm', 3));
    bench.uplink.start();
    await bench.clock.advance(60_000);
    expect(bench.uniqueIds('fault')).toHaveLength(19);
    expect(bench.uniqueIds('alarm')).toHaveLength(3);
    expect(bench.journal.gaps).toMatchObject([{ lane: 'fault', firstSeq: 7, lastSeq: 7 }]);
    expect(bench.journal.cursor(BROKER, 'fault')).toBe(20);
  });

  it('are not confused with a network that fails at a bad moment', async () => {
    const bench = new Bench();
    bench.broker.faults.fate = ({ topic }) => (topic.includes('/event/') ? 'loseAck' : 'deliver');
    bench.journal.append(bench.make.some('alarm', 1));
    bench.uplink.start();
    await bench.clock.advance(3_600_000);
    expect(bench.uplink.counters.quarantined).toBe(0);
    expect(bench.journal.cursor(BROKER, 'alarm')).toBe(0);
    bench.broker.faults.fate = () => 'deliver';
    await bench.clock.advance(60_000);
    expect(bench.journal.cursor(BROKER, 'alarm')).toBe(1);
  });

  it.each<[string, Fate]>([
    ['hangs up on everything', 'hangUp'],
    ['takes nothing at all', 'reject'],
  ])('are not confused with a broker that %s', async (_what, otherwise) => {
    const bench = new Bench();
    bench.broker.faults.fate = ({ topic }) => (topic.includes('/event/') ? 'hangUp' : otherwise);
    bench.journal.append(bench.make.some('alarm', 2));
    bench.uplink.start();
    await bench.clock.advance(3_600_000);
    expect(bench.uplink.counters.quarantined).toBe(0);
    expect(bench.journal.cursor(BROKER, 'alarm')).toBe(0);
  });

  it('are not confused with another message that was under way at the same time', async () => {
    const bench = new Bench({ stateMinIntervalMs: 0 });
    bench.broker.faults.latencyMs = 20;
    bench.broker.faults.fate = ({ topic, payload }) => {
      if (topic.endsWith('/state') && payload.includes('"condition":"fault"')) return 'hangUp';
      return topic.includes('/event/') ? 'loseAck' : 'deliver';
    };
    bench.journal.append(bench.make.some('fault', 1));
    bench.uplink.start();
    for (let round = 1; round <= 8; round += 1) {
      bench.snapshot = { ...bench.snapshot, condition: 'normal' };
      await bench.clock.until(() => bench.uplink.counters.published === round, 60_000);
      await bench.clock.advance(50);
      bench.snapshot = { ...bench.snapshot, condition: 'fault' };
      bench.uplink.stateChanged();
      await bench.clock.until(() => bench.uplink.counters.lost === round, 60_000);
    }
    expect(bench.uplink.counters.quarantined).toBe(0);
    expect(bench.journal.cursor(BROKER, 'fault')).toBe(0);
  });

  it('are tried again after a second, not when something else happens to come by', async () => {
    const bench = new Bench({ pollMs: 3_600_000 });
    let refusals = 1;
    bench.broker.faults.fate = ({ topic }) => {
      if (!topic.endsWith('/alarm') || refusals === 0) return 'deliver';
      refusals -= 1;
      return 'reject';
    };
    bench.journal.append(bench.make.some('alarm', 1));
    bench.uplink.start();
    await bench.clock.advance(900);
    expect(bench.ids('alarm')).toEqual([]);
    await bench.clock.advance(200);
    expect(bench.ids('alarm')).toEqual(['alarm-1']);
  });

  it('hold a lane that is refused as such: a wrong access rule loses at most three', async () => {
    const bench = new Bench();
    bench.broker.faults.fate = ({ topic }) => (topic.endsWith('/fault') ? 'reject' : 'deliver');
    bench.journal.append(bench.make.some('fault', 50));
    bench.uplink.start();
    await bench.clock.advance(3_600_000);
    expect(bench.uplink.counters.quarantined).toBe(3);
    expect(bench.uplink.counters.held.fault).toBe(true);
    expect(bench.faults).toMatchObject([{ fault: 'laneRefused', subject: 'uplink:central:fault' }]);
    bench.journal.append(bench.make.some('system', 1));
    await bench.clock.advance(1000);
    expect(bench.ids('system')).toEqual(['system-1']);
    bench.broker.faults.fate = () => 'deliver';
    await bench.clock.advance(120_000);
    expect(bench.uniqueIds('fault')).toHaveLength(47);
    expect(bench.faults.at(-1)).toMatchObject({ fault: 'laneRefused', raised: false });
  });

  it('that cannot be put into a message are set aside without being sent', async () => {
    const bench = new Bench();
    bench.journal.appendTelemetry([telemetryRow('PR.04', 1), telemetryRow('ok', 2)]);
    bench.uplink.start();
    await bench.clock.advance(3000);
    expect(bench.taken('telemetry/ok')).toHaveLength(1);
    expect(bench.journal.gaps).toMatchObject([{ lane: 'telemetry', firstSeq: 1, lastSeq: 1 }]);
    expect(bench.journal.cursor(BROKER, 'telemetry')).toBe(2);
  });
});
