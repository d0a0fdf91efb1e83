import { describe, expect, it } from 'vitest';
import { ProcessClock, ProcessKilled, SimClock } from './sim-clock.ts';

describe('SimClock', () => {
  it('runs timers in the order of time, then of making, promises in between', async () => {
    const clock = new SimClock();
    const seen: string[] = [];
    clock.after(20, () => seen.push(`b at ${clock.monotonicMs()}`));
    clock.after(10, () => {
      seen.push('a');
      void Promise.resolve().then(() => seen.push('a settled'));
      clock.soon(() => seen.push('soon after a'));
    });
    clock.after(10, () => seen.push('second at 10'));
    const cancel = clock.after(15, () => seen.push('never'));
    cancel();
    await clock.advance(25);
    const order = ['a', 'a settled', 'second at 10', 'soon after a', 'b at 20'];
    expect(seen).toEqual(order);
    expect(clock.monotonicMs()).toBe(25);
  });

  it('orders many timers like a sort', async () => {
    const clock = new SimClock();
    const seen: number[] = [];
    const delays = Array.from({ length: 200 }, (_, i) => (i * 7919) % 101);
    for (const delay of delays) clock.after(delay, () => seen.push(clock.monotonicMs()));
    await clock.advance(200);
    expect(seen).toEqual([...delays].sort((a, b) => a - b));
  });

  it('stands still while real work is under way', async () => {
    const clock = new SimClock();
    const seen: string[] = [];
    clock.after(1, () => {
      clock.hold(
        new Promise<void>((resolve) => {
          setImmediate(() => {
            seen.push('written');
            resolve();
          });
        }),
      );
    });
    clock.after(2, () => seen.push('next'));
    await clock.advance(3);
    expect(seen).toEqual(['written', 'next']);
  });

  it('steps wall time without touching monotonic time', () => {
    const clock = new SimClock();
    const before = clock.wallMs();
    clock.stepWall(-5_000);
    expect(clock.wallMs() - before).toBe(-5_000);
    expect(clock.monotonicMs()).toBe(0);
  });

  it('tells of a process that dies in a timer, and lets every other error out', async () => {
    const clock = new SimClock();
    const deaths: string[] = [];
    clock.onKilled(({ message }) => deaths.push(message));
    clock.after(1, () => {
      throw new ProcessKilled('here');
    });
    await clock.advance(2);
    expect(deaths).toEqual(['killed: here']);
    clock.after(1, () => {
      throw new RangeError('a bug');
    });
    await expect(clock.advance(2)).rejects.toThrow('a bug');
  });
});

describe('ProcessClock', () => {
  it('counts from its own start, and its timers die with it', async () => {
    const clock = new SimClock();
    await clock.advance(1_000);
    const process = new ProcessClock(clock);
    const seen: string[] = [];
    process.after(10, () => seen.push('first'));
    process.after(30, () => seen.push('second'));
    await clock.advance(20);
    expect(process.monotonicMs()).toBe(20);
    process.die();
    process.after(1, () => seen.push('after death'));
    await clock.advance(100);
    expect(seen).toEqual(['first']);
  });
});
