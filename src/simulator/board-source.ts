/** Where a board's packets come from: a synthetic array in a scene, or a recording. */
import { type ArrayOptions, SimulatedArray } from './array.ts';
import {
  announcement,
  eepromPacket,
  framePacket,
  type PacketStyle,
  REAL_BOARD_STYLE,
  sensorPacket,
} from './packets.ts';
import { Scene, type SceneOptions } from './scene.ts';

/** What the state machine of `board.ts` sends, and when it asks for it. */
export interface BoardSource {
  /** Sent first on every connection and after every boot. */
  announcements(): readonly Uint8Array[];
  /** The next frame with whatever stands before it; null when there is none any more. */
  frame(atMs: number): Uint8Array | null;
  /** What follows the frame of the same cycle; null for nothing. */
  readings(atMs: number): Uint8Array | null;
  /** The answer to `EEPROM1`; null leaves the command unanswered. */
  eeprom(): Uint8Array | null;
}

export interface SyntheticOptions {
  /** Announced as `#serialno`; null for a board that announces none. */
  readonly serial: string | null;
  /** The seed of the array; arrays of different seeds differ in identity and calibration. */
  readonly array: ArrayOptions;
  readonly scene: SceneOptions;
  readonly style?: PacketStyle;
  /** The moment, on the board's clock, at which the scene's time is 0. */
  readonly startMs?: number;
}

/** A board that looks at a scene through its own synthetic array. */
export class SyntheticSource implements BoardSource {
  readonly array: SimulatedArray;
  readonly scene: Scene;
  readonly style: PacketStyle;
  readonly #serial: string | null;
  readonly #startMs: number;
  readonly #eeprom: Uint8Array;

  constructor(options: SyntheticOptions) {
    this.array = new SimulatedArray(options.array);
    this.scene = new Scene(options.scene);
    this.style = options.style ?? REAL_BOARD_STYLE;
    this.#serial = options.serial;
    this.#startMs = options.startMs ?? 0;
    this.#eeprom = eepromPacket(this.array.eeprom, this.style);
  }

  announcements(): readonly Uint8Array[] {
    const { location } = this.style;
    const packets = location === '' ? [] : [announcement('locid', location, this.style)];
    if (this.#serial !== null) packets.unshift(announcement('serialno', this.#serial, this.style));
    return packets;
  }

  frame(atMs: number): Uint8Array {
    const sample = this.scene.sample((atMs - this.#startMs) / 1000);
    return framePacket(this.array.dump(sample.celsius, sample), this.style);
  }

  readings(atMs: number): Uint8Array {
    return sensorPacket(this.scene.analog((atMs - this.#startMs) / 1000), this.style);
  }

  eeprom(): Uint8Array {
    return this.#eeprom;
  }
}
