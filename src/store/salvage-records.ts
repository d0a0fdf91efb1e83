/**
 * Records in a page of a SQLite file, without the tree that leads to it. Format:
 * sqlite.org/fileformat2.html, sections 1.6 (b-tree pages) and 2.1 (records). Whatever the bytes
 * are, reading ends, and what does not fit together is left out.
 */
import { Buffer } from 'node:buffer';
import type { PageFile } from './salvage-pages.ts';

/** Text and blobs as bytes; numbers beyond 2^53 lose digits and are refused by every table. */
export type Raw = Buffer | number | null;

export interface RawRecord {
  /** Null in the pages of indexes and of tables without row numbers. */
  readonly rowid: number | null;
  readonly values: readonly Raw[];
}

const TABLE_LEAF = 0x0d;
const INDEX_LEAF = 0x0a;
const INDEX_INTERIOR = 0x02;
/** No row of ours is longer: bounds what a damaged length can make the reader do. */
const MAX_RECORD_BYTES = 16 * 1024 * 1024;
/** The header of the file stands before the first page's own. */
const FILE_HEADER_BYTES = 100;

/** Every record that can be read in full, overflow pages included. */
export function recordsIn(file: PageFile, number: number): readonly RawRecord[] {
  const page = file.page(number);
  if (page === null) return [];
  const head = number === 1 ? FILE_HEADER_BYTES : 0;
  const kind = page.readUInt8(head);
  if (kind !== TABLE_LEAF && kind !== INDEX_LEAF && kind !== INDEX_INTERIOR) return [];
  const cells = page.readUInt16BE(head + 3);
  const first = head + (kind === INDEX_INTERIOR ? 12 : 8);
  if (first + cells * 2 > file.usableBytes) return [];
  const records: RawRecord[] = [];
  for (let cell = 0; cell < cells; cell += 1) {
    const at = page.readUInt16BE(first + cell * 2);
    if (at < first + cells * 2 || at >= file.usableBytes) continue;
    const record = recordAt(file, page, at, kind);
    if (record !== null) records.push(record);
  }
  return records;
}

function recordAt(file: PageFile, page: Buffer, at: number, kind: number): RawRecord | null {
  const start = kind === INDEX_INTERIOR ? at + 4 : at;
  const length = varintAt(page, start);
  if (length === null || length.value > MAX_RECORD_BYTES) return null;
  const rowid = kind === TABLE_LEAF ? varintAt(page, length.end) : null;
  if (kind === TABLE_LEAF && rowid === null) return null;
  const from = rowid === null ? length.end : rowid.end;
  const payload = payloadAt(file, page, from, length.value, kind === TABLE_LEAF);
  if (payload === null) return null;
  const values = valuesOf(payload);
  return values === null ? null : { rowid: rowid === null ? null : rowid.value, values };
}

/** Joins what stands in the page with the overflow pages. */
function payloadAt(
  file: PageFile,
  page: Buffer,
  from: number,
  length: number,
  isTable: boolean,
): Buffer | null {
  const usable = file.usableBytes;
  const most = isTable ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const wished = least + ((length - least) % (usable - 4));
  const local = length <= most ? length : wished <= most ? wished : least;
  if (from + local > usable) return null;
  if (local === length) return page.subarray(from, from + local);
  if (from + local + 4 > usable) return null;
  const parts = [page.subarray(from, from + local)];
  let left = length - local;
  let next = page.readUInt32BE(from + local);
  while (left > 0) {
    const overflow = file.page(next);
    if (overflow === null) return null;
    const taken = Math.min(left, usable - 4);
    parts.push(overflow.subarray(4, 4 + taken));
    left -= taken;
    next = overflow.readUInt32BE(0);
  }
  // The last page of a chain leads nowhere: anything else is another row's.
  return next === 0 ? Buffer.concat(parts) : null;
}

function valuesOf(payload: Buffer): readonly Raw[] | null {
  const head = varintAt(payload, 0);
  if (head === null || head.value > payload.length) return null;
  const values: Raw[] = [];
  let at = head.end;
  let body = head.value;
  while (at < head.value) {
    const type = varintAt(payload, at);
    if (type === null) return null;
    const bytes = bytesOf(type.value);
    if (body + bytes > payload.length) return null;
    values.push(valueOf(payload, body, type.value, bytes));
    at = type.end;
    body += bytes;
  }
  return at === head.value && body === payload.length ? values : null;
}

/** Length of a value by its serial type: 1..6 are integers, 7 a float, 12 and above texts. */
function bytesOf(type: number): number {
  if (type >= 12) return Math.floor((type - 12) / 2);
  return [0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0][type] ?? 0;
}

function valueOf(payload: Buffer, at: number, type: number, bytes: number): Raw {
  if (type === 0) return null;
  if (type === 7) return payload.readDoubleBE(at);
  if (type === 6) return Number(payload.readBigInt64BE(at));
  if (type === 8) return 0;
  if (type === 9) return 1;
  if (type < 6) return payload.readIntBE(at, bytes);
  return payload.subarray(at, at + bytes);
}

/** Up to nine bytes; null where the page ends before it does. */
function varintAt(bytes: Buffer, at: number): { value: number; end: number } | null {
  let value = 0n;
  for (let index = 0; index < 9; index += 1) {
    if (at + index >= bytes.length) return null;
    const byte = bytes.readUInt8(at + index);
    if (index === 8) {
      value = (value << 8n) | BigInt(byte);
      return { value: Number(BigInt.asIntN(64, value)), end: at + 9 };
    }
    value = (value << 7n) | BigInt(byte & 0x7f);
    if (byte < 0x80) return { value: Number(value), end: at + index + 1 };
  }
  return null;
}
