/** Bytes of a file of fixed size: read whole, reserved, written where they belong. */
import { Buffer } from 'node:buffer';
import { closeSync, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

/** Of `st_blocks`, whatever the file system's own are. */
const BYTES_PER_BLOCK = 512;

/** @throws the system's error. */
export function readWhole(fd: number): Buffer {
  const bytes = Buffer.alloc(fstatSync(fd).size);
  let done = 0;
  while (done < bytes.length) {
    const read = readSync(fd, bytes, done, bytes.length - done, done);
    if (read === 0) break;
    done += read;
  }
  return bytes.subarray(0, done);
}

/**
 * Sees to it that the file has `size` bytes on the disk: adds zeroes where it is too short, and
 * writes it once where it has holes, as some copying programs leave them.
 * @param bytes what the file holds.
 * @throws the system's error.
 */
export function reserve(fd: number, bytes: Buffer, size: number): void {
  const hasHoles = fstatSync(fd).blocks * BYTES_PER_BLOCK < bytes.length;
  const from = hasHoles ? 0 : bytes.length;
  if (from === bytes.length && bytes.length >= size) return;
  const whole = Buffer.concat([bytes, Buffer.alloc(Math.max(0, size - bytes.length))]);
  writeWhole(fd, whole.subarray(from), from);
  fsyncSync(fd);
}

/** @throws the system's error; a short write is followed by the one that tells why. */
export function writeWhole(fd: number, bytes: Buffer, position: number): void {
  let done = 0;
  while (done < bytes.length) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

/** Opens a file to read and write, making it where it is missing. @throws the system's error. */
export function openOrMake(path: string): number {
  try {
    return openSync(path, 'r+');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  const fd = openSync(path, 'wx+', 0o600);
  syncFolder(dirname(path));
  return fd;
}

/** A new name in a folder is durable only when the folder is. @throws the system's error. */
export function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
