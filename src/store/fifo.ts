/** A queue whose head is cheap to take; an array's own `shift` moves every element. */
export class Fifo<T> {
  #items: T[] = [];
  #head = 0;

  get size(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): T | undefined {
    if (this.size === 0) return undefined;
    const item = this.#items[this.#head];
    this.#head += 1;
    if (this.#head > 1024 && this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }

  /** Puts items back in front of all others, in their order. */
  putBack(items: readonly T[]): void {
    this.#items = [...items, ...this.#items.slice(this.#head)];
    this.#head = 0;
  }

  /** Up to `limit` items from the head. */
  take(limit: number): T[] {
    const taken: T[] = [];
    while (taken.length < limit && this.size > 0) {
      const item = this.shift();
      if (item !== undefined) taken.push(item);
    }
    return taken;
  }

  *[Symbol.iterator](): Generator<T> {
    yield* this.#items.slice(this.#head);
  }
}
