/** The hardware seams: small, fallible, honest. Set-up belongs to the constructor. */

/**
 * `absent`: no such device, chip or line. `noAnswer`: the bus works and the addressed device does
 * not take part (I2C not acknowledged). `timeout`: no answer, or none in full, in time. `corrupt`:
 * an answer that cannot be believed.
 */
export type HalErrorKind =
  'absent' | 'noAnswer' | 'busy' | 'permission' | 'timeout' | 'corrupt' | 'other';

/** Trouble with hardware. `message` says what, where and what to do. */
export class HalError extends Error {
  readonly kind: HalErrorKind;
  constructor(kind: HalErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'HalError';
    this.kind = kind;
  }
}

/** Result of a hardware action: trouble is a value. */
export type HalResult<T = void> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: HalError };

/** Wraps a success. */
export function done<T>(value: T): HalResult<T> {
  return { ok: true, value };
}

/** A success that has nothing to tell. */
export const DONE: HalResult = { ok: true, value: undefined };

/** Wraps trouble; `cause` is what the operating system or a package said. */
export function failed(
  kind: HalErrorKind,
  message: string,
  cause?: unknown,
): { readonly ok: false; readonly error: HalError } {
  const options = cause === undefined ? {} : { cause };
  return { ok: false, error: new HalError(kind, message, options) };
}

/**
 * Commands a line. Says nothing about the relay behind it: wire a feedback `DigitalInput` for that.
 */
export interface DigitalOutput {
  readonly name: string;
  /**
   * `active` energises; active-low wiring has been taken care of when the line was opened. Writing
   * the level that is already commanded is the refresh, and may report that the line has strayed.
   */
  write(active: boolean): HalResult;
  /**
   * What the line is to show if this process is lost now: a siren that sounds in pulses must not
   * stay silent because it was lost in a pause. For lines that are kept (`OnLoss`); never waits.
   */
  intend?(active: boolean): void;
  /** Gives the line up without moving it; later writes fail. Harmless when repeated. */
  close(): void;
}

/** A debounced input line. */
export interface DigitalInput {
  readonly name: string;
  /** The settled level, true = active; asks the hardware, so a dead line is noticed here. */
  read(): HalResult<boolean>;
  /**
   * One listener; called on each debounced change with the new level and the monotonic time of the
   * edge that began it: the kernel's own stamp where there is one.
   */
  onChange(listener: (active: boolean, edgeAtMs: number) => void): void;
  /** One listener; trouble that no `read` asked about: a failed read, a line that chatters. */
  onError(listener: (error: HalError) => void): void;
  /** While the line does not settle: its level is an old one. Absent where nobody can tell. */
  readonly isRestless?: boolean;
  /** Nothing is reported afterwards. Harmless when repeated. */
  close(): void;
}

/** The pad's own resistor. A chip without one may ignore it: read-back tells. */
export type LineBias = 'asIs' | 'pullUp' | 'pullDown' | 'disabled';

/** Where a line is: by chip label and offset or line name, never by a global number. */
export interface LineAddress {
  /** The chip's label; `*` with a line name: whichever chip has a line of that name. */
  readonly chip: string;
  /** Offset on the chip, or the kernel's name of the line, for example `GPIO17`. */
  readonly line: number | string;
  readonly activeLow: boolean;
  /** Default `asIs`. */
  readonly bias?: LineBias;
}

/**
 * What an output is to do when this process ends without a word, where a holder process keeps it
 * (`gpio-holder.ts`): keep its level, as siren, strobe and alarm relay do, or drop to inactive, as
 * the fault relay does.
 */
export type OnLoss = 'keep' | 'drop';

/** A source of GPIO lines: `onoff`, the character device, or a simulation. */
export interface GpioBackend {
  readonly kind: string;
  /** Opens without a glitch: the line takes `initialActive` when it becomes an output. */
  openOutput(
    name: string,
    at: LineAddress,
    initialActive: boolean,
    onLoss?: OnLoss,
  ): HalResult<DigitalOutput>;
  openInput(name: string, at: LineAddress, debounceMs: number): HalResult<DigitalInput>;
  close(): void;
}

export interface SerialOptions {
  /** Stable path: /dev/serial/by-id/... or by-path/... rather than /dev/ttyUSB0. */
  readonly path: string;
  readonly baudRate: number;
}

/** A byte stream to a board. */
export interface SerialLine {
  readonly path: string;
  /**
   * Queues bytes for the line; after the line is lost or closed this does nothing. At most
   * `SERIAL_WRITE_LIMIT` bytes wait: a line that takes none is reported lost (`timeout`).
   */
  write(bytes: Uint8Array): void;
  /** One listener. Bytes that came before it was set are kept for it, within the read buffer. */
  onData(listener: (bytes: Uint8Array) => void): void;
  /** Called once when the line is gone, with the reason; nothing comes after it. */
  onLost(listener: (error: HalError) => void): void;
  /** Stops and resumes reading, so that overload pushes back to the sender. */
  pause(): void;
  resume(): void;
  /** Never rejects; nothing is reported afterwards. Harmless when repeated. */
  close(): Promise<void>;
}

/** Bytes that may wait to be sent; commands to boards are a few bytes each. */
export const SERIAL_WRITE_LIMIT = 4096;

export interface SerialBackend {
  readonly kind: string;
  /** Opens for this process alone. Errors: `absent`, `permission`, `busy`, `other`. */
  open(options: SerialOptions): Promise<HalResult<SerialLine>>;
}
