/**
 * Units on a serial line, byte by byte: frames of "MODBUS over Serial Line Specification" V1.02,
 * section 2.5.1, with its checksum (6.2.2). The units' end of an RS-485 line.
 */
import type { Clock } from '../domain/ports.ts';
import { ModbusSender } from './modbus-sender.ts';
import type { ModbusUnits } from './modbus-unit.ts';

/** Unit, function, address, count, checksum: all requests that are answered have this length. */
const REQUEST_BYTES = 8;
const BROADCAST = 0;

export interface RtuLineOptions {
  readonly units: ModbusUnits;
  readonly clock: Clock;
  /** Puts bytes on the line. */
  readonly send: (bytes: Uint8Array) => void;
  /** How long a unit thinks, default 0. */
  readonly answerMs?: () => number;
}

export class ModbusRtuUnits {
  readonly #options: RtuLineOptions;
  readonly #sender: ModbusSender;
  #waiting: Uint8Array = new Uint8Array(0);
  /** Requests with a wrong checksum, and bytes that belong to none: ignored, as is prescribed. */
  ignoredBytes = 0;

  constructor(options: RtuLineOptions) {
    this.#options = options;
    this.#sender = new ModbusSender(options.clock, options.send);
  }

  receive(bytes: Uint8Array): void {
    this.#waiting = Uint8Array.of(...this.#waiting, ...bytes);
    while (this.#waiting.length >= REQUEST_BYTES) {
      const frame = this.#waiting.subarray(0, REQUEST_BYTES);
      if (checksum(frame) === 0) {
        this.#waiting = this.#waiting.subarray(REQUEST_BYTES);
        this.#request(frame.slice());
      } else {
        this.#waiting = this.#waiting.subarray(1);
        this.ignoredBytes += 1;
      }
    }
  }

  /** Nothing is sent afterwards. */
  stop(): void {
    this.#sender.stop();
  }

  #request(frame: Uint8Array): void {
    const unit = frame[0] ?? BROADCAST;
    if (unit === BROADCAST) return;
    const answered = this.#options.units.answer(unit, frame.subarray(1, REQUEST_BYTES - 2));
    if (answered === null) return;
    const { pdu, mischief } = answered;
    const from = mischief?.kind === 'wrongUnit' ? mischief.unit : unit;
    const answer = framed(Uint8Array.of(from, ...pdu));
    if (mischief?.kind === 'wrongCrc') answer[answer.length - 1] = (answer.at(-1) ?? 0) ^ 0x55;
    const delayMs = this.#options.answerMs?.() ?? 0;
    this.#sender.send(answer, mischief, { delayMs, request: frame });
  }
}

function framed(bytes: Uint8Array): Uint8Array {
  const crc = checksum(bytes);
  return Uint8Array.of(...bytes, crc & 0xff, crc >> 8);
}

/** Over a frame with its own checksum it is 0. */
function checksum(bytes: Uint8Array): number {
  let register = 0xffff;
  for (const byte of bytes) {
    register ^= byte;
    for (let shift = 0; shift < 8; shift++) {
      const carry = register & 1;
      register >>= 1;
      if (carry === 1) register ^= 0xa001;
    }
  }
  return register;
}
