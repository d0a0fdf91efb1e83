import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Debounce } from '../../src/hal/debounce.ts';
import { ManualClock } from './manual-clock.ts';

const WINDOW_MS = 30;

function debounced(windowMs = WINDOW_MS, readable: () => boolean = () => true) {
  const clock = new ManualClock();
  const settled: boolean[] = [];
  const chatter: number[] = [];
  let level = false;
  const debounce = new Debounce({
    clock,
    windowMs,
    initial: level,
    read: () => (readable() ? level : null),
    settled: (to) => settled.push(to),
    chatter: (edges) => chatter.push(edges),
  });
  const move = (to: boolean): void => {
    level = to;
    debounce.edge(to);
  };
  const moveUnseen = (to: boolean): void => {
    level = to;
  };
  return { clock, settled, chatter, debounce, move, moveUnseen };
}

describe('debounce', () => {
  it('reports a level once it has held for the window, and not before', () => {
    const { clock, settled, move } = debounced();
    move(true);
    clock.advance(WINDOW_MS - 1);
    expect(settled).toEqual([]);
    clock.advance(1);
    expect(settled).toEqual([true]);
  });

  it('counts the window from the last edge', () => {
    const { clock, settled, move } = debounced();
    move(true);
    clock.advance(20);
    move(false);
    clock.advance(5);
    move(true);
    clock.advance(WINDOW_MS - 1);
    expect(settled).toEqual([]);
    clock.advance(1);
    expect(settled).toEqual([true]);
  });

  it('sees both ends of a pulse as long as the window', () => {
    const { clock, settled, move } = debounced();
    move(true);
    clock.advance(WINDOW_MS);
    move(false);
    clock.advance(WINDOW_MS);
    expect(settled).toEqual([true, false]);
  });

  it('is not misled by an edge that was merged with another', () => {
    const { clock, settled, move, moveUnseen } = debounced();
    move(true);
    moveUnseen(false);
    clock.advance(10 * WINDOW_MS);
    expect(settled).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('takes a change that came without any edge from a reading', () => {
    const { clock, settled, debounce, moveUnseen } = debounced();
    moveUnseen(true);
    debounce.check(true);
    clock.advance(WINDOW_MS);
    expect(settled).toEqual([true]);
  });

  it('tells once of a line that never settles, and again after it had settled', () => {
    const { clock, settled, chatter, move } = debounced();
    const restless = (): void => {
      for (let edge = 0; edge < 400; edge++) {
        move(edge % 2 === 0);
        clock.advance(10);
      }
    };
    restless();
    expect(chatter).toHaveLength(1);
    expect(settled).toEqual([]);
    clock.advance(WINDOW_MS);
    restless();
    expect(chatter).toHaveLength(2);
  });

  it('keeps the settled level while the line cannot be read, and goes on afterwards', () => {
    let readable = false;
    const { clock, settled, debounce, move } = debounced(WINDOW_MS, () => readable);
    move(true);
    clock.advance(WINDOW_MS);
    expect(settled).toEqual([]);
    readable = true;
    debounce.check(true);
    clock.advance(WINDOW_MS);
    expect(settled).toEqual([true]);
  });

  it('settles at once without a window', () => {
    const { settled, move } = debounced(0);
    move(true);
    move(false);
    expect(settled).toEqual([true, false]);
  });

  it('knows nothing of how long a level held between two edges to the same one', () => {
    const { clock, settled, debounce } = debounced();
    clock.advance(200);
    const nowMs = clock.monotonicMs();
    debounce.edge(true, nowMs - 100);
    debounce.edge(true, nowMs - 40);
    debounce.edge(false, nowMs - 20);
    clock.advance(1000);
    expect(settled).toEqual([]);
  });

  it('leaves everything out while it is held, and goes on with the level after that', () => {
    const { clock, settled, debounce, move } = debounced();
    move(true);
    debounce.hold();
    move(false);
    move(true);
    debounce.check(true);
    clock.advance(1000);
    expect(settled).toEqual([]);
    debounce.resume(true);
    clock.advance(WINDOW_MS);
    expect(settled).toEqual([true]);
  });

  it('takes no stamp from the future or from before the last edge', () => {
    const { clock, debounce } = debounced();
    const times: number[] = [];
    const nowMs = clock.monotonicMs();
    const stamped = new Debounce({
      clock,
      windowMs: WINDOW_MS,
      initial: false,
      read: () => true,
      settled: (_, edgeAtMs) => times.push(edgeAtMs),
      chatter: () => undefined,
    });
    stamped.edge(true, nowMs + 1_000_000);
    stamped.edge(false, nowMs - 1_000_000);
    stamped.edge(true, nowMs);
    clock.advance(WINDOW_MS);
    expect(times).toEqual([nowMs]);
    debounce.close();
  });

  it('reports exactly the levels that held for the window', () => {
    const steps = fc.array(fc.record({ level: fc.boolean(), holdMs: fc.nat({ max: 80 }) }));
    fc.assert(
      fc.property(steps, (moves) => {
        const { clock, settled, move } = debounced();
        const expected: boolean[] = [];
        let heldMs = 0;
        let last = false;
        let known = false;
        for (const { level, holdMs } of [...moves, { level: false, holdMs: 1000 }]) {
          // Like the kernel: only a level that differs is an edge.
          if (level !== last) {
            move(level);
            heldMs = 0;
          }
          last = level;
          clock.advance(holdMs);
          heldMs += holdMs;
          if (heldMs >= WINDOW_MS && level !== known) {
            expected.push(level);
            known = level;
          }
        }
        expect(settled).toEqual(expected);
        expect(clock.pending).toBe(0);
      }),
    );
  });
});
