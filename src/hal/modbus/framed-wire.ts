/** A wire made of a byte stream, a framing and a codec: one request, one answer, one timeout. */
import type { Cancel, Clock } from '../../domain/ports.ts';
import type { ModbusAddress, ModbusRead } from '../bus-ports.ts';
import type { HalError, HalResult } from '../ports.ts';
import { failed } from '../ports.ts';
import { lineName } from './address.ts';
import { corrupt, echo, lineClosed, noAnswer } from './trouble.ts';
import type { ByteStream, FrameCodec, Framing, ModbusWire } from './wire.ts';

export interface WireParts {
  readonly address: ModbusAddress;
  readonly stream: ByteStream;
  readonly framing: Framing;
  readonly codec: FrameCodec;
  readonly clock: Clock;
}

interface Exchange {
  readonly request: ModbusRead;
  readonly cancelTimeout: Cancel;
  readonly resolve: (result: HalResult<Uint16Array>) => void;
}

export class FramedWire implements ModbusWire {
  readonly #parts: WireParts;
  #exchange: Exchange | null = null;
  #stale = false;
  #lost: HalError | null = null;
  #closed = false;
  #lostListener: ((error: HalError) => void) | null = null;

  constructor(parts: WireParts) {
    this.#parts = parts;
    parts.stream.onEnd((error) => this.#lose(error));
    parts.stream.onBytes((bytes) => this.#take(bytes));
  }

  get stale(): boolean {
    return this.#stale;
  }

  exchange(request: ModbusRead): Promise<HalResult<Uint16Array>> {
    const { stream, framing, codec, clock, address } = this.#parts;
    if (this.#closed) return Promise.resolve(lineClosed(lineName(address)));
    if (this.#lost !== null) return Promise.resolve({ ok: false, error: this.#lost });
    if (this.#exchange !== null) {
      const busy = failed('busy', `${lineName(address)}: a request is under way already`);
      return Promise.resolve(busy);
    }
    return new Promise((resolve) => {
      const cancelTimeout = clock.after(request.timeoutMs, () => void this.#timedOut());
      this.#exchange = { request, cancelTimeout, resolve };
      stream.send(framing.begin(codec.encode(request)));
    });
  }

  discard(): Promise<void> {
    return this.#parts.stream.discard();
  }

  onLost(listener: (error: HalError) => void): void {
    this.#lostListener = listener;
    if (this.#lost !== null && !this.#closed) listener(this.#lost);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#finish(lineClosed(lineName(this.#parts.address)));
    await this.#parts.stream.close();
  }

  #take(bytes: Uint8Array): void {
    if (this.#stale || this.#closed) return;
    const verdict = this.#parts.framing.take(bytes);
    if (verdict.kind === 'corrupt' && verdict.stale) this.#stale = true;
    const exchange = this.#exchange;
    // Bytes that nobody asked for; the framing has taken notice of them.
    if (exchange === null || verdict.kind === 'more') return;
    const { request } = exchange;
    if (verdict.kind === 'corrupt') this.#finish(this.#corrupt(request, verdict.why));
    else {
      const answer = this.#parts.codec.decode(request, verdict.frame);
      const isEcho = !answer.ok && answer.error.kind === 'corrupt' && this.#parts.framing.echoes;
      this.#finish(isEcho ? echo(this.#parts.address, request) : answer);
    }
  }

  async #timedOut(): Promise<void> {
    const exchange = this.#exchange;
    if (exchange === null) return;
    const { address, framing, stream } = this.#parts;
    const gone = await stream.check();
    if (this.#exchange !== exchange) return;
    if (gone !== null) {
      this.#lose(gone);
      return;
    }
    const { request } = exchange;
    const unfinished = framing.unfinished();
    if (unfinished?.stale === true) this.#stale = true;
    this.#finish(
      unfinished === null
        ? noAnswer(address, request)
        : this.#corrupt(request, `${unfinished.why} within ${request.timeoutMs} ms`),
    );
  }

  #corrupt(request: ModbusRead, why: string): HalResult<never> {
    const { address, framing } = this.#parts;
    return framing.echoes ? echo(address, request) : corrupt(address, request, why);
  }

  #lose(error: HalError): void {
    if (this.#closed || this.#lost !== null) return;
    this.#lost = error;
    this.#finish(failed('absent', error.message, error));
    void this.#parts.stream.close();
    this.#lostListener?.(error);
  }

  #finish(result: HalResult<Uint16Array>): void {
    const exchange = this.#exchange;
    this.#exchange = null;
    exchange?.cancelTimeout();
    exchange?.resolve(result);
  }
}
