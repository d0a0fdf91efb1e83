/**
 * Modbus over the package `modbus-serial`. Its events, exceptions and peculiarities stay in here.
 *
 * The package builds requests, judges answers (checksum, unit, function, length) and opens serial
 * ports. Cutting the stream into answers, turns, timeouts and TCP are ours, because of what the
 * package does there (docs/decisions/0009-modbus.md): an answer of the wrong unit on a serial line
 * or with the wrong number over TCP is thrown away unseen, and looks like silence.
 */
import { EventEmitter } from 'node:events';
import { stat } from 'node:fs/promises';
import { Duplex } from 'node:stream';
import type Modbus from 'modbus-serial';
import type { SerialPort } from 'serialport';
import type { Clock, Random } from '../domain/ports.ts';
import type { ModbusAddress, ModbusBackend, ModbusRead } from './bus-ports.ts';
import { lineName, settingsOf } from './modbus/address.ts';
import { modbusBackend } from './modbus/backend.ts';
import { FramedWire } from './modbus/framed-wire.ts';
import { RtuFraming } from './modbus/rtu-framing.ts';
import { TcpFraming } from './modbus/tcp-framing.ts';
import { connectTcp } from './modbus/tcp-stream.ts';
import { corrupt, exception, remedyOf, wrongUnit } from './modbus/trouble.ts';
import type { ByteStream, FrameCodec, ModbusWire } from './modbus/wire.ts';
import { errorKindOf, messageOf } from './os-errors.ts';
import type { HalError, HalErrorKind, HalResult } from './ports.ts';
import { done, failed } from './ports.ts';
import { listSerialPorts } from './serial-port.ts';

export interface ModbusOptions {
  readonly clock: Clock;
  /** Spreads the attempts to open a line that is gone. */
  readonly random: Random;
}

type RtuAddress = Extract<ModbusAddress, { kind: 'rtu' }>;
type ClientClass = typeof Modbus.default;
/** The package as CommonJS exports it: the class, which carries itself as `default`. */
interface Package {
  readonly default: ClientClass;
}

/** Modbus lines of this machine. The package is loaded when the first one is opened. */
export function createModbus({ clock, random }: ModbusOptions): ModbusBackend {
  return modbusBackend({
    kind: 'modbus-serial',
    clock,
    random,
    openWire: (address) => openWire(address, clock),
  });
}

async function openWire(address: ModbusAddress, clock: Clock): Promise<HalResult<ModbusWire>> {
  try {
    const { default: library } = await import('modbus-serial');
    const codec = new LibraryCodec(library, address);
    const rtu = address.kind === 'rtu';
    const opened = rtu ? await openSerial(library, address) : await connectTcp(address, clock);
    if (!opened.ok) return opened;
    const framing = rtu ? new RtuFraming() : new TcpFraming();
    return done(new FramedWire({ address, stream: opened.value, framing, codec, clock }));
  } catch (error) {
    const where = `${lineName(address)} (${settingsOf(address)})`;
    return failed('other', `${where}: modbus-serial failed: ${messageOf(error)}`, error);
  }
}

/** Stands in for the package's own ports: it gets requests from it and gives it whole answers. */
class FramePort extends EventEmitter {
  readonly isOpen = true;
  written: Uint8Array = new Uint8Array(0);

  open(opened: (error?: Error) => void): void {
    opened();
  }

  write(frame: Uint8Array): void {
    this.written = frame;
  }
}

/** The package's reader and writer of frames, without its ports and its timers. */
class LibraryCodec implements FrameCodec {
  readonly #address: ModbusAddress;
  readonly #port = new FramePort();
  readonly #client: InstanceType<ClientClass>;
  #answered: HalResult<Uint16Array> | null = null;

  constructor(library: Package, address: ModbusAddress) {
    this.#address = address;
    this.#client = new library.default(this.#port);
    this.#client.open(() => undefined);
  }

  encode(request: ModbusRead): Uint8Array {
    const { unit, address, count, table } = request;
    // Typed as always there, and null or undefined in truth, depending on how it went.
    const answered = (
      error: unknown,
      result?: { readonly data: readonly (number | boolean)[] },
    ): void => {
      this.#answered =
        result === undefined ? this.#refusal(request, error) : done(wordsOf(result.data));
    };
    const client = this.#client;
    if (table === 'coil') client.writeFC1(unit, address, count, answered);
    else if (table === 'discrete') client.writeFC2(unit, address, count, answered);
    else if (table === 'holding') client.writeFC3(unit, address, count, answered);
    else client.writeFC4(unit, address, count, answered);
    return this.#port.written;
  }

  decode(request: ModbusRead, frame: Uint8Array): HalResult<Uint16Array> {
    this.#answered = null;
    this.#port.emit('data', Buffer.from(frame));
    const answered = this.#takeAnswer() ?? corrupt(this.#address, request, 'no readable answer');
    if (!answered.ok) return answered;
    const bits = request.table === 'coil' || request.table === 'discrete';
    // The package believes the answer's own count: it may have fewer registers than asked for.
    const expected = bits ? Math.ceil(request.count / 8) * 8 : request.count;
    const { length } = answered.value;
    if (length === expected) return done(answered.value.slice(0, request.count));
    const what = bits ? 'bits' : 'registers';
    return corrupt(this.#address, request, `${length} ${what} instead of ${expected}`);
  }

  #takeAnswer(): HalResult<Uint16Array> | null {
    return this.#answered;
  }

