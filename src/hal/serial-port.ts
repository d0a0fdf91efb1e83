/**
 * Serial lines over the package `serialport`. Its exceptions and events stay in here.
 *
 * The kernel does not always tell a reader that its adapter was pulled out: a read may return
 * nothing for ever. So once a second the path is compared with what was opened; that also catches
 * another device having taken the name.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SerialPort } from 'serialport';
import type { Cancel, Clock } from '../domain/ports.ts';
import { errorKindOf, messageOf } from './os-errors.ts';
import type {
  HalError,
  HalErrorKind,
  HalResult,
  SerialBackend,
  SerialLine,
  SerialOptions,
} from './ports.ts';
import { done, failed, SERIAL_WRITE_LIMIT } from './ports.ts';

/** Where the kernel's device manager keeps names that survive replugging. */
export const SERIAL_BY_ID = '/dev/serial/by-id';

const READ_BUFFER_BYTES = 16_384;

export interface SerialPortsOptions {
  readonly clock: Clock;
  /** How often an open line's device is looked for, default 1000 ms. */
  readonly checkEveryMs?: number;
  readonly byIdDirectory?: string;
}

export function createSerialPorts(options: SerialPortsOptions): SerialBackend {
  const { clock, checkEveryMs = 1000, byIdDirectory = SERIAL_BY_ID } = options;
  return {
    kind: 'serialport',
    open: (wanted) => openPort(wanted, clock, checkEveryMs, byIdDirectory),
  };
}

/**
 * Stable paths of the serial ports of this machine; empty where there are none or the device
 * manager does not run. (The package's own listing needs udevadm and dies without it.)
 */
export async function listSerialPorts(
  byIdDirectory = SERIAL_BY_ID,
): Promise<HalResult<readonly string[]>> {
  try {
    const names = await readdir(byIdDirectory);
    return done(names.sort().map((name) => join(byIdDirectory, name)));
  } catch (error) {
    const kind = errorKindOf(error);
    if (kind === 'absent') return done([]);
    return failed(kind, `${byIdDirectory} cannot be read: ${messageOf(error)}`, error);
  }
}

interface Device {
  readonly dev: number;
  readonly ino: number;
  readonly rdev: number;
}

async function openPort(
  wanted: SerialOptions,
  clock: Clock,
  checkEveryMs: number,
  byIdDirectory: string,
): Promise<HalResult<SerialLine>> {
  const { path, baudRate } = wanted;
  const device = await deviceAt(path);
  if (!device.ok) {
    if (device.error.kind !== 'absent') return device;
    const listed = await listSerialPorts(byIdDirectory);
    const found = listed.ok ? listed.value.join(', ') : listed.error.message;
    return failed('absent', `${path} is not there; found: ${found || 'no serial port'}`);
  }
  try {
    const { SerialPort: Port } = await import('serialport');
    const port = new Port({
      path,
      baudRate,
      autoOpen: false,
      lock: true,
      highWaterMark: READ_BUFFER_BYTES,
    });
    const error = await new Promise<Error | null>((resolve) => port.open(resolve));
    if (error !== null) return openFailure(path, baudRate, error);
    return done(new PortLine(path, port, clock, { device: device.value, checkEveryMs }));
  } catch (error) {
    return failed('other', `${path}: the package serialport failed: ${messageOf(error)}`, error);
  }
}

/** The package reports the operating system's words only, in an English text. */
const OPEN_FAILURES: readonly (readonly [RegExp, HalErrorKind, string])[] = [
  [/no such (file|device)/i, 'absent', 'check that it is plugged in'],
  [/permission denied/i, 'permission', 'usermod -aG dialout embereye, then restart the service'],
  [
    /cannot lock|resource busy|temporarily unavailable/i,
    'busy',
    'another program has it open: sudo fuser -v names it',
  ],
  [/baud/i, 'other', 'choose a rate that the adapter supports'],
];

