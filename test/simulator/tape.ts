/** Runs a board in virtual time and keeps what it sends. */
import type { Board } from '../../src/simulator/board.ts';

export interface Timed {
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

export interface TimedPacket {
  readonly text: string;
  /** When its first and its last part were sent. */
  readonly startMs: number;
  readonly endMs: number;
}

export class Tape {
  readonly board: Board;
  readonly sent: Timed[] = [];
  nowMs = 0;
  #dueMs = 0;

  constructor(board: Board) {
    this.board = board;
  }

  hear(text: string): void {
    this.#step(Buffer.from(text));
  }

  reboot(): void {
    this.board.reboot(this.nowMs);
    this.#step();
  }

  relink(): void {
    this.board.linkDown();
    this.board.linkUp(this.nowMs);
    this.#step();
  }

  /** One call at a time of the caller's choice, after those that are due before it. */
  pollAt(atMs: number): void {
    this.until(atMs);
    this.#step();
  }

  /** Calls the board whenever it wants to be called, up to `endMs`. */
  until(endMs: number): void {
    this.#step();
    while (this.#dueMs <= endMs) {
      this.nowMs = Math.max(this.nowMs, this.#dueMs);
      this.#step();
    }
    this.nowMs = Math.max(this.nowMs, endMs);
  }

  #step(input?: Uint8Array): void {
    const { bytes, nextDueMs } = this.board.step(this.nowMs, input);
    for (const part of bytes) this.sent.push({ atMs: this.nowMs, bytes: part });
    this.#dueMs = nextDueMs;
  }
}

/** Puts parts together again: each packet runs from its `#` to its `!`. */
export function packetsOf(timed: readonly Timed[]): readonly TimedPacket[] {
  const packets: TimedPacket[] = [];
  let text = '';
  let startMs = 0;
  for (const { atMs, bytes } of timed) {
    for (const character of Buffer.from(bytes).toString('latin1')) {
      if (character === '#') {
        text = '';
        startMs = atMs;
      }
      text += character;
      if (character === '!') packets.push({ text, startMs, endMs: atMs });
    }
  }
  return packets;
}
