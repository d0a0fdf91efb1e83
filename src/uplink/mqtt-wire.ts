/**
 * PUBLISH and its answer as bytes (MQTT 5, 3.3 and 3.4; MQTT 3.1.1, the same numbers): the two
 * packets that come in thousands, without an object, a closure and a timer for each.
 */
import type { OutgoingMessage } from './link.ts';
import type { Manner } from './mqtt-options.ts';

/** First byte of PUBLISH with quality of service 1, and its flag for a retained message. */
const PUBLISH_QOS_1 = 0x32;
const RETAIN = 0x01;
/** First byte of PUBACK, flags included: with others it is none. */
const PUBACK = 0x40;
/** Properties of version 5: what a reply is recognised by, and how long a message is worth it. */
const CORRELATION_DATA = 0x09;
const MESSAGE_EXPIRY = 0x02;
/** The longest a "remaining length" may be. */
const MAX_LENGTH_BYTES = 4;
/** Bytes of a new batch; a longer message gets a buffer of its own. */
const BATCH_BYTES = 65_536;

/** Number of bytes of a variable byte integer (MQTT 5, 1.5.5). */
function lengthBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x20_0000 ? 3 : 4;
}

function writeLength(buffer: Buffer, value: number, at: number): number {
  let rest = value;
  let end = at;
  while (rest >= 0x80) {
    buffer[end++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[end++] = rest;
  return end;
}

/** Lengths of what a packet is made of. */
interface Measure {
  readonly topic: number;
  readonly properties: number;
  readonly payload: number;
  /** Everything behind the length field. */
  readonly remaining: number;
  readonly total: number;
}

function measure(message: OutgoingMessage, isFive: boolean): Measure {
  const { payload: content, correlation, expirySeconds } = message;
  const topic = Buffer.byteLength(message.topic);
  const payload = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
  let properties = 0;
  if (isFive && correlation !== undefined) properties += 3 + correlation.length;
  if (isFive && expirySeconds !== undefined) properties += 5;
  const extra = isFive ? lengthBytes(properties) + properties : 0;
  const remaining = 2 + topic + 2 + extra + payload;
  return { topic, properties, payload, remaining, total: 1 + lengthBytes(remaining) + remaining };
}

/** Publications that go to the network in one write. Buffers are used again, in turn. */
export class PublishBatch {
  readonly #isFive: boolean;
  readonly #spare: Buffer[] = [];
  #buffer: Buffer = Buffer.allocUnsafe(BATCH_BYTES);
  #length = 0;

  /** @param version of the protocol, 4 standing for 3.1.1. */
  constructor(version: Manner['version']) {
    this.#isFive = version === 5;
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** @returns false when there is no room: `take` what there is, and add it again. */
  add(message: OutgoingMessage, id: number): boolean {
    const sizes = measure(message, this.#isFive);
    if (this.#length + sizes.total > this.#buffer.length) {
      if (this.#length > 0) return false;
      this.#buffer = Buffer.allocUnsafe(sizes.total);
    }
    this.#write(message, id, sizes);
    return true;
  }

  /** What was added; to be given back when it is written. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = this.#spare.pop() ?? Buffer.allocUnsafe(BATCH_BYTES);
    this.#length = 0;
    return taken;
  }

  giveBack(taken: Buffer): void {
    const { buffer, byteOffset } = taken;
    if (this.#spare.length > 0 || byteOffset !== 0 || buffer.byteLength !== BATCH_BYTES) return;
    this.#spare.push(Buffer.from(buffer, 0, BATCH_BYTES));
  }

  #write(message: OutgoingMessage, id: number, sizes: Measure): void {
    const buffer = this.#buffer;
    const { payload } = message;
    let at = this.#length;
    buffer[at++] = PUBLISH_QOS_1 | (message.retain ? RETAIN : 0);
    at = writeLength(buffer, sizes.remaining, at);
    at = buffer.writeUInt16BE(sizes.topic, at);
    at += buffer.write(message.topic, at);
    at = buffer.writeUInt16BE(id, at);
    if (this.#isFive) at = writeLength(buffer, sizes.properties, at);
    if (sizes.properties > 0) at = writeProperties(buffer, message, at);
    if (typeof payload === 'string') buffer.write(payload, at);
    else buffer.set(payload, at);
    this.#length += sizes.total;
  }
}

function writeProperties(buffer: Buffer, message: OutgoingMessage, from: number): number {
  const { correlation, expirySeconds } = message;
  let at = from;
  if (correlation !== undefined) {
    buffer[at++] = CORRELATION_DATA;
    at = buffer.writeUInt16BE(correlation.length, at);
    buffer.set(correlation, at);
    at += correlation.length;
  }
  if (expirySeconds !== undefined) {
    buffer[at++] = MESSAGE_EXPIRY;
    at = buffer.writeUInt32BE(expirySeconds, at);
  }
  return at;
}

export interface AnswerEvents {
  /** @param code reason code; 0 where the packet has none. */
  onAnswer(id: number, code: number): void;
  /** Bytes that are no answer to a publication, in order, whole packets or parts of them. */
  onOther(bytes: Buffer): void;
}

/**
 * Takes the answers out of what a broker sends. It looks at nothing but the frame of every other
 * packet; what breaks the rules of frames is handed on with all that follows, for the parser that
 * knows the words for it.
 */
export class AnswerFilter {
  readonly #events: AnswerEvents;
  /** The start of a packet whose rest has not come yet. */
  #carried: Buffer | null = null;
  /** Bytes of another packet that are still to come. */
  #passing = 0;

  constructor(events: AnswerEvents) {
    this.#events = events;
  }

  take(chunk: Buffer): void {
    const bytes = this.#carried === null ? chunk : Buffer.concat([this.#carried, chunk]);
    this.#carried = null;
    /** Everything from here to `at` is no answer. */
    let from = 0;
    let at = Math.min(this.#passing, bytes.length);
    this.#passing -= at;
    while (at < bytes.length) {
      const end = endOf(bytes, at);
      const isAnswer = bytes[at] === PUBACK;
      if (end === null || (end > bytes.length && isAnswer)) break;
      if (isAnswer) {
        this.#pass(bytes, from, at);
        this.#answer(bytes, at, end);
        from = end;
      }
      this.#passing = Math.max(0, end - bytes.length);
      at = Math.min(end, bytes.length);
    }
    this.#pass(bytes, from, at);
    if (at < bytes.length) this.#carried = Buffer.from(bytes.subarray(at));
  }

  #pass(bytes: Buffer, from: number, to: number): void {
    if (to > from) this.#events.onOther(bytes.subarray(from, to));
  }

  #answer(bytes: Buffer, at: number, end: number): void {
    let body = at + 1;
    while ((bytes[body] ?? 0) >= 0x80) body += 1;
    body += 1;
    // One without an identifier is nobody's; who waits for it runs into the time limit.
    if (end - body < 2) return;
    this.#events.onAnswer(bytes.readUInt16BE(body), end - body > 2 ? (bytes[body + 2] ?? 0) : 0);
  }
}

/** Where the packet at `at` ends; null when too little of it is there to tell. */
function endOf(bytes: Buffer, at: number): number | null {
  let length = 0;
  for (let index = 0; index < MAX_LENGTH_BYTES; index += 1) {
    const byte = bytes[at + 1 + index];
    if (byte === undefined) return null;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return at + 2 + index + length;
  }
  // No length at all: a packet without an end.
  return Infinity;
}
