/** What the board of a room sends: its scene through its array, hot things in it, or one old frame. */
import type { BoardSource } from '../../src/simulator/board-source.ts';
import type { SyntheticSource } from '../../src/simulator/board-source.ts';
import { framePacket } from '../../src/simulator/packets.ts';

/** A hot thing that is no fire: a rectangle of rows and columns, ends included. */
export interface HotThing {
  readonly rows: readonly [number, number];
  readonly columns: readonly [number, number];
  readonly celsius: number;
  /** It gets there from room temperature at this rate; null: it is there at once. */
  readonly celsiusPerMinute?: number | null;
}

const COLD_CELSIUS = 25;

const COLUMNS = 32;

export class RoomSource implements BoardSource {
  /** Sends the same frame for ever, as an array that has stopped measuring. */
  frozen = false;
  /** With the time of their appearance. */
  readonly things = new Map<HotThing, number>();
  readonly #real: SyntheticSource;
  #last: Uint8Array | null = null;

  constructor(real: SyntheticSource) {
    this.#real = real;
  }

  announcements(): readonly Uint8Array[] {
    return this.#real.announcements();
  }
  frame(atMs: number): Uint8Array {
    if (this.frozen && this.#last !== null) return this.#last;
    this.#last = this.#picture(atMs);
    return this.#last;
  }
  readings(atMs: number): Uint8Array {
    return this.#real.readings(atMs);
  }
  eeprom(): Uint8Array {
    return this.#real.eeprom();
  }

  #picture(atMs: number): Uint8Array {
    const { scene, array, style } = this.#real;
    const sample = scene.sample(atMs / 1000);
    const celsius = sample.celsius.slice();
    for (const [thing, sinceMs] of this.things) {
      const { rows, columns, celsiusPerMinute = null } = thing;
      const warmed = COLD_CELSIUS + ((celsiusPerMinute ?? Infinity) * (atMs - sinceMs)) / 60_000;
      const hot = celsiusPerMinute === null ? thing.celsius : Math.min(thing.celsius, warmed);
      for (let row = rows[0]; row <= rows[1]; row++) {
        celsius.fill(hot, row * COLUMNS + columns[0], row * COLUMNS + columns[1] + 1);
      }
    }
    return framePacket(array.dump(celsius, sample), style);
  }
}
