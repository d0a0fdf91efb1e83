/** An alarm that the broker does not take is never given up, and stops nobody else. */
import { describe, expect, it } from 'vitest';
import { DEFAULT_LANE_LIMITS, LaneQueue } from '../../src/uplink/lane-queue.ts';
import { PageItem } from '../../src/uplink/lane-source.ts';
import type { Fate } from '../../src/uplink/simulated-link.ts';
import { Bench, BROKER } from './bench.ts';

const SUBJECT = 'uplink:central:alarm';

function refusing(fate: Fate, ...ids: readonly string[]): Bench {
  const bench = new Bench();
  bench.broker.faults.fate = ({ payload }) =>
    ids.some((id) => payload.includes(`"id":"${id}"`)) ? fate : 'deliver';
  return bench;
}

describe('an alarm that the broker does not take', () => {
  it.each<[Fate, string]>([
    ['reject', 'refused by a rule of the broker'],
    ['hangUp', 'the broker hangs up on it: connection closed by the broker'],
  ])('by %s is set aside with a fault, and delivered once it is taken', async (fate, reason) => {
    const bench = refusing(fate, 'alarm-2');
    bench.journal.append(bench.make.some('alarm', 4));
    bench.uplink.start();
    await bench.clock.advance(60_000);
    expect(bench.uniqueIds('alarm')).toEqual(['alarm-1', 'alarm-3', 'alarm-4']);
    expect(bench.uplink.counters).toMatchObject({
      quarantined: 0,
      aside: { alarm: 1 },
      backlog: { alarm: 1 },
      held: { alarm: false },
    });
    expect(bench.journal.gaps).toEqual([]);
    expect(bench.journal.cursor(BROKER, 'alarm')).toBe(1);
    expect(bench.faults).toMatchObject([{ fault: 'alarmQuarantined', subject: SUBJECT }]);
    expect(bench.faults[0]?.detail).toContain(`the broker does not take alarm 2: ${reason};`);
    bench.broker.faults.fate = () => 'deliver';
    await bench.clock.advance(DEFAULT_LANE_LIMITS.asideRetryMaxMs);
    expect(bench.uniqueIds('alarm')).toEqual(['alarm-1', 'alarm-3', 'alarm-4', 'alarm-2']);
    expect(bench.journal.cursor(BROKER, 'alarm')).toBe(4);
    expect(bench.uplink.counters.aside.alarm).toBe(0);
    expect(bench.faults.at(-1)).toMatchObject({ fault: 'alarmQuarantined', raised: false });
  });

  it('is offered again more and more seldom, and ends few connections', async () => {
    const bench = refusing('hangUp', 'alarm-1');
    bench.journal.append(bench.make.some('alarm', 1));
    bench.uplink.start();
    await bench.clock.advance(120_000);
    const before = bench.uplink.counters.reconnects;
    await bench.clock.advance(3_600_000);
    // One each ten minutes, and those of the first minutes.
    expect(bench.uplink.counters.reconnects - before).toBeLessThanOrEqual(9);
    expect(bench.uplink.counters.reconnects - before).toBeGreaterThanOrEqual(5);
  });

  it('survives a restart: the cursor stays before it, and what followed comes again', async () => {
    const bench = refusing('reject', 'alarm-2');
    bench.journal.append(bench.make.some('alarm', 3));
    bench.uplink.start();
    await bench.clock.advance(10_000);
    await bench.stop('restart');
    const before = bench.ids('alarm').length;
    bench.build('boot-2').start();
    await bench.clock.advance(10_000);
    expect(bench.ids('alarm').slice(before)).toEqual(['alarm-3']);
    bench.broker.faults.fate = () => 'deliver';
    await bench.clock.advance(60_000);
    expect(bench.ids('alarm').at(-1)).toBe('alarm-2');
    expect(bench.journal.cursor(BROKER, 'alarm')).toBe(3);
  });

  it('does not stop newer alarms, also when it is one of many', async () => {
    // The broker takes those between them first, and then refuses twenty in a row.
    const ids = Array.from({ length: 20 }, (_, index) => `alarm-${2 * index + 1}`);
    const bench = refusing('reject', ...ids);
    bench.journal.append(bench.make.some('alarm', 40));
    bench.uplink.start();
    await bench.clock.advance(70_000);
    expect(bench.uniqueIds('alarm')).toHaveLength(20);
    expect(bench.uplink.counters.aside.alarm).toBe(20);
    bench.journal.append(bench.make.some('alarm', 1));
    await bench.clock.advance(20);
    expect(bench.ids('alarm').at(-1)).toBe('alarm-41');
    bench.broker.faults.fate = () => 'deliver';
    await bench.clock.advance(600_000);
    expect(bench.uniqueIds('alarm')).toHaveLength(41);
    expect(bench.journal.cursor(BROKER, 'alarm')).toBe(41);
  });

  it('is kept when a whole lane is refused, and all of it comes when the rule is right', async () => {
    const bench = new Bench();
    bench.broker.faults.fate = ({ topic }) => (topic.endsWith('/alarm') ? 'reject' : 'deliver');
    bench.journal.append(bench.make.some('alarm', 50));
    bench.uplink.start();
    await bench.clock.advance(3_600_000);
    expect(bench.uplink.counters).toMatchObject({ quarantined: 0, held: { alarm: true } });
    expect(bench.uplink.counters.aside.alarm).toBe(50);
    bench.broker.faults.fate = () => 'deliver';
    // The first that is taken says that the rule is right again: nobody waits for his turn.
    bench.journal.append(bench.make.some('alarm', 1));
    await bench.clock.advance(1000);
    expect(bench.uniqueIds('alarm')).toHaveLength(51);
    expect(bench.journal.gaps).toEqual([]);
    expect(bench.uplink.counters.held.alarm).toBe(false);
  });
});

describe('the texts of what is set aside', () => {
  it('stay in memory up to a bound, and are asked for beyond it', () => {
    const limits = { ...DEFAULT_LANE_LIMITS, maxRejections: 1, maxGivenUpInARow: 1000 };
    const queue = new LaneQueue<string>(0, limits, 'setAside');
    const bytes = 100_000;
    queue.load([1, 2, 3, 4].map((seq) => new PageItem(seq, `item ${seq}`, bytes)));
    for (const seq of [1, 2, 3, 4]) {
      const entry = queue.next(0);
      expect(entry?.seq).toBe(seq);
      if (entry === null) return;
      queue.sent(entry);
      expect(queue.rejected(entry, 0, 'no')).toBe('setAside');
    }
    expect(queue.cursor).toBe(0);
    expect(queue.passed).toBe(4);
    expect(queue.bytes).toBe(0);
    const dueMs = queue.resumesAtMs(0) ?? 0;
    expect(dueMs).toBe(limits.asideRetryMs);
    expect(queue.next(dueMs - 1)).toBeNull();
    for (const seq of [1, 2]) {
      expect(queue.aside.wanted(dueMs)).toBeNull();
      const entry = queue.next(dueMs);
      expect(entry?.seq).toBe(seq);
      if (entry === null) return;
      queue.sent(entry);
      queue.acknowledged(entry);
    }
    expect(queue.next(dueMs)).toBeNull();
    const wanted = queue.aside.wanted(dueMs);
    expect(wanted?.seq).toBe(3);
    if (wanted === null) return;
    wanted.item = 'item 3';
    expect(queue.next(dueMs)).toBe(wanted);
    expect(queue.cursor).toBe(2);
  });
});
