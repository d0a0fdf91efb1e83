/**
 * What runtime and GPIO holder say to one another: one JSON object per line, each request answered
 * by exactly one reply, in order. A descriptor travels with the first byte of its message, and a
 * message is sent by one call; hence a descriptor belongs to the last message that a chunk begins.
 */
import type { HalErrorKind } from '../ports.ts';

/** Raised when an older holder would misunderstand a newer runtime. */
export const PROTOCOL_VERSION = 1;
/** Of one message in bytes, without its line end. */
export const MESSAGE_LIMIT = 2048;
export const KEY_LIMIT = 128;
export const PATH_LIMIT = 1024;
/** Of what is written to a file on loss, in characters. */
export const CONTENT_LIMIT = 64;

export type Request =
  /** The first message of a connection. */
  | { readonly op: 'hello'; readonly version: number }
  /** The step of the runtime works. */
  | { readonly op: 'beat' }
  /** Brings a descriptor. `set`: electrical level on loss; null keeps it. */
  | { readonly op: 'keep'; readonly key: string; readonly set: boolean | null }
  | {
      readonly op: 'keepFile';
      readonly key: string;
      readonly path: string;
      readonly write: string | null;
    }
  /** Changes what a kept line does on loss: the electrical level, null for the one it has then. */
  | { readonly op: 'onLoss'; readonly key: string; readonly level: boolean | null }
  | { readonly op: 'take'; readonly key: string }
  | { readonly op: 'drop'; readonly key: string }
  /** All lines have been opened: what this runtime neither took nor kept is released. */
  | { readonly op: 'settled' };

export type Reply =
  | { readonly ok: true }
  | { readonly ok: true; readonly version: number; readonly pid: number }
  /** Answers `take`; with `kept` a descriptor comes along. */
  | { readonly ok: true; readonly kept: boolean; readonly set: boolean | null }
  | { readonly ok: false; readonly kind: HalErrorKind; readonly error: string };

/** With its line end. */
export function encode(message: Request | Reply): Buffer {
  return Buffer.from(`${JSON.stringify(message)}\n`);
}

type Fields = Readonly<Record<string, unknown>>;

/** @returns what is wrong as text. */
export function parseRequest(text: string): Request | string {
  const fields = parseFields(text);
  if (typeof fields === 'string') return fields;
  const { op } = fields;
  switch (op) {
    case 'hello':
      if (typeof fields['version'] !== 'number') return 'hello needs a version';
      return { op, version: fields['version'] };
    case 'beat':
    case 'settled':
      return { op };
    case 'keep':
    case 'keepFile':
    case 'onLoss':
    case 'take':
    case 'drop':
      return parseLineRequest(op, fields);
    default:
      return `unknown op ${shown(op)}`;
  }
}

function parseLineRequest(
  op: 'keep' | 'keepFile' | 'onLoss' | 'take' | 'drop',
  fields: Fields,
): Request | string {
  const { key, path, set, write, level } = fields;
  if (!isText(key, KEY_LIMIT)) return `${op} needs a key of 1..${KEY_LIMIT} characters`;
  if (op === 'take' || op === 'drop') return { op, key };
  if (op === 'onLoss') {
    if (level !== null && typeof level !== 'boolean')
      return 'onLoss needs level: true, false or null';
    return { op, key, level };
  }
  if (op === 'keep') {
    if (set !== null && typeof set !== 'boolean') return 'keep needs set: true, false or null';
    return { op, key, set };
  }
  if (!isText(path, PATH_LIMIT) || !path.startsWith('/') || path.includes('\0')) {
    return 'keepFile needs an absolute path';
  }
  if (write !== null && !isText(write, CONTENT_LIMIT)) {
    return `keepFile needs write: null or 1..${CONTENT_LIMIT} characters`;
  }
  return { op, key, path, write };
}

const KINDS: ReadonlySet<unknown> = new Set<HalErrorKind>([
  'absent',
  'noAnswer',
  'busy',
  'permission',
  'timeout',
  'corrupt',
  'other',
]);

/** @returns what is wrong as text. */
export function parseReply(text: string): Reply | string {
  const fields = parseFields(text);
  if (typeof fields === 'string') return fields;
  const { ok, kept, set, version, pid, kind, error } = fields;
  if (ok === false) {
    if (!KINDS.has(kind) || typeof error !== 'string') return `not a refusal: ${shown(text)}`;
    return { ok, kind: kind as HalErrorKind, error };
  }
  if (ok !== true) return `not a reply: ${shown(text)}`;
  if (typeof kept === 'boolean' && (set === null || typeof set === 'boolean')) {
    return { ok, kept, set };
  }
  if (typeof version === 'number' && typeof pid === 'number') return { ok, version, pid };
  return { ok };
}

function parseFields(text: string): Fields | string {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as Fields;
    return `not an object: ${shown(text)}`;
  } catch {
    return `not JSON: ${shown(text)}`;
  }
}

function isText(value: unknown, limit: number): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= limit;
}

/** Enough of something strange to recognise it. */
function shown(value: unknown): string {
  return JSON.stringify(String(value).slice(0, 40));
}

export interface ReceivedMessage {
  /** Null: longer than `MESSAGE_LIMIT`; what was cut away is gone. */
  readonly text: string | null;
  /** Belongs to whoever takes the message. */
  readonly descriptor: number | null;
}

const LINE_END = 0x0a;

/** Cuts a stream into messages, and gives each its descriptor. */
export class MessageReader {
  #rest: Buffer = Buffer.alloc(0);
  #skipping = false;
  /** Of the message that has begun and not ended. */
  #descriptor: number | null = null;
  readonly #close: (descriptor: number) => void;

  /** @param close ends a descriptor that belongs to no message. */
  constructor(close: (descriptor: number) => void) {
    this.#close = close;
  }

  /** @param descriptor that came along with the chunk */
  push(chunk: Uint8Array, descriptor: number | null): readonly ReceivedMessage[] {
    const texts: (string | null)[] = [];
    let data = Buffer.concat([this.#rest, chunk]);
    for (let end = data.indexOf(LINE_END); end >= 0; end = data.indexOf(LINE_END)) {
      const isWhole = !this.#skipping && end <= MESSAGE_LIMIT;
      texts.push(isWhole ? data.toString('utf8', 0, end) : null);
      this.#skipping = false;
      data = data.subarray(end + 1);
    }
    if (data.length > MESSAGE_LIMIT) this.#skipping = true;
    this.#rest = this.#skipping ? Buffer.alloc(0) : Buffer.from(data);
    return this.#withDescriptors(texts, data.length > 0 || this.#skipping, descriptor);
  }

  /** Ends what belongs to a message that will never end. */
  discard(): void {
    if (this.#descriptor !== null) this.#close(this.#descriptor);
    this.#descriptor = null;
    this.#rest = Buffer.alloc(0);
  }

  #withDescriptors(
    texts: readonly (string | null)[],
    hasBegun: boolean,
    descriptor: number | null,
  ): ReceivedMessage[] {
    const messages: { text: string | null; descriptor: number | null }[] = texts.map((text) => ({
      text,
      descriptor: null,
    }));
    const first = messages[0];
    if (first !== undefined) {
      first.descriptor = this.#descriptor;
      this.#descriptor = null;
    }
    if (descriptor === null) return messages;
    const owner = hasBegun ? undefined : messages.at(-1);
    if (owner === undefined) {
      if (this.#descriptor !== null) this.#close(this.#descriptor);
      this.#descriptor = descriptor;
    } else {
      if (owner.descriptor !== null) this.#close(owner.descriptor);
      owner.descriptor = descriptor;
    }
    return messages;
  }
}
