/**
 * Reads recordings, one block in memory at a time: whole ones, torn ones up to the tear, damaged
 * ones without the blocks that are damaged.
 */
import { Buffer } from 'node:buffer';
import type { FileHandle } from 'node:fs/promises';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { BLOCK_HEAD_BYTES, blockLength, findBlock, unpackBlock } from './block.ts';
import type { BoxRecord, DamageRecord, FrameRecord, RowsRecord } from './record.ts';
import { RecordReader } from './record-reader.ts';
import { parseFileName, PART_SUFFIX, wallMsOfStamp } from './shelf.ts';
import type { RecordingName } from './shelf.ts';

/** Looked through at a time for the next block behind a damaged one. */
const SEARCH_BYTES = 256 * 1024;

/**
 * The records of a recording, in the order in which they were written: of one sensor and kind in
 * the order of time, of several sensors within about a second of one another, but for what was in
 * memory when a sensor joined, which comes in one piece. Ends with `damage` where the file is torn.
 *
 * @throws NodeJS.ErrnoException when the file cannot be read
 */
export async function* readIncident(file: string): AsyncGenerator<BoxRecord> {
  const handle = await open(file, 'r');
  try {
    yield* readFrom(handle);
  } finally {
    await handle.close();
  }
}

async function* readFrom(handle: FileHandle): AsyncGenerator<BoxRecord> {
  const { size } = await handle.stat();
  const reader = new RecordReader();
  let offset = 0;
  let ended = false;
  while (offset < size) {
    const length = blockLength(await bytesAt(handle, offset, BLOCK_HEAD_BYTES));
    if (length === null) {
      const next = await searchBlock(handle, offset + 1, size);
      const isTorn = next === null && size - offset < BLOCK_HEAD_BYTES;
      yield isTorn
        ? torn(offset, `${size - offset} bytes of a block that was being written`)
        : damaged(offset, `${(next ?? size) - offset} bytes are no block`);
      ended ||= isTorn;
      reader.skipped();
      offset = next ?? size;
      continue;
    }
    const block = await bytesAt(handle, offset, length);
    const { data, whole } = await unpackBlock(block, block.length === length);
    const found: BoxRecord[] = [];
    const understood = reader.read(data, (parsed) => {
      if (parsed.kind === 'record') found.push(parsed.record);
      else found.push(damaged(offset, parsed.detail));
    });
    ended ||= found.some(({ kind }) => kind === 'end');
    yield* found;
    if (block.length < length) {
      yield torn(offset, `${block.length} of ${length} bytes of a block`);
      return;
    }
    if (!whole || understood < data.length) {
      yield damaged(offset, 'a block whose checksum is wrong: what could be read of it was');
      reader.skipped();
    }
    offset += length;
  }
  if (!ended) yield torn(offset, 'it was not ended: still being written, or its writer was killed');
}

async function bytesAt(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await handle.read(buffer, 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

/** Where the next block begins, or null. */
async function searchBlock(handle: FileHandle, from: number, size: number) {
  for (let offset = from; offset < size; offset += SEARCH_BYTES - BLOCK_HEAD_BYTES) {
    const bytes = await bytesAt(handle, offset, Math.min(SEARCH_BYTES, size - offset));
    for (let at = findBlock(bytes, 0); at >= 0; at = findBlock(bytes, at + 1)) {
      if (blockLength(await bytesAt(handle, offset + at, BLOCK_HEAD_BYTES)) !== null) {
        return offset + at;
      }
    }
  }
  return null;
}

const torn = (offset: number, detail: string): DamageRecord => ({
  kind: 'damage',
  offset,
  problem: 'torn',
  detail,
});
const damaged = (offset: number, detail: string): DamageRecord => ({
  ...torn(offset, detail),
  problem: 'damaged',
});

/** A recording in a folder, also one that is still being written. */
export interface FoundRecording extends RecordingName {
  readonly file: string;
}

/**
 * Recordings of a folder, oldest first; other files are passed over.
 * @throws NodeJS.ErrnoException when the folder cannot be read
 */
export async function findBoxes(directory: string): Promise<readonly FoundRecording[]> {
  const names = await readdir(directory);
  return names
    .flatMap((name) => {
      const isPart = name.endsWith(PART_SUFFIX);
      const parsed = parseFileName(isPart ? name.slice(0, -PART_SUFFIX.length) : name);
      return parsed === null ? [] : [{ ...parsed, file: join(directory, name) }];
    })
    .sort((a, b) => a.number - b.number);
}

/** A frame of a day, with the wall time that the recorder's clock gave it. */
export interface DayFrame {
  readonly kind: 'frame';
  readonly wallMs: number;
  readonly frame: FrameRecord;
}

/** Readings of a channel, with the wall time of the file's clock at the first one. */
export interface DayRows {
  readonly kind: 'rows';
  /** Add it to a row's monotonic times. */
  readonly wallMinusMonotonicMs: number;
  readonly rows: RowsRecord;
}

/** What cannot be read of a day; the rest is. */
export interface DayDamage {
  readonly kind: 'damage';
  readonly file: string;
  readonly damage: DamageRecord;
}

/** No file is longer than an hour; one may have begun so much before it is of interest. */
const LONGEST_FILE_MS = 2 * 3_600_000;

/**
 * What a sensor sent between two wall times, from a folder of hours, one block in memory at a time.
 * A wall clock that was set leaves two stretches with the same times, or none: both are given as
 * they were recorded, in the order in which they were.
 *
 * @param fromMs, toMs milliseconds since 1970; `toMs` itself is not included
 * @throws NodeJS.ErrnoException when the folder or a file cannot be read
 */
export async function* readHours(
  directory: string,
  sensor: string,
  fromMs: number,
  toMs: number,
): AsyncGenerator<DayFrame | DayRows | DayDamage> {
  for (const { file, stamp } of await findBoxes(directory)) {
    const begunMs = wallMsOfStamp(stamp);
    if (begunMs >= toMs || begunMs < fromMs - LONGEST_FILE_MS) continue;
    let offsetMs = 0;
    for await (const record of readIncident(file)) {
      if (record.kind === 'header' || record.kind === 'clock') {
        offsetMs = Date.parse(record.wall) - record.atMs;
      } else if (record.kind === 'damage') {
        yield { kind: 'damage', file, damage: record };
      } else if (record.kind === 'frame' && record.sensor === sensor) {
        const wallMs = record.atMs + offsetMs;
        if (wallMs >= fromMs && wallMs < toMs) yield { kind: 'frame', wallMs, frame: record };
      } else if (record.kind === 'level' && record.sensor === sensor) {
        yield { kind: 'rows', wallMinusMonotonicMs: offsetMs, rows: record };
      }
    }
  }
}
