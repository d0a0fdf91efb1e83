/** What lies under a Modbus line: one connection, one request at a time. */
import type { ModbusAddress, ModbusRead } from '../bus-ports.ts';
import type { HalError, HalResult } from '../ports.ts';

/** An open connection to one or more units. Its holder sees to it that requests take turns. */
export interface ModbusWire {
  /**
   * One request and its answer, without repetition. Errors as those of `ModbusLine.read`; `absent`
   * where the connection ends meanwhile.
   */
  exchange(request: ModbusRead): Promise<HalResult<Uint16Array>>;
  /** True when nothing that comes can be trusted any more: open anew before the next request. */
  readonly stale: boolean;
  /** Throws away what has come in and was not asked for. */
  discard(): Promise<void>;
  /** One listener; called once when the connection is gone, not after `close`. */
  onLost(listener: (error: HalError) => void): void;
  /** Never rejects; a request under way ends with an error. Harmless when repeated. */
  close(): Promise<void>;
}

/** Errors as those of `ModbusBackend.open`. */
export type OpenWire = (address: ModbusAddress) => Promise<HalResult<ModbusWire>>;

/** Bytes to and from the units, before anything is known of Modbus. */
export interface ByteStream {
  send(bytes: Uint8Array): void;
  /** One listener. */
  onBytes(listener: (bytes: Uint8Array) => void): void;
  /** One listener; called once when the stream is gone, not after `close`. */
  onEnd(listener: (error: HalError) => void): void;
  /** Throws away what waits in the driver's buffer. */
  discard(): Promise<void>;
  /** Whether the device is still the one that was opened; null where it is. */
  check(): Promise<HalError | null>;
  /** Never rejects. Harmless when repeated. */
  close(): Promise<void>;
}

/** What the bytes since the last request amount to. */
export type Verdict =
  | { readonly kind: 'more' }
  /** Unit, function, data and checksum, as on a serial line. */
  | { readonly kind: 'answer'; readonly frame: Uint8Array }
  /** `stale`: the beginning of the next frame cannot be found any more. */
  | { readonly kind: 'corrupt'; readonly why: string; readonly stale: boolean };

export const MORE: Verdict = { kind: 'more' };

/** Cuts a stream into answers. */
export interface Framing {
  /** Begins an exchange; what came before is forgotten. Returns what to send. */
  begin(request: Uint8Array): Uint8Array;
  take(bytes: Uint8Array): Verdict;
  /** For an exchange that ended too early: what came instead of a whole answer; null: nothing. */
  unfinished(): Extract<Verdict, { kind: 'corrupt' }> | null;
  /** Whether what came begins like the request: an adapter that hears itself. */
  readonly echoes: boolean;
}

/** Requests to frames, frames to values; frames are those of a serial line, with checksum. */
export interface FrameCodec {
  encode(request: ModbusRead): Uint8Array;
  /** Errors: `corrupt`, and `other` for an exception of the unit. */
  decode(request: ModbusRead, frame: Uint8Array): HalResult<Uint16Array>;
}
