import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NO_FLOOR, numberingAfter } from '../../src/store/numbering.ts';

const held = (...numbers: number[]) => numbers.map((seq) => ({ lane: 'alarm' as const, seq }));
const floorAt = (alarm: number) => ({
  lastSeq: { ...NO_FLOOR.lastSeq, alarm },
  lastId: null,
});

describe('numbers after a start without a readable store', () => {
  it('held events and gap records together cover every number once', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 1, max: 60 }), { maxLength: 20 }),
        fc.integer({ min: 0, max: 100 }),
        (numbers, wallSeconds) => {
          const floor = floorAt(Math.max(0, ...numbers));
          const result = numberingAfter(null, floor, wallSeconds * 1000, held(...numbers));
          const covered = [...numbers];
          for (const { lane, firstSeq, lastSeq } of result.gaps) {
            if (lane !== 'alarm') continue;
            for (let seq = firstSeq; seq <= lastSeq; seq++) covered.push(seq);
          }
          const all = Array.from({ length: result.lastSeq.alarm }, (_, i) => i + 1);
          expect(covered.sort((a, b) => a - b)).toEqual(all);
        },
      ),
    );
  });

  it('readers start before what is held, else where the numbers go on', () => {
    const { readersStartAt, lastSeq } = numberingAfter(null, floorAt(9), 1e6, held(7, 9));
    expect(readersStartAt.alarm).toBe(6);
    expect(readersStartAt.fault).toBe(lastSeq.fault);
  });
});
