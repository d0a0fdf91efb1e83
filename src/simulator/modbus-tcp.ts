/**
 * Units behind one TCP connection: the header of "MODBUS Messaging on TCP/IP Implementation Guide"
 * V1.0b, section 3.1.3, before the unit's protocol data.
 */
import type { Clock } from '../domain/ports.ts';
import { ModbusSender } from './modbus-sender.ts';
import type { ModbusUnits } from './modbus-unit.ts';

/** Transaction, protocol and length; the unit's number counts as data. */
const HEADER_BYTES = 6;
const UNIT_BYTES = 1;
const LONGEST_BODY = 254;

export interface TcpConnectionOptions {
  readonly units: ModbusUnits;
  readonly clock: Clock;
  readonly send: (bytes: Uint8Array) => void;
  /** The client does not speak Modbus: end the connection. */
  readonly hangUp: () => void;
  /** How long a unit thinks, default 0. */
  readonly answerMs?: () => number;
}

/** One client's connection. */
export class ModbusTcpConnection {
  readonly #options: TcpConnectionOptions;
  readonly #sender: ModbusSender;
  #waiting: Uint8Array = new Uint8Array(0);

  constructor(options: TcpConnectionOptions) {
    this.#options = options;
    this.#sender = new ModbusSender(options.clock, options.send);
  }

  receive(bytes: Uint8Array): void {
    this.#waiting = Uint8Array.of(...this.#waiting, ...bytes);
    while (this.#waiting.length > HEADER_BYTES) {
      const view = new DataView(this.#waiting.buffer, this.#waiting.byteOffset);
      const length = view.getUint16(4);
      if (view.getUint16(2) !== 0 || length <= UNIT_BYTES || length > LONGEST_BODY) {
        this.#options.hangUp();
        return;
      }
      const end = HEADER_BYTES + length;
      if (this.#waiting.length < end) return;
      const request = this.#waiting.slice(0, end);
      this.#waiting = this.#waiting.subarray(end);
      this.#request(view.getUint16(0), request);
    }
  }

  /** Nothing is sent afterwards. */
  stop(): void {
    this.#sender.stop();
  }

  #request(transaction: number, request: Uint8Array): void {
    const unit = request[HEADER_BYTES] ?? 0;
    const pdu = request.subarray(HEADER_BYTES + UNIT_BYTES);
    const answered = this.#options.units.answer(unit, pdu);
    // A gateway would say exception 11; a device that is addressed wrongly says nothing.
    if (answered === null) return;
    const { mischief } = answered;
    const from = mischief?.kind === 'wrongUnit' ? mischief.unit : unit;
    const add = mischief?.kind === 'wrongTransaction' ? mischief.add : 0;
    const body = Uint8Array.of(from, ...answered.pdu);
    const answer = new Uint8Array(HEADER_BYTES + body.length);
    const view = new DataView(answer.buffer);
    view.setUint16(0, (transaction + add) & 0xffff);
    view.setUint16(4, body.length);
    answer.set(body, HEADER_BYTES);
    this.#sender.send(answer, mischief, { delayMs: this.#options.answerMs?.() ?? 0, request });
  }
}
