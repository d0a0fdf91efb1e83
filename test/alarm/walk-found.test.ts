/** What the walk has found, each with the sequence that showed it. */
import { expect, it } from 'vitest';
import { Bench, HALL, heat, onePlan } from './make.ts';

const told = (events: readonly { readonly type: string }[]): number =>
  events.filter(({ type }) => type === 'verifying').length;

it('a second activation in a walk test is told when its ten seconds are over', () => {
  const bench = new Bench(onePlan({ freshnessMs: 60_000 }));
  bench.command({ kind: 'test', zone: HALL, forMs: 600_000 });
  expect(told(bench.hear(1_000, (now) => heat(now, 130)))).toBe(1);
  bench.hear(1_000, (now) => heat(now, 20));
  expect(told(bench.hear(1_000, (now) => heat(now, 130)))).toBe(0);
  expect(bench.panel.nextDueMs).toBeLessThanOrEqual(bench.nowMs + 8_000);
  expect(told(bench.wait(7_999))).toBe(0);
  expect(told(bench.wait(1))).toBe(1);
});
