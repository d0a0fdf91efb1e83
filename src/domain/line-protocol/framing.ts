/**
 * Packets out of bytes: from `#` to `!`, however the bytes were cut into chunks.
 *
 *            '#'                      '!' -> packet
 *   outside ─────► inside ───────────────────────────► outside
 *      ▲             │  '#' -> `restarted`, inside again, from the later '#'
 *      │             │
 *      └─────────────┘  not printable -> `notPrintable`; 8 kB -> `tooLong`
 *
 * The later `#` wins, because a board that was cut off starts its next packet with one, and no
 * legal packet holds a `#`. A packet within one chunk is shown where it lies; only one that spans
 * chunks is copied, into a buffer that is made when it is first needed.
 *
 * Typed arrays are read with `as number`: every index here is below the length by construction.
 */
import { BANG, CARRIAGE_RETURN, DELETE, HASH, LINE_FEED, QUOTE, SPACE } from './bytes.ts';

/** Longest packet, `#` and `!` included. The longest legal one is 3.9 kB plus its location. */
export const MAX_PACKET_BYTES = 8192;
const MAX_BODY_BYTES = MAX_PACKET_BYTES - 2;

export type FramingFault = 'tooLong' | 'notPrintable' | 'restarted' | 'truncated';

/** `bytes[start..end)` is the body without `#` and `!`, valid only during the call. */
export interface PacketVisitor {
  packet(bytes: Uint8Array, start: number, end: number): void;
  fault(fault: FramingFault, bytes: Uint8Array, start: number, end: number): void;
}

/** Finds the packets of one connection. Allocates at most one buffer of 8 kB in its life. */
export class PacketScanner {
  #carry: Uint8Array | null = null;
  /** Bytes of a packet's body carried over from earlier chunks; -1 outside a packet. */
  #carried = -1;
  #strayBytes = 0;

  /** Whether a packet has begun and not ended: the board is sending. */
  get midPacket(): boolean {
    return this.#carried >= 0;
  }

  /** Bytes of the packet that has begun and not ended, without its `#`. */
  get unfinishedBytes(): number {
    return Math.max(0, this.#carried);
  }

  /** Bytes outside packets, other than CR and LF, since the start. */
  get strayBytes(): number {
    return this.#strayBytes;
  }

  /** Takes the next chunk; calls `visitor` for each packet and fault, in order. Never throws. */
  push(bytes: Uint8Array, visitor: PacketVisitor): void {
    const length = bytes.length;
    let at = this.#carried >= 0 ? this.#continue(bytes, visitor) : 0;
    while (at < length) {
      const byte = bytes[at] as number;
      at += 1;
      if (byte === HASH) at = this.#scanBody(bytes, at, visitor);
      else if (byte !== LINE_FEED && byte !== CARRIAGE_RETURN) this.#strayBytes += 1;
    }
  }

  /** The connection has ended: a packet that has no end yet will never have one. */
  finish(visitor: PacketVisitor): void {
    if (this.#carried < 0) return;
    const carried = this.#carried;
    this.#carried = -1;
    visitor.fault('truncated', this.#buffer(), 0, carried);
  }

  /** Scans from the first byte of a body; returns the first position that is outside a packet. */
  #scanBody(bytes: Uint8Array, from: number, visitor: PacketVisitor): number {
    let start = from;
    for (;;) {
      const limit = start + MAX_BODY_BYTES + 1;
      const at = endOfText(bytes, start, Math.min(bytes.length, limit));
      if (at === bytes.length && at < limit) {
        this.#keep(bytes, start, at, 0);
        return at;
      }
      if (at === limit) {
        visitor.fault('tooLong', bytes, start, at);
        return at;
      }
      const byte = bytes[at] as number;
      if (byte === BANG) {
        visitor.packet(bytes, start, at);
        return at + 1;
      }
      if (byte !== HASH) {
        visitor.fault('notPrintable', bytes, start, at);
        return at + 1;
      }
      visitor.fault('restarted', bytes, start, at);
      start = at + 1;
    }
  }

  /** Goes on with a body from earlier chunks; returns the first position outside it. */
  #continue(bytes: Uint8Array, visitor: PacketVisitor): number {
    const carried = this.#carried;
    const limit = MAX_BODY_BYTES + 1 - carried;
    const at = endOfText(bytes, 0, Math.min(bytes.length, limit));
    this.#keep(bytes, 0, at, carried);
    if (at === bytes.length && at < limit) return at;
    const length = this.#carried;
    const carry = this.#buffer();
    this.#carried = -1;
    if (at === limit) {
      visitor.fault('tooLong', carry, 0, length);
      return at;
    }
    const byte = bytes[at] as number;
    if (byte === BANG) {
      visitor.packet(carry, 0, length);
      return at + 1;
    }
    if (byte !== HASH) {
      visitor.fault('notPrintable', carry, 0, length);
      return at + 1;
    }
    visitor.fault('restarted', carry, 0, length);
    return this.#scanBody(bytes, at + 1, visitor);
  }

  #keep(bytes: Uint8Array, start: number, end: number, carried: number): void {
    const carry = this.#buffer();
    if (end > start) carry.set(bytes.subarray(start, end), carried);
    this.#carried = carried + end - start;
  }

  #buffer(): Uint8Array {
    this.#carry ??= new Uint8Array(MAX_PACKET_BYTES);
    return this.#carry;
  }
}

/** Position of the first byte in `[at, stop)` that cannot be inside a packet, else `stop`. */
function endOfText(bytes: Uint8Array, start: number, stop: number): number {
  let at = start;
  for (; at < stop; at++) {
    const byte = bytes[at] as number;
    if (byte > HASH && byte < DELETE) continue;
    if (byte !== SPACE && byte !== QUOTE) break;
  }
  return at;
}
