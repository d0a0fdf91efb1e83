/** Runs a simulated board at one end of a line, by the clock it is given. */
import type { Cancel, Clock } from '../../src/domain/ports.ts';
import { Board } from '../../src/simulator/board.ts';
import { SyntheticSource } from '../../src/simulator/board-source.ts';
import { type BoardTiming, REAL_BOARD_TIMING } from '../../src/simulator/board-timing.ts';
import { seededRandom } from '../../src/simulator/random.ts';

export class BoardPlayer {
  readonly board: Board;
  readonly source: SyntheticSource;
  readonly #clock: Clock;
  readonly #send: (bytes: Uint8Array) => void;
  #cancel: Cancel | null = null;

  constructor(clock: Clock, send: (bytes: Uint8Array) => void, timing?: BoardTiming) {
    this.#clock = clock;
    this.#send = send;
    this.source = new SyntheticSource({ serial: 'SN-7', array: { seed: 7 }, scene: { seed: 7 } });
    const options = { timing: timing ?? REAL_BOARD_TIMING };
    this.board = new Board(this.source, options, seededRandom(7));
  }

  linkUp(): void {
    this.board.linkUp(this.#clock.monotonicMs());
    this.#step();
  }

  linkDown(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.board.linkDown();
  }

  hear(bytes: Uint8Array): void {
    this.#step(bytes);
  }

  #step(input?: Uint8Array): void {
    this.#cancel?.();
    this.#cancel = null;
    const nowMs = this.#clock.monotonicMs();
    const { bytes, nextDueMs } = this.board.step(nowMs, input);
    for (const part of bytes) this.#send(part);
    if (nextDueMs === Number.POSITIVE_INFINITY) return;
    this.#cancel = this.#clock.after(Math.max(0, nextDueMs - nowMs), () => this.#step());
  }
}
