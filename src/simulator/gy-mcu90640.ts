/**
 * A GY-MCU90640 module: an MLX90640 behind a microcontroller that sends finished temperatures.
 * Bytes as public programs for these modules take them: header 5A 5A, length 1538 with its low byte
 * first, 768 hundredths of a degree, ambient temperature, sum of all words.
 */
import { between, gaussian, type SeededRandom, seededRandom } from './random.ts';

const PIXELS = 768;
const FRAME_BYTES = 1544;
const PAYLOAD_BYTES = 2 * PIXELS + 2;
/** A5, what, how, and the sum of the three. */
const COMMAND_BYTES = 4;
const COMMAND_START = 0xa5;
const OUTPUT = 0x35;
const QUERIED = 1;
const AUTOMATIC = 2;

export interface ModuleScene {
  /** 768 true temperatures, row-major 24 x 32. */
  readonly celsius: Float32Array;
  readonly ambientCelsius: number;
}

export interface ModuleFaults {
  badChecksum: boolean;
  /** Bytes that are lost somewhere in each frame. */
  lostBytes: number;
  /** Bytes of noise before each frame. */
  noiseBytes: number;
  /** Each frame is the one before. */
  frozen: boolean;
  silent: boolean;
}

export interface ModuleOptions {
  readonly seed: number | string;
  readonly scene: (seconds: number) => ModuleScene;
  /** Standard deviation, default 0.15 C. */
  readonly noiseCelsius?: number;
  /** Whether it sends without being asked from power-on. */
  readonly automatic?: boolean;
}

export class GyMcu90640 {
  readonly faults: ModuleFaults = {
    badChecksum: false,
    lostBytes: 0,
    noiseBytes: 0,
    frozen: false,
    silent: false,
  };
  /** Commands that were understood, as hex. */
  readonly commands: string[] = [];
  readonly #options: ModuleOptions;
  readonly #random: SeededRandom;
  readonly #heard: number[] = [];
  #automatic: boolean;
  #queries = 0;
  #last: Uint8Array | null = null;

  constructor(options: ModuleOptions) {
    this.#options = options;
    this.#random = seededRandom(options.seed);
    this.#automatic = options.automatic ?? true;
  }

  /** Bytes from the appliance. */
  hear(bytes: Uint8Array): void {
    this.#heard.push(...bytes);
    while (this.#heard.length >= COMMAND_BYTES) {
      const [start, what = 0, how = 0, sum] = this.#heard;
      if (start === COMMAND_START && sum === ((COMMAND_START + what + how) & 0xff)) {
        this.#heard.splice(0, COMMAND_BYTES);
        this.commands.push(Buffer.from([what, how]).toString('hex'));
        if (what === OUTPUT) this.#automatic = how === AUTOMATIC;
        if (what === OUTPUT && how === QUERIED) this.#queries += 1;
      } else this.#heard.shift();
    }
  }

  /** What the line carries at the end of one of the module's periods; perhaps nothing. */
  period(seconds: number): Uint8Array {
    if (this.faults.silent || (!this.#automatic && this.#queries === 0)) return new Uint8Array(0);
    if (!this.#automatic) this.#queries -= 1;
    const frame = this.#last !== null && this.faults.frozen ? this.#last : this.#measure(seconds);
    this.#last = frame;
    return this.#spoilt(frame);
  }

  #measure(seconds: number): Uint8Array {
    const { scene, noiseCelsius = 0.15 } = this.#options;
    const { celsius, ambientCelsius } = scene(seconds);
    const frame = new Uint8Array(FRAME_BYTES);
    const view = new DataView(frame.buffer);
    view.setUint16(0, 0x5a5a);
    view.setUint16(2, PAYLOAD_BYTES, true);
    celsius.forEach((value, pixel) => {
      const noisy = value + noiseCelsius * gaussian(this.#random);
      view.setInt16(4 + 2 * pixel, Math.round(100 * noisy), true);
    });
    view.setInt16(4 + 2 * PIXELS, Math.round(100 * ambientCelsius), true);
    let sum = 0;
    for (let at = 0; at < FRAME_BYTES - 2; at += 2) sum += view.getUint16(at, true);
    view.setUint16(FRAME_BYTES - 2, sum & 0xffff, true);
    return frame;
  }

  #spoilt(frame: Uint8Array): Uint8Array {
    const { badChecksum, lostBytes, noiseBytes } = this.faults;
    const bytes = [...frame];
    if (badChecksum) bytes[FRAME_BYTES - 1] = (bytes[FRAME_BYTES - 1] ?? 0) ^ 0x40;
    if (lostBytes > 0) bytes.splice(Math.floor(between(this.#random, 0, 1500)), lostBytes);
    const noise = Array.from({ length: noiseBytes }, () => this.#random.uint32() & 0xff);
    return Uint8Array.from([...noise, ...bytes]);
  }
}
