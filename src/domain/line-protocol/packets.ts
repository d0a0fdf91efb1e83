/**
 * Kinds of packets and the names in their heads.
 *
 * Typed arrays are read with `as number`: every index here is below the length by construction.
 */
import { COLON, ascii, startsWith, textOf } from './bytes.ts';
import type { PacketErrorKind } from './packet-error.ts';

export type PacketKind = 'sensor' | 'frame' | 'eeprom' | 'serialno' | 'locid';

/** What a packet starts with, after its `#`. */
const WORDS: Readonly<Record<PacketKind, Uint8Array>> = {
  sensor: ascii('Sensor'),
  frame: ascii('frame'),
  eeprom: ascii('EEPROM'),
  serialno: ascii('serialno'),
  locid: ascii('locid'),
};

/** Length of a kind's word: where its location begins. */
export const KIND_BYTES: Readonly<Record<PacketKind, number>> = {
  sensor: WORDS.sensor.length,
  frame: WORDS.frame.length,
  eeprom: WORDS.eeprom.length,
  serialno: WORDS.serialno.length,
  locid: WORDS.locid.length,
};

const KIND_BY_FIRST_BYTE: readonly (PacketKind | undefined)[] = kindsByFirstByte();

/** Longest location or serial number, in characters. */
export const MAX_NAME_BYTES = 64;

/** The kind of a packet's body, or null for none of the known ones. */
export function packetKindOf(bytes: Uint8Array, start: number, end: number): PacketKind | null {
  if (start >= end) return null;
  const kind = KIND_BY_FIRST_BYTE[bytes[start] as number];
  if (kind === undefined || !startsWith(bytes, start, end, WORDS[kind])) return null;
  return kind;
}

/**
 * Turns the location of each packet into a string, without making a new one while it repeats.
 */
export class LocationMemo {
  #bytes = new Uint8Array(0);
  #text = '';

  /** The text of `bytes[start..end)`, trimmed. */
  read(bytes: Uint8Array, start: number, end: number): string {
    if (end - start !== this.#bytes.length || !startsWith(bytes, start, end, this.#bytes)) {
      this.#bytes = bytes.slice(start, end);
      this.#text = textOf(bytes, start, end).trim();
    }
    return this.#text;
  }
}

/** Where a packet's data starts, or what is wrong with what comes before. */
export type DataStart =
  | { readonly error: PacketErrorKind }
  | { readonly error: null; readonly location: string | null; readonly data: number };

/**
 * Splits `frame<loc>:<data>`, `frame:<loc>:<data>` and `frame:<data>`, and the same for `EEPROM`.
 * The data holds no colon, so the last one near the start ends the location.
 */
export function splitBlock(
  kind: 'frame' | 'eeprom',
  bytes: Uint8Array,
  start: number,
  end: number,
  memo: LocationMemo,
): DataStart {
  const from = start + KIND_BYTES[kind];
  const stop = Math.min(end, from + MAX_NAME_BYTES + 2);
  let colon = -1;
  for (let at = from; at < stop; at++) {
    if (bytes[at] === COLON) colon = at;
  }
  if (colon < 0) return { error: stop < end ? 'nameTooLong' : 'missingColon' };
  return { error: null, location: locationOf(bytes, from, colon, memo), data: colon + 1 };
}

/**
 * The location between a kind's word and the colon that ends the head; null where there is none.
 */
export function locationOf(
  bytes: Uint8Array,
  from: number,
  colon: number,
  memo: LocationMemo,
): string | null {
  const start = bytes[from] === COLON ? from + 1 : from;
  if (start >= colon) return null;
  const location = memo.read(bytes, start, colon);
  return location === '' ? null : location;
}

export type NamePacket =
  { readonly error: PacketErrorKind } | { readonly error: null; readonly name: string };

/** Reads `serialno:<s>` and `locid:<loc>`; `<loc>` may hold spaces and colons. */
export function readName(
  kind: 'serialno' | 'locid',
  bytes: Uint8Array,
  start: number,
  end: number,
): NamePacket {
  const colon = start + KIND_BYTES[kind];
  if (bytes[colon] !== COLON || colon >= end) return { error: 'missingColon' };
  if (end - colon - 1 > MAX_NAME_BYTES) return { error: 'nameTooLong' };
  const name = textOf(bytes, colon + 1, end).trim();
  return name === '' ? { error: 'emptyName' } : { error: null, name };
}

function kindsByFirstByte(): (PacketKind | undefined)[] {
  const table = new Array<PacketKind | undefined>(256).fill(undefined);
  for (const kind of ['sensor', 'frame', 'eeprom', 'serialno', 'locid'] as const) {
    table[WORDS[kind][0] as number] = kind;
  }
  return table;
}
