/**
 * Answers on a serial line. They are cut by what they say of their own length and not by silence:
 * USB adapters deliver in lumps, milliseconds apart, so that silences mean nothing here. Whose
 * answer it is and whether its checksum is right is judged by whoever gets the frame: a frame of
 * another unit must come out whole to be named.
 */
import type { Framing, Verdict } from './wire.ts';
import { MORE } from './wire.ts';

/** "MODBUS over Serial Line" V1.02, section 2.5.1.1. */
const LONGEST_FRAME = 256;
const EXCEPTION_FRAME = 5;
const WRITE_FRAME = 8;
const EXCEPTION_BIT = 0x80;

export class RtuFraming implements Framing {
  #request: Uint8Array = new Uint8Array(0);
  readonly #buffer = new Uint8Array(LONGEST_FRAME);
  #length = 0;

  begin(request: Uint8Array): Uint8Array {
    this.#request = request;
    this.#length = 0;
    return request;
  }

  take(bytes: Uint8Array): Verdict {
    const room = bytes.subarray(0, LONGEST_FRAME - this.#length);
    this.#buffer.set(room, this.#length);
    this.#length += room.length;
    if (this.#length < 3) return MORE;
    const expected = frameLength(this.#buffer[1] ?? 0, this.#buffer[2] ?? 0);
    if (expected === null || this.#length < expected) return MORE;
    return { kind: 'answer', frame: this.#buffer.slice(0, expected) };
  }

  unfinished(): Extract<Verdict, { kind: 'corrupt' }> | null {
    if (this.#length === 0) return null;
    const start = hex(this.#buffer.subarray(0, Math.min(this.#length, 8)));
    const why = `${this.#length} bytes that are no whole answer (${start})`;
    return { kind: 'corrupt', why, stale: false };
  }

  get echoes(): boolean {
    const compared = Math.min(this.#length, this.#request.length);
    if (compared < EXCEPTION_FRAME) return false;
    return this.#request.subarray(0, compared).every((byte, at) => byte === this.#buffer[at]);
  }
}

/** Null for functions whose answers' length is not known. */
function frameLength(functionCode: number, thirdByte: number): number | null {
  if ((functionCode & EXCEPTION_BIT) !== 0) return EXCEPTION_FRAME;
  if (functionCode >= 1 && functionCode <= 4) {
    const length = 5 + thirdByte;
    return length <= LONGEST_FRAME ? length : null;
  }
  return [5, 6, 15, 16].includes(functionCode) ? WRITE_FRAME : null;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
}
