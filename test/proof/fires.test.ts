/** A real fire at any moment of a proof: it alarms as without one, and drives the siren. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bench, outcomes, room } from './bench.ts';

const BUDGET_MS = 10_000;

/** Time from the fire to the alarm, with or without a proof begun `headStartMs` before the fire. */
async function alarmAfter(headStartMs: number | null): Promise<{ ms: number; bench: Bench }> {
  const bench = await Bench.start();
  await bench.clock.run(5000);
  const fireAtMs = bench.clock.monotonicMs() + 2000;
  if (headStartMs !== null) {
    await bench.clock.run(2000 - headStartMs);
    void bench.order({ kind: 'prove', zone: 'all' });
  }
  await bench.clock.run(fireAtMs - bench.clock.monotonicMs());
  bench.scene = room(150);
  for (let ms = 0; ms <= BUDGET_MS + 1000; ms += 50) {
    await bench.clock.run(50);
    if (bench.events.some(({ type }) => type === 'alarm')) break;
  }
  const alarm = bench.events.find(({ type }) => type === 'alarm');
  return { ms: (alarm?.monotonicMs ?? Infinity) - fireAtMs, bench };
}

describe('a real fire during a proof', () => {
  it('alarms in the very same step as without one, whenever it comes', async () => {
    const without = await alarmAfter(null);
    expect(without.ms).toBeLessThan(BUDGET_MS);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 2000 }), async (headStartMs) => {
        const { ms, bench } = await alarmAfter(headStartMs);
        expect(ms).toBe(without.ms);
        // A moment later everything is as an alarm has it.
        await bench.clock.run(200);
        const [zone] = bench.core.runtime.view().zones;
        expect(zone?.condition).toBe('alarm');
        expect(bench.core.runtime.view().outputs.siren).toBe(true);
        const alarm = bench.events.find(({ type }) => type === 'alarm');
        expect(JSON.stringify(alarm)).not.toContain('synthetic');
      }),
      { numRuns: 40 },
    );
  }, 120_000);

  it('ends a pulse at once, and the siren goes on for the alarm', async () => {
    const bench = await Bench.start({
      over: {
        proof: { enabled: false, outputs: 'pulse', pulseMs: 5000, broker: 'off', central: 'off' },
        gpio: {
          backend: 'simulated',
          outputs: [{ id: 'siren', role: 'siren', chip: 'chip', line: 1, pattern: 'steady' }],
        },
      },
    });
    await bench.clock.run(5000);
    bench.scene = room(150);
    const made = bench.proof();
    await bench.clock.run(800);
    expect(bench.sirenIsOn).toBe(true);
    await bench.clock.run(2200);
    expect(bench.alarms()).toContain('alarm');
    const proof = await made;
    expect(outcomes(proof).output).toBe('notProven');
    await bench.clock.run(10_000);
    expect(bench.sirenIsOn, 'it is the alarm that sounds now').toBe(true);
    expect(bench.sirenRose).toBe(1);
  });

  it('whose first picture comes between two pieces of a proof ends it there', async () => {
    const bench = await Bench.start();
    await bench.clock.run(5050);
    void bench.order({ kind: 'prove', zone: 'all' });
    await bench.clock.run(250);
    expect([bench.desk.busy, bench.finished()]).toEqual([true, []]);
    bench.scene = room(150);
    bench.look();
    await bench.clock.run(400);
    expect(bench.finished()).toMatchObject([{ outcome: 'postponed', stages: [] }]);
    expect(bench.sirenRose).toBe(0);
    await bench.clock.run(3000);
    expect(bench.alarms()).toContain('alarm');
  });

  it('that comes while the zone is in its shadow postpones the proof', async () => {
    const bench = await Bench.start();
    await bench.clock.run(5000);
    bench.scene = room(150);
    await bench.clock.run(1000);
    // The first picture over the limit is there, and nothing is confirmed yet.
    const proof = await bench.proof();
    expect(proof).toMatchObject({ outcome: 'postponed' });
    await bench.clock.run(3000);
    expect(bench.alarms()).toContain('alarm');
  });
});
