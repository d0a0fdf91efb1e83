import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLOCK_POLL_MS, CLOCK_STEP_MS, ClockWatch } from '../../src/clock-watch.ts';
import type { DomainEvent } from '../../src/domain/event.ts';
import type { ClockState } from '../../src/hal/box/clock-state.ts';
import { ManualClock } from '../store/support.ts';

type ClockEvent = Extract<DomainEvent, { type: 'clock' }>['data'];

function watched(state: ClockState = 'unsynchronised') {
  const clock = new ManualClock();
  const told: ClockEvent[] = [];
  const now = { state };
  const watch = new ClockWatch({
    clock,
    clockState: () => now.state,
    bootId: 'b00t',
    record: (event) => {
      if (event.type === 'clock') told.push(event.data);
    },
  });
  watch.start();
  return { clock, told, now, watch };
}

/** As docs/journal.md tells readers to do it. */
function wallOf(
  monotonicMs: number,
  bootId: string,
  mappings: readonly ClockEvent[],
): number | null {
  const known = mappings.filter(
    (one) => one.bootId === bootId && one.qualityAfter === 'synchronised',
  );
  const before = known.findLast((one) => one.monotonicMs <= monotonicMs);
  const mapping = before ?? known[0];
  return mapping === undefined
    ? null
    : Date.parse(mapping.wall) + monotonicMs - mapping.monotonicMs;
}

describe('the clock of a run', () => {
  it('that is right from the start is told at once', () => {
    const { told, clock, watch } = watched('synchronised');
    expect(told).toEqual([
      {
        ...{ reason: 'known', bootId: 'b00t', monotonicMs: 0, wall: '2023-11-14T22:13:20.000Z' },
        ...{ steppedByMs: 0, qualityBefore: 'unsynchronised', qualityAfter: 'synchronised' },
        source: 'timeService',
      },
    ]);
    watch.stop();
    expect(clock.monotonicMs()).toBe(0);
  });

  it('nothing is told of one that nobody vouches for and nobody moves', async () => {
    for (const state of ['unsynchronised', 'unknown'] as const) {
      const { told, clock } = watched(state);
      await clock.advance(120_000);
      expect(told).toEqual([]);
    }
  });

  it('is told when it becomes known, with the step that made it right, and when it is lost', async () => {
    const { told, clock, now } = watched();
    await clock.advance(60_000);
    clock.setWall(clock.wallMs() + 86_400_000);
    now.state = 'synchronised';
    await clock.advance(1000);
    now.state = 'unknown';
    await clock.advance(1000);
    expect(told.map(({ reason, steppedByMs, source }) => [reason, steppedByMs, source])).toEqual([
      ['known', 86_400_000, 'timeService'],
      ['lost', 0, null],
    ]);
  });

  it('is told when it is moved by more than the bound, forward or back, and not by less', async () => {
    const { told, clock } = watched('synchronised');
    await clock.advance(20_000);
    clock.setWall(clock.wallMs() + CLOCK_STEP_MS);
    await clock.advance(20_000);
    expect(told.length).toBe(1);
    clock.setWall(clock.wallMs() + 1);
    await clock.advance(20_000);
    clock.setWall(clock.wallMs() - 7_200_000);
    await clock.advance(20_000);
    expect(told.slice(1).map(({ reason, steppedByMs }) => [reason, steppedByMs])).toEqual([
      ['stepped', CLOCK_STEP_MS + 1],
      ['stepped', -7_200_000],
    ]);
  });

  it('that jumps all the time does not flood the journal, and the sum is right', async () => {
    const { told, clock } = watched('synchronised');
    for (let second = 0; second < 120; second += 1) {
      clock.setWall(clock.wallMs() + 1000);
      await clock.advance(1000);
    }
    expect(told.length).toBeLessThan(15);
    await clock.advance(20_000);
    expect(told.reduce((sum, { steppedByMs }) => sum + steppedByMs, 0)).toBe(120_000);
  });

  it('stops without leaving a timer', async () => {
    const { told, clock, now, watch } = watched();
    watch.stop();
    now.state = 'synchronised';
    await clock.advance(CLOCK_POLL_MS * 10);
    expect(told).toEqual([]);
  });

  it('readers find the time of every event to the bound, also of those before it was known', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: -1e9, max: 1e9 }),
        fc.array(fc.integer({ min: 1, max: 50_000 }), { minLength: 1, maxLength: 10 }),
        async (wrongByMs, pauses) => {
          const { told, clock, now } = watched();
          const trueStartMs = clock.wallMs();
          clock.setWall(trueStartMs + wrongByMs);
          const happened: number[] = [];
          for (const pause of pauses) {
            await clock.advance(pause);
            happened.push(clock.monotonicMs());
          }
          clock.setWall(trueStartMs + clock.monotonicMs());
          now.state = 'synchronised';
          await clock.advance(2000);
          happened.push(clock.monotonicMs());
          for (const atMs of happened) {
            const wall = wallOf(atMs, 'b00t', told) ?? Number.NaN;
            expect(Math.abs(wall - (trueStartMs + atMs))).toBeLessThanOrEqual(CLOCK_STEP_MS + 1);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});
