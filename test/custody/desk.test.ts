/** Custody at work: confirmations from brokers, sending again, escalation, and a restart. */
import { describe, expect, it } from 'vitest';
import { CustodyDesk } from '../../src/custody-desk.ts';
import type { CustodyCore } from '../../src/custody-escalation.ts';
import { parseConfig } from '../../src/config.ts';
import type { DomainEvent, JournalEvent } from '../../src/domain/event.ts';
import type { FaultNotice } from '../../src/domain/step.ts';
import { MemoryJournal } from '../../src/store/memory-journal.ts';
import type { PublishResult } from '../../src/uplink/link.ts';
import { ManualClock } from '../hal/manual-clock.ts';
import { alarmEvent, BOOT, idOf } from './alarms.ts';

const CONFIG = `
uplink:
  acknowledgement: { withinSeconds: 60 }
  brokers:
    - { id: main, url: "mqtt://127.0.0.1" }
    - { id: second, url: "mqtt://127.0.0.2", onlyEscalated: true }
`;

/** As real timers may: each fires a fraction of a millisecond before its time. */
class EarlyClock extends ManualClock {
  override after(delayMs: number, run: () => void): () => void {
    return super.after(delayMs > 1 ? delayMs - 0.5 : delayMs, run);
  }
}

class World {
  readonly clock = new EarlyClock();
  readonly journal = new MemoryJournal();
  readonly recorded: DomainEvent[] = [];
  readonly faults: FaultNotice[] = [];
  readonly sent: string[] = [];
  readonly said: string[] = [];
  taken: Record<string, PublishResult> = {
    main: { kind: 'acknowledged' },
    second: { kind: 'acknowledged' },
  };
  desk!: CustodyDesk;

  static async start(held: readonly JournalEvent[] = []): Promise<World> {
    const world = new World();
    await world.restart(held);
    return world;
  }

  async restart(held: readonly JournalEvent[] = [], storedAlarms = 0): Promise<void> {
    const parsed = parseConfig(CONFIG, {});
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    const { clock, journal } = this;
    const parts = {
      ...{ config: parsed.config, clock, journal, keyed: journal, bootId: BOOT, storedAlarms },
      log: (_level: string, message: string) => void this.said.push(message),
      wallTime: () => '2026-01-01T00:00:00.000Z',
      brokers: ['main', 'second'],
      observeCentral: () => undefined,
    };
    this.desk = await CustodyDesk.load(parts, held);
    const uplink = (name: string) => ({
      sendAgain: (event: JournalEvent) => {
        this.sent.push(`${name} ${event.seq}`);
        return Promise.resolve(this.taken[name] ?? { kind: 'timedOut' as const });
      },
    });
    const core: CustodyCore = {
      brokers: ['main', 'second'],
      uplinks: [uplink('main'), uplink('second')],
      runtime: { record: (event) => void this.recorded.push(event) },
      fault: (notice) => void this.faults.push(notice),
    };
    this.desk.start(core);
  }

  /** As a step that decided this. */
  happens(event: JournalEvent): void {
    this.journal.append([event]);
    const step = { nowMs: this.clock.monotonicMs(), startedMs: 0, events: [event] };
    this.desk.hooksAfter({}).onStep?.(step as never);
  }

  ack(ids: readonly string[], by = 'centre-1'): void {
    this.desk.subscriber('r/ack').onMessage({
      ...{ topic: 'r/ack', retained: false, responseTopic: null, correlation: null },
      ...{ expirySeconds: null, payload: Buffer.from(JSON.stringify({ ids, by })) },
    });
  }

  types(): string[] {
    return this.recorded.map(({ type }) => type);
  }
}

