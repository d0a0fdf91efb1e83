/** Reading past the kernel's cache, so that what is compared came from the medium. */
import { closeSync, constants, openSync, readSync } from 'node:fs';
import { wordsOf } from './trouble.ts';

/** The largest alignment that devices ask of a buffer. */
const ALIGNMENT = 4096;
/** Where blocks of memory start within a page. */
const STEP = 16;

/** An open file, and a buffer that fits it. */
export interface DirectFile {
  readonly file: number;
  readonly buffer: Uint8Array;
  /** Whether reads go past the cache. */
  readonly isDirect: boolean;
}

/**
 * Opens a file for reading past the cache, or through it where its file system has no such way
 * (tmpfs). The caller closes `file`.
 */
export function openDirect(path: string, bufferBytes: number): DirectFile {
  const direct = tryDirect(path, bufferBytes);
  if (direct !== null) return direct;
  return { file: openSync(path, 'r'), buffer: new Uint8Array(bufferBytes), isDirect: false };
}

/** JavaScript does not tell addresses, so the kernel is asked which part of a block is aligned. */
function tryDirect(path: string, bufferBytes: number): DirectFile | null {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_DIRECT);
  } catch (error) {
    if (isInvalid(error)) return null;
    throw error;
  }
  const block = new ArrayBuffer(bufferBytes + ALIGNMENT);
  // From the end: large blocks start shortly after the start of a page.
  for (let at = ALIGNMENT - STEP; at >= 0; at -= STEP) {
    const buffer = new Uint8Array(block, at, bufferBytes);
    try {
      readSync(file, buffer, 0, ALIGNMENT, 0);
      return { file, buffer, isDirect: true };
    } catch (error) {
      if (!isInvalid(error)) {
        closeSync(file);
        throw new Error(wordsOf(error), { cause: error });
      }
    }
  }
  closeSync(file);
  return null;
}

/** EINVAL: this file system, or this buffer, cannot do it. */
function isInvalid(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EINVAL';
}
