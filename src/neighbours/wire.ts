/**
 * What neighbours say to one another: a mark, an HMAC-SHA256 (FIPS 198-1) over the rest with the
 * key of the site, and JSON. Whoever lacks the key is not heard; whoever repeats what was said once
 * is told by the echo: see `NeighbourWatch`.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isId } from '../domain/units.ts';

/** The last word that a neighbour has heard of us. */
export interface Echo {
  readonly boot: string;
  readonly n: number;
}

interface Said {
  readonly from: string;
  readonly to: string;
  readonly boot: string;
  /** Counts within a boot; each word has its own. */
  readonly n: number;
  /** What `from` last heard of `to`; null: nothing yet. */
  readonly echo: Echo | null;
}

export type Word =
  | (Said & {
      readonly kind: 'hello';
      readonly condition: string;
      /** Whether it has a broker now, and would carry alarms of others. */
      readonly uplink: boolean;
    })
  | (Said & {
      /** An alarm that its sender cannot deliver itself. */
      readonly kind: 'carry';
      /** What stands before the topics of the sender. */
      readonly root: string;
      /** The event exactly as journalled. */
      readonly event: string;
    })
  | (Said & {
      /** A broker has taken the event. */
      readonly kind: 'carried';
      readonly id: string;
    });

export type ReadWord =
  { readonly ok: true; readonly word: Word } | { readonly ok: false; readonly error: string };

const MARK = Buffer.from('EEN1');
const MAC_BYTES = 32;
/** Below what UDP over IPv4 can carry. */
export const MAX_DATAGRAM_BYTES = 60_000;
const MAX_TEXT = 200;

export function writeWord(key: Uint8Array, word: Word): Uint8Array {
  const body = Buffer.from(JSON.stringify(word));
  return Buffer.concat([MARK, macOf(key, body), body]);
}

/** Reads what anybody may have sent; the words of the error never quote it. */
export function readWord(key: Uint8Array, bytes: Uint8Array): ReadWord {
  if (bytes.byteLength > MAX_DATAGRAM_BYTES) return no('it is too long');
  const datagram = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const head = MARK.length + MAC_BYTES;
  if (datagram.length <= head || !datagram.subarray(0, MARK.length).equals(MARK)) {
    return no('it is no word of a neighbour');
  }
  const body = datagram.subarray(head);
  if (!timingSafeEqual(macOf(key, body), datagram.subarray(MARK.length, head))) {
    return no('its signature is not of our key');
  }
  const word = wordOf(fieldsOf(body));
  return word === null ? no('its fields are not what this release knows') : { ok: true, word };
}

function macOf(key: Uint8Array, body: Uint8Array): Buffer {
  return createHmac('sha256', key).update(MARK).update(body).digest();
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(body: Buffer): Fields {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    // No fields is an answer here: the caller refuses the word.
    return {};
  }
}

function wordOf(raw: Fields): Word | null {
  const { kind, from, to, boot, n } = raw;
  const echo = echoOf(raw['echo']);
  if (!isName(from) || !isName(to) || !isShort(boot) || !isCount(n) || echo === undefined) {
    return null;
  }
  const said = { from, to, boot, n, echo };
  switch (kind) {
    case 'hello': {
      const { condition, uplink } = raw;
      if (!isShort(condition) || typeof uplink !== 'boolean') return null;
      return { kind, ...said, condition, uplink };
    }
    case 'carry': {
      const { root, event } = raw;
      if (!isShort(root) || typeof event !== 'string') return null;
      return { kind, ...said, root, event };
    }
    case 'carried': {
      const { id } = raw;
      return isShort(id) ? { kind, ...said, id } : null;
    }
    default:
      return null;
  }
}

/** Undefined where it is neither an echo nor none. */
function echoOf(raw: unknown): Echo | null | undefined {
  if (raw === null) return null;
  if (typeof raw !== 'object') return undefined;
  const { boot, n } = raw as { readonly boot?: unknown; readonly n?: unknown };
  return isShort(boot) && isCount(n) ? { boot, n } : undefined;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && isId(value);
}

function isShort(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0;
}

function no(error: string): ReadWord {
  return { ok: false, error };
}