  #refusal(request: ModbusRead, error: unknown): HalResult<never> {
    const address = this.#address;
    if (error instanceof Error && 'modbusCode' in error && typeof error.modbusCode === 'number') {
      return exception(address, request, error.modbusCode);
    }
    const said = messageOf(error);
    const [, other] = /expected address \d+ got (\d+)/.exec(said) ?? [];
    if (other !== undefined) return wrongUnit(address, request, Number(other));
    return corrupt(address, request, said);
  }
}

function wordsOf(data: readonly (number | boolean)[]): Uint16Array {
  return Uint16Array.from(data, Number);
}

/** The package reports the operating system's words only, in an English text. */
const OPEN_FAILURES: readonly (readonly [RegExp, HalErrorKind])[] = [
  [/no such (file|device)/i, 'absent'],
  [/permission denied/i, 'permission'],
  [/cannot lock|resource busy|temporarily unavailable/i, 'busy'],
];

/** Opens for this process alone; the package's list of ports, which needs udevadm, is not used. */
async function openSerial(library: Package, address: RtuAddress): Promise<HalResult<ByteStream>> {
  const { path, baudRate, parity, stopBits } = address;
  const device = await deviceAt(path);
  if (!device.ok) {
    if (device.error.kind !== 'absent') return device;
    const listed = await listSerialPorts();
    const found = listed.ok ? listed.value.join(', ') : listed.error.message;
    return failed('absent', `${path} is not there; found: ${found || 'no serial port'}`);
  }
  const port = portInside(library, path, { baudRate, parity, stopBits, lock: true });
  if (port === null) return failed('other', `${path}: modbus-serial has no serial port inside`);
  const error = await new Promise<Error | null>((resolve) => port.open(resolve));
  if (error === null) return done(new SerialStream(path, port, device.value));
  const said = error.message;
  const kind = OPEN_FAILURES.find(([pattern]) => pattern.test(said))?.[1] ?? 'other';
  const what = `${path} cannot be opened at ${settingsOf(address)}: ${said}`;
  return failed(kind, `${what}; ${remedyOf(kind, address)}`, error);
}

/**
 * The serial port inside the package's own one. What the package listens for is taken off: its
 * way of cutting a stream would go on collecting bytes that nobody takes.
 */
function portInside(library: Package, path: string, settings: object): SerialPort | null {
  const outer: unknown = Reflect.construct(bufferedPort(library), [path, settings]);
  const inner: unknown = Reflect.get(Object(outer), '_client');
  if (!(inner instanceof Duplex) || !('flush' in inner)) return null;
  inner.removeAllListeners('data').removeAllListeners('error').removeAllListeners('close');
  // It is what the package makes it of: `new SerialPort(...)`.
  return inner as SerialPort;
}

/** Exported by the package and missing from its types. */
function bufferedPort(library: Package): new (...options: unknown[]) => unknown {
  const found: unknown = Reflect.get(library, 'RTUBufferedPort');
  if (typeof found !== 'function') throw new Error('no serial ports: is serialport installed?');
  return found as new (...options: unknown[]) => unknown;
}

class SerialStream implements ByteStream {
  readonly #path: string;
  readonly #port: SerialPort;
  readonly #opened: Device;
  #ended = false;
  #closing: Promise<void> | null = null;
  #end: (error: HalError) => void = () => undefined;

  constructor(path: string, port: SerialPort, opened: Device) {
    this.#path = path;
    this.#port = port;
    this.#opened = opened;
    port.on('error', (error: Error) => this.#lose(error.message, error));
    port.on('close', (error: Error | null) => {
      this.#lose(`unplugged, or its adapter failed (${error?.message ?? 'closed'})`, error);
    });
  }

  send(bytes: Uint8Array): void {
    if (!this.#ended) this.#port.write(Buffer.from(bytes));
  }

  onBytes(listener: (bytes: Uint8Array) => void): void {
    this.#port.on('data', (bytes: Buffer) => {
      if (!this.#ended) listener(bytes);
    });
  }

  onEnd(listener: (error: HalError) => void): void {
    this.#end = listener;
  }

  discard(): Promise<void> {
    if (!this.#port.isOpen) return Promise.resolve();
    return new Promise((resolve) => this.#port.flush(() => resolve()));
  }

  /** The kernel does not always tell that an adapter was pulled out: its name tells. */
  async check(): Promise<HalError | null> {
    const now = await deviceAt(this.#path);
    if (!now.ok) return now.error;
    const { dev, ino, rdev } = this.#opened;
    if (now.value.dev === dev && now.value.ino === ino && now.value.rdev === rdev) return null;
    return failed('absent', `${this.#path}: another device has taken its place`).error;
  }

  /** Unsent bytes are thrown away first, or a dead line would hold the closing up for seconds. */
  close(): Promise<void> {
    this.#ended = true;
    this.#closing ??= this.discard().then(
      () =>
        new Promise<void>((resolve) => {
          if (this.#port.isOpen) this.#port.close(() => resolve());
          else resolve();
        }),
    );
    return this.#closing;
  }

  #lose(why: string, cause?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#end(failed('absent', `${this.#path} was lost: ${why}`, cause).error);
  }
}

interface Device {
  readonly dev: number;
  readonly ino: number;
  readonly rdev: number;
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
