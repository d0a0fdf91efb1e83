/** When proofs are due: clocks that are right, stepped and unknown; restarts; overdue zones. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LastRound, Moment } from '../../src/proof/schedule.ts';
import { isRoundDue, localClock } from '../../src/proof/schedule.ts';
import { parseConfig } from '../../src/config.ts';
import { PLAN_CHECKS } from '../../src/plan.ts';
import { memoryStore } from '../line-protocol/world.ts';
import { ALONE, Bench, WallClock, room } from './bench.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const DAILY = { kind: 'daily', minute: 3 * 60 + 30 } as const;

/** Walks through time in minutes; tells when rounds began. */
class Walk {
  readonly rounds: { readonly monotonicMs: number; readonly day: string | null }[] = [];
  #monotonicMs = 0;
  #wallMs: number;
  #last: LastRound | null = null;
  isRight = true;
  readonly #local: (wallMs: number) => NonNullable<Moment['local']>;

  constructor(from: string, timezone = 'UTC') {
    this.#wallMs = Date.parse(from);
    this.#local = localClock(timezone);
  }

  step(byMs: number): void {
    this.#wallMs += byMs;
  }

  hours(count: number): void {
    for (let minute = 0; minute < count * 60; minute++) {
      this.#monotonicMs += MINUTE_MS;
      this.#wallMs += MINUTE_MS;
      const local = this.isRight ? this.#local(this.#wallMs) : null;
      const now = { monotonicMs: this.#monotonicMs, local };
      if (!isRoundDue(DAILY, now, this.#last, 0)) continue;
      this.#last = { day: local?.day ?? null, monotonicMs: this.#monotonicMs };
      this.rounds.push({ monotonicMs: this.#monotonicMs, day: local?.day ?? null });
    }
  }
}

describe('the daily round', () => {
  it('comes once a day at its local time, in summer and winter', () => {
    const walk = new Walk('2026-03-27T12:00:00Z', 'Europe/Berlin');
    walk.hours(24 * 5);
    const days = walk.rounds.map(({ day }) => day);
    expect(days).toEqual(['2026-03-28', '2026-03-29', '2026-03-30', '2026-03-31', '2026-04-01']);
    const gaps = walk.rounds.slice(1).map(({ monotonicMs }, i) => {
      return (monotonicMs - (walk.rounds[i]?.monotonicMs ?? 0)) / HOUR_MS;
    });
    expect(gaps).toEqual([23, 24, 24, 24]);
  });

  it('waits for its time after a start, and does not skip to make up', () => {
    const walk = new Walk('2026-06-01T05:00:00Z');
    walk.hours(22);
    expect(walk.rounds).toEqual([]);
    walk.hours(1);
    expect(walk.rounds).toHaveLength(1);
  });

  it('comes every 24 hours while nobody knows the time', () => {
    const walk = new Walk('2026-06-01T05:00:00Z');
    walk.isRight = false;
    walk.hours(24 * 3);
    expect(walk.rounds.map(({ monotonicMs }) => monotonicMs / HOUR_MS)).toEqual([24, 48, 72]);
  });

  it('is never closer than 12 hours nor farther than 25, however the clock is stepped', () => {
    const steps = fc.array(
      fc.record({
        hours: fc.integer({ min: 1, max: 40 }),
        byMinutes: fc.integer({ min: -30 * 60, max: 30 * 60 }),
        isRight: fc.boolean(),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        const walk = new Walk('2026-06-01T05:00:00Z');
        for (const { hours, byMinutes, isRight } of list) {
          walk.isRight = isRight;
          walk.hours(hours);
          walk.step(byMinutes * MINUTE_MS);
        }
        walk.hours(26);
        let before = 0;
        for (const [i, { monotonicMs }] of walk.rounds.entries()) {
          const gapHours = (monotonicMs - before) / HOUR_MS;
          if (i > 0) expect(gapHours).toBeGreaterThanOrEqual(12);
          expect(gapHours).toBeLessThanOrEqual(25);
          before = monotonicMs;
        }
        expect(walk.rounds.length).toBeGreaterThan(0);
      }),
      { numRuns: 200 },
    );
  });

  it('runs no day twice when the clock is set back over the time', () => {
    const walk = new Walk('2026-06-01T02:00:00Z');
    walk.hours(2);
    expect(walk.rounds).toHaveLength(1);
    walk.step(-HOUR_MS);
    walk.hours(5);
    expect(walk.rounds).toHaveLength(1);
  });
});

const every = (more = {}) => ({
  ...ALONE,
  proof: { ...ALONE.proof, enabled: true, everySeconds: 60, staggerSeconds: 0, ...more },
});

describe('proofs by themselves', () => {
  it('come in their period, one zone after another', async () => {
    const thermal = (sensor: string) => [{ sensor, channel: 'thermal', role: 'thermal' }];
    const zones = ['array', 'other'].map((id) => ({ id, sensors: thermal(id) }));
    const boards = ['array', 'other'].map((id) => ({ id, cadenceSeconds: 1 }));
    const bench = await Bench.start({ over: { ...every(), zones, boards } });
    await bench.clock.run(125_000);
    const made = bench.finished().map(({ zone, outcome }) => `${zone} ${outcome}`);
    const round = ['array passed', 'other failed'];
    expect(made).toEqual([...round, ...round]);
    expect(bench.desk.ages.map(({ zone }) => zone)).toEqual(['array', 'other']);
  });

  it('end with the call point: a zone without sensors is neither proven nor overdue', async () => {
    const bench = await Bench.start({ over: every() });
    await bench.clock.run(5000);
    const press = { input: 'call', role: 'manualCallPoint', zone: null, active: true } as const;
    bench.core.runtime.signal(press);
    await bench.clock.run(130_000);
    expect(bench.desk.ages.map(({ zone }) => zone)).toEqual(['hall']);
    const overdue = bench.faults().filter(({ fault }) => fault === 'proofOverdue');
    expect(overdue).toEqual([]);
  });

  it('are overdue after two periods, with the reason, until the next success', async () => {
    const bench = await Bench.start({ over: every() });
    await bench.clock.run(5000);
    void bench.order({ kind: 'disable', zone: 'hall' as 'all', forMs: HOUR_MS } as never);
    await bench.clock.run(130_000);
    const fault = bench.faults().find((one) => one.fault === 'proofOverdue');
    expect(fault?.detail).toMatch(
      /has never been proven; last time: zone hall is disabled; try: embereye prove hall/,
    );
    expect(bench.finished().filter(({ outcome }) => outcome === 'postponed')).toHaveLength(1);
    void bench.order({ kind: 'enable', zone: 'hall' as 'all' } as never);
    await bench.clock.run(70_000);
    expect(bench.faults()).toEqual([]);
    expect(bench.finished().at(-1)?.outcome).toBe('passed');
  });

  it('keep their age, and a failure its fault, through a restart', async () => {
    const store = memoryStore();
    const clock = new WallClock();
    const first = await Bench.start({ over: ALONE, store, clock });
    await clock.run(5000);
    await first.proof();
    first.scene = null;
    await clock.run(60_000);
    expect(await first.proof()).toMatchObject({ outcome: 'failed' });
    await first.close();
    const second = await Bench.start({ over: ALONE, store, clock });
    second.scene = room();
    await clock.run(500);
    expect(second.desk.ages[0]?.seconds).toBeGreaterThan(60);
    expect(second.desk.ages[0]?.seconds).toBeLessThan(120);
    expect(second.faults()).toMatchObject([{ fault: 'proofFailed' }]);
    await clock.run(5000);
    expect(await second.proof()).toMatchObject({ outcome: 'passed' });
    await clock.run(300);
    expect(second.faults()).toEqual([]);
  });

  it('read what is damaged as never proven', async () => {
    const store = memoryStore();
    store.put('proof', 'hall', '{"wallMs":');
    store.put('proof', '*round', 'null');
    const bench = await Bench.start({ over: ALONE, store });
    expect(bench.desk.ages).toEqual([{ zone: 'hall', seconds: 1e9 }]);
  });
});

describe('the section proof', () => {
  const problemsOf = (proof: object) => {
    const parsed = parseConfig(JSON.stringify({ proof }), {}, PLAN_CHECKS);
    return parsed.ok ? [] : parsed.problems.map(({ path, problem }) => `${path}: ${problem}`);
  };

  it('names what cannot be', () => {
    expect(problemsOf({})).toEqual([]);
    expect(problemsOf({ at: '24:00' })).toEqual([expect.stringContaining('proof.at')]);
    expect(problemsOf({ timezone: 'Mars/Olympus' })).toEqual(['proof.timezone: no such timezone']);
    expect(problemsOf({ central: 'required' })).toEqual([
      'proof.central: required, and there is no broker: every proof would fail',
    ]);
    expect(problemsOf({ everySeconds: 1 })).toHaveLength(1);
  });
});
