/** A proof of a healthy alarm path, and what it leaves behind: nothing. */
import { describe, expect, it } from 'vitest';
import { Journey } from '../../src/proof/delivery.ts';
import { ALONE, Bench, detailOf, outcomes } from './bench.ts';

const ALL_PASSED = {
  sensor: 'passed',
  decode: 'passed',
  detection: 'passed',
  decision: 'passed',
  output: 'passed',
  journal: 'passed',
  broker: 'passed',
  central: 'passed',
};

describe('a proof of a healthy path', () => {
  it.each([
    ['an array on a board', false],
    ['an array that is read here', true],
  ])('passes every stage: %s', async (_, isWired) => {
    const bench = await Bench.start({ isWired });
    await bench.clock.run(5000);
    const proof = await bench.proof();
    expect(proof.stages.map(({ detail }) => detail).join('\n')).not.toBe('');
    expect(outcomes(proof)).toEqual(ALL_PASSED);
    expect(proof).toMatchObject({ zone: 'hall', outcome: 'passed' });
    expect(bench.desk.ages).toEqual([{ zone: 'hall', seconds: expect.closeTo(0, 0) as number }]);
    expect(bench.sirenRose).toBe(1);
    expect(bench.sirenIsOn).toBe(false);
  });

  it('tells how long a fire would have taken, with the cadence of the array', async () => {
    const bench = await Bench.start({
      over: { ...ALONE, boards: [{ id: 'array', cadenceSeconds: 4 }] },
    });
    await bench.clock.run(5000);
    const proof = await bench.proof();
    // Two confirmations, the first one a cadence after the crossing at worst.
    expect(proof.stages.find(({ stage }) => stage === 'decision')).toMatchObject({
      outcome: 'passed',
      ms: 8000,
    });
    expect(detailOf(proof, 'decision')).toContain('alarms 8.0 s after the crossing, budget 10.0 s');
  });

  it('leaves panel, learnt background and outputs as they were, and no alarm', async () => {
    const still = await Bench.start();
    const proven = await Bench.start();
    for (const bench of [still, proven]) await bench.clock.run(15 * 60_000);
    expect(proven.memory.isLearnt, 'there is something to spoil').toBe(true);
    await proven.proof();
    await still.clock.run(proven.clock.monotonicMs() - still.clock.monotonicMs());
    const forget = (snapshot: unknown) => ({ ...(snapshot as object), answered: null });
    expect(forget(proven.snapshot())).toEqual(forget(still.snapshot()));
    expect(proven.memory.toMemory()).toBe(still.memory.toMemory());
    expect(proven.alarms()).toEqual([]);
    expect(proven.core.runtime.view().zones).toEqual(still.core.runtime.view().zones);
  });

  it('puts one marked event on the alarm lane, which is no alarm', async () => {
    const bench = await Bench.start();
    await bench.clock.run(5000);
    await bench.proof();
    const lane = bench.events.filter((event) => event.lane === 'alarm');
    expect(lane).toMatchObject([{ type: 'proof', data: { zone: 'hall', synthetic: true } }]);
  });
});

describe('the way of the event', () => {
  const event = (proof: string, seq: number) => ({ type: 'proof', seq, data: { proof } });

  it('is followed by its own number, whatever else the broker acknowledges', () => {
    const journey = new Journey('p1');
    journey.committed(6);
    expect(journey.isDurable, 'nothing was handed over').toBe(false);
    journey.events([event('p0', 6), event('p1', 7)] as never);
    expect(journey.isDurable).toBe(false);
    journey.acknowledged('centre', 6);
    expect(journey.hasBroker('centre')).toBe(false);
    journey.committed(7);
    journey.acknowledged('centre', 7);
    expect([journey.isDurable, journey.hasBroker('centre')]).toEqual([true, true]);
    expect(journey.hasBroker('other')).toBe(false);
  });
});