function openFailure(path: string, baudRate: number, error: Error): HalResult<never> {
  const found = OPEN_FAILURES.find(([pattern]) => pattern.test(error.message));
  const [, kind, remedy] = found ?? [null, 'other' as const, 'is it a serial port?'];
  return failed(kind, `${path} at ${baudRate} baud: ${error.message}; ${remedy}`, error);
}

class PortLine implements SerialLine {
  readonly path: string;
  readonly #port: SerialPort;
  readonly #clock: Clock;
  readonly #opened: Device;
  readonly #checkEveryMs: number;
  #cancelCheck: Cancel;
  #ended = false;
  #closing: Promise<void> | null = null;
  #lost: HalError | null = null;
  #lostListener: ((error: HalError) => void) | null = null;

  constructor(
    path: string,
    port: SerialPort,
    clock: Clock,
    watch: { readonly device: Device; readonly checkEveryMs: number },
  ) {
    this.path = path;
    this.#port = port;
    this.#clock = clock;
    this.#opened = watch.device;
    this.#checkEveryMs = watch.checkEveryMs;
    port.on('error', (error: Error) => this.#lose('other', error.message, error));
    port.on('end', () => this.#lose('absent', 'the line has ended'));
    port.on('close', (error: Error | null) => {
      const said = error?.message ?? 'closed by the system';
      this.#lose('absent', `unplugged, or its adapter failed (${said})`, error);
    });
    this.#cancelCheck = this.#armCheck();
  }

  write(bytes: Uint8Array): void {
    if (this.#ended) return;
    if (this.#port.writableLength + bytes.length > SERIAL_WRITE_LIMIT) {
      this.#lose('timeout', `takes no bytes, ${this.#port.writableLength} are waiting`);
      return;
    }
    this.#port.write(Buffer.from(bytes));
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.#port.removeAllListeners('data');
    this.#port.on('data', (bytes: Buffer) => {
      if (!this.#ended) listener(bytes);
    });
  }

  onLost(listener: (error: HalError) => void): void {
    this.#lostListener = listener;
    queueMicrotask(() => this.#tellLost());
  }

  pause(): void {
    this.#port.pause();
  }

  resume(): void {
    this.#port.resume();
  }

  close(): Promise<void> {
    this.#ended = true;
    this.#lost = null;
    this.#lostListener = null;
    return this.#shut();
  }

  /** Unsent bytes are thrown away first, or a dead line would hold the closing up for seconds. */
  #shut(): Promise<void> {
    this.#cancelCheck();
    this.#closing ??= new Promise((resolve) => {
      if (!this.#port.isOpen) {
        resolve();
        return;
      }
      this.#port.flush(() => {
        if (this.#port.isOpen) this.#port.close(() => resolve());
        else resolve();
      });
    });
    return this.#closing;
  }

  #lose(kind: HalErrorKind, why: string, cause?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#lost = failed(kind, `${this.path} was lost: ${why}`, cause).error;
    void this.#shut();
    this.#tellLost();
  }

  #tellLost(): void {
    if (this.#lost === null || this.#lostListener === null) return;
    const error = this.#lost;
    this.#lost = null;
    this.#lostListener(error);
  }

  #armCheck(): Cancel {
    return this.#clock.after(this.#checkEveryMs, () => void this.#check());
  }

  async #check(): Promise<void> {
    const now = await deviceAt(this.path);
    if (this.#ended) return;
    const { dev, ino, rdev } = this.#opened;
    if (!now.ok) this.#lose(now.error.kind, now.error.message, now.error);
    else if (now.value.dev !== dev || now.value.ino !== ino || now.value.rdev !== rdev) {
      this.#lose('absent', 'another device has taken its place');
    } else this.#cancelCheck = this.#armCheck();
  }
}

async function deviceAt(path: string): Promise<HalResult<Device>> {
  try {
    const found = await stat(path);
    if (found.isCharacterDevice()) return done(found);
    return failed('other', `${path} is not a serial port but a file or directory`);
  } catch (error) {
    return failed(errorKindOf(error), `${path}: ${messageOf(error)}`, error);
  }
}
