/** Days in a room: what is offered to a person, and what is not. */
import { describe, expect, it } from 'vitest';
import { PixelMemory } from '../../src/vision/pixel-memory.ts';
import { HOUR, IDENTITY, MINUTE, Room, pixelAt, put } from './pixel-room.ts';
import type { RoomFrame } from './pixel-room.ts';
import { PIXELS } from './scenes.ts';

const HEATER = pixelAt(15, 5);

/** Cold by night, warm by day, people who come and go, sit for an hour, and pass. */
function life({ picture, ms }: RoomFrame): void {
  const drift = 3 * Math.sin((2 * Math.PI * ms) / (24 * HOUR)) + (ms < HOUR ? ms / HOUR : 1);
  for (let at = 0; at < PIXELS; at++) picture[at] = picture[at]! + drift;
  const hour = (ms / HOUR) % 24;
  if (hour > 8 && hour < 18) {
    put(picture, 8, Math.floor((ms / 900) % 300), 12, 3, () => 32);
    if (hour % 1.5 < 1.2) put(picture, 8, 20, 10, 4, (c) => Math.max(c, 31));
  }
}

function heater(frame: RoomFrame): void {
  put(frame.picture, 14, 4, 4, 3, () => 51 + 0.3 * Math.sin(frame.ms / 50_000));
}

describe('a day at 4.09 s', () => {
  it('with drift and people: nothing is offered, and the background follows', () => {
    const room = new Room(1);
    room.watch(24 * HOUR, { paint: life });
    expect(room.changes).toEqual([]);
    expect(room.memory.badPixels).toEqual([]);
    // At the end of the day the drift is 1 C.
    const off = room.memory.backgroundCelsius(HEATER) - (room.wall(HEATER) + 1);
    expect(Math.abs(off)).toBeLessThan(0.7);
  });

  it('a heater switched on for good is offered once, approved, and gone', () => {
    const room = new Room(2);
    room.watch(HOUR, { paint: life });
    const both = (frame: RoomFrame): void => {
      life(frame);
      heater(frame);
    };
    const suspect = (): boolean => !(room.memory.backgroundCelsius(HEATER) > 45);
    room.watch(1.9 * HOUR, { paint: both, suspect });
    expect(room.changes).toEqual([]);
    room.watch(2 * HOUR, { paint: both, suspect });
    expect(room.changes).toHaveLength(1);
    const [offered] = room.changes;
    expect(offered?.raised).toBe(true);
    expect(offered?.detail).toMatch(/^12 pixels, most at row 1\d, column [456]: 2\d\.\d C warmer/);
    expect(offered?.detail).toMatch(/ for (2\.0 h|1\d\d min)$/);
    const before = room.nowMs - (offered?.sinceMs ?? 0);
    expect(before / HOUR).toBeGreaterThan(2);

    const approval = room.memory.approve(room.nowMs);
    expect(approval.ok).toBe(true);
    expect(approval.detail).toMatch(/it moved \d+ of 768 pixels/);
    room.watch(3 * HOUR, { paint: both, suspect });
    expect(room.changes.map(({ raised }) => raised)).toEqual([true, false]);
    expect(room.memory.backgroundCelsius(HEATER)).toBeGreaterThan(48);
  });

  it('something that hides the view is offered too, and taken back when it goes', () => {
    const room = new Room(3);
    room.watch(10 * MINUTE);
    room.watch(3 * HOUR, { paint: ({ picture }) => put(picture, 0, 0, 12, 12, (c) => c - 9) });
    expect(room.changes.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^144 pixels.* C colder than learnt/),
    ]);
    room.watch(30 * MINUTE);
    expect(room.changes.at(-1)).toMatchObject({ raised: false });
  });

  it('a room that warms while something suspect stands in it has not changed', () => {
    const room = new Room(4);
    room.watch(10 * MINUTE);
    room.watch(6 * HOUR, {
      suspect: () => true,
      paint: ({ picture, ms }) =>
        put(picture, 0, 0, 24, 32, (c) => c + Math.min(9, ms / (HOUR / 2))),
    });
    expect(room.changes).toEqual([]);
  });
});

describe('approval', () => {
  it('leaves out what is as hot as a fire', () => {
    const room = new Room(5);
    room.watch(10 * MINUTE, {
      suspect: () => true,
      paint: ({ picture }) => put(picture, 4, 4, 2, 3, () => 75),
    });
    expect(room.memory.approve(room.nowMs).detail).toMatch(/; 6 at or above 60 C were left out$/);
    expect(room.memory.backgroundCelsius(pixelAt(4, 4))).toBeNaN();
    expect(room.memory.backgroundCelsius(pixelAt(12, 12))).not.toBeNaN();
  });

  it('needs a scene that has been seen, and lately', () => {
    const fresh = new PixelMemory(IDENTITY);
    expect(fresh.approve(1_000)).toMatchObject({ ok: false });
    const room = new Room(6);
    room.watch(10 * MINUTE);
    const refused = room.memory.approve(room.nowMs + 2 * MINUTE);
    expect(refused).toMatchObject({ ok: false });
    expect(refused.detail).toMatch(/nothing was approved: .* mend the array, then approve again/);
    expect(room.memory.approve(room.nowMs)).toMatchObject({ ok: true });
  });
});
