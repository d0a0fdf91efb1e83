/** Random rows of troubles with an array on I2C, some of them at the same time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SimulatedArray } from '../../src/simulator/array.ts';
import { ArrayRig } from './mlx90640-rig.ts';
import { ARRAY_TROUBLES, RECOVERED_WITHIN_MS } from './mlx90640-troubles.ts';

describe('any row of troubles', () => {
  const kinds = ARRAY_TROUBLES.filter(({ fault }) => fault !== null).map(({ name }) => name);
  const phase = fc.record({
    kind: fc.constantFrom(...kinds, 'some garbage', 'another array', 'slow bus', 'bit errors'),
    forMs: fc.integer({ min: 5, max: 25_000 }),
    pauseMs: fc.integer({ min: 0, max: 4000 }),
  });

  function begin(kind: string, rig: ArrayRig, seed: number): () => void {
    const trouble = ARRAY_TROUBLES.find(({ name }) => name === kind);
    if (trouble !== undefined) return trouble.begin(rig);
    if (kind === 'some garbage') {
      rig.device.faults.garbage = 0.2;
      return () => (rig.device.faults.garbage = 0);
    }
    if (kind === 'bit errors') {
      rig.device.faults.eepromBitErrors = 2;
      return () => (rig.device.faults.eepromBitErrors = 0);
    }
    if (kind === 'slow bus') {
      rig.world.i2c.speedHz = 50_000;
      return () => (rig.world.i2c.speedHz = 400_000);
    }
    rig.device.power(false);
    return () => rig.device.swap(new SimulatedArray({ seed }));
  }

  it('never becomes a temperature, and always ends', { timeout: 120_000 }, async () => {
    const schedule = fc.array(phase, { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(schedule, fc.integer({ min: 1, max: 1e6 }), async (phases, seed) => {
        const rig = await ArrayRig.create({ seed });
        rig.attach();
        rig.open();
        const ends: (() => void)[] = [];
        for (const { kind, forMs, pauseMs } of phases) {
          const end = begin(kind, rig, seed + forMs);
          await rig.run(forMs);
          // Some overlap the next one.
          if (forMs % 3 === 0) ends.push(end);
          else end();
          await rig.run(pauseMs);
          rig.expectTruth();
        }
        for (const end of ends) end();
        await rig.untilPicture(RECOVERED_WITHIN_MS);
        await rig.run(5000);
        rig.expectTruth();
        for (const fault of ['arrayUnavailable', 'busTooSlow']) {
          const last = rig.faults.findLast((notice) => notice.fault === fault);
          expect(last?.raised ?? false, last?.detail).toBe(false);
        }
        await rig.close();
        expect(rig.world.i2c.handles).toBe(0);
        await rig.run(100);
        expect(rig.world.clock.pending).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
