/** One connection of the load test: writes its block as fast as the other side takes it. */
import { connect, type Socket } from 'node:net';
import type { Clock } from '../domain/ports.ts';
import type { Traffic } from './load-traffic.ts';
import type { Endpoint } from './simulate-board-io.ts';

/** How much to send; with neither limit the client sends until it is stopped. */
export interface LoadPlan {
  readonly packets: number | null;
  readonly durationMs: number | null;
  /** Packets per second; 0 is flat out. */
  readonly rate: number;
}

export interface ClientOffer {
  packets: number;
  frames: number;
  bytes: number;
  /** Why the connection ended before everything was sent; null when it did not. */
  error: string | null;
}

/** Between two bursts of a client with a rate. */
const PACE_MS = 5;
const CONNECT_WITHIN_MS = 10_000;

export class LoadClient {
  readonly offer: ClientOffer = { packets: 0, frames: 0, bytes: 0, error: null };
  readonly #traffic: Traffic;
  readonly #clock: Clock;
  readonly #socket: Socket;
  readonly #connected: Promise<void>;
  /** The packet of the block that is sent next. */
  #at = 0;
  #wake: () => void = () => undefined;
  #stopped = false;

  constructor(traffic: Traffic, to: Endpoint, clock: Clock) {
    this.#traffic = traffic;
    this.#clock = clock;
    const socket = connect({ host: to.host, port: to.port, noDelay: true });
    this.#socket = socket;
    this.#connected = new Promise((resolve) => {
      const cancel = clock.after(CONNECT_WITHIN_MS, () =>
        this.#fail(`no connection within ${CONNECT_WITHIN_MS} ms`),
      );
      const settle = (): void => {
        cancel();
        resolve();
      };
      socket.once('connect', settle);
      socket.once('close', settle);
    });
    socket.on('error', (error) => this.#fail(error.message));
    socket.on('close', () => this.#fail('the other side closed the connection'));
    socket.on('drain', () => this.#wake());
    socket.on('data', (bytes) => this.#hear(bytes));
  }

  /** Connects and sends announcements and calibration. Check `offer.error` afterwards. */
  async open(): Promise<void> {
    await this.#connected;
    if (this.offer.error === null) this.#socket.write(this.#traffic.preamble);
    await this.#drained();
  }

  /** Sends according to `plan`; returns when the last byte has left this process. */
  async run(plan: LoadPlan): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    while (!this.#stopped && this.offer.error === null) {
      const elapsedMs = this.#clock.monotonicMs() - startMs;
      if (plan.durationMs !== null && elapsedMs >= plan.durationMs) break;
      const left = (plan.packets ?? Number.POSITIVE_INFINITY) - this.offer.packets;
      if (left <= 0) break;
      const due =
        plan.rate > 0 ? Math.floor((elapsedMs * plan.rate) / 1000) - this.offer.packets : left;
      if (due <= 0) await this.#pause();
      else await this.#send(Math.min(due, left));
    }
    await this.#drained();
  }

  /** Ends `run` at the next packet boundary. */
  stop(): void {
    this.#stopped = true;
  }

  /** Closes the connection; not an error of the offer any more. */
  close(): void {
    this.#socket.removeAllListeners();
    this.#socket.on('error', () => undefined);
    this.#socket.destroy();
  }

  /** Sends up to `count` packets, at most to the end of the block, and waits for room. */
  async #send(count: number): Promise<void> {
    const { block, ends, framesBefore } = this.#traffic;
    const first = this.#at;
    const last = Math.min(ends.length, first + count);
    const startByte = first === 0 ? 0 : (ends[first - 1] ?? 0);
    const part = block.subarray(startByte, ends[last - 1]);
    this.offer.packets += last - first;
    this.offer.frames += (framesBefore[last] ?? 0) - (framesBefore[first] ?? 0);
    this.offer.bytes += part.length;
    this.#at = last === ends.length ? 0 : last;
    if (!this.#socket.write(part)) await this.#room();
  }

  async #drained(): Promise<void> {
    while (this.#socket.writableLength > 0 && this.offer.error === null) await this.#room();
  }

  /** Until the socket wants more, or is gone. */
  #room(): Promise<void> {
    if (this.offer.error !== null || !this.#socket.writableNeedDrain) {
      return this.#socket.writableLength > 0 ? this.#pause() : Promise.resolve();
    }
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(PACE_MS, resolve);
    });
  }

  /** `EEPROM1` is answered between two packets; everything else needs no answer. */
  #hear(bytes: Buffer): void {
    if (bytes.includes('EEPROM1')) this.#socket.write(this.#traffic.eeprom);
  }

  #fail(error: string): void {
    this.offer.error ??= error;
    this.#socket.destroy();
    this.#wake();
  }
}
