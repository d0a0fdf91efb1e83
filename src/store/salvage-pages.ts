/**
 * The pages of a SQLite file without SQLite: what is written in it as of its last commit, whatever
 * state its first page and its trees are in. Format: sqlite.org/fileformat2.html, sections 1.3
 * (header), 1.5 (freelist), 4 (write-ahead log). Read only.
 */
import { Buffer } from 'node:buffer';
import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';

const HEADER_TEXT = 'SQLite format 3\0';
/** Our databases have pages of this size; a header that can be believed may say otherwise. */
const USUAL_PAGE_BYTES = 4096;
const WAL_HEADER_BYTES = 32;
const FRAME_HEADER_BYTES = 24;
const WAL_MAGIC = 0x377f0682;

export class PageFile {
  readonly pageBytes: number;
  /** Bytes of a page that hold content. */
  readonly usableBytes: number;
  readonly count: number;
  readonly #fd: number;
  readonly #wal: Buffer;
  /** Where the log has the newest content of a page. */
  readonly #inLog: ReadonlyMap<number, number>;

  /** @throws the system's error when the file cannot be opened. */
  constructor(path: string) {
    this.#fd = openSync(path, 'r');
    const head = Buffer.alloc(100);
    readSync(this.#fd, head, 0, 100, 0);
    const { pageBytes, reserved } = sizesOf(head);
    this.pageBytes = pageBytes;
    this.usableBytes = pageBytes - reserved;
    const walPath = `${path}-wal`;
    this.#wal = existsSync(walPath) ? readFileSync(walPath) : Buffer.alloc(0);
    this.#inLog = committedFrames(this.#wal, pageBytes);
    const inFile = Math.ceil(fstatSync(this.#fd).size / pageBytes);
    this.count = Math.max(inFile, ...this.#inLog.keys());
  }

  /** Pages count from 1; null behind the end. */
  page(number: number): Buffer | null {
    const logged = this.#inLog.get(number);
    if (logged !== undefined) return this.#wal.subarray(logged, logged + this.pageBytes);
    if (number < 1 || number > this.count) return null;
    const bytes = Buffer.alloc(this.pageBytes);
    const read = readSync(this.#fd, bytes, 0, this.pageBytes, (number - 1) * this.pageBytes);
    return read === 0 ? null : bytes;
  }

  /** Pages that no table uses: what stands in them was deleted. Empty where nobody can tell. */
  freePages(): ReadonlySet<number> {
    const free = new Set<number>();
    const first = this.page(1);
    if (first === null || !isHeader(first)) return free;
    let trunk = first.readUInt32BE(32);
    while (trunk !== 0 && !free.has(trunk)) {
      const page = this.page(trunk);
      if (page === null) break;
      free.add(trunk);
      const leaves = page.readUInt32BE(4);
      if (leaves > this.usableBytes / 4 - 2) break;
      for (let index = 0; index < leaves; index += 1) free.add(page.readUInt32BE(8 + index * 4));
      trunk = page.readUInt32BE(0);
    }
    return free;
  }

  close(): void {
    closeSync(this.#fd);
  }
}

function isHeader(bytes: Buffer): boolean {
  return bytes.toString('latin1', 0, HEADER_TEXT.length) === HEADER_TEXT;
}

function sizesOf(head: Buffer): { readonly pageBytes: number; readonly reserved: number } {
  const usual = { pageBytes: USUAL_PAGE_BYTES, reserved: 0 };
  if (!isHeader(head)) return usual;
  const said = head.readUInt16BE(16);
  const pageBytes = said === 1 ? 65_536 : said;
  const isPower = pageBytes >= 512 && (pageBytes & (pageBytes - 1)) === 0;
  return isPower ? { pageBytes, reserved: head.readUInt8(20) } : usual;
}

/** Offsets of page contents in the log, as of its last commit. */
function committedFrames(wal: Buffer, pageBytes: number): ReadonlyMap<number, number> {
  const committed = new Map<number, number>();
  if (wal.length < WAL_HEADER_BYTES) return committed;
  const magic = wal.readUInt32BE(0);
  const sums = new LogSums((magic & 1) === 1);
  sums.add(wal, 0, 24);
  const sound = (magic & ~1) === WAL_MAGIC && wal.readUInt32BE(8) === pageBytes;
  if (!sound || !sums.match(wal, 24)) return committed;
  const salt = wal.subarray(16, 24);
  const transaction = new Map<number, number>();
  const frameBytes = FRAME_HEADER_BYTES + pageBytes;
  for (let at = WAL_HEADER_BYTES; at + frameBytes <= wal.length; at += frameBytes) {
    if (!wal.subarray(at + 8, at + 16).equals(salt)) break;
    sums.add(wal, at, 8);
    sums.add(wal, at + FRAME_HEADER_BYTES, pageBytes);
    if (!sums.match(wal, at + 16)) break;
    transaction.set(wal.readUInt32BE(at), at + FRAME_HEADER_BYTES);
    if (wal.readUInt32BE(at + 4) === 0) continue;
    for (const [page, offset] of transaction) committed.set(page, offset);
    transaction.clear();
  }
  return committed;
}

/** The log's running checksum: sqlite.org/fileformat2.html, section 4.2. */
class LogSums {
  readonly #bigEndian: boolean;
  #a = 0;
  #b = 0;

  constructor(bigEndian: boolean) {
    this.#bigEndian = bigEndian;
  }

  add(bytes: Buffer, from: number, length: number): void {
    for (let at = from; at < from + length; at += 8) {
      this.#a = (this.#a + this.#word(bytes, at) + this.#b) >>> 0;
      this.#b = (this.#b + this.#word(bytes, at + 4) + this.#a) >>> 0;
    }
  }

  /** Sums are stored with the most significant byte first, whatever they are made from. */
  match(bytes: Buffer, at: number): boolean {
    return bytes.readUInt32BE(at) === this.#a && bytes.readUInt32BE(at + 4) === this.#b;
  }

  #word(bytes: Buffer, at: number): number {
    return this.#bigEndian ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at);
  }
}
