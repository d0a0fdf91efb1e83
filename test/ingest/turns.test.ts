import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Turns } from '../../src/ingest/turns.ts';
import { ManualClock } from './fakes.ts';

function setUp(resumesPerTurn: number) {
  const clock = new ManualClock();
  const log: string[] = [];
  const turns = new Turns({ clock, resumesPerTurn, batchDone: () => void log.push('step') });
  const client = (name: string) => ({ resume: () => void log.push(name) });
  return { clock, log, turns, client };
}

describe('turns', () => {
  it('make one step for all that was read in a batch', () => {
    const { clock, log, turns } = setUp(4);
    for (let at = 0; at < 5; at++) turns.wake();
    clock.runSoon();
    expect(log).toEqual(['step']);
    expect(clock.runSoon()).toBe(0);
  });

  it('step before held clients go on, a few at a time, the longest held first', () => {
    const { clock, log, turns, client } = setUp(2);
    for (const name of ['a', 'b', 'c', 'd', 'e']) turns.hold(client(name));
    while (clock.runSoon() > 0);
    expect(log).toEqual(['step', 'a', 'b', 'step', 'c', 'd', 'step', 'e']);
  });

  it('give every greedy client the same share, whatever their number', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 1, max: 20 }),
        (count, few) => {
          const { clock, turns } = setUp(few);
          const reads = new Array<number>(count).fill(0);
          for (const at of reads.keys()) {
            const greedy = {
              resume: () => {
                reads[at] = (reads[at] ?? 0) + 1;
                turns.hold(greedy);
              },
            };
            turns.hold(greedy);
          }
          for (let turn = 0; turn < 100; turn++) clock.runSoon();
          expect(Math.max(...reads) - Math.min(...reads)).toBeLessThanOrEqual(1);
          expect(Math.min(...reads)).toBeGreaterThan(0);
        },
      ),
    );
  });

  it('do not resume who is gone, nor anyone after the end', () => {
    const { clock, log, turns, client } = setUp(4);
    const gone = client('gone');
    turns.hold(gone);
    turns.forget(gone);
    clock.runSoon();
    turns.hold(client('late'));
    turns.stop();
    expect(clock.runSoon()).toBe(0);
    expect(log).toEqual(['step']);
  });
});
