/**
 * The pictures that a GY-MCU90640 module sends on its serial line: an MLX90640 behind a
 * microcontroller that computes the temperatures itself. All numbers have their low byte first.
 *
 *   5A 5A | length 02 06 (1538) | 768 x hundredths of a degree | ambient, hundredths | checksum
 *
 * 1544 bytes in all. The checksum is the sum of all 16-bit words before it, header included. The
 * header may occur within a picture, so only the checksum tells a picture: after a wrong one the
 * search goes on at the next byte, not behind it.
 */
import { ARRAY_PIXELS } from './words.ts';

export const MODULE_FRAME_BYTES = 1544;
const HEADER = Uint8Array.of(0x5a, 0x5a, 0x02, 0x06);
const AMBIENT_AT = HEADER.length + 2 * ARRAY_PIXELS;
const CHECKSUM_AT = AMBIENT_AT + 2;

/** Starts the module's automatic output; another byte and sum ask for one picture. */
export const START_OUTPUT: Uint8Array = Uint8Array.of(0xa5, 0x35, 0x02, 0xdc);

export interface ModuleListener {
  /**
   * A picture whose checksum is right.
   * @param hundredths 768 words, row-major, signed hundredths of a degree; reused by the next one
   */
  picture(hundredths: Uint16Array, ambientCelsius: number): void;
  /** What began like a picture and is none. */
  damaged(): void;
}

/** Takes bytes in pieces of any size; holds one picture. */
export class ModuleFrameDecoder {
  readonly #listener: ModuleListener;
  readonly #held = new Uint8Array(MODULE_FRAME_BYTES);
  readonly #view = new DataView(this.#held.buffer);
  readonly #hundredths = new Uint16Array(ARRAY_PIXELS);
  #count = 0;

  constructor(listener: ModuleListener) {
    this.#listener = listener;
  }

  receive(bytes: Uint8Array): void {
    let taken = 0;
    while (taken < bytes.length) {
      const piece = bytes.subarray(taken, taken + MODULE_FRAME_BYTES - this.#count);
      this.#held.set(piece, this.#count);
      this.#count += piece.length;
      taken += piece.length;
      this.#drop(this.#headerFrom(0));
      if (this.#count === MODULE_FRAME_BYTES) this.#judge();
    }
  }

  /** Forgets what was begun: after the line was opened anew. */
  reset(): void {
    this.#count = 0;
  }

  #judge(): void {
    if (!this.#isChecksumRight()) {
      this.#listener.damaged();
      this.#drop(this.#headerFrom(1));
      return;
    }
    for (let pixel = 0; pixel < ARRAY_PIXELS; pixel++) {
      this.#hundredths[pixel] = this.#view.getUint16(HEADER.length + 2 * pixel, true);
    }
    const ambientCelsius = this.#view.getInt16(AMBIENT_AT, true) / 100;
    this.#count = 0;
    this.#listener.picture(this.#hundredths, ambientCelsius);
  }

  #isChecksumRight(): boolean {
    let sum = 0;
    for (let at = 0; at < CHECKSUM_AT; at += 2) sum += this.#view.getUint16(at, true);
    return (sum & 0xffff) === this.#view.getUint16(CHECKSUM_AT, true);
  }

  /** Where a header, or as much of one as has come, begins at `from` or later. */
  #headerFrom(from: number): number {
    for (let at = from; at < this.#count; at++) {
      const length = Math.min(HEADER.length, this.#count - at);
      let matching = 0;
      while (matching < length && this.#held[at + matching] === HEADER[matching]) matching += 1;
      if (matching === length) return at;
    }
    return this.#count;
  }

  #drop(bytes: number): void {
    if (bytes === 0) return;
    this.#held.copyWithin(0, bytes, this.#count);
    this.#count -= bytes;
  }
}
