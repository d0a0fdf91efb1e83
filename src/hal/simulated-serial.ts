/**
 * Serial lines without hardware. The appliance opens them through `SerialBackend`; the far end, the
 * `SimulatedBoardEnd`, is what a board would hold. Bytes travel by the clock, never inside a call.
 */
import type { Cancel, Clock } from '../domain/ports.ts';
import type {
  HalError,
  HalErrorKind,
  HalResult,
  SerialBackend,
  SerialLine,
  SerialOptions,
} from './ports.ts';
import { done, failed, SERIAL_WRITE_LIMIT } from './ports.ts';

/** What a paused line holds; more is lost and counted, as in a UART without flow control. */
export const SIMULATED_BUFFER_BYTES = 16_384;

export class SimulatedSerial implements SerialBackend {
  readonly kind = 'simulated';
  readonly #clock: Clock;
  readonly #ends = new Map<string, SimulatedBoardEnd>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Puts a socket at `path` with a board plugged in; the same path gives the same end. */
  plug(path: string): SimulatedBoardEnd {
    let end = this.#ends.get(path);
    if (end === undefined) {
      end = new SimulatedBoardEnd(path, this.#clock);
      this.#ends.set(path, end);
    }
    end.replug();
    return end;
  }

  open(options: SerialOptions): Promise<HalResult<SerialLine>> {
    const end = this.#ends.get(options.path);
    if (end !== undefined) return Promise.resolve(end.open());
    const found = [...this.#ends.keys()].join(', ') || 'none';
    return Promise.resolve(
      failed('absent', `${options.path} is not there (simulated); found: ${found}`),
    );
  }
}

/** The board's end of a simulated line, with its faults. */
export class SimulatedBoardEnd {
  readonly path: string;
  /** Bytes given up because the appliance did not read. */
  droppedBytes = 0;
  /** Applied to what the board sends: garbage, losses. */
  mangle: (bytes: Uint8Array) => Uint8Array = (bytes) => bytes;
  /** How long bytes travel in either direction. */
  delayMs = 0;
  /** The line accepts bytes and passes none on to the board. */
  stalled = false;
  /** The next opening fails so, until it is set to null. */
  openFault: HalErrorKind | null = null;
  readonly #clock: Clock;
  #plugged = false;
  #line: SimulatedLine | null = null;
  #receive: (bytes: Uint8Array) => void = () => undefined;

  constructor(path: string, clock: Clock) {
    this.path = path;
    this.#clock = clock;
  }

  get isOpen(): boolean {
    return this.#line !== null;
  }

  /** One listener for what the appliance sends. */
  onReceive(listener: (bytes: Uint8Array) => void): void {
    this.#receive = listener;
  }

  /** Sends bytes to the appliance; lost where nobody has the line open. */
  send(bytes: Uint8Array): void {
    const line = this.#line;
    if (line === null) return;
    const mangled = Uint8Array.from(this.mangle(bytes));
    travel(this.#clock, this.delayMs, () => {
      this.droppedBytes += line.arrive(mangled);
    });
  }

  unplug(): void {
    this.#plugged = false;
    const line = this.#line;
    this.#line = null;
    line?.lose('absent', `${this.path} was unplugged (simulated)`);
  }

  replug(): void {
    this.#plugged = true;
  }

  /** For the backend. */
  open(): HalResult<SerialLine> {
    if (!this.#plugged) return failed('absent', `${this.path} is unplugged (simulated)`);
    if (this.openFault !== null) {
      return failed(this.openFault, `${this.path} cannot be opened (simulated ${this.openFault})`);
    }
    if (this.#line !== null) return failed('busy', `${this.path} is in use (simulated)`);
    const line = new SimulatedLine(this.path, this.#clock, {
      send: (bytes) => {
        if (this.stalled) return false;
        travel(this.#clock, this.delayMs, () => this.#receive(bytes));
        return true;
      },
      gone: () => {
        if (this.#line === line) this.#line = null;
      },
    });
    this.#line = line;
    return done(line);
  }
}

interface FarEnd {
  /** False while the line takes nothing. */
  send(bytes: Uint8Array): boolean;
  gone(): void;
}

class SimulatedLine implements SerialLine {
  readonly path: string;
  readonly #clock: Clock;
  readonly #far: FarEnd;
  readonly #waiting: Uint8Array[] = [];
  #waitingBytes = 0;
  #unsentBytes = 0;
  #paused = false;
  #open = true;
  #lost: HalError | null = null;
  #data: ((bytes: Uint8Array) => void) | null = null;
  #lostListener: ((error: HalError) => void) | null = null;

  constructor(path: string, clock: Clock, far: FarEnd) {
    this.path = path;
    this.#clock = clock;
    this.#far = far;
  }

  write(bytes: Uint8Array): void {
    if (!this.#open) return;
    if (this.#far.send(Uint8Array.from(bytes))) return;
    this.#unsentBytes += bytes.length;
    if (this.#unsentBytes <= SERIAL_WRITE_LIMIT) return;
    this.lose('timeout', `${this.path} takes no bytes (simulated)`);
  }

  onData(listener: (bytes: Uint8Array) => void): void {
    this.#data = listener;
    travel(this.#clock, 0, () => this.#deliver());
  }

  onLost(listener: (error: HalError) => void): void {
    this.#lostListener = listener;
    travel(this.#clock, 0, () => this.#tellLost());
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    travel(this.#clock, 0, () => this.#deliver());
  }

  close(): Promise<void> {
    this.#end();
    return Promise.resolve();
  }

  /** @returns the number of bytes that found no room. */
  arrive(bytes: Uint8Array): number {
    if (!this.#open) return 0;
    const room = SIMULATED_BUFFER_BYTES - this.#waitingBytes;
    const kept = bytes.subarray(0, room);
    if (kept.length > 0) this.#waiting.push(kept);
    this.#waitingBytes += kept.length;
    this.#deliver();
    return bytes.length - kept.length;
  }

  lose(kind: HalErrorKind, message: string): void {
    if (!this.#open) return;
    this.#lost = failed(kind, message).error;
    this.#end();
    travel(this.#clock, 0, () => this.#tellLost());
  }

  #end(): void {
    if (this.#open) this.#far.gone();
    else this.#lost = null;
    this.#open = false;
    this.#waiting.length = 0;
  }

  #tellLost(): void {
    if (this.#lost === null || this.#lostListener === null) return;
    const error = this.#lost;
    this.#lost = null;
    this.#lostListener(error);
  }

  #deliver(): void {
    while (this.#open && !this.#paused && this.#data !== null) {
      const bytes = this.#waiting.shift();
      if (bytes === undefined) return;
      this.#waitingBytes -= bytes.length;
      this.#data(bytes);
    }
  }
}

function travel(clock: Clock, delayMs: number, arrive: () => void): Cancel {
  return delayMs > 0 ? clock.after(delayMs, arrive) : clock.soon(arrive);
}
