import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PixelMemory } from '../../src/vision/pixel-memory.ts';
import { recordFromText, recordToText } from '../../src/vision/pixel-text.ts';
import type { PixelRecord } from '../../src/vision/pixel-text.ts';
import { IDENTITY, MINUTE, Room, pixelAt, put } from './pixel-room.ts';
import { PIXELS } from './scenes.ts';

function textOf(seed: number): string {
  const room = new Room(seed);
  room.watch(10 * MINUTE, {
    paint: ({ picture }) => put(picture, 10, 10, 2, 2, (celsius) => celsius + 15),
  });
  return room.memory.toMemory();
}

function problemOf(text: string, identity = IDENTITY): string {
  const result = PixelMemory.fromMemory(text, identity);
  return result.ok ? 'none' : result.problem;
}

/** The same text with a checksum that fits. */
function sealed(text: string): string {
  const body = text.slice(0, text.lastIndexOf(' '));
  return `${body} ${crc32(body).toString(16).padStart(8, '0')}`;
}

const offset = fc.oneof(fc.constant(Number.NaN), fc.double({ min: -100, max: 100, noNaN: true }));
const records: fc.Arbitrary<PixelRecord> = fc
  .record({
    ambientCelsius: fc.double({ min: -50, max: 300, noNaN: true }),
    offsets: fc.array(offset, { minLength: 16, maxLength: 16 }),
    noise: fc.double({ min: 0, max: 30, noNaN: true }),
    bad: fc.uniqueArray(fc.integer({ min: 0, max: PIXELS - 1 }), { maxLength: 16 }),
  })
  .map(({ ambientCelsius, offsets, noise, bad }) => ({
    ambientCelsius,
    offsets: Float32Array.from({ length: PIXELS }, (_, at) => offsets[at % 16]!),
    anchors: Float32Array.from({ length: PIXELS }, (_, at) => offsets[at % 16]! + 1),
    medians: new Float32Array(PIXELS).fill(noise),
    bad: bad.sort((a, b) => a - b),
  }));

describe('a memory as text', () => {
  it('comes back as it was', () => {
    const room = new Room(1);
    room.watch(10 * MINUTE, {
      paint: ({ picture }) => put(picture, 10, 10, 2, 2, (celsius) => celsius + 15),
    });
    const text = room.memory.toMemory();
    const result = PixelMemory.fromMemory(text, IDENTITY);
    if (!result.ok) throw new Error(result.problem);
    const { memory } = result;
    expect(memory.toMemory()).toBe(text);
    expect(memory.isLearnt).toBe(true);
    for (let at = 0; at < PIXELS; at++) {
      const was = room.memory.backgroundCelsius(at);
      if (Number.isNaN(was)) expect(memory.backgroundCelsius(at)).toBeNaN();
      else expect(Math.abs(memory.backgroundCelsius(at) - was)).toBeLessThan(0.02);
      expect(Math.abs(memory.noiseCelsius(at) - room.memory.noiseCelsius(at))).toBeLessThan(0.002);
    }
    expect(text.length).toBeLessThan(7_000);
    expect(text).toMatch(/^[\x20-\x7e]+$/);
  });

  it('holds any record', () => {
    fc.assert(
      fc.property(records, (record) => {
        const text = recordToText(record, IDENTITY);
        const result = recordFromText(text, IDENTITY);
        if (!result.ok) throw new Error(result.problem);
        expect(result.record.bad).toEqual(record.bad);
        expect(recordToText(result.record, IDENTITY)).toBe(text);
      }),
      { numRuns: 50 },
    );
  });

  it('goes on at once after a restart, wherever the room has gone', () => {
    const result = PixelMemory.fromMemory(textOf(2), IDENTITY);
    if (!result.ok) throw new Error(result.problem);
    const room = new Room(3, result.memory);
    const paint = ({ picture }: { picture: Float32Array }): void =>
      put(picture, 0, 0, 24, 32, (celsius) => celsius + 6);
    room.watch(10_000, { paint });
    const at = pixelAt(12, 10);
    expect(room.memory.backgroundCelsius(at)).toBeCloseTo(room.wall(at) + 6, 0);
  });

  it.each([
    ['', /no memory of pixels/],
    ['hello', /no memory of pixels/],
    ['embereye-pixels 1 021c5626618b 0', /cut off/],
  ])('refuses %j', (text, problem) => {
    expect(problemOf(text)).toMatch(problem);
  });

  it('refuses what was cut, changed, or is of other pixels, and says so', () => {
    const text = textOf(4);
    expect(problemOf(text.slice(0, -40))).toMatch(/cut off|checksum/);
    expect(problemOf(text.replace(/[AB]/, 'C'))).toMatch(/checksum does not fit/);
    expect(problemOf(sealed(text.replace(' 1 ', ' 2 ')))).toMatch(/format 2, this program reads 1/);
    const array = 'ffff00001111';
    expect(problemOf(text, { ...IDENTITY, array })).toBe(
      'it is of array 021c5626618b, not of ffff00001111',
    );
    const mount = { rotate: 90, mirror: true } as const;
    expect(problemOf(text, { ...IDENTITY, mount })).toBe('it was learnt mounted 0, not 90mirrored');
    const short = text.replace(/ [A-Za-z0-9+/=]{100}/, ' ');
    expect(problemOf(sealed(short))).toMatch(/bytes instead of/);
  });

  it('refuses numbers that cannot be, also with a checksum that fits', () => {
    const room = new Room(5);
    room.watch(5 * MINUTE);
    const result = recordFromText(room.memory.toMemory(), IDENTITY);
    if (!result.ok) throw new Error(result.problem);
    const { record } = result;
    const offsets = record.offsets.slice();
    offsets[7] = 40;
    const bad = Array.from({ length: 17 }, (_, i) => i);
    const problems = [
      { ...record, offsets },
      { ...record, ambientCelsius: Number.NaN },
      { ...record, medians: record.medians.map((median) => -median) },
      { ...record, bad },
    ].map((wrong) => problemOf(recordToText(wrong, IDENTITY)));
    expect(problems).toEqual([
      'pixel 7 has drifted further than it can',
      'the scene as a whole has no possible temperature in it',
      'pixel 0 has a noise below 0',
      'it lists 17 bad pixels, at most 16 can be',
    ]);
  });

  it('never throws, whatever the text', () => {
    const text = textOf(6);
    const damaged = fc
      .tuple(fc.nat(text.length - 1), fc.string({ maxLength: 12 }), fc.boolean())
      .map(([at, insert, seal]) => {
        const changed = text.slice(0, at) + insert + text.slice(at + insert.length);
        return seal ? sealed(changed) : changed;
      });
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), damaged), (any) => {
        const result = PixelMemory.fromMemory(any, IDENTITY);
        if (!result.ok) expect(result.problem).not.toBe('');
      }),
      { numRuns: 300 },
    );
  });
});
