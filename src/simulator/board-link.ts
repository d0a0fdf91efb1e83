/**
 * A board on a TCP connection to the appliance: dials, redials for ever, and lets the board's
 * state machine have the clock and the bytes.
 */
import { connect, type Socket } from 'node:net';
import type { Cancel, Clock, Random } from '../domain/ports.ts';
import type { Board } from './board.ts';
import { between } from './random.ts';

export interface BoardLinkOptions {
  readonly host: string;
  readonly port: number;
  readonly clock: Clock;
  readonly random: Random;
  /** Told in words what happens to the connection. */
  readonly report: (event: string) => void;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 10_000;

export class BoardLink {
  readonly #board: Board;
  readonly #options: BoardLinkOptions;
  /** Connections that were left open without a word; closed with the link. */
  readonly #abandoned = new Set<Socket>();
  #socket: Socket | null = null;
  #waitMs = FIRST_WAIT_MS;
  #cancelTimer: Cancel = () => undefined;
  #cancelDial: Cancel = () => undefined;
  #closed = false;
  #resolveDone: () => void = () => undefined;
  /** Settles when the board has finished, or after `close`. */
  readonly done: Promise<void>;

  constructor(board: Board, options: BoardLinkOptions) {
    this.#board = board;
    this.#options = options;
    this.done = new Promise((resolve) => {
      this.#resolveDone = resolve;
    });
    this.#dial();
  }

  /** Lets the board boot anew; its connection breaks, as with a real one. */
  reboot(): void {
    this.#board.reboot(this.#options.clock.monotonicMs());
    this.#lost('the board boots');
  }

  /** Breaks the connection; the board itself goes on and dials again. */
  drop(): void {
    this.#lost('connection dropped');
  }

  /** Dials anew and leaves the old connection open and silent, as after a lost radio link. */
  abandon(): void {
    const socket = this.#socket;
    if (socket === null) return;
    socket.removeAllListeners();
    socket.on('error', () => socket.destroy());
    socket.resume();
    this.#abandoned.add(socket);
    this.#socket = null;
    this.#cancelTimer();
    this.#board.linkDown();
    this.#options.report('connection abandoned');
    this.#dial();
  }

  close(): void {
    this.#closed = true;
    this.#cancelTimer();
    this.#cancelDial();
    this.#socket?.destroy();
    for (const socket of this.#abandoned) socket.destroy();
    this.#resolveDone();
  }

  #dial(): void {
    const { host, port } = this.#options;
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    socket.on('connect', () => {
      this.#waitMs = FIRST_WAIT_MS;
      this.#options.report(`connected to ${host}:${port}`);
      this.#board.linkUp(this.#options.clock.monotonicMs());
      this.#run();
    });
    socket.on('data', (bytes: Buffer) => this.#run(bytes));
    socket.on('drain', () => this.#run());
    socket.on('error', (error) => this.#lost(error.message));
    socket.on('close', () => this.#lost('connection closed'));
  }

  /** Takes input in, sends what is due, and comes back when the next thing is. */
  #run(input?: Uint8Array): void {
    const socket = this.#socket;
    if (socket === null || this.#closed) return;
    this.#cancelTimer();
    const nowMs = this.#options.clock.monotonicMs();
    const { bytes, nextDueMs } = this.#board.step(nowMs, input);
    for (const part of bytes) socket.write(part);
    if (this.#board.finished) {
      this.#finish(socket);
    } else if (!socket.writableNeedDrain && nextDueMs < Number.POSITIVE_INFINITY) {
      // A board at the highest speed is always due; `soon` lets its commands be heard between.
      const again = (): void => this.#run();
      const { clock } = this.#options;
      this.#cancelTimer =
        nextDueMs <= nowMs ? clock.soon(again) : clock.after(nextDueMs - nowMs, again);
    }
  }

  /** Sends what is still queued, then closes; `done` settles when the other side has it. */
  #finish(socket: Socket): void {
    this.#closed = true;
    this.#socket = null;
    this.#options.report('everything has been sent');
    socket.removeAllListeners();
    const settle = (): void => this.#resolveDone();
    socket.on('error', settle);
    socket.on('close', settle);
    socket.resume();
    socket.end();
  }

  #lost(why: string): void {
    const socket = this.#socket;
    if (socket === null || this.#closed) return;
    this.#socket = null;
    socket.removeAllListeners();
    socket.on('error', () => undefined);
    socket.destroy();
    this.#cancelTimer();
    this.#board.linkDown();
    const { clock, random, report } = this.#options;
    // A board dials when it has booted, so that nobody talks to it before it can hear.
    const bootMs = this.#board.bootedMs - clock.monotonicMs();
    const waitMs = Math.max(bootMs, this.#waitMs * between(random, 0.5, 1));
    this.#waitMs = Math.min(LONGEST_WAIT_MS, this.#waitMs * 2);
    report(`${why}; dialling again in ${Math.round(waitMs)} ms`);
    this.#cancelDial = clock.after(waitMs, () => this.#dial());
  }
}
