/**
 * The metadata of an ONNX file. The runtime library reads it and does not hand it on, so the
 * outermost message of the file (`ModelProto` of onnx.proto3, protocol buffers) is walked here:
 * field 14, repeated, each with a key (1) and a value (2). Everything else is passed over unread.
 */

const METADATA_FIELD = 14;
const KEY_FIELD = 1;
const VALUE_FIELD = 2;
/** Wire types of protocol buffers. */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

/** More entries, or longer ones, are no description of a model. */
const MOST_ENTRIES = 64;
const LONGEST_TEXT = 4096;

/** The key under which a model says for which set of features it was trained. */
export const FEATURES_KEY = 'embereye.features';

interface Field {
  readonly number: number;
  /** Content of a field with a length; empty for numbers. */
  readonly bytes: Uint8Array;
}

/** @returns null where the bytes are no whole message; later entries of a key win. */
export function metadataOf(model: Uint8Array): ReadonlyMap<string, string> | null {
  const entries = new Map<string, string>();
  const fields = fieldsOf(model);
  if (fields === null || model.length === 0) return null;
  for (const { number, bytes } of fields) {
    if (number !== METADATA_FIELD) continue;
    const entry = fieldsOf(bytes);
    if (entry === null || entries.size >= MOST_ENTRIES) return null;
    const key = textIn(entry, KEY_FIELD);
    const value = textIn(entry, VALUE_FIELD);
    if (key === null || value === null) return null;
    entries.set(key, value);
  }
  return entries;
}

function textIn(fields: readonly Field[], wanted: number): string | null {
  const bytes = fields.findLast(({ number }) => number === wanted)?.bytes ?? new Uint8Array();
  return bytes.length > LONGEST_TEXT ? null : new TextDecoder().decode(bytes);
}

function fieldsOf(message: Uint8Array): readonly Field[] | null {
  const fields: Field[] = [];
  let at = 0;
  /** NaN where the bytes end within the number, or it is longer than any length or tag. */
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = message[at++];
      if (byte === undefined) return Number.NaN;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    return Number.NaN;
  };
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (!(number >= 1)) return null;
    const from = at;
    const type = tag % 8;
    if (type === VARINT) {
      if (Number.isNaN(varint())) return null;
    } else if (type === LENGTH) {
      const length = varint();
      if (!(length <= message.length - at)) return null;
      fields.push({ number, bytes: message.subarray(at, at + length) });
      at += length;
      continue;
    } else if (type === FIXED64 || type === FIXED32) {
      at += type === FIXED64 ? 8 : 4;
      if (at > message.length) return null;
    } else return null;
    fields.push({ number, bytes: message.subarray(from, from) });
  }
  return fields;
}
