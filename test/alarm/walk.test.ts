/** All sequences of inputs of one step, to a length; longer ones by `npm run proof:walk`. */
import { describe, expect, it } from 'vitest';
import type { Exercised } from './walk-invariants.ts';
import { freeze, startNode, takeStep, USUAL, walk } from './walk.ts';
import { FEW, WALKS } from './walk-plans.ts';

const exercised: Exercised = new Map();
const LENGTH = 3;

describe('all sequences of inputs', () => {
  it.each(WALKS)(`of length ${LENGTH} keep the invariants: $name`, (plan) => {
    const walked = walk(plan, { ...USUAL, depth: LENGTH, compare: 20, exercised });
    console.log(
      `${plan.name}: ${plan.letters.length} letters, ${walked.transitions} steps, ` +
        `${walked.states} states, ${walked.merged} merged`,
    );
    expect(walked.transitions).toBeGreaterThan(plan.letters.length ** 2);
    expect(walked.compared).toBe(20);
  });

  it.each(FEW)('of length 6 of few letters keep the invariants: $name', (plan) => {
    const walked = walk(plan, { ...USUAL, depth: 6, compare: 50, exercised });
    console.log(`${plan.name}: ${walked.transitions} steps, ${walked.states} states`);
    expect(walked.newAtDepth).toHaveLength(6);
    expect(walked.compared).toBe(50);
  });

  it('exercised every invariant', () => {
    const counts = Object.fromEntries(exercised);
    console.log(counts);
    expect(Object.keys(counts)).toHaveLength(33);
    for (const [name, times] of exercised) expect(times, name).toBeGreaterThan(10);
  });
});

describe('the walk itself', () => {
  it.each(WALKS)('merging hides nothing of what others can see: $name', (plan) => {
    const options = { ...USUAL, sign: true, exercised: new Map<string, number>() };
    const apart = walk(plan, { ...options, depth: 2, merge: false });
    const together = walk(plan, { ...options, depth: 2 });
    expect(apart.transitions).toBe(plan.letters.length + plan.letters.length ** 2);
    expect(together.transitions).toBeLessThan(apart.transitions);
    expect(together.signatures).toEqual(apart.signatures);
  });

  it('finds a panel that forgets its alarm, with the way to it', () => {
    const plan = WALKS[0]!;
    const letter = (name: string) => plan.letters.find((each) => each.name === name)!;
    const alarmed = takeStep(startNode(plan), letter('fire'), new Map());
    // The alarm is gone behind the back of the panel: what stands must be in alarm.
    const zones = alarmed.panel.zones.map((zone) => ({
      ...zone,
      alarm: null,
      sources: zone.sources.map((source) => ({ ...source, runs: [] })),
    }));
    const forgetful = { ...alarmed, panel: { ...alarmed.panel, zones } };
    expect(() => takeStep(forgetful, letter('tamper'), new Map())).toThrow(
      'broken: a fire that stands is in alarm when its bounds are over; after fire, tamper',
    );
  });

  it('freezes a panel to the ground', () => {
    const { panel } = startNode(WALKS[0]!);
    expect(Object.isFrozen(panel.zones[0]!.sources[0]!.runs)).toBe(true);
    expect(freeze(3)).toBe(3);
  });
});
