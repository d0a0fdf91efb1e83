import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Closers } from '../../src/domain/closers.ts';
import { EvidenceBank } from '../../src/domain/evidence-bank.ts';
import { FRAME_PIXELS, mountOrder } from '../../src/domain/frame.ts';
import { Mailbox } from '../../src/domain/mailbox.ts';
import type { Clock } from '../../src/domain/ports.ts';
import { idFromName, isId, sensorId } from '../../src/domain/units.ts';

describe('ids', () => {
  it('any name becomes a valid id, and an id stays itself', () => {
    fc.assert(fc.property(fc.string(), (name) => isId(idFromName(name))));
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,47}$/), (id) => idFromName(id) === id),
    );
  });
  it('user input that is no id is refused', () =>
    expect(() => sensorId('a b')).toThrow(RangeError));
});

describe('evidence between steps', () => {
  it('a crossing in any single value reaches the drained window', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100 }), { minLength: 1 }), (values) => {
        const bank = new EvidenceBank();
        const channel = bank.level(sensorId('board'), 'ADC1');
        for (const [i, value] of values.entries()) channel.add(value, i);
        const [window] = bank.drain();
        return (
          window?.kind === 'level' &&
          window.count === values.length &&
          window.max === Math.max(...values) &&
          window.min === Math.min(...values) &&
          window.first === values[0] &&
          window.last === values.at(-1) &&
          bank.isEmpty &&
          bank.drain().length === 0
        );
      }),
    );
  });
});

describe('mounting', () => {
  it.each([0, 90, 180, 270] as const)('rotation by %d degrees is a permutation', (rotate) => {
    for (const mirror of [false, true]) {
      const { order, columns, rows } = mountOrder({ rotate, mirror });
      expect(columns * rows).toBe(FRAME_PIXELS);
      if (order === null) continue;
      expect(new Set(order).size).toBe(FRAME_PIXELS);
    }
  });
  it('90 degrees clockwise brings the lower left corner to the upper left', () => {
    const { order, columns } = mountOrder({ rotate: 90, mirror: false });
    expect(columns).toBe(24);
    expect(order?.[0]).toBe(23 * 32);
    expect(order?.[23]).toBe(0);
  });
  it('a mirror exchanges left and right', () => {
    const { order } = mountOrder({ rotate: 0, mirror: true });
    expect(order?.[0]).toBe(31);
  });
});

describe('mailbox', () => {
  it('refuses, or keeps the latest, and counts what it gave up', () => {
    const refusing = new Mailbox<number>({ capacity: 2, overflow: 'reject' });
    expect([1, 2, 3].map((n) => refusing.offer(n))).toEqual([true, true, false]);
    expect(refusing.drain()).toEqual([1, 2]);
    const latest = new Mailbox<number>({ capacity: 2, overflow: 'keepLatest' });
    for (const n of [1, 2, 3]) latest.offer(n);
    expect(latest.drain()).toEqual([2, 3]);
    expect([refusing.dropped, latest.dropped]).toEqual([1, 1]);
  });
});

describe('closers', () => {
  const clock: Clock = {
    monotonicMs: () => 0,
    wallMs: () => 0,
    after: (delayMs, run) => {
      const timer = setTimeout(run, delayMs);
      return () => clearTimeout(timer);
    },
    soon: (run) => {
      const timer = setImmediate(run);
      return () => clearImmediate(timer);
    },
  };
  it('close in reverse order; one that hangs or throws does not keep the others open', async () => {
    const closed: string[] = [];
    const closers = new Closers(clock, 20);
    closers.add('first', () => void closed.push('first'));
    closers.add('throws', () => {
      throw new Error('no');
    });
    closers.add('hangs', () => new Promise<void>(() => undefined));
    closers.add('last', async () => void closed.push('last'));
    const failures = await closers.closeAll();
    expect(closed).toEqual(['last', 'first']);
    expect(failures.map(({ name }) => name)).toEqual(['hangs', 'throws']);
  });
});
