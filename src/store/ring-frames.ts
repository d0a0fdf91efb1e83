/**
 * The alarm ring's file format, pure. A file is a sequence of frames:
 *
 *   offset  bytes  field
 *   0       4      magic "EER1": format and version
 *   4       4      generation, little endian: which filling of the file this frame belongs to
 *   8       1      kind: 1 heads (always the first frame), 2 event
 *   9       3      reserved, zero
 *   12      4      length of the payload, little endian
 *   16      4      CRC-32 (IEEE 802.3) of bytes 4..15 and the payload, little endian
 *   20      n      payload: JSON in UTF-8
 *
 * Reading believes a frame only when its CRC holds and its payload parses; anything else is
 * skipped up to the next magic, so that damage costs the frames it touches and no others.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';
import type { JournalEvent, Lane } from '../domain/event.ts';
import { eventOf, perLane } from './codec.ts';
import type { NumberFloor } from './numbering.ts';
import { NO_FLOOR } from './numbering.ts';
import { isEventId, laterId } from './stamp.ts';

const MAGIC = Buffer.from('EER1', 'latin1');
export const HEADER_BYTES = 20;
const KIND_HEADS = 1;
export const KIND_EVENT = 2;
/** No frame is longer: bounds what a damaged length can make the reader do. */
export const MAX_PAYLOAD_BYTES = 256 * 1024;

export interface RingContents {
  readonly events: readonly JournalEvent[];
  /** The highest numbers and id that were ever appended, as far as the file tells. */
  readonly heads: NumberFloor;
  readonly generation: number;
  /** Bytes that belong to no believable frame. */
  readonly damagedBytes: number;
}

export function eventFrame(generation: number, json: string): Buffer {
  return frame(generation, KIND_EVENT, json);
}

export function headsFrame(generation: number, heads: NumberFloor): Buffer {
  return frame(generation, KIND_HEADS, JSON.stringify(heads));
}

/** Reads whatever can be believed. Never throws, whatever the bytes are. */
export function readFrames(bytes: Buffer): RingContents {
  const events: JournalEvent[] = [];
  let heads: NumberFloor = NO_FLOOR;
  let generation: number | null = null;
  let newest = 0;
  let damagedBytes = 0;
  let end = 0;
  for (const found of framesIn(bytes)) {
    damagedBytes += found.at - end;
    end = found.at + HEADER_BYTES + found.payload.length;
    newest = Math.max(newest, found.generation);
    // Frames of an earlier filling are left behind when a rewind was cut short.
    generation ??= found.kind === KIND_HEADS ? found.generation : null;
    if (generation !== null && found.generation !== generation) continue;
    const text = found.payload.toString('utf8');
    if (found.kind === KIND_HEADS) heads = headsOf(text) ?? heads;
    else {
      const event = eventOf(text);
      if (event === null) damagedBytes += found.payload.length + HEADER_BYTES;
      else events.push(event);
    }
  }
  damagedBytes += bytes.length - end;
  return { events, heads: raised(heads, events), generation: newest, damagedBytes };
}

/** Every frame that can be believed, of whatever filling, in the order of the file. */
export function* framesIn(bytes: Buffer): Generator<Frame> {
  let at = 0;
  while (at < bytes.length) {
    const found = frameAt(bytes, at);
    if (found === null) {
      const next = bytes.indexOf(MAGIC, at + 1);
      at = next === -1 ? bytes.length : next;
      continue;
    }
    yield found;
    at += HEADER_BYTES + found.payload.length;
  }
}

/** Whether a frame begins at this place, whole or not. */
export function beginsFrame(bytes: Buffer, at: number): boolean {
  return bytes.subarray(at, at + MAGIC.length).equals(MAGIC);
}

/** The highest numbers and id among `heads` and `events`. */
export function raised(heads: NumberFloor, events: readonly JournalEvent[]): NumberFloor {
  const lastSeq = { ...heads.lastSeq };
  let lastId = heads.lastId;
  for (const { lane, seq, id } of events) {
    lastSeq[lane] = Math.max(lastSeq[lane], seq);
    lastId = laterId(lastId, id);
  }
  return { lastSeq, lastId };
}

/** A record in the ring that is not known to be durable. */
export interface Kept {
  readonly event: Pick<JournalEvent, 'lane' | 'seq'>;
  readonly json: string;
}

/** Leaves out the oldest records of other lanes, then the oldest alarms, until the rest fits. */
export function thinned(
  records: readonly Kept[],
  targetBytes: number,
): { readonly kept: readonly Kept[]; readonly lost: number } {
  let bytes = records.reduce((sum, record) => sum + frameBytes(record), 0);
  let kept = records;
  for (const alarms of [false, true]) {
    kept = kept.filter((record) => {
      const goes = bytes > targetBytes && (record.event.lane === 'alarm') === alarms;
      if (goes) bytes -= frameBytes(record);
      return !goes;
    });
  }
  return { kept, lost: records.length - kept.length };
}

function frameBytes(record: Kept): number {
  return HEADER_BYTES + Buffer.byteLength(record.json);
}

function frame(generation: number, kind: number, text: string): Buffer {
  const payloadBytes = Buffer.byteLength(text);
  const bytes = Buffer.alloc(HEADER_BYTES + payloadBytes);
  MAGIC.copy(bytes);
  bytes.writeUInt32LE(generation >>> 0, 4);
  bytes.writeUInt8(kind, 8);
  bytes.writeUInt32LE(payloadBytes, 12);
  bytes.write(text, HEADER_BYTES, 'utf8');
  bytes.writeUInt32LE(checksum(bytes), 16);
  return bytes;
}

export interface Frame {
  /** Offset of its first byte. */
  readonly at: number;
  readonly generation: number;
  readonly kind: number;
  readonly payload: Buffer;
}

function frameAt(bytes: Buffer, at: number): Frame | null {
  if (bytes.length - at < HEADER_BYTES) return null;
  if (!bytes.subarray(at, at + MAGIC.length).equals(MAGIC)) return null;
  const kind = bytes.readUInt8(at + 8);
  const length = bytes.readUInt32LE(at + 12);
  const knownKind = kind === KIND_HEADS || kind === KIND_EVENT;
  const end = at + HEADER_BYTES + length;
  if (!knownKind || length > MAX_PAYLOAD_BYTES || end > bytes.length) return null;
  const whole = bytes.subarray(at, end);
  if (checksum(whole) !== bytes.readUInt32LE(at + 16)) return null;
  const generation = bytes.readUInt32LE(at + 4);
  return { at, generation, kind, payload: whole.subarray(HEADER_BYTES) };
}

function checksum(whole: Buffer): number {
  return crc32(whole.subarray(HEADER_BYTES), crc32(whole.subarray(4, 16)));
}

function headsOf(text: string): NumberFloor | null {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof raw !== 'object' || raw === null) return null;
  const { lastSeq, lastId } = raw as Partial<NumberFloor>;
  const seqOf = (lane: Lane): number => {
    const seq: unknown = lastSeq?.[lane];
    return typeof seq === 'number' && Number.isSafeInteger(seq) && seq > 0 ? seq : 0;
  };
  const id = typeof lastId === 'string' && isEventId(lastId) ? lastId : null;
  return { lastSeq: perLane(seqOf), lastId: id };
}
