/**
 * Blocks of a file: gzip members (RFC 1952) that state their own length in the header's extra
 * field, so that a reader finds the next one behind a damaged one. `zcat` unpacks the whole file.
 *
 *   offset  bytes  field, little endian
 *   0       10     1F 8B 08, flags 04 (extra field), time 0, 0, system FF (unknown)
 *   10      2      length of the extra field: 8
 *   12      4      "EB" and the length 4 of what follows
 *   16      4      length of the whole member
 *   20      n      deflated data
 *   20+n    8      CRC-32 and length of the data
 */
import { Buffer } from 'node:buffer';
import { constants, crc32, deflateRaw, inflateRaw } from 'node:zlib';

export const BLOCK_HEAD_BYTES = 20;
const TAIL_BYTES = 8;
const HEAD = Buffer.from('1f8b08040000000000ff08004542' + '0400', 'hex');
/** Blocks are written every few dozen kilobytes; a longer one is damage. */
const MAX_BLOCK_BYTES = 16 * 1024 * 1024;
/** What a damaged block may unpack to. */
const MAX_DATA_BYTES = 64 * 1024 * 1024;

/** @param data may be used again once the promise is settled */
export async function packBlock(data: Buffer): Promise<Buffer> {
  const crc = crc32(data);
  const { length } = data;
  const packed = await new Promise<Buffer>((resolve, reject) => {
    deflateRaw(data, (error, result) => (error === null ? resolve(result) : reject(error)));
  });
  const block = Buffer.alloc(BLOCK_HEAD_BYTES + packed.length + TAIL_BYTES);
  HEAD.copy(block);
  block.writeUInt32LE(block.length, HEAD.length);
  packed.copy(block, BLOCK_HEAD_BYTES);
  block.writeUInt32LE(crc, BLOCK_HEAD_BYTES + packed.length);
  block.writeUInt32LE(length >>> 0, BLOCK_HEAD_BYTES + packed.length + 4);
  return block;
}

/** Length of the whole block that begins with these bytes; null when none begins here. */
export function blockLength(head: Buffer): number | null {
  if (head.length < BLOCK_HEAD_BYTES) return null;
  if (HEAD.compare(head, 0, HEAD.length) !== 0) return null;
  const length = head.readUInt32LE(HEAD.length);
  const isPossible = length > BLOCK_HEAD_BYTES + TAIL_BYTES && length <= MAX_BLOCK_BYTES;
  return isPossible ? length : null;
}

/** What could be unpacked, and whether that is all of it, as it was packed. */
export interface Unpacked {
  readonly data: Buffer;
  readonly whole: boolean;
}

/**
 * Unpacks a block, or as much as there is of one. Never rejects: what is no deflated data is an
 * empty result that is not whole.
 * @param isWhole false when the block was cut short
 */
export async function unpackBlock(block: Buffer, isWhole: boolean): Promise<Unpacked> {
  const end = isWhole ? block.length - TAIL_BYTES : block.length;
  const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: MAX_DATA_BYTES };
  const data = await new Promise<Buffer | null>((resolve) => {
    inflateRaw(block.subarray(BLOCK_HEAD_BYTES, end), options, (error, result) =>
      resolve(error === null ? result : null),
    );
  });
  if (data === null) return { data: Buffer.alloc(0), whole: false };
  const whole =
    isWhole &&
    block.readUInt32LE(end) === crc32(data) &&
    block.readUInt32LE(end + 4) === data.length >>> 0;
  return { data, whole };
}

/** Where the next block may begin within `bytes`, from `from` on; -1 where none does. */
export function findBlock(bytes: Buffer, from: number): number {
  return bytes.indexOf(HEAD, from);
}
