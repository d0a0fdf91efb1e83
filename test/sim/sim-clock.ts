/**
 * Virtual time. Timers run in the order of their moments, and of their making within one moment;
 * after each of them every promise that needs no timer is settled, so that a run repeats exactly.
 */
import type { Cancel, Clock } from '../../src/domain/ports.ts';

/** The simulated process ends here, in the middle of what it does. */
export class ProcessKilled extends Error {
  constructor(point: string) {
    super(`killed: ${point}`);
    this.name = 'ProcessKilled';
  }
}

interface Timer {
  readonly atMs: number;
  readonly order: number;
  run: (() => void) | null;
}

export class SimClock implements Clock {
  readonly #heap: Timer[] = [];
  #nowMs = 0;
  #made = 0;
  #wallOffsetMs = Date.UTC(2026, 0, 1);
  #holds: Promise<unknown>[] = [];
  #onKilled: (why: ProcessKilled) => void = () => undefined;

  monotonicMs(): number {
    return this.#nowMs;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#nowMs;
  }

  /** Somebody sets the wall clock; monotonic time does not notice. */
  stepWall(byMs: number): void {
    this.#wallOffsetMs += byMs;
  }

  after(delayMs: number, run: () => void): Cancel {
    this.#made += 1;
    const timer: Timer = {
      atMs: this.#nowMs + Math.max(0, delayMs),
      order: this.#made,
      run,
    };
    push(this.#heap, timer);
    return () => {
      timer.run = null;
    };
  }

  soon(run: () => void): Cancel {
    return this.after(0, run);
  }

  /** Time stands still until this real input or output is done. */
  hold(work: Promise<unknown>): void {
    this.#holds.push(work);
  }

  /** Told when a timer's code threw `ProcessKilled`. */
  onKilled(listener: (why: ProcessKilled) => void): void {
    this.#onKilled = listener;
  }

  /** Lets `ms` pass. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms;
    await this.settle();
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= untilMs;) {
      pop(this.#heap);
      if (next.run !== null) {
        this.#nowMs = Math.max(this.#nowMs, next.atMs);
        this.#run(next.run);
        await this.settle();
      }
      next = this.#heap[0];
    }
    this.#nowMs = untilMs;
  }

  async settle(): Promise<void> {
    await drained();
    while (this.#holds.length > 0) {
      const holds = this.#holds;
      this.#holds = [];
      await Promise.all(holds);
      await drained();
    }
  }

  #run(run: () => void): void {
    try {
      run();
    } catch (error) {
      if (!(error instanceof ProcessKilled)) throw error;
      this.#onKilled(error);
    }
  }
}

/**
 * The clock of one process: it counts from the start of the process, as a real one does, and when
 * the process dies, everything that it had planned dies with it.
 */
export class ProcessClock implements Clock {
  readonly #clock: SimClock;
  readonly #startedMs: number;
  #alive = true;

  constructor(clock: SimClock) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  get alive(): boolean {
    return this.#alive;
  }

  die(): void {
    this.#alive = false;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs() - this.#startedMs;
  }

  wallMs(): number {
    return this.#clock.wallMs();
  }

  after(delayMs: number, run: () => void): Cancel {
    if (!this.#alive) return () => undefined;
    return this.#clock.after(delayMs, () => {
      if (this.#alive) run();
    });
  }

  soon(run: () => void): Cancel {
    return this.after(0, run);
  }
}

function drained(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

function before(a: Timer, b: Timer): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function push(heap: Timer[], timer: Timer): void {
  let at = heap.length;
  heap.push(timer);
  while (at > 0) {
    const above = (at - 1) >> 1;
    const parent = heap[above]!;
    if (!before(timer, parent)) break;
    heap[at] = parent;
    at = above;
  }
  heap[at] = timer;
}

function pop(heap: Timer[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let below = 2 * at + 1;
    if (below >= heap.length) break;
    if (below + 1 < heap.length && before(heap[below + 1]!, heap[below]!)) below += 1;
    if (!before(heap[below]!, last)) break;
    heap[at] = heap[below]!;
    at = below;
  }
  heap[at] = last;
}
