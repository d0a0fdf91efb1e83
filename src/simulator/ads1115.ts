/**
 * An ADS1115 or ADS1015 at register level: pointer, conversion and config register, a conversion
 * that takes its time, and what goes wrong with such a chip. Written from Texas Instruments SBAS444
 * and SBAS473 (register maps), independently of the driver's tables.
 *
 * `transfer` is what hangs on a simulated I2C bus.
 */
import type { Clock } from '../domain/ports.ts';

export interface AdsFaults {
  /** Does not acknowledge: no power, or a broken wire. */
  nack: boolean;
  /** Conversions begin and never end. */
  stuckConversion: boolean;
  /** Words come low byte first: a wrong device, or a broken adapter. */
  byteSwapped: boolean;
  /** Reads end one byte early. */
  shortRead: boolean;
  /** Loses its registers right after each conversion: a supply that dips. */
  resetsAfterConversion: boolean;
}

const AFTER_RESET = 0x8583;
const CONFIG = 1;

export class SimulatedAds1115 {
  /** Voltages at AIN0..AIN3 against ground. */
  readonly pins: [number, number, number, number] = [0, 0, 0, 0];
  readonly faults: AdsFaults = {
    nack: false,
    stuckConversion: false,
    byteSwapped: false,
    shortRead: false,
    resetsAfterConversion: false,
  };
  conversions = 0;
  readonly #clock: Clock;
  readonly #twelveBits: boolean;
  readonly #slowness: number;
  /** Conversion, config and the two thresholds. */
  readonly #registers = new Uint16Array(4);
  #pointer = 0;
  #readyAtMs: number | null = null;

  /** @param slowness of the oscillator: 0.9..1.1 is within its data sheet */
  constructor(
    clock: Clock,
    options: { readonly model?: 'ads1115' | 'ads1015'; slowness?: number },
  ) {
    this.#clock = clock;
    this.#twelveBits = options.model === 'ads1015';
    this.#slowness = options.slowness ?? 1;
    this.reset();
  }

  /** A moment without power. */
  reset(): void {
    this.#registers.set([0, AFTER_RESET, 0x8000, 0x7fff]);
    this.#pointer = 0;
    this.#readyAtMs = null;
  }

  /** Null: not acknowledged. */
  transfer(write: Uint8Array, readBytes: number): Uint8Array | null {
    if (this.faults.nack) return null;
    this.#settle();
    const [pointer, high, low] = write;
    if (pointer !== undefined) this.#pointer = pointer & 3;
    if (high !== undefined && low !== undefined) this.#write((high << 8) | low);
    if (readBytes === 0) return new Uint8Array(0);
    const word = this.#registers[this.#pointer] ?? 0;
    const bytes = [word >> 8, word & 0xff];
    if (this.faults.byteSwapped) bytes.reverse();
    const answer = Uint8Array.from({ length: readBytes }, (_, i) => bytes[i] ?? 0xff);
    return this.faults.shortRead ? answer.subarray(0, readBytes - 1) : answer;
  }

  #write(word: number): void {
    if (this.#pointer === 0) return;
    if (this.#pointer !== CONFIG || (word & 0x8000) === 0) {
      this.#registers[this.#pointer] = word;
      return;
    }
    this.#registers[CONFIG] = word & 0x7fff;
    this.#readyAtMs = this.#clock.monotonicMs() + (1000 * this.#slowness) / this.#perSecond(word);
  }

  /** Ends the conversion whose time has come. */
  #settle(): void {
    if (this.#readyAtMs === null || this.faults.stuckConversion) return;
    if (this.#clock.monotonicMs() < this.#readyAtMs) return;
    this.#readyAtMs = null;
    this.conversions += 1;
    const config = this.#registers[CONFIG] ?? 0;
    this.#registers[0] = this.#convert(config);
    this.#registers[CONFIG] = config | 0x8000;
    if (this.faults.resetsAfterConversion) this.reset();
  }

  #convert(config: number): number {
    const [a, b, c, d] = this.pins;
    const pairs = [a - b, a - d, b - d, c - d, a, b, c, d];
    const volts = pairs[(config >> 12) & 7] ?? 0;
    const fullScale = [6.144, 4.096, 2.048, 1.024, 0.512][(config >> 9) & 7] ?? 0.256;
    const half = this.#twelveBits ? 2048 : 32768;
    const code = Math.min(half - 1, Math.max(-half, Math.round((volts / fullScale) * half)));
    return (this.#twelveBits ? code << 4 : code) & 0xffff;
  }

  #perSecond(config: number): number {
    const fine = [8, 16, 32, 64, 128, 250, 475, 860];
    const coarse = [128, 250, 490, 920, 1600, 2400, 3300, 3300];
    return (this.#twelveBits ? coarse : fine)[(config >> 5) & 7] ?? 128;
  }
}
