/** What central servers say on `<root>/ack`: which events they have stored. */
import type { IncomingMessage } from './link.ts';

/** Confirms events by their ids, once they are stored at the sender's side. */
export interface AckPayload {
  /** Ids of events, 1..256 of them. */
  readonly ids: readonly string[];
  /** Who stored them, for the record: 1..64 letters, digits and _ . : @ - */
  readonly by?: string;
}

export type ReadAck = { readonly ok: true; readonly value: AckPayload } | NoAck;

interface NoAck {
  readonly ok: false;
  readonly error: string;
}

const MAX_BYTES = 16_384;
const MAX_IDS = 256;
const ID = /^[0-9a-f-]{36}$/;
const BY = /^[A-Za-z0-9_.:@-]{1,64}$/;

/** Reads an untrusted message; other fields than the two are left to later versions. */
export function readAck({ payload }: Pick<IncomingMessage, 'payload'>): ReadAck {
  if (payload.byteLength > MAX_BYTES) {
    return no(`${payload.byteLength} bytes: at most ${MAX_BYTES} are read`);
  }
  const raw = parse(payload);
  if (typeof raw !== 'object' || raw === null) return no('no JSON object in UTF-8');
  const { ids, by } = raw as { readonly ids?: unknown; readonly by?: unknown };
  if (!Array.isArray(ids) || ids.length === 0 || ids.length > MAX_IDS) {
    return no(`"ids" must be a list of 1..${MAX_IDS} event ids`);
  }
  const texts = ids.filter((id): id is string => typeof id === 'string' && ID.test(id));
  if (texts.length < ids.length) return no('"ids" holds something that is no event id');
  if (by === undefined) return { ok: true, value: { ids: texts } };
  if (typeof by !== 'string' || !BY.test(by)) {
    return no('"by" must be a text of 1..64 letters, digits and _ . : @ -');
  }
  return { ok: true, value: { ids: texts, by } };
}

function parse(payload: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    // The parser's own words quote the payload, which may hold anything.
    return null;
  }
}

function no(error: string): ReadAck {
  return { ok: false, error };
}
