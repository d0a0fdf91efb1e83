/**
 * Any interleaving of lost acknowledgements, refusals, repeats, hang-ups, breaks, outages and
 * restarts: every event arrives, in order per lane, and no cursor passes an event that the broker
 * has not taken.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LANES } from '../../src/domain/event.ts';
import type { Fate } from '../../src/uplink/simulated-link.ts';
import { Bench, BROKER, ROOT } from './bench.ts';
import { DEFAULT_LANE_LIMITS, LaneQueue } from '../../src/uplink/lane-queue.ts';
import { PageItem } from '../../src/uplink/lane-source.ts';

const fateOf = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Fate>('deliver') },
  {
    weight: 4,
    arbitrary: fc.constantFrom<Fate>('loseAck', 'duplicate', 'breakAfter', 'reject', 'hangUp'),
  },
);

/** Alarms that the broker does not take at all, until the end of the run. */
const poison = fc.dictionary(
  fc.integer({ min: 1, max: 8 }).map((seq) => `alarm-${seq}`),
  fc.constantFrom<Fate>('reject', 'hangUp'),
  { maxKeys: 4 },
);

const lane = fc.constantFrom(...LANES);
const act = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      lane,
      count: fc.integer({ min: 1, max: 25 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.integer({ min: 1, max: 15_000 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'breakAll' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'outage' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'halfOpen' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
);

/** How often each kind of trouble happened, so that a lucky run does not count as a proof. */
const seen = new Map<string, number>();
const count = (what: string): void => void seen.set(what, (seen.get(what) ?? 0) + 1);

class World {
  readonly bench = new Bench({ backlogPerSecond: 200, window: 8 });
  readonly #fates: readonly Fate[];
  /** Events that may come late on purpose: the broker refused them, or ended connections. */
  readonly #late = new Set<string>();
  readonly #hangUps = new Map<string, number>();
  #next = 0;
  /** Of earlier lives: a new one begins without faults. */
  #faultsBefore = 0;
  #lives = 1;

  constructor(fates: readonly Fate[], poisoned: Readonly<Record<string, Fate>>) {
    this.#fates = fates;
    this.bench.broker.faults.fate = ({ topic, payload }) => {
      if (!topic.includes('/event/')) return 'deliver';
      const { id } = JSON.parse(payload) as { id: string };
      const drawn = this.#fates[this.#next % this.#fates.length] ?? 'deliver';
      this.#next += 1;
      const fate = poisoned[id] ?? drawn;
      count(fate);
      if (fate === 'reject') this.#late.add(id);
      if (fate === 'hangUp') {
        const hangUps = (this.#hangUps.get(id) ?? 0) + 1;
        this.#hangUps.set(id, hangUps);
        // One is enough while the broker takes nothing of the lane.
        const enough = this.bench.uplink.counters.held.alarm ? 1 : DEFAULT_LANE_LIMITS.maxHangUps;
        if (hangUps >= enough) this.#late.add(id);
      }
      return fate;
    };
    this.bench.uplink.start();
  }

  async do(step: {
    kind: string;
    lane?: (typeof LANES)[number];
    count?: number;
    ms?: number;
  }): Promise<void> {
    const { bench } = this;
    switch (step.kind) {
      case 'append':
        bench.journal.append(bench.make.some(step.lane ?? 'alarm', step.count ?? 1));
        break;
      case 'pass':
        await bench.clock.advance(step.ms ?? 1);
        break;
      case 'breakAll':
        bench.broker.breakConnections();
        break;
      case 'outage':
        bench.broker.goDown();
        await bench.clock.advance(20_000);
        bench.broker.comeUp();
        break;
      case 'halfOpen':
        bench.broker.faults.halfOpen = true;
        await bench.clock.advance(20_000);
        bench.broker.faults.halfOpen = false;
        break;
      case 'restart':
        await bench.stop('restart', 200);
        this.#lives += 1;
        this.#faultsBefore = bench.faults.length;
        bench.build(`boot-${this.#lives}`, this.#lives).start();
        break;
    }
    count(step.kind);
    this.check();
  }

  /** No cursor beyond an event that is neither at the broker nor, alarms apart, on record. */
  check(): void {
    expect(this.bench.journal.gaps.filter((gap) => gap.lane === 'alarm')).toEqual([]);
    count(`aside ${Math.min(this.bench.uplink.counters.aside.alarm, 2)}`);
    for (const name of LANES) {
      const arrived = new Set(this.bench.ids(name));
      const cursor = this.bench.journal.cursor(BROKER, name);
      for (const event of this.bench.journal.events[name]) {
        if (event.seq > cursor || this.#isGivenUp(name, event.seq)) continue;
        expect(arrived, `${name} ${event.seq}`).toContain(event.id);
      }
    }
  }

  async finish(): Promise<void> {
    const { bench } = this;
    bench.broker.faults.fate = () => 'deliver';
    // Longer than anything that was set aside waits for its turn.
    await bench.clock.advance(2 * DEFAULT_LANE_LIMITS.asideRetryMaxMs);
    this.check();
    expect(bench.uplink.counters.aside.alarm).toBe(0);
    const alarms = bench.journal.events.alarm.map(({ id }) => id);
    expect(bench.uniqueIds('alarm').sort()).toEqual(alarms.sort());
    const quarantine = bench.faults
      .slice(this.#faultsBefore)
      .filter(({ fault }) => fault === 'alarmQuarantined');
    expect(quarantine.at(-1)?.raised ?? false).toBe(false);
    for (const name of LANES) {
      const events = bench.journal.events[name];
      expect(bench.journal.cursor(BROKER, name)).toBe(events.length);
      const wanted = events.filter(
        ({ id, seq }) => !this.#isGivenUp(name, seq) && !this.#late.has(id),
      );
      const arrived = bench.uniqueIds(name).filter((id) => !this.#late.has(String(id)));
      const lost = wanted.filter(({ id }) => !arrived.includes(id));
      expect(lost).toEqual([]);
      const numbers = arrived.map((id) => Number(String(id).split('-')[1]));
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    }
    count(`gaps ${bench.journal.gaps.length > 0}`);
    expect(bench.taken('gap')).toHaveLength(bench.journal.gaps.length);
    expect(JSON.parse(bench.broker.retained(`${ROOT}/status`) ?? '')).toMatchObject({
      status: 'online',
    });
  }

  #isGivenUp(name: string, seq: number): boolean {
    return this.bench.journal.gaps.some((gap) => gap.lane === name && gap.firstSeq === seq);
  }
}

describe('delivery under any trouble', () => {
  it('loses nothing, keeps the order, and moves no cursor too far', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fateOf, { minLength: 1, maxLength: 60 }),
        poison,
        fc.array(act, { maxLength: 25 }),
        async (fates, poisoned, acts) => {
          const world = new World(fates, poisoned);
          for (const step of acts) await world.do(step);
          await world.finish();
        },
      ),
      { numRuns: 250 },
    );
    const kinds = ['loseAck', 'duplicate', 'breakAfter', 'reject', 'hangUp', 'restart', 'halfOpen'];
    kinds.push('aside 1', 'aside 2');
    for (const kind of kinds) expect(seen.get(kind) ?? 0, kind).toBeGreaterThan(10);
  }, 120_000);
});

describe('a lane queue', () => {
  it('moves its cursor over finished items only, whatever the order of the answers', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8]), (answered) => {
        const queue = new LaneQueue<string>(0, DEFAULT_LANE_LIMITS);
        queue.load([1, 2, 3, 4, 5, 6, 7, 8].map((seq) => new PageItem(seq, `item ${seq}`, 6)));
        const entries = Array.from({ length: 8 }, () => {
          const entry = queue.next(0);
          if (entry === null) throw new Error('eight items are waiting');
          queue.sent(entry);
          return entry;
        });
        for (const seq of answered) queue.acknowledged(entries[seq - 1]!);
        const missing = [1, 2, 3, 4, 5, 6, 7, 8].find((seq) => !answered.includes(seq));
        expect(queue.cursor).toBe((missing ?? 9) - 1);
      }),
    );
  });

  it('passes over numbers that it has had, and accepts a hole left by pruning', () => {
    const queue = new LaneQueue<string>(5, DEFAULT_LANE_LIMITS);
    queue.load([4, 5, 9, 9, 12].map((seq) => new PageItem(seq, '', 0)));
    expect(queue.size).toBe(2);
    expect(queue.lastLoaded).toBe(12);
  });
});
