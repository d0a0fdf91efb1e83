/** Writes an image with its changes to a card or a file, and reads every byte back. */
import type { FileHandle } from 'node:fs/promises';
import { open, rename, rm } from 'node:fs/promises';
import { closeSync, constants, fsyncSync, openSync, readSync } from 'node:fs';
import { dirname } from 'node:path';
import { openDirect } from './aligned.ts';
import type { ImageFile } from './image-file.ts';
import type { Overlay } from './overlay.ts';
import type { Progress } from './progress.ts';
import { missing, refusal, Trouble, wordsOf } from './trouble.ts';

export interface WriteOrder {
  readonly image: ImageFile;
  readonly overlay: Overlay;
  /** Of the card, or of the file that becomes it once it is whole. */
  readonly to: string;
  readonly isDevice: boolean;
  readonly progress: (title: string, totalBytes: number) => Progress;
  readonly signal: AbortSignal;
  /** Forgets what the kernel keeps of a device; false where it cannot. */
  readonly dropCache: (path: string) => Promise<boolean>;
}

export interface WriteReport {
  /** Millions of bytes a second; null where it was too short to tell. */
  readonly writtenMbPerSecond: number | null;
  readonly readMbPerSecond: number | null;
  /** Whether the comparison read from the medium, not from memory. */
  readonly isFromMedium: boolean;
}

const BLOCK_BYTES = 4 * 1024 * 1024;
/** Often enough that the bar shows what the card has, not what memory has. */
const SYNC_BYTES = 32 * 1024 * 1024;
const ZEROS = Buffer.alloc(BLOCK_BYTES);
/** Linux: the drive is there, but no card is in it. */
const NO_MEDIUM = 'ENOMEDIUM';

/** Writes and compares. @throws Trouble; a file then keeps its old content, a card is unusable */
export async function writeImage(order: WriteOrder): Promise<WriteReport> {
  if (order.isDevice) return writeTo(order, order.to);
  const partial = `${order.to}.partial`;
  try {
    const report = await writeTo(order, partial);
    await rename(partial, order.to);
    syncFolder(dirname(order.to));
    return report;
  } finally {
    // Gone already where all went well.
    await rm(partial, { force: true });
  }
}

async function writeTo(order: WriteOrder, path: string): Promise<WriteReport> {
  const file = await openTarget(order, path);
  let writtenMbPerSecond: number | null;
  try {
    writtenMbPerSecond = await write(order, file);
  } finally {
    await file.close();
  }
  const dropped = order.isDevice && (await order.dropCache(path));
  return { writtenMbPerSecond, ...compare(order, path, dropped) };
}

/** Alone: the kernel refuses a device that anybody else uses, whatever was listed before. */
async function openTarget({ isDevice }: WriteOrder, path: string): Promise<FileHandle> {
  try {
    if (!isDevice) return await open(path, 'w+', 0o600);
    return await open(path, constants.O_RDWR | constants.O_EXCL);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'EBUSY') {
      throw refusal(`${path} is used by another program or a volume; close that first`);
    }
    if (code === 'EACCES' || code === 'EPERM') {
      throw missing(`${path}: this user may not write it; run the same command with sudo`);
    }
    if (code === 'EROFS') throw refusal(`${path} cannot be written; move the lock of the card`);
    if (code === NO_MEDIUM) throw missing(`${path} has no card in it; put one in`);
    throw missing(`${path} cannot be opened: ${wordsOf(error)}`);
  }
}

