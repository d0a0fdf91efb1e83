/** What can be wrong with a packet. Closed, counted by kind, never an exception. */
import { textOf } from './bytes.ts';

/** Each kind of error, with its count at the start. */
export const NO_PACKET_ERRORS = {
  /** No `!` within 8 kB of the `#`. */
  tooLong: 0,
  /** A byte outside printable ASCII between `#` and `!`. */
  notPrintable: 0,
  /** A `#` inside a packet: the earlier one lost its end, the later one starts a packet. */
  restarted: 0,
  /** The connection ended inside a packet. */
  truncated: 0,
  /** Not one of the five kinds. */
  unknownKind: 0,
  /** No `:` after the kind and location. */
  missingColon: 0,
  /** A location or serial number of no or more than 64 characters. */
  emptyName: 0,
  nameTooLong: 0,
  /** More than 16 locations on one connection. */
  tooManyLocations: 0,
  /** A `#Sensor` packet without a key. */
  noReadings: 0,
  /** More than 32 readings in one packet. */
  tooManyReadings: 0,
  /** More than 16 different keys of one board. */
  tooManyChannels: 0,
  /** A key that is not 1..16 letters, digits and `_`. */
  badKey: 0,
  keyWithoutNumber: 0,
  badNumber: 0,
  /** Analog values are 0..4095, digital ones 0 or 1. */
  valueOutOfRange: 0,
  /** Neither 834 nor 768 words. */
  frameLength: 0,
  eepromLength: 0,
  /** Frame or calibration data with something else than hex digits. */
  notHex: 0,
  /** Calibration data that cannot be a calibration: all zero, say. */
  eepromRefused: 0,
  /** New calibrations in quick succession: no array changes so often. */
  eepromTooOften: 0,
  /** More unknown boards than the appliance keeps. */
  tooManyBoards: 0,
};

export type PacketErrorKind = keyof typeof NO_PACKET_ERRORS;

/** A packet that was refused. */
export interface PacketError {
  readonly kind: PacketErrorKind;
  /** Its first 80 characters, `#` included; unprintable ones as `.`. */
  readonly start: string;
}

const PREVIEW_CHARACTERS = 80;

/** @param start,end the packet's body, without `#` and `!` */
export function packetError(
  kind: PacketErrorKind,
  bytes: Uint8Array,
  start: number,
  end: number,
): PacketError {
  const text = textOf(bytes, start, Math.min(end, start + PREVIEW_CHARACTERS - 1));
  return { kind, start: `#${text}` };
}
