/** A room for tests of the pixel memory: many cheap pictures, hours of them. */
import type { Mount } from '../../src/domain/frame.ts';
import { PixelMemory } from '../../src/vision/pixel-memory.ts';
import type { BackgroundChange, MemoryIdentity } from '../../src/vision/pixel-memory.ts';
import { COLUMNS, PIXELS, seededRandom } from './scenes.ts';
import type { Chance } from './scenes.ts';

export const MOUNT: Mount = { rotate: 0, mirror: false };
export const IDENTITY: MemoryIdentity = { array: '021c5626618b', mount: MOUNT };
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const BOARD_MS = 4_090;

/** Noise of a pixel in the centre, C; corners have three times as much. */
export const NOISE_CELSIUS = 0.2;

const NOISE_PICTURES = 37;

export function pixelAt(row: number, column: number): number {
  return row * COLUMNS + column;
}

/** Deviation of a pixel's noise in this room. */
export function noiseOf(at: number): number {
  const row = Math.floor(at / COLUMNS) / 23 - 0.5;
  const column = (at % COLUMNS) / 31 - 0.5;
  return NOISE_CELSIUS * (1 + 4 * (row * row + column * column));
}

export interface RoomFrame {
  readonly picture: Float32Array;
  /** Since the room began. */
  readonly ms: number;
}

export interface Seen {
  /** Changes what the room shows at this time. */
  readonly paint?: (frame: RoomFrame) => void;
  /** Whether the picture at this time is suspect. */
  readonly suspect?: (ms: number) => boolean;
  readonly periodMs?: number;
}

/** A wall at 22 C with a cooler window, and a memory that looks at it. */
export class Room {
  readonly memory: PixelMemory;
  readonly changes: BackgroundChange[] = [];
  readonly #random: Chance;
  readonly #noise: readonly Float32Array[];
  readonly #wall = new Float32Array(PIXELS);
  readonly #picture = new Float32Array(PIXELS);
  /** Of the memory's clock, which does not begin at 0. */
  nowMs = 5_000_000;
  #ms = 0;

  constructor(seed: number, memory: PixelMemory = new PixelMemory(IDENTITY)) {
    this.memory = memory;
    this.#random = seededRandom(seed);
    this.#noise = Array.from({ length: NOISE_PICTURES }, () =>
      Float32Array.from({ length: PIXELS }, (_, at) => this.#random.normal() * noiseOf(at)),
    );
    for (let at = 0; at < PIXELS; at++) {
      const isWindow = at % COLUMNS > 25 && at < PIXELS / 2;
      this.#wall[at] = 22 + Math.floor(at / COLUMNS) * 0.05 - (isWindow ? 3 : 0);
    }
  }

  /** Mean of what a pixel of the empty room shows. */
  wall(at: number): number {
    return this.#wall[at]!;
  }

  /** Lets time pass, picture by picture. */
  watch(forMs: number, { paint, suspect, periodMs = BOARD_MS }: Seen = {}): void {
    for (const endMs = this.#ms + forMs; this.#ms < endMs;) {
      const noise = this.#noise[this.#random.below(NOISE_PICTURES)]!;
      for (let at = 0; at < PIXELS; at++) this.#picture[at] = this.#wall[at]! + noise[at]!;
      paint?.({ picture: this.#picture, ms: this.#ms });
      const isSuspect = suspect?.(this.#ms) ?? false;
      this.memory.observe(this.#picture, { atMs: this.nowMs, suspect: isSuspect, hot: null });
      const change = this.memory.takeChange();
      if (change !== null) this.changes.push(change);
      this.#ms += periodMs;
      this.nowMs += periodMs;
    }
  }
}

/** Sets a rectangle of pixels to what it would be with something in front of it. */
export function put(
  picture: Float32Array,
  row: number,
  column: number,
  height: number,
  width: number,
  change: (celsius: number) => number,
): void {
  for (let r = Math.max(0, row); r < Math.min(24, row + height); r++) {
    for (let c = Math.max(0, column); c < Math.min(COLUMNS, column + width); c++) {
      picture[pixelAt(r, c)] = change(picture[pixelAt(r, c)]!);
    }
  }
}

/** A short name for all that a memory has learnt, to tell whether it has learnt more. */
export function learntBy(memory: PixelMemory): string {
  return memory.toMemory().slice(-8);
}
