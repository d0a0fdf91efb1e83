/** A bounded queue that says what it does when it is full, and counts what it gave up. */
export type Overflow = 'keepLatest' | 'reject';

export class Mailbox<T> {
  readonly #capacity: number;
  readonly #overflow: Overflow;
  #items: T[] = [];
  #dropped = 0;

  /** @param options.capacity at least 1. */
  constructor(options: { readonly capacity: number; readonly overflow: Overflow }) {
    if (options.capacity < 1) throw new RangeError('a mailbox holds at least one item');
    this.#capacity = options.capacity;
    this.#overflow = options.overflow;
  }

  /** False when the item was refused (`reject`); with `keepLatest` the oldest one goes instead. */
  offer(item: T): boolean {
    if (this.#items.length < this.#capacity) {
      this.#items.push(item);
      return true;
    }
    this.#dropped += 1;
    if (this.#overflow === 'reject') return false;
    this.#items.shift();
    this.#items.push(item);
    return true;
  }

  /** All waiting items, oldest first; the mailbox is empty afterwards. */
  drain(): readonly T[] {
    const items = this.#items;
    this.#items = [];
    return items;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Items given up since the start. */
  get dropped(): number {
    return this.#dropped;
  }
}
