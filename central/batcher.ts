/**
 * Collects messages into batches and hands them on one at a time. A batch goes when it is full, or
 * when its first message has waited long enough; while one is being stored the next one fills, and
 * `push` waits once that is full too: whoever delivers is slowed down, nothing piles up.
 */
export interface BatcherOptions<T> {
  readonly size: number;
  /** Longest wait of a message for company. */
  readonly waitMs: number;
  /** Stores a batch; may take its time, must not reject. */
  readonly flush: (batch: readonly T[]) => Promise<void>;
  /** Runs once after a time; the returned function cancels it. */
  readonly after?: (ms: number, run: () => void) => () => void;
}

export class Batcher<T> {
  readonly #options: BatcherOptions<T>;
  #waiting: T[] = [];
  #room: (() => void)[] = [];
  #cancelTimer: (() => void) | null = null;
  #flushing: Promise<void> | null = null;
  #due = false;

  constructor(options: BatcherOptions<T>) {
    this.#options = options;
  }

  /** Nothing waits and nothing is being stored. */
  get isIdle(): boolean {
    return this.#waiting.length === 0 && this.#flushing === null;
  }

  /** Resolves when there is room for another message. */
  push(item: T): Promise<void> {
    const { size, waitMs, after = afterMs } = this.#options;
    this.#waiting.push(item);
    if (this.#waiting.length >= size) this.#due = true;
    else this.#cancelTimer ??= after(waitMs, () => this.#timeIsUp());
    this.#next();
    if (this.#waiting.length < size) return Promise.resolve();
    return new Promise((resolve) => this.#room.push(resolve));
  }

  /** Stores what waits now, and resolves when that is done. */
  async drain(): Promise<void> {
    while (!this.isIdle) {
      this.#due = true;
      this.#next();
      await this.#flushing;
    }
  }

  #timeIsUp(): void {
    this.#cancelTimer = null;
    this.#due = true;
    this.#next();
  }

  #next(): void {
    if (!this.#due || this.#flushing !== null || this.#waiting.length === 0) return;
    const { size, flush } = this.#options;
    const batch = this.#waiting.splice(0, size);
    this.#due = this.#waiting.length >= size;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#flushing = flush(batch).then(() => {
      this.#flushing = null;
      // What came meanwhile has waited as long as the store took: long enough.
      this.#due = this.#waiting.length > 0;
      this.#next();
    });
    for (const resolve of this.#room.splice(0)) resolve();
  }
}

function afterMs(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}
