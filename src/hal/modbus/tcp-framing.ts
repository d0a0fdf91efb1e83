/**
 * Answers over TCP: a header with a transaction number, the protocol's number (0) and the length
 * of what follows ("MODBUS Messaging on TCP/IP Implementation Guide" V1.0b, section 3.1.3). An
 * answer to one of the last requests that nobody waits for any more is dropped: it came late.
 */
import { withCrc } from './crc16.ts';
import type { Framing, Verdict } from './wire.ts';
import { MORE } from './wire.ts';

const HEADER = 6;
/** Unit and function at least, unit and 253 bytes at most. */
const SHORTEST = 2;
const LONGEST = 254;
const CRC_BYTES = 2;
/** Late answers are those to at most so many requests ago. */
const REMEMBERED = 64;

export class TcpFraming implements Framing {
  readonly echoes = false;
  #transaction = 0;
  #buffer: Uint8Array = new Uint8Array(0);

  begin(request: Uint8Array): Uint8Array {
    this.#transaction = (this.#transaction + 1) & 0xffff;
    // Answers that came whole behind the last one are late ones now.
    this.take(new Uint8Array(0));
    const body = request.subarray(0, request.length - CRC_BYTES);
    const bytes = new Uint8Array(HEADER + body.length);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, this.#transaction);
    view.setUint16(4, body.length);
    bytes.set(body, HEADER);
    return bytes;
  }

  /** Bytes are kept over the end of an exchange: a late answer may come in two parts. */
  take(bytes: Uint8Array): Verdict {
    this.#buffer = joined(this.#buffer, bytes);
    while (this.#buffer.length >= HEADER) {
      const view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, HEADER);
      const transaction = view.getUint16(0);
      const protocol = view.getUint16(2);
      const length = view.getUint16(4);
      if (protocol !== 0 || length < SHORTEST || length > LONGEST) {
        const why = `no Modbus header (protocol ${protocol}, length ${length})`;
        return { kind: 'corrupt', why, stale: true };
      }
      if (this.#buffer.length < HEADER + length) return MORE;
      const body = this.#buffer.subarray(HEADER, HEADER + length);
      this.#buffer = this.#buffer.subarray(HEADER + length);
      if (transaction === this.#transaction) return { kind: 'answer', frame: withCrc(body) };
      const age = (this.#transaction - transaction) & 0xffff;
      if (age <= REMEMBERED) continue;
      const why = `transaction ${transaction} is answered, asked was ${this.#transaction}`;
      return { kind: 'corrupt', why, stale: false };
    }
    return MORE;
  }

  unfinished(): Extract<Verdict, { kind: 'corrupt' }> | null {
    if (this.#buffer.length === 0) return null;
    const why = `${this.#buffer.length} bytes that are no whole answer`;
    return { kind: 'corrupt', why, stale: true };
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