describe('an alarm that a central server confirms', () => {
  it('is journalled as confirmed, and its custody is told once an operator has it, too', async () => {
    const world = await World.start();
    world.happens(alarmEvent(1));
    world.desk.hooksAfter({}).onCommit?.({ committed: { alarm: 1 }, events: 1, commitMs: 1 });
    world.desk.hooksAfter({}).onPublished?.(3, 'main', 'alarm', 1);
    world.ack([idOf(1), idOf(77)]);
    expect(world.recorded).toEqual([
      {
        lane: 'operator',
        type: 'centrallyConfirmed',
        data: { origin: 'mqtt:centre-1', alarms: [{ id: idOf(1), seq: 1, zone: 'a' }] },
      },
    ]);
    expect(world.desk.counters).toMatchObject({ confirmed: 1, unknown: 1 });
    world.happens({
      ...alarmEvent(1),
      lane: 'operator',
      type: 'acknowledged',
      data: { zones: ['a'], origin: 'button', requestId: 'r' },
    } as unknown as JournalEvent);
    expect(world.types()).toEqual(['centrallyConfirmed', 'custody']);
    await world.clock.run(3_600_000);
    expect([world.sent, world.faults]).toEqual([[], []]);
    expect(await world.journal.loadAll('custody')).toEqual(new Map());
  });

  it('a second confirmation changes nothing', async () => {
    const world = await World.start();
    world.happens(alarmEvent(1));
    world.ack([idOf(1)]);
    world.ack([idOf(1)]);
    expect(world.types()).toEqual(['centrallyConfirmed']);
  });
});

describe('an alarm that no central server confirms', () => {
  it('is a fault, goes to the second broker and again to the first, until somebody has it', async () => {
    const world = await World.start();
    world.happens(alarmEvent(1));
    await world.clock.run(29_998);
    expect([world.types(), world.faults, world.sent]).toEqual([[], [], []]);
    await world.clock.run(30_000);
    expect([world.types(), world.faults, world.sent]).toEqual([[], [], ['main 1']]);
    world.sent.length = 0;
    await world.clock.run(4);
    expect(world.types()).toEqual(['escalated']);
    expect(world.faults).toMatchObject([
      { fault: 'centralSilent', subject: 'alarm:a', raised: true },
    ]);
    expect([...world.sent].sort()).toEqual(['main 1', 'second 1']);
    world.ack([idOf(1)]);
    expect(world.faults.at(-1)).toMatchObject({ subject: 'alarm:a', raised: false });
    await world.clock.run(7_200_000);
    expect(world.sent).toHaveLength(2);
  });

  it('stays owed to a second broker that is away', async () => {
    const world = await World.start();
    world.taken['second'] = { kind: 'notSent', reason: 'not connected' };
    world.happens(alarmEvent(1));
    await world.clock.run(75_000);
    const tries = world.sent.filter((one) => one === 'second 1').length;
    expect(tries).toBeGreaterThan(1);
    world.taken['second'] = { kind: 'acknowledged' };
    await world.clock.run(5000);
    const done = world.sent.filter((one) => one === 'second 1').length;
    await world.clock.run(60_000);
    expect(world.sent.filter((one) => one === 'second 1')).toHaveLength(done);
  });

  it('is still escalated after a restart', async () => {
    const world = await World.start();
    world.taken['second'] = { kind: 'notSent', reason: 'not connected' };
    world.happens(alarmEvent(1));
    await world.clock.run(61_000);
    world.desk.stop();
    world.taken['second'] = { kind: 'acknowledged' };
    world.sent.length = 0;
    world.faults.length = 0;
    await world.restart([], 1);
    await world.clock.run(1);
    expect(world.faults).toMatchObject([{ fault: 'centralSilent', raised: true }]);
    expect(world.sent).toEqual(['second 1']);
    expect(world.types()).toEqual(['escalated']);
  });

  it('is followed even when only the ring had it', async () => {
    const event = alarmEvent(1, 'a', 5, '00000000000000bb');
    const world = await World.start([event]);
    world.journal.append([event]);
    expect(world.desk.openAlarms).toBe(1);
    await world.clock.run(61_000);
    expect(world.types()).toEqual(['escalated']);
  });
});

describe('what is no confirmation', () => {
  it('is counted, logged once, and confirms nothing', async () => {
    const world = await World.start();
    world.happens(alarmEvent(1));
    for (let round = 0; round < 3; round += 1) {
      world.ack([idOf(1), 'drop table'], 'centre-1');
    }
    expect(world.desk.counters).toMatchObject({ malformed: 3, confirmed: 0 });
    expect(world.said).toHaveLength(1);
    expect(world.types()).toEqual([]);
  });

  it('stored rubbish is told and taken away', async () => {
    const world = new World();
    world.journal.put('custody', 'x', 'rubbish');
    await world.restart();
    expect(world.said).toEqual(['the custody of an alarm cannot be read']);
    expect(await world.journal.loadAll('custody')).toEqual(new Map());
  });
});
