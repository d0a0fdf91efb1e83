/** Damages files as a worn card or a torn write would, and tells what is left of their contents. */
import { openSync, closeSync, readFileSync, truncateSync, writeSync } from 'node:fs';
import type { Random } from '../../src/domain/ports.ts';

/** Of SQLite, and of most file systems. */
export const PAGE_BYTES = 4096;
export const DAMAGES = ['randomPages', 'zeroPages', 'flippedBytes', 'header', 'cut'] as const;
export type Damage = (typeof DAMAGES)[number];

const MOST_PAGES = 8;
const MOST_BYTES = 16;
const HEADER_BYTES = 100;

/** @returns false when the file is too short for anything to be damaged. */
export function damage(file: string, how: Damage, random: Random): boolean {
  const { length } = readFileSync(file);
  if (length < 2) return false;
  const upTo = (limit: number): number => random.uint32() % Math.max(1, limit);
  switch (how) {
    case 'randomPages':
    case 'zeroPages': {
      const pages = Math.ceil(length / PAGE_BYTES);
      for (let left = 1 + upTo(Math.min(MOST_PAGES, pages)); left > 0; left -= 1) {
        const at = upTo(pages) * PAGE_BYTES;
        const bytes = Math.min(PAGE_BYTES, length - at);
        overwrite(file, at, how === 'zeroPages' ? Buffer.alloc(bytes) : noise(bytes, random));
      }
      return true;
    }
    case 'flippedBytes':
      for (let left = 1 + upTo(MOST_BYTES); left > 0; left -= 1) {
        overwrite(file, upTo(length), noise(1, random));
      }
      return true;
    case 'header':
      overwrite(file, 0, noise(Math.min(HEADER_BYTES, length), random));
      return true;
    case 'cut':
      truncateSync(file, upTo(length));
      return true;
  }
}

function overwrite(file: string, at: number, bytes: Buffer): void {
  const descriptor = openSync(file, 'r+');
  try {
    writeSync(descriptor, bytes, 0, bytes.length, at);
  } finally {
    closeSync(descriptor);
  }
}

function noise(bytes: number, random: Random): Buffer {
  return Buffer.from(Array.from({ length: bytes }, () => random.uint32() & 0xff));
}

/** A frame's head, with its checksum, stands just before its text. */
const AROUND_BYTES = 64;

/**
 * Whether a text that was in a file still stands there with everything that leads to it: its
 * surroundings, or the whole pages that hold it.
 * @param page the file is made of pages, as a database is.
 */
export function survives(before: Buffer, after: Buffer, text: string, page: boolean): boolean {
  const wanted = Buffer.from(text);
  for (let at = before.indexOf(wanted); at >= 0; at = before.indexOf(wanted, at + 1)) {
    const end = at + wanted.length;
    const unit = page ? PAGE_BYTES : 1;
    const margin = page ? 0 : AROUND_BYTES;
    const from = Math.max(0, Math.floor(at / unit) * unit - margin);
    const to = Math.min(before.length, Math.ceil(end / unit) * unit + (page ? 0 : 4));
    if (after.length >= to && before.subarray(from, to).equals(after.subarray(from, to)))
      return true;
  }
  return false;
}
