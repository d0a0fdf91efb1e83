import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DRIFT_CAP_CELSIUS } from '../../src/vision/pixel-limits.ts';
import { PixelMemory } from '../../src/vision/pixel-memory.ts';
import {
  BOARD_MS,
  HOUR,
  IDENTITY,
  MINUTE,
  Room,
  learntBy,
  noiseOf,
  pixelAt,
  put,
} from './pixel-room.ts';
import { PIXELS } from './scenes.ts';

const SPOT = pixelAt(12, 10);

describe('learning', () => {
  it('takes some minutes of calm', () => {
    const room = new Room(1);
    room.watch(2 * MINUTE);
    expect([room.memory.isLearnt, room.memory.backgroundCelsius(SPOT)]).toEqual([
      false,
      Number.NaN,
    ]);
    room.watch(2 * MINUTE);
    expect(room.memory.isLearnt).toBe(true);
    for (let at = 0; at < PIXELS; at++) {
      expect(Math.abs(room.memory.backgroundCelsius(at) - room.wall(at))).toBeLessThan(0.8);
    }
  });

  it.each([BOARD_MS, 1_000, 125])('finds the same noise floor every %i ms', (periodMs) => {
    const room = new Room(2);
    room.watch(Math.max(20 * MINUTE, 200 * periodMs), { periodMs });
    for (const at of [SPOT, 0, 31, pixelAt(23, 0), pixelAt(11, 30)]) {
      expect(room.memory.noiseCelsius(at) / noiseOf(at)).toBeGreaterThan(0.7);
      expect(room.memory.noiseCelsius(at) / noiseOf(at)).toBeLessThan(1.4);
    }
  });

  it('does not take people who pass for background or noise', () => {
    const room = new Room(3);
    room.watch(20 * MINUTE, {
      paint: ({ picture, ms }) => {
        const column = Math.floor((ms / 700) % 90);
        put(picture, 6, column, 14, 4, () => 33);
      },
    });
    expect(room.memory.backgroundCelsius(SPOT) - room.wall(SPOT)).toBeLessThan(0.5);
    expect(room.memory.noiseCelsius(SPOT)).toBeLessThan(0.4);
  });

  it('leaves out what stands out at the first learning, and offers it', () => {
    const room = new Room(4);
    room.watch(10 * MINUTE, { paint: ({ picture }) => put(picture, 10, 10, 2, 2, () => 38) });
    expect(room.memory.isLearnt).toBe(true);
    expect(room.memory.backgroundCelsius(pixelAt(10, 10))).toBeNaN();
    expect(room.memory.backgroundCelsius(SPOT)).not.toBeNaN();
    expect(room.changes).toHaveLength(1);
    expect(room.changes[0]).toMatchObject({ raised: true });
    expect(room.changes[0]?.detail).toMatch(
      /^4 pixels, most at row 1[01], column 1[01] \(38\.\d C\)/,
    );
  });

  it('learns it when it has cooled down', () => {
    const room = new Room(4);
    room.watch(10 * MINUTE, { paint: ({ picture }) => put(picture, 10, 10, 2, 2, () => 38) });
    room.watch(25 * MINUTE);
    const at = pixelAt(10, 10);
    expect(Math.abs(room.memory.backgroundCelsius(at) - room.wall(at))).toBeLessThan(1);
    expect(room.changes.map(({ raised }) => raised)).toEqual([true, false]);
  });

  it('asks a person when there is no calm to learn from', () => {
    const room = new Room(5);
    const paint = ({ picture }: { picture: Float32Array }) => put(picture, 3, 3, 3, 3, () => 52);
    room.watch(35 * MINUTE, { paint, suspect: () => true });
    expect(room.memory.isLearnt).toBe(false);
    expect(room.changes.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^no background could be learnt for 3\d min/),
    ]);
    expect(room.memory.approve(room.nowMs)).toMatchObject({ ok: true });
    expect(room.memory.backgroundCelsius(pixelAt(4, 4))).toBeCloseTo(52, 0);
  });

  it('works in a hot room', () => {
    const room = new Room(6);
    const paint = ({ picture }: { picture: Float32Array }) =>
      put(picture, 0, 0, 24, 32, (c) => c + 21);
    room.watch(10 * MINUTE, { paint });
    expect(room.memory.backgroundCelsius(SPOT)).toBeCloseTo(room.wall(SPOT) + 21, 0);
    expect(room.changes).toEqual([]);
  });
});

