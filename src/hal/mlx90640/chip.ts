/** Words in and out of one MLX90640 on an I2C bus. */
import type { Clock } from '../../domain/ports.ts';
import type { I2cBus } from '../bus-ports.ts';
import type { HalResult } from '../ports.ts';
import { failed } from '../ports.ts';
import type { ArrayStatus } from './registers.ts';
import { hex, STATUS_AT, statusOf, withoutNewData } from './registers.ts';
import type { Outcome } from './trouble.ts';
import { got, outcomeOf, trouble, troubleOf } from './trouble.ts';
import type { Waits } from './waits.ts';

/**
 * The bus itself gives up after a second; this is for a backend that never comes back, and longer
 * than the queue of a busy bus.
 */
const TRANSFER_DEADLINE_MS = 5000;

export interface ReadStatus extends ArrayStatus {
  readonly word: number;
}

export class Mlx90640Chip {
  readonly #bus: I2cBus;
  readonly #address: number;
  readonly #clock: Clock;
  readonly #waits: Waits;
  /** `/dev/i2c-1, address 0x33`, for messages. */
  readonly at: string;
  /** How long the last transfer took, waiting for others on the bus included. */
  lastTransferMs = 0;

  constructor(bus: I2cBus, address: number, clock: Clock, waits: Waits) {
    this.#bus = bus;
    this.#address = address;
    this.#clock = clock;
    this.#waits = waits;
    this.at = placeOf(bus.path, address);
  }

  /** `count` words from `from` on, in one combined transfer. */
  async read(from: number, count: number): Promise<Outcome<Uint16Array>> {
    const result = await this.#transfer(Uint8Array.of(from >> 8, from & 0xff), 2 * count);
    return result.ok ? got(bigEndianWords(result.value)) : troubleOf(result.error);
  }

  async write(to: number, word: number): Promise<Outcome<unknown>> {
    const bytes = Uint8Array.of(to >> 8, to & 0xff, word >> 8, word & 0xff);
    return outcomeOf(await this.#transfer(bytes, 0));
  }

  async status(): Promise<Outcome<ReadStatus>> {
    const read = await this.read(STATUS_AT, 1);
    if (!read.ok) return read;
    const word = read.value[0] ?? 0;
    const status = statusOf(word);
    if (status === null) {
      return trouble('garbled', `${this.at}: a status of ${hex(word)} is none that an array has`);
    }
    return got({ ...status, word });
  }

  /** Makes room for the next announcement of new data. */
  clearNewData(status: ReadStatus): Promise<Outcome<unknown>> {
    return this.write(STATUS_AT, withoutNewData(status.word));
  }

  async #transfer(write: Uint8Array, readBytes: number): Promise<HalResult<Uint8Array>> {
    const beganAtMs = this.#clock.monotonicMs();
    const work = this.#bus.transfer(this.#address, write, readBytes);
    const late = (): HalResult<Uint8Array> =>
      failed('timeout', `${this.at}: no transfer has ended for ${TRANSFER_DEADLINE_MS / 1000} s`);
    const result = await this.#waits.within(work, TRANSFER_DEADLINE_MS, late);
    this.lastTransferMs = this.#clock.monotonicMs() - beganAtMs;
    if (!result.ok || result.value.length === readBytes) return result;
    const found = `${result.value.length} of ${readBytes} bytes`;
    return failed('corrupt', `${this.at}: ${found} came`);
  }
}

export function placeOf(bus: string, address: number): string {
  return `${bus}, address 0x${address.toString(16)}`;
}

function bigEndianWords(bytes: Uint8Array): Uint16Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint16Array.from({ length: bytes.length >> 1 }, (_, at) => view.getUint16(2 * at));
}