/** The first block goes last: a card that was pulled out too early starts nothing. */
async function write(order: WriteOrder, file: FileHandle): Promise<number | null> {
  const { image, isDevice, to } = order;
  const progress = order.progress('writing', image.sizeBytes);
  const block = Buffer.alloc(BLOCK_BYTES);
  let unsynced = 0;
  const put = async (offset: number): Promise<void> => {
    stopped(order);
    const bytes = block.subarray(0, filled(order, block, offset));
    // In a file what was never written is zero, and takes no space; a card holds old data.
    if (isDevice || !bytes.equals(ZEROS.subarray(0, bytes.length))) {
      await writeAll(file, bytes, offset);
      unsynced += bytes.length;
    }
    if (unsynced >= SYNC_BYTES) {
      await file.datasync();
      unsynced = 0;
    }
    progress.advance(bytes.length);
  };
  try {
    if (isDevice) {
      await writeAll(file, ZEROS.subarray(0, Math.min(BLOCK_BYTES, image.sizeBytes)), 0);
      await file.datasync();
    } else await file.truncate(image.sizeBytes);
    for (let at = BLOCK_BYTES; at < image.sizeBytes; at += BLOCK_BYTES) await put(at);
    await file.datasync();
    await put(0);
    await file.sync();
    return progress.done();
  } catch (error) {
    progress.done();
    if (error instanceof Trouble) throw error;
    const advice = isDevice
      ? 'use another card or reader; this one is not usable now'
      : 'make room on that disk';
    throw missing(`${to}: cannot be written: ${wordsOf(error)}; ${advice}`);
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const length = bytes.length - done;
    const { bytesWritten } = await file.write(bytes, done, length, offset + done);
    done += bytesWritten;
  }
}

/** One block as it should be; returns how many bytes there are. */
function filled({ image, overlay }: WriteOrder, block: Buffer, offset: number): number {
  const wanted = Math.min(block.length, image.sizeBytes - offset);
  const count = image.readInto(block.subarray(0, wanted), offset);
  if (count < wanted) {
    throw new Trouble(`${image.name}: became shorter while it was copied; get the file again`);
  }
  overlay.apply(offset, block.subarray(0, count));
  return count;
}

function compare(
  order: WriteOrder,
  path: string,
  dropped: boolean,
): Omit<WriteReport, 'writtenMbPerSecond'> {
  const { image } = order;
  const progress = order.progress('checking', image.sizeBytes);
  const expected = Buffer.alloc(BLOCK_BYTES);
  const { file, buffer, isDirect } = openDirect(path, BLOCK_BYTES);
  try {
    for (let at = 0; at < image.sizeBytes; at += BLOCK_BYTES) {
      stopped(order);
      const count = filled(order, expected, at);
      const found = readBlock(file, buffer, at, count);
      const differs = firstDifference(expected.subarray(0, count), found);
      if (differs >= 0) {
        throw refusal(
          `${order.to} differs from what was written, first at byte ${at + differs}: the card is ` +
            'worn out, false or badly seated; use another one',
        );
      }
      progress.advance(count);
    }
    return { readMbPerSecond: progress.done(), isFromMedium: isDirect || dropped };
  } catch (error) {
    progress.done();
    if (error instanceof Trouble) throw error;
    throw missing(`${order.to}: cannot be read back: ${wordsOf(error)}; use another card`);
  } finally {
    closeSync(file);
  }
}

/** Whole blocks are asked for, as reading past the cache wants it; a file may end before. */
function readBlock(file: number, buffer: Uint8Array, offset: number, count: number): Uint8Array {
  let done = 0;
  while (done < count) {
    const length = done === 0 ? buffer.length : count - done;
    const got = readSync(file, buffer, done, length, offset + done);
    if (got === 0) break;
    done += got;
  }
  return buffer.subarray(0, Math.min(done, count));
}

/** Where two pieces part, or -1. */
function firstDifference(expected: Buffer, found: Uint8Array): number {
  if (expected.equals(found)) return -1;
  const at = found.findIndex((byte, i) => byte !== expected[i]);
  return at < 0 ? found.length : at;
}

function stopped({ signal, isDevice, to }: WriteOrder): void {
  if (!signal.aborted) return;
  throw refusal(
    isDevice ? `stopped: ${to} is not usable now; write it again` : `stopped: ${to} is as it was`,
  );
}

function syncFolder(folder: string): void {
  const opened = openSync(folder, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}
