/** Pixels that fail at run time, and those that only look so. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readRecording } from '../../src/commands/evaluate-read.ts';
import { PixelMemory } from '../../src/vision/pixel-memory.ts';
import { BOARD_MS, HOUR, IDENTITY, MINUTE, MOUNT, Room, pixelAt, put } from './pixel-room.ts';
import type { RoomFrame } from './pixel-room.ts';
import { seededRandom } from './scenes.ts';

const AT = pixelAt(12, 10);

/** Somebody walks through the picture once in two minutes. */
function passer({ picture, ms }: RoomFrame): void {
  const column = Math.floor(((ms % (2 * MINUTE)) / 1_000) * 1.2) - 20;
  put(picture, 4, column, 18, 20, () => 31);
}

describe('a pixel that fails', () => {
  it('dead: bad after ten minutes, good again when it lives', () => {
    const room = new Room(1);
    const paint = ({ picture }: RoomFrame): void => {
      picture[AT] = Number.NaN;
    };
    room.watch(9 * MINUTE, { paint });
    expect(room.memory.badPixels).toEqual([]);
    room.watch(2 * MINUTE, { paint });
    expect(room.memory.badPixels).toEqual([AT]);
    expect([room.memory.isBad(AT), room.memory.isBad(AT + 1)]).toEqual([true, false]);
    room.watch(5 * MINUTE);
    expect(room.memory.badPixels).toEqual([]);
  });

  it('stuck at one value', () => {
    const room = new Room(2);
    room.watch(12 * MINUTE, {
      paint: ({ picture }) => {
        picture[AT] = 28.5;
      },
    });
    expect(room.memory.badPixels).toEqual([AT]);
  });

  it('4 to 11 C off and deaf to what passes all around it', () => {
    const random = seededRandom(3);
    for (const off of [-4.5, 11]) {
      const room = new Room(3);
      room.watch(HOUR, {
        paint: (frame) => {
          passer(frame);
          frame.picture[AT] = 22 + off + 0.1 * random.normal();
        },
      });
      expect([off, room.memory.badPixels]).toEqual([off, [AT]]);
    }
  });

  it('far noisier than its neighbours, to both sides', () => {
    const random = seededRandom(4);
    const room = new Room(4);
    room.watch(30 * MINUTE, {
      paint: ({ picture }) => {
        picture[AT] = picture[AT]! + 5 * random.normal();
      },
    });
    expect(room.memory.badPixels).toEqual([AT]);
  });

  it('is remembered, and has another chance after a restart', () => {
    const room = new Room(5);
    const paint = ({ picture }: RoomFrame): void => {
      picture[AT] = Number.NaN;
    };
    room.watch(12 * MINUTE, { paint });
    const result = PixelMemory.fromMemory(room.memory.toMemory(), IDENTITY);
    if (!result.ok) throw new Error(result.problem);
    expect(result.memory.badPixels).toEqual([AT]);
    const again = new Room(6, result.memory);
    again.watch(5 * MINUTE);
    expect(again.memory.badPixels).toEqual([]);
  });

  it('never more than 16, and none of them while many more seem to fail', () => {
    const room = new Room(7);
    room.watch(15 * MINUTE, {
      paint: ({ picture }) => put(picture, 2, 2, 5, 5, () => Number.NaN),
    });
    expect(room.memory.badPixels).toEqual([]);
  });
});

describe('a pixel that is fine', () => {
  it.each([8, 14])('with a steady ember of %i C more on it, and people passing', (celsius) => {
    const room = new Room(8);
    room.watch(3 * HOUR, {
      paint: (frame) => {
        const before = frame.picture[AT]!;
        passer(frame);
        // A lens gives a fifth of the light to the neighbours, and takes as much from them.
        const isCovered = frame.picture[AT]! > 30 && before < 30;
        const behind = isCovered ? 31 : 22;
        frame.picture[AT] = 0.2 * behind + 0.8 * (22 + celsius) + (before - 22);
        put(frame.picture, 12, 11, 1, 1, (c) => c + 0.05 * celsius);
      },
    });
    expect(room.memory.badPixels).toEqual([]);
  });

  it('with a small flame that flickers on it for hours', () => {
    const random = seededRandom(9);
    const room = new Room(9);
    room.watch(3 * HOUR, {
      paint: ({ picture }) => {
        picture[AT] = picture[AT]! + Math.abs(6 + 5 * random.normal());
      },
    });
    expect(room.memory.badPixels).toEqual([]);
  });

  it('with a fire on it that grows through all temperatures', () => {
    const room = new Room(10);
    room.watch(5 * MINUTE);
    room.watch(2 * HOUR, {
      paint: ({ picture, ms }) => {
        picture[AT] = picture[AT]! + (ms / MINUTE) * 2;
        for (const step of [1, -1, 32, -32])
          picture[AT + step] = picture[AT + step]! + ms / MINUTE / 4;
      },
      suspect: (ms) => ms / MINUTE > 10,
    });
    expect(room.memory.badPixels).toEqual([]);
  });

  it('beside an edge where people stand', () => {
    const room = new Room(11);
    room.watch(4 * HOUR, {
      paint: ({ picture, ms }) => {
        if (Math.floor(ms / (3 * MINUTE)) % 2 === 0) put(picture, 6, 11, 14, 5, () => 32);
      },
    });
    expect(room.memory.badPixels).toEqual([]);
  });

  it('of which one frame in five is missing', () => {
    const random = seededRandom(12);
    const room = new Room(12);
    room.watch(2 * HOUR, {
      paint: ({ picture }) => {
        if (random.uniform() < 0.2) picture[AT] = Number.NaN;
      },
    });
    expect(room.memory.badPixels).toEqual([]);
  });
});

const DATA = resolve(import.meta.dirname, '../../../shared/data/thermal');
const DEAD_SET = `${DATA}/abbasyasin1n2__mlx90640-thermal-ir-dataset`;
const DEAD = `${DEAD_SET}/Single_Person_Standing_West.ndjson.gz`;
const OFF = `${DATA}/marcelinoandrade__greense/lab_20250904.ndjson.gz`;

/** Plays a recording at the pace of a board, again and again. */
async function play(file: string, forMs: number): Promise<PixelMemory> {
  const pictures: Float32Array[] = [];
  for await (const line of readRecording(file)) {
    if (line.kind === 'celsius') pictures.push(line.celsius);
  }
  const memory = new PixelMemory({ array: '', mount: MOUNT });
  for (let i = 0; i * BOARD_MS < forMs; i++) {
    const picture = pictures[i % pictures.length];
    if (picture === undefined) throw new Error(`${file} holds no picture`);
    memory.observe(picture, { atMs: i * BOARD_MS, suspect: false, hot: null });
  }
  return memory;
}

describe.skipIf(!existsSync(DATA))('recordings of ../shared/data/thermal', () => {
  it('a pixel that no EEPROM lists as dead is found', async () => {
    const memory = await play(DEAD, HOUR);
    expect(memory.badPixels).toEqual([557]);
  });

  it('one that reads 11 C more and follows its neighbours is kept, and offered', async () => {
    const memory = await play(OFF, HOUR);
    expect(memory.badPixels).not.toContain(767);
    expect(memory.backgroundCelsius(767)).toBeNaN();
    expect(memory.takeChange()?.detail).toMatch(/row 23, column 31/);
  });
});
