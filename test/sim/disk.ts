/** The disk: how long it takes, when it is full, and the moment at which a snapshot is whole. */
import { type InProcessWriter, inProcessWriter } from '../../src/store/in-process-writer.ts';
import type { FromWriter, ToWriter } from '../../src/store/messages.ts';
import type { SnapshotWriter } from '../../src/store/snapshot.ts';
import type { SeededRandom } from '../../src/simulator/random.ts';
import { between } from '../../src/simulator/random.ts';
import type { ProcessClock, SimClock } from './sim-clock.ts';

/** From the end of a commit in the writer to its receipt in the main thread. */
const REPLY_MS = 2;
const FULL_RETRY_MS = 5000;

export interface DiskOptions {
  /** How long a snapshot takes until it is whole, in ms; at most 0: no trouble holds it up. */
  readonly snapshotMs: { readonly least: number; readonly most: number };
}

type Tell = (saved: boolean) => void;

interface Waiting {
  readonly clock: ProcessClock;
  readonly value: unknown;
  readonly tell: Tell;
}

export class SimulatedDisk {
  full = false;
  /** Nothing can be opened, read or written. */
  gone = false;
  /** Added to every message to the writer, in ms. */
  slowMs = 0;
  readonly #clock: SimClock;
  readonly #random: SeededRandom;
  readonly #options: DiskOptions;
  #waiting: Waiting | null = null;
  #released = false;

  constructor(clock: SimClock, random: SeededRandom, options: DiskOptions) {
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
  }

  /** The writer of one process; its replies take a moment, in which the process may die. */
  writer(clock: ProcessClock): InProcessWriter {
    const inner = inProcessWriter({
      clock,
      delayMs: ({ kind }) =>
        kind === 'read' ? 1 : between(this.#random, 2, 15) + (kind === 'write' ? this.slowMs : 0),
      failWrite: ({ fromReserve = false }) => this.#refused(fromReserve),
    });
    return {
      crash: (detail) => inner.crash(detail),
      start: (events) => {
        const reply = (message: FromWriter): void => {
          clock.after(REPLY_MS, () => events.onMessage(message));
        };
        const link = inner.start({
          onExit: (detail) => events.onExit(detail),
          onMessage: reply,
        });
        return {
          terminate: () => link.terminate(),
          post: (message) => {
            const refusal = this.gone ? refusalOf(message) : null;
            if (refusal === null) link.post(message);
            else reply(refusal);
          },
        };
      },
    };
  }

  /** The reserve is let go for the first group that may use it; a snapshot then fits as well. */
  #refused(fromReserve: boolean): 'unavailable' | 'full' | null {
    if (this.gone) return 'unavailable';
    if (!this.full) this.#released = false;
    else if (fromReserve) this.#released = true;
    return this.full && !fromReserve ? 'full' : null;
  }

  /** A snapshot becomes whole at one virtual moment; a newer one replaces one that waits. */
  saveSnapshot(clock: ProcessClock, writer: SnapshotWriter, value: unknown, tell: Tell): void {
    const wasWaiting = this.#waiting?.clock === clock;
    // What was on its way in a process that has died is nobody's.
    if (!clock.alive) return;
    this.#waiting = { clock, value, tell };
    if (wasWaiting) return;
    const { least, most } = this.#options.snapshotMs;
    clock.after(between(this.#random, least, most), () => this.#write(clock, writer));
  }

  #write(clock: ProcessClock, writer: SnapshotWriter): void {
    if ((this.full && !this.#released) || this.gone) {
      this.#waiting?.tell(false);
      clock.after(FULL_RETRY_MS, () => this.#write(clock, writer));
      return;
    }
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) return;
    writer.save(waiting.value, waiting.tell);
    this.#clock.hold(writer.flush());
  }
}

/** What a writer says of a disk that does not answer; writes fail on their own. */
function refusalOf(message: ToWriter): FromWriter | null {
  const trouble = {
    trouble: 'unavailable',
    detail: 'input/output error (simulated)',
  } as const;
  if (message.kind === 'open') {
    const alarmFile = { failure: trouble.detail, damage: '', torn: '', restored: 0 };
    return { kind: 'openFailed', ...trouble, alarmFile };
  }
  if (message.kind === 'read') return { kind: 'readFailed', id: message.id, ...trouble };
  return null;
}
