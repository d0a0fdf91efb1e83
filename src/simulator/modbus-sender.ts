/** How an answer leaves: at once, later, in bytes, cut, doubled, or not at all. */
import type { Cancel, Clock } from '../domain/ports.ts';
import type { Mischief } from './modbus-unit.ts';

export interface Sending {
  readonly delayMs: number;
  /** What an adapter that hears itself would send back first. */
  readonly request: Uint8Array;
}

export class ModbusSender {
  readonly #clock: Clock;
  readonly #send: (bytes: Uint8Array) => void;
  readonly #underWay = new Set<Cancel>();
  #stopped = false;

  constructor(clock: Clock, send: (bytes: Uint8Array) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  send(frame: Uint8Array, mischief: Mischief | null, { delayMs, request }: Sending): void {
    if (mischief?.kind === 'silent') return;
    const bytes = misshapen(frame, mischief, request);
    const startMs = delayMs + (mischief?.kind === 'late' ? mischief.ms : 0);
    if (mischief?.kind !== 'dribble') this.#later(startMs, bytes);
    else bytes.forEach((byte, at) => this.#later(startMs + at * mischief.everyMs, [byte]));
  }

  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#underWay) cancel();
    this.#underWay.clear();
  }

  #later(delayMs: number, bytes: ArrayLike<number>): void {
    if (this.#stopped) return;
    const cancel = this.#clock.after(delayMs, () => {
      this.#underWay.delete(cancel);
      this.#send(Uint8Array.from(bytes));
    });
    this.#underWay.add(cancel);
  }
}

function misshapen(frame: Uint8Array, mischief: Mischief | null, request: Uint8Array): Uint8Array {
  if (mischief?.kind === 'truncated') return frame.subarray(0, mischief.bytes);
  if (mischief?.kind === 'twice') return Uint8Array.of(...frame, ...frame);
  if (mischief?.kind === 'echo') return Uint8Array.of(...request, ...frame);
  return frame;
}
