/**
 * What was decided and what was said about it, the newest of it: events, conditions, reasons for
 * the absence of data, facts about the clock. Few and small; as text, ready to be written.
 */
interface Note {
  readonly atMs: number;
  readonly json: string;
}

/** What a note takes beside its text: its object and its place in the list. */
const NOTE_BYTES = 64;
/** Notes that were dropped stay in the list until so many have gathered. */
const COMPACT_AFTER = 1024;

/** Notes, numbered from 0 since the start. */
export class NoteMemory {
  readonly #maxBytes: number;
  readonly #historyMs: number;
  #notes: (Note | null)[] = [];
  /** Number of the first entry of the list, and how many of its entries have been dropped. */
  #base = 0;
  #dropped = 0;
  #bytes = 0;

  constructor(maxBytes: number, historyMs: number) {
    this.#maxBytes = maxBytes;
    this.#historyMs = historyMs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Numbers of the oldest note that is held, and of the next one to come. */
  get first(): number {
    return this.#base + this.#dropped;
  }
  get next(): number {
    return this.#base + this.#notes.length;
  }

  at(number: number): Note | null {
    return this.#notes[number - this.#base] ?? null;
  }

  /** @param json text of an object, without line breaks */
  add(atMs: number, json: string): void {
    this.#notes.push({ atMs, json });
    this.#bytes += sizeOf(json);
    for (;;) {
      const oldest = this.#notes[this.#dropped];
      if (oldest === undefined || oldest === null) return;
      const isOld = atMs - oldest.atMs > this.#historyMs;
      if (!isOld && this.#bytes <= this.#maxBytes) return;
      this.#bytes -= sizeOf(oldest.json);
      this.#notes[this.#dropped] = null;
      this.#dropped += 1;
      if (this.#dropped === COMPACT_AFTER) this.#compact();
    }
  }

  #compact(): void {
    this.#notes = this.#notes.slice(this.#dropped);
    this.#base += this.#dropped;
    this.#dropped = 0;
  }
}

function sizeOf(json: string): number {
  return NOTE_BYTES + 2 * json.length;
}
