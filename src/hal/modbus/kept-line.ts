/**
 * A Modbus line that several units share, kept open for as long as it is wanted: one request at a
 * time, silence between frames, one repetition, and a new connection when the old one is gone.
 *
 *   open ──request──► [turn] ─► silence ─► exchange ──ok, refused──────────────► result
 *                                  ▲           └──no answer, corrupt: once more──┐
 *                                  └───────────────────────────────────────────◄─┘
 *   connection lost ─► down: requests fail at once ──back-off──► opened anew ─► open
 *
 * After a request without answer a serial line is listened to for as long again: answers carry no
 * number there, so one that comes late would be taken for the answer to the next request.
 */
import type { Cancel, Clock, Random } from '../../domain/ports.ts';
import { Backoff } from '../backoff.ts';
import type { ModbusAddress, ModbusRead } from '../bus-ports.ts';
import type { HalError, HalResult } from '../ports.ts';
import { DONE, failed } from '../ports.ts';
import { frameGapMs, lineName, listenMs, requestProblem } from './address.ts';
import { Pause } from './pause.ts';
import { lineClosed } from './trouble.ts';
import { TurnQueue } from './turn-queue.ts';
import type { ModbusWire, OpenWire } from './wire.ts';

/** Requests that may wait for one line: a second's work of a busy one. */
export const QUEUE_LIMIT = 64;
const REOPEN = { firstMs: 500, longestMs: 30_000 };
/** So many requests in a row without answer: a TCP connection may be dead without saying so. */
const SILENT_AFTER = 3;

export interface KeptLineOptions {
  readonly address: ModbusAddress;
  readonly openWire: OpenWire;
  readonly clock: Clock;
  readonly random: Random;
}

export class KeptLine {
  readonly address: ModbusAddress;
  readonly name: string;
  readonly #options: KeptLineOptions;
  readonly #turns = new TurnQueue(QUEUE_LIMIT);
  readonly #pause: Pause;
  readonly #backoff: Backoff;
  /** Units that did not answer last time: asked once and not twice, for the sake of the others. */
  readonly #silentUnits = new Set<number>();
  #wire: ModbusWire | null = null;
  /** Null while there is a connection, or a turn is making one. */
  #whyDown: string | null = 'not opened yet';
  #unanswered = 0;
  #quietUntilMs = 0;
  /** An answer may still be on its way that nobody waits for. */
  #owesAnswer = false;
  #cancelReopen: Cancel | null = null;
  #opening: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(options: KeptLineOptions) {
    this.#options = options;
    this.address = options.address;
    this.name = lineName(options.address);
    this.#pause = new Pause(options.clock);
    this.#backoff = new Backoff(REOPEN, options.random);
  }

  /** The first opening; when it fails nothing is tried again: the line is not wanted yet. */
  open(): Promise<HalResult> {
    return this.#open();
  }

  /** @param wanted false once whoever asked has gone away: the request is then left out */
  async read(request: ModbusRead, wanted: () => boolean): Promise<HalResult<Uint16Array>> {
    const problem = requestProblem(this.address, request);
    if (problem !== null) return failed('other', `${this.name} cannot be asked: ${problem}`);
    if (this.#closed) return lineClosed(this.name);
    if (this.#whyDown !== null) return this.#down();
    const turn = this.#turns.run(() => this.#serve(request, wanted));
    if (turn !== null) return turn;
    const what = `${this.name}: ${QUEUE_LIMIT} requests wait already`;
    return failed('busy', `${what}; poll less often, or put fewer units on this line`);
  }

  /** Never rejects; requests that wait end with an error. Harmless when repeated. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancelReopen?.();
    this.#cancelReopen = null;
    this.#pause.breakOff();
    const wire = this.#wire;
    this.#wire = null;
    await wire?.close();
    await this.#opening;
    await this.#turns.idle();
  }

  async #serve(request: ModbusRead, wanted: () => boolean): Promise<HalResult<Uint16Array>> {
    const tries = this.#silentUnits.has(request.unit) ? 1 : 2;
    let result: HalResult<Uint16Array> = lineClosed(this.name);
    for (let attempt = 0; attempt < tries; attempt++) {
      if (!wanted() || this.#closed) return lineClosed(this.name);
      result = await this.#attempt(request);
      if (result.ok || !['timeout', 'corrupt'].includes(result.error.kind)) break;
    }
    if (!result.ok && result.error.kind === 'timeout') this.#silentUnits.add(request.unit);
    else this.#silentUnits.delete(request.unit);
    return result;
  }

  async #attempt(request: ModbusRead): Promise<HalResult<Uint16Array>> {
    await this.#pause.until(this.#quietUntilMs);
    const wire = await this.#usable();
    if (wire === null) return this.#closed ? lineClosed(this.name) : this.#down();
    await wire.discard();
    const result = await wire.exchange(request);
    const timedOut = !result.ok && result.error.kind === 'timeout';
    this.#unanswered = timedOut ? this.#unanswered + 1 : 0;
    // One that takes connections and ends them at once is no better than one that takes none.
    const isHeard = result.ok || !['timeout', 'absent'].includes(result.error.kind);
    if (isHeard) this.#backoff.reset();
    const quietMs =
      timedOut || this.#owesAnswer
        ? listenMs(this.address, request.timeoutMs)
        : frameGapMs(this.address);
    this.#owesAnswer = timedOut;
    this.#quietUntilMs = this.#options.clock.monotonicMs() + quietMs;
    return result;
  }

  /** The connection; opened anew where the old one cannot be trusted or may be dead. */
  async #usable(): Promise<ModbusWire | null> {
    const wire = this.#wire;
    if (wire === null) return null;
    const silent = this.address.kind === 'tcp' && this.#unanswered >= SILENT_AFTER;
    if (!wire.stale && !silent) return wire;
    this.#unanswered = 0;
    this.#wire = null;
    await wire.close();
    if (this.#isClosed()) return null;
    const opened = await this.#open();
    if (!opened.ok) this.#fall(opened.error);
    return this.#wire;
  }

  #open(): Promise<HalResult> {
    const opening = this.#connect();
    this.#opening = opening;
    return opening;
  }

  async #connect(): Promise<HalResult> {
    const result = await this.#options.openWire(this.address);
    if (!result.ok) return result;
    const wire = result.value;
    if (this.#isClosed()) {
      await wire.close();
      return lineClosed(this.name);
    }
    this.#wire = wire;
    this.#whyDown = null;
    wire.onLost((error) => {
      if (this.#wire !== wire) return;
      this.#wire = null;
      this.#fall(error);
    });
    return DONE;
  }

  #fall(error: HalError): void {
    this.#whyDown = error.message;
    if (this.#closed) return;
    this.#cancelReopen = this.#options.clock.after(this.#backoff.nextMs(), () => {
      this.#cancelReopen = null;
      void this.#open().then((opened) => {
        if (!opened.ok) this.#fall(opened.error);
      });
    });
  }

  #down(): HalResult<never> {
    const why = this.#whyDown ?? `${this.name} is gone`;
    return failed('absent', `${why}; it is tried again by itself`);
  }

  /** Asked again after a wait, where the compiler would hold the last answer for good. */
  #isClosed(): boolean {
    return this.#closed;
  }
}
