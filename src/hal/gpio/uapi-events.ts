/** The GPIO character device's levels and events, for a line that was requested alone. */

export const LINE_VALUES_BYTES = 16;
export const LINE_EVENT_BYTES = 48;

/** The only line of a request. */
const FIRST_LINE = 1n;

/** Level of the request's only line. */
export function encodeLineValue(high: boolean): Buffer {
  const bytes = Buffer.alloc(LINE_VALUES_BYTES);
  bytes.writeBigUInt64LE(high ? FIRST_LINE : 0n, 0);
  bytes.writeBigUInt64LE(FIRST_LINE, 8);
  return bytes;
}

export function decodeLineValue(bytes: Buffer): boolean {
  return (bytes.readBigUInt64LE(0) & FIRST_LINE) !== 0n;
}

export interface LineEvent {
  /** Of CLOCK_MONOTONIC. */
  readonly timestampNs: bigint;
  /** Null for an event of a kind that is not known here. */
  readonly rising: boolean | null;
  readonly offset: number;
  /** Counts the events of this line from 1 on, those included that were dropped. */
  readonly sequence: number;
}

const EVENT = { id: 8, offset: 12, sequence: 16, lineSequence: 20 };
const EVENT_RISING = 1;
const EVENT_FALLING = 2;

export function encodeLineEvent(event: LineEvent): Buffer {
  const bytes = Buffer.alloc(LINE_EVENT_BYTES);
  bytes.writeBigUInt64LE(event.timestampNs, 0);
  const id = event.rising === true ? EVENT_RISING : EVENT_FALLING;
  bytes.writeUInt32LE(event.rising === null ? 0 : id, EVENT.id);
  bytes.writeUInt32LE(event.offset, EVENT.offset);
  bytes.writeUInt32LE(event.sequence, EVENT.sequence);
  bytes.writeUInt32LE(event.sequence, EVENT.lineSequence);
  return bytes;
}

/** Whole events at the start of `bytes`; the kernel gives no parts of one. */
export function decodeLineEvents(bytes: Buffer): readonly LineEvent[] {
  const events: LineEvent[] = [];
  for (let at = 0; at + LINE_EVENT_BYTES <= bytes.length; at += LINE_EVENT_BYTES) {
    const id = bytes.readUInt32LE(at + EVENT.id);
    events.push({
      timestampNs: bytes.readBigUInt64LE(at),
      rising: id === EVENT_RISING ? true : id === EVENT_FALLING ? false : null,
      offset: bytes.readUInt32LE(at + EVENT.offset),
      sequence: bytes.readUInt32LE(at + EVENT.lineSequence),
    });
  }
  return events;
}
