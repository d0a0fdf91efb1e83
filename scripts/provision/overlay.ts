/** Changes to an image that is not itself changed: they are laid over it while it is copied. */

/** Bytes by their place. */
export interface ByteSource {
  /** @throws Error where the source ends before */
  read(offset: number, length: number): Buffer;
}
export interface ByteStore extends ByteSource {
  write(offset: number, bytes: Uint8Array): void;
}

const PAGE_BYTES = 4096;

/** Keeps what is written in memory, a page at a time, over a source that stays as it is. */
export class Overlay implements ByteStore {
  readonly #source: ByteSource;
  readonly #sourceBytes: number;
  readonly #pages = new Map<number, Buffer>();

  constructor(source: ByteSource, sourceBytes: number) {
    this.#source = source;
    this.#sourceBytes = sourceBytes;
  }

  /** How many bytes of memory the changes take. */
  get changedBytes(): number {
    return this.#pages.size * PAGE_BYTES;
  }

  read(offset: number, length: number): Buffer {
    const bytes = Buffer.from(this.#source.read(offset, length));
    this.apply(offset, bytes);
    return bytes;
  }

  write(offset: number, bytes: Uint8Array): void {
    if (offset < 0 || offset + bytes.length > this.#sourceBytes) {
      throw new RangeError(`write of ${bytes.length} bytes at ${offset}: beyond the image`);
    }
    for (let done = 0; done < bytes.length;) {
      const at = offset + done;
      const start = at - (at % PAGE_BYTES);
      const page = this.#page(start);
      const count = Math.min(bytes.length - done, PAGE_BYTES - (at - start));
      page.set(bytes.subarray(done, done + count), at - start);
      done += count;
    }
  }

  /** Lays the changes over bytes that were read from the source at `offset`. */
  apply(offset: number, bytes: Uint8Array): void {
    const end = offset + bytes.length;
    for (let start = offset - (offset % PAGE_BYTES); start < end; start += PAGE_BYTES) {
      const page = this.#pages.get(start);
      if (page === undefined) continue;
      const from = Math.max(start, offset);
      const to = Math.min(start + page.length, end);
      bytes.set(page.subarray(from - start, to - start), from - offset);
    }
  }

  /** The last page of an image may be shorter. */
  #page(start: number): Buffer {
    let page = this.#pages.get(start);
    if (page === undefined) {
      const length = Math.min(PAGE_BYTES, this.#sourceBytes - start);
      page = Buffer.from(this.#source.read(start, length));
      this.#pages.set(start, page);
    }
    return page;
  }
}