describe('what must not be learnt', () => {
  it('nothing of a suspect picture, whatever it shows and however long', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 1000 }),
        fc.integer({ min: 1, max: 200 }),
        fc.double({ min: -30, max: 500, noNaN: true }),
        (seed, frames, celsius) => {
          const room = new Room(seed);
          room.watch(5 * MINUTE, { periodMs: 10_000 });
          const before = learntBy(room.memory);
          room.watch(frames * 10_000, {
            periodMs: 10_000,
            suspect: () => true,
            paint: ({ picture }) => put(picture, 5, 5, 8, 8, () => celsius),
          });
          expect(learntBy(room.memory)).toBe(before);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('nor within the minute after it', () => {
    const room = new Room(7);
    room.watch(5 * MINUTE);
    const before = learntBy(room.memory);
    let frame = 0;
    room.watch(40 * MINUTE, {
      suspect: () => frame++ % 10 === 0,
      paint: ({ picture }) => put(picture, 5, 5, 8, 8, (c) => c + 2),
    });
    expect(learntBy(room.memory)).toBe(before);
  });

  it('a smouldering spot that grows: it stays above what was learnt, and is offered', () => {
    const room = new Room(8);
    room.watch(10 * MINUTE);
    const learnt = room.memory.backgroundCelsius(SPOT);
    let celsius = 0;
    room.watch(10 * HOUR, {
      paint: ({ picture, ms }) => {
        celsius = Math.min(16, (ms - 10 * MINUTE) / HOUR) * 1;
        put(picture, 11, 9, 3, 3, (c) => c + celsius);
      },
    });
    expect(celsius).toBeGreaterThan(9);
    expect(room.memory.backgroundCelsius(SPOT) - learnt).toBeLessThan(DRIFT_CAP_CELSIUS + 0.5);
    expect(room.memory.badPixels).toEqual([]);
    expect(room.changes.map(({ raised }) => raised)).toEqual([true]);
    expect(room.changes[0]?.detail).toMatch(/ C warmer than learnt \(/);
  });

  it('adaptation never goes further than its cap, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 100 }),
        (steps, seed) => {
          const room = new Room(seed);
          room.watch(5 * MINUTE, { periodMs: 10_000 });
          const learnt = room.memory.backgroundCelsius(SPOT);
          let sum = 0;
          for (const step of steps) {
            sum += step;
            room.watch(30 * MINUTE, {
              periodMs: 10_000,
              paint: ({ picture }) => put(picture, 10, 8, 5, 5, (c) => c + sum),
            });
            const drift = room.memory.backgroundCelsius(SPOT) - learnt;
            expect(Math.abs(drift)).toBeLessThan(DRIFT_CAP_CELSIUS + 0.5);
          }
        },
      ),
      { numRuns: 10 },
    );
  });

  it('pixels that are marked are left alone', () => {
    const memory = new PixelMemory(IDENTITY);
    const hot = new Uint8Array(PIXELS);
    hot[SPOT] = 1;
    for (let i = 0; i < 80; i++) {
      const picture = Float32Array.from(
        { length: PIXELS },
        (_, at) => 22 + ((at * 7 + i * 3) % 5) / 9,
      );
      memory.observe(picture, { atMs: i * BOARD_MS, suspect: false, hot });
    }
    expect(memory.isLearnt).toBe(true);
    expect(memory.backgroundCelsius(SPOT)).toBeNaN();
    expect(memory.noiseCelsius(SPOT)).toBeNaN();
    expect(memory.backgroundCelsius(SPOT + 1)).not.toBeNaN();
  });
});

describe('time', () => {
  it('a gap, a step back and repeated times teach nothing', () => {
    const room = new Room(9);
    room.watch(5 * MINUTE);
    const learnt = room.memory.backgroundCelsius(SPOT);
    for (const jumpMs of [20 * HOUR, -3 * HOUR, 400 * 24 * HOUR]) {
      room.nowMs += jumpMs;
      room.watch(30_000, { paint: ({ picture }) => put(picture, 10, 8, 5, 5, (c) => c + 2.5) });
      expect(Math.abs(room.memory.backgroundCelsius(SPOT) - learnt)).toBeLessThan(0.4);
    }
    expect(room.changes).toEqual([]);
    const picture = new Float32Array(PIXELS).fill(24);
    const before = learntBy(room.memory);
    for (let i = 0; i < 5000; i++) {
      room.memory.observe(picture, { atMs: room.nowMs - BOARD_MS, suspect: false, hot: null });
    }
    expect(learntBy(room.memory)).toBe(before);
  });
});
