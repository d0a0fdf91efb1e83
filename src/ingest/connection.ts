/** One client of the board server: its socket, its session, and when to give it up. */
import type { Socket } from 'node:net';
import type { SharedSessionDeps } from '../domain/line-protocol/session-deps.ts';
import { BoardSession } from '../domain/line-protocol/session.ts';
import type { Clock } from '../domain/ports.ts';
import type { CloseReason } from './counters.ts';
import { readInto } from './raw-socket.ts';
import type { TurnClient } from './turns.ts';

export interface ConnectionLimits {
  /** Silence after which a board's connection is closed, at least 3 of its cycles. */
  readonly idleMs: number;
  /** The same for a client from which no packet could be read yet. */
  readonly unidentifiedIdleMs: number;
  /** Bytes without a single good packet after which a client is closed. */
  readonly garbageBytes: number;
  /** Commands that a client does not read are given up beyond this. */
  readonly writeBufferBytes: number;
}

const CYCLES_OF_SILENCE = 3;
const KEEP_ALIVE_MS = 30_000;

export interface ConnectionEvents {
  /** Bytes have been read. Returns whether to go on; else `resume` does. */
  readonly onRead: (connection: Connection, bytes: number) => boolean;
  readonly onSerial: (connection: Connection, serial: string) => void;
  /** The socket is gone, and all that came over it has been read. */
  readonly onGone: (connection: Connection) => void;
  readonly onRefusedPacket: (connection: Connection, kind: string, start: string) => void;
}

export interface ConnectionDeps extends SharedSessionDeps {
  readonly clock: Clock;
  readonly limits: ConnectionLimits;
  readonly events: ConnectionEvents;
  /** Shared by all connections; its size is what one of them may say in one go. */
  readonly readBuffer: Uint8Array;
}

export class Connection implements TurnClient {
  readonly address: string;
  readonly session: BoardSession;
  readonly acceptedAtMs: number;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #limits: ConnectionLimits;
  #lastReadAtMs: number;
  #closeReason: CloseReason | null = null;
  #isGone = false;

  constructor(accepted: Socket, address: string, deps: ConnectionDeps, nowMs: number) {
    const { limits, events } = deps;
    this.#clock = deps.clock;
    this.#limits = limits;
    this.address = address;
    this.acceptedAtMs = nowMs;
    this.#lastReadAtMs = nowMs;
    this.session = new BoardSession(
      {
        ...deps,
        address,
        send: (command) => this.#send(command),
        onSerial: (serial) => events.onSerial(this, serial),
        onError: ({ kind, start }) => events.onRefusedPacket(this, kind, start),
      },
      nowMs,
    );
    const onBytes = (bytes: Uint8Array): boolean => {
      this.#read(bytes);
      return events.onRead(this, bytes.length);
    };
    const socket = readInto(accepted, { buffer: deps.readBuffer, onBytes });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    // What went wrong is the reason; `close` always follows.
    socket.on('error', () => {
      this.#closeReason ??= 'socketError';
    });
    socket.on('close', () => {
      this.#isGone = true;
      this.session.close(this.#clock.monotonicMs());
      events.onGone(this);
    });
    this.#socket = socket;
  }

  get closeReason(): CloseReason {
    return this.#closeReason ?? 'peer';
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** Whether a packet of a board has been read, so that it is known who this is. */
  get isIdentified(): boolean {
    return this.session.boards.length > 0 || this.session.serial !== null;
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Commands and deadlines; returns whether the session had something to do. */
  sweep(nowMs: number): boolean {
    if (this.#isGone) return false;
    if (nowMs - this.#lastReadAtMs > this.#idleLimitMs()) this.close('idle');
    if (nowMs < this.session.nextDueMs) return false;
    this.session.due(nowMs);
    return true;
  }

  /** Closes at once, under the first reason that was given. */
  close(reason: CloseReason): void {
    this.#closeReason ??= reason;
    this.#socket.destroy();
  }

  #read(bytes: Uint8Array): void {
    const nowMs = this.#clock.monotonicMs();
    this.#lastReadAtMs = nowMs;
    this.session.receive(bytes, nowMs);
    if (this.session.bytesSinceGoodPacket > this.#limits.garbageBytes) this.close('garbage');
  }

  #idleLimitMs(): number {
    const { idleMs, unidentifiedIdleMs } = this.#limits;
    if (!this.isIdentified) return unidentifiedIdleMs;
    const { mode, pollMs, cadenceMs } = this.session.traits;
    return Math.max(idleMs, CYCLES_OF_SILENCE * (mode === 'onDemand' ? pollMs : cadenceMs));
  }

  #send(command: Uint8Array): boolean {
    const { writable, writableLength } = this.#socket;
    if (!writable || writableLength + command.length > this.#limits.writeBufferBytes) return false;
    this.#socket.write(command);
    return true;
  }
}
