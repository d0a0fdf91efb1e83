/** Whole worlds from fixed seeds, every kind of episode in each: what must hold, holds. */
import { describe, expect, it } from 'vitest';
import { EPISODE_MS, EPISODES } from './faults.ts';
import { INVARIANT_IDS, type InvariantId, nothingYet } from './invariants.ts';
import { simulate } from './simulation.ts';

/** Every episode once. */
const WHOLE_DECK = (Object.keys(EPISODES).length * EPISODE_MS) / 3_600_000;
const exercised: Record<InvariantId, number> = nothingYet();

describe('the appliance in a simulated world', () => {
  it.each([
    [1, WHOLE_DECK],
    [2, WHOLE_DECK / 3],
  ])('keeps its promises with seed %i', { timeout: 300_000 }, async (seed, hours) => {
    const result = await simulate({ seed, hours });
    for (const id of INVARIANT_IDS) exercised[id] += result.exercised[id];
    expect(result.violations).toEqual([]);
    expect(result.delivered).toBeGreaterThanOrEqual(result.events);
    expect(Object.keys(result.deaths).length).toBeGreaterThan(0);
  });

  it('has put every promise to the test', () => {
    expect(INVARIANT_IDS.filter((id) => exercised[id] === 0)).toEqual([]);
  });

  it('repeats itself to the byte with the same seed, and only with it', async () => {
    const run = async (seed: number): Promise<string> => {
      const episodes = ['killed', 'slowDiskKilled'] as const;
      return (await simulate({ seed, hours: 2 / 15, episodes })).hash;
    };
    const first = await run(7);
    expect(await run(7)).toBe(first);
    expect(await run(8)).not.toBe(first);
  });
});
