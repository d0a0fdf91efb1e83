import { describe, expect, it } from 'vitest';
import { SessionRunner } from '../../src/hal/session-runner.ts';
import { ManualClock } from './manual-clock.ts';

/** A session that wants to be called at times that the test sets. */
function running(firstDueMs: number) {
  const clock = new ManualClock();
  const startMs = clock.monotonicMs();
  const called: number[] = [];
  const closed: number[] = [];
  const session = {
    nextDueMs: startMs + firstDueMs,
    receive: (): void => undefined,
    due: (nowMs: number) => {
      called.push(nowMs - startMs);
      session.nextDueMs = Number.POSITIVE_INFINITY;
    },
    close: (nowMs: number) => {
      closed.push(nowMs - startMs);
    },
  };
  let steps = 0;
  const runner = new SessionRunner(clock, session, () => {
    steps += 1;
  });
  const wantAt = (ms: number): void => {
    session.nextDueMs = startMs + ms;
    runner.receive(Uint8Array.of(1));
  };
  return { clock, called, closed, runner, wantAt, steps: () => steps };
}

describe('a session that is run', () => {
  it('is called when it is due', () => {
    const { clock, called } = running(500);
    clock.advance(2000);
    expect(called).toEqual([500]);
    expect(clock.pending).toBe(0);
  });

  it('is called earlier when it changes its mind', () => {
    const { clock, called, wantAt } = running(30_000);
    wantAt(100);
    clock.advance(60_000);
    expect(called).toEqual([100]);
  });

  it('is called later when it changes its mind, and never for nothing', () => {
    const { clock, called, wantAt } = running(100);
    wantAt(700);
    clock.advance(60_000);
    expect(called).toEqual([700]);
  });

  it('asks for a step after each batch of bytes', () => {
    const { wantAt, steps } = running(100);
    wantAt(50);
    wantAt(50);
    expect(steps()).toBe(2);
  });

  it('is closed once, and has no timer left then', () => {
    const { clock, called, closed, runner } = running(100);
    clock.advance(20);
    runner.close();
    runner.close();
    runner.receive(Uint8Array.of(1));
    clock.advance(1000);
    expect(closed).toEqual([20]);
    expect(called).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
