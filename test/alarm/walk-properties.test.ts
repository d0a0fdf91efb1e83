/** The invariants of the walk after random sequences in random plans: longer than any walk. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { DUTY, EVIDENCE, HOURS, LIMITED, MODEL, PEOPLE, TECHNICAL, TIME } from './walk-letters.ts';
import type { Exercised } from './walk-invariants.ts';
import type { Node } from './walk.ts';
import { startNode, takeStep } from './walk.ts';
import { walkedPlan } from './walk-plans.ts';

const seconds = (max: number) => fc.integer({ min: 0, max }).map((each) => each * 1_000);
const ALL = [
  ...EVIDENCE,
  ...MODEL,
  ...PEOPLE,
  ...DUTY,
  ...LIMITED,
  ...TECHNICAL,
  ...HOURS,
  ...TIME,
];

const plans = fc
  .record({
    confirmations: fc.integer({ min: 1, max: 3 }),
    confirmMs: seconds(3),
    verificationMs: seconds(8),
    holdBackMs: seconds(20),
    holdBackCriticalMs: seconds(5),
    limitCelsius: fc.integer({ min: 40, max: 79 }),
    offCelsius: fc.integer({ min: 30, max: 79 }),
    siren: seconds(12),
    strobe: seconds(12),
    alarmRelay: seconds(12),
  })
  .map((drawn) => {
    const { confirmations, confirmMs, verificationMs, siren, strobe, alarmRelay } = drawn;
    const { holdBackMs, holdBackCriticalMs, limitCelsius, offCelsius } = drawn;
    return walkedPlan(
      {
        confirmations,
        confirmMs,
        verificationMs,
        limits: { thermal: { limitCelsius }, vision: { holdBackMs, holdBackCriticalMs } },
        offHours: { thermal: { limitCelsius: offCelsius } },
      },
      { delaysMs: { siren, strobe, alarmRelay } },
    );
  });

it('random plans keep every invariant after any sequence of inputs', () => {
  const exercised: Exercised = new Map();
  const sequences = fc.array(fc.constantFrom(...ALL), { minLength: 5, maxLength: 40 });
  fc.assert(
    fc.property(plans, sequences, (plan, letters) => {
      let node: Node = startNode({ name: 'random', plan, letters });
      for (const letter of letters) {
        const reached = takeStep(node, letter, exercised);
        reached.checkState();
        node = reached;
      }
    }),
    { numRuns: 300 },
  );
  // A call point of no zone makes a second one, so each invariant has its say.
  expect(exercised.size).toBe(33);
});
