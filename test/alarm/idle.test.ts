import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SourcePlan } from '../../src/alarm/plan.ts';
import { CADENCE_MS, Channel, HOUR_MS, idle, MINUTE_MS } from './channel.ts';

/** A repeatable sequence of numbers in -1..1. */
function noise(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

describe('learning an idle', () => {
  it('shows how far it is', () => {
    const channel = new Channel('smoke');
    channel.hear(0, 10);
    expect(channel.facts).toMatchObject({ phase: 'learning', learningPercent: 0 });
    channel.hold(10, 30_000);
    expect(channel.facts.learningPercent).toBeGreaterThan(40);
    expect(channel.facts.learningPercent).toBeLessThan(60);
    channel.hold(10, 35_000);
    expect(channel.facts).toMatchObject({ phase: 'learnt', learningPercent: null });
  });

  it('waits until the readings agree', () => {
    const channel = new Channel('smoke');
    // Smoke of before the start clears: from 24 % down to 8 % in two minutes.
    channel.follow((ms) => 24 - (16 * ms) / (2 * MINUTE_MS), 2 * MINUTE_MS);
    channel.hold(8, 3 * MINUTE_MS);
    expect(channel.facts.phase).toBe('learnt');
    expect(channel.facts.idlePercent).toBeLessThan(12);
    const unsteady = new Channel('smoke');
    unsteady.follow((ms) => ((ms / CADENCE_MS) % 2 < 1 ? 5 : 12), 10 * MINUTE_MS);
    expect(unsteady.facts).toMatchObject({ phase: 'learning', learningPercent: 99 });
  });

  it('does not get stuck where the first readings were lower than the room is', () => {
    const channel = new Channel('smoke');
    channel.hold(2, 4 * CADENCE_MS);
    channel.hold(9, 3 * MINUTE_MS);
    expect(channel.facts).toMatchObject({ phase: 'learnt', idlePercent: 9 });
  });

  it.each([
    ['smoke', 26],
    ['flame', 46],
    ['gas', 38],
  ] as const)('%s never takes %d %% of full scale for an idle', (role, percent) => {
    const channel = new Channel(role, { warmUpMs: 0 });
    channel.hold(percent, HOUR_MS / 2);
    expect(channel.facts).toMatchObject({ phase: 'learning', idlePercent: null });
    channel.hold(percent, HOUR_MS);
    expect(channel.facts.idleTrouble).toContain('no idle learnt');
    expect(channel.memory).toBeNull();
  });

  it('begins anew after a long silence in its middle', () => {
    const channel = new Channel('smoke');
    channel.hold(20, 30_000);
    channel.hear(11 * MINUTE_MS, 7);
    channel.hold(7, 40_000);
    expect(channel.facts.phase).toBe('learning');
    channel.hold(7, 30_000);
    expect(channel.facts.idlePercent).toBe(7);
  });
});

describe('following an idle', () => {
  it('puts an idle that was learnt in bad air right within the hour', () => {
    const channel = new Channel('smoke');
    channel.hold(20, 70_000);
    expect(channel.facts.idlePercent).toBe(20);
    channel.hold(7, HOUR_MS);
    expect(channel.facts.idlePercent).toBeCloseTo(7, 5);
    // The cap has gone down with it.
    channel.hold(11, 24 * HOUR_MS, 30_000);
    expect(channel.facts.idlePercent).toBeLessThanOrEqual(12);
    expect(channel.memory?.anchorPercent).toBeCloseTo(7, 5);
  });

  it('forgives a dip of some minutes', () => {
    const channel = new Channel('smoke', {}, idle(7));
    channel.hold(1, 10 * MINUTE_MS);
    expect(channel.facts.idlePercent).toBeGreaterThan(3.5);
    channel.hold(7, 5 * HOUR_MS);
    expect(channel.level).toBe('clear');
    expect(channel.facts.idlePercent).toBeCloseTo(7, 1);
  });

  it('is a fault where the idle would have to go too far for a day', () => {
    const channel = new Channel('smoke', {}, idle(7));
    channel.hold(13, 23 * HOUR_MS, 30_000);
    expect(channel.facts.idleTrouble).toBeNull();
    channel.hold(13, 2 * HOUR_MS, 30_000);
    expect(channel.facts.idleTrouble).toContain('for 24 h');
    channel.hold(7, CADENCE_MS);
    expect(channel.facts.idleTrouble).toBeNull();
  });

  it('is no higher after a restart than it may be, and no other role inherits it', () => {
    const high = new Channel('smoke', {}, { idlePercent: 60, anchorPercent: 58 });
    expect(high.hear(0, 41).level).toBe('alarm');
    const apart = new Channel('smoke', {}, { idlePercent: 20, anchorPercent: 5 });
    expect(apart.facts.idlePercent).toBe(10);
    expect(apart.hear(0, 26).level).toBe('alarm');
    const other = new Channel('smoke', {}, idle(20, { role: 'gas' }));
    other.hear(0, 7);
    expect(other.facts.phase).toBe('learning');
  });

  it('comes back from its own memory, whatever the polarity', () => {
    for (const polarity of ['rising', 'falling'] as const) {
      const before = new Channel('smoke', { polarity });
      before.hold(polarity === 'rising' ? 12 : 88, 70_000);
      const after = new Channel('smoke', { polarity }, before.memory);
      after.hear(0, polarity === 'rising' ? 12 : 88);
      expect(after.facts).toMatchObject({
        phase: 'learnt',
        idlePercent: before.facts.idlePercent,
      });
    }
  });
});

describe('whatever the air does', () => {
  const ROLES: readonly SourcePlan['role'][] = ['smoke', 'gas', 'flame'];
  const CONFIRMED = { smoke: 'alarm', gas: 'alarm', flame: 'suspect' } as const;

  it('a ramp of 0.1 to 50 % a minute above an idle is confirmed in the end', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('smoke', 'gas', 'flame'),
        fc.double({ min: Math.log(0.1), max: Math.log(50), noNaN: true }),
        fc.double({ min: 2, max: 20, noNaN: true }),
        (role, logRate, from) => {
          const rate = Math.exp(logRate);
          const channel = new Channel(role, { warmUpMs: 0, confirmations: 2 }, idle(from));
          const toMs = ((99 - from) / rate) * MINUTE_MS;
          channel.follow((ms) => from + (rate * ms) / MINUTE_MS, toMs);
          return channel.level === CONFIRMED[role];
        },
      ),
      { numRuns: 60 },
    );
  });

  it('a ramp that begins with the very first reading is confirmed in the end', () => {
    fc.assert(
      fc.property(fc.double({ min: Math.log(0.1), max: Math.log(50), noNaN: true }), (logRate) => {
        const rate = Math.exp(logRate);
        const channel = new Channel('smoke', { confirmations: 2 });
        channel.follow((ms) => 7 + (rate * ms) / MINUTE_MS, (90 / rate) * MINUTE_MS);
        return channel.level === 'alarm';
      }),
      { numRuns: 40 },
    );
  });

  it('clean air that wanders within its noise is clear for two days', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ROLES),
        fc.integer(),
        fc.double({ min: 0.05, max: 1, noNaN: true }),
        (role, seed, amplitude) => {
          const next = noise(seed);
          const channel = new Channel(role, { warmUpMs: 0 });
          let centre = 12;
          for (let i = 0; i < 11_520; i += 1) {
            centre = Math.min(13, Math.max(11, centre + 0.02 * next()));
            const { level } = channel.hear(15_000, centre + amplitude * next());
            if (level !== 'clear') return false;
          }
          return channel.facts.idleTrouble === null;
        },
      ),
      { numRuns: 12 },
    );
  });

  it('what is active stays active while the reading stays, learning or not', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ROLES),
        fc.option(fc.double({ min: 2, max: 20, noNaN: true }), { nil: null }),
        fc.double({ min: 61, max: 99.9, noNaN: true }),
        fc.boolean(),
        (role, known, value, mayLearn) => {
          const memory = known === null ? null : idle(known);
          const channel = new Channel(role, { warmUpMs: 0 }, memory);
          channel.mayLearn = mayLearn;
          channel.hear(0, value);
          const first = channel.level;
          for (let i = 0; i < 2_000; i += 1) {
            if (channel.hear(30_000, value).level !== first) return false;
          }
          return first === CONFIRMED[role as 'smoke' | 'gas' | 'flame'];
        },
      ),
      { numRuns: 25 },
    );
  });

  it('judges any readings at any times without throwing', () => {
    const reading = fc.tuple(
      fc.integer({ min: 1, max: 7_200_000 }),
      fc.array(fc.double({ min: 0, max: 100, noNaN: true }), { minLength: 1, maxLength: 4 }),
      fc.boolean(),
    );
    const roles = [...ROLES, 'carbonMonoxide', 'heat', 'flameDigital'] as const;
    fc.assert(
      fc.property(
        fc.constantFrom(...roles),
        fc.constantFrom('rising', 'falling'),
        fc.array(reading, { maxLength: 40 }),
        (role, polarity, readings) => {
          const channel = new Channel(role, { polarity });
          for (const [afterMs, values, mayLearn] of readings) {
            channel.mayLearn = mayLearn;
            channel.hear(afterMs, values);
            const known = channel.run.facts?.idlePercent ?? null;
            expect(known === null || (known >= 0 && known <= 100)).toBe(true);
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});
