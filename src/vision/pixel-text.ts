/**
 * What an array's pixels have learnt, as text for the store:
 *
 *   embereye-pixels 1 <array id or -> <mount> <base64> <CRC-32 of all before it, 8 hex digits>
 *
 * The base64 is int16, little-endian: the scene as a whole (1/100 C), then for each pixel its
 * offset and its anchor (1/100 C; -32768 where unknown) and its median difference (1/1000 C), then
 * the bad pixels as 48 words of 16 bits. About 6.3 kB.
 */
import { crc32 } from 'node:zlib';
import type { Mount } from '../domain/frame.ts';
import { FRAME_PIXELS } from '../domain/frame.ts';
import { DRIFT_CAP_CELSIUS, MAX_RUNTIME_BAD } from './pixel-limits.ts';
import { HIGHEST_CELSIUS, LOWEST_CELSIUS } from './thermal-limits.ts';

/** Which pixels a memory is of: another array's, or turned ones, are other pixels. */
export interface MemoryIdentity {
  /** 12 hex digits; empty while unknown, as with boards without an EEPROM. */
  readonly array: string;
  readonly mount: Mount;
}

/** What is kept; the arrays have one entry a pixel. */
export interface PixelRecord {
  readonly ambientCelsius: number;
  /** NaN where unknown. */
  readonly offsets: Float32Array;
  readonly anchors: Float32Array;
  /** Medians of differences, C; NaN where unknown. */
  readonly medians: Float32Array;
  readonly bad: readonly number[];
}

export type RecordResult =
  | { readonly ok: true; readonly record: PixelRecord }
  | { readonly ok: false; readonly problem: string };

const MAGIC = 'embereye-pixels';
const VERSION = '1';
const UNKNOWN = -32_768;
const MOST = 32_767;
const BAD_WORDS = FRAME_PIXELS / 16;
const WORDS = 1 + 3 * FRAME_PIXELS + BAD_WORDS;
const FIELDS = 6;

export function recordToText(record: PixelRecord, identity: MemoryIdentity): string {
  const bytes = Buffer.alloc(2 * WORDS);
  const put = (word: number, value: number, scale: number): void => {
    const scaled = Number.isNaN(value) ? UNKNOWN : Math.round(value * scale);
    bytes.writeInt16LE(Math.min(Math.max(scaled, UNKNOWN), MOST), 2 * word);
  };
  put(0, record.ambientCelsius, 100);
  for (let i = 0; i < FRAME_PIXELS; i++) {
    put(1 + i, record.offsets[i] ?? Number.NaN, 100);
    put(1 + FRAME_PIXELS + i, record.anchors[i] ?? Number.NaN, 100);
    put(1 + 2 * FRAME_PIXELS + i, record.medians[i] ?? Number.NaN, 1000);
  }
  for (const pixel of record.bad) {
    const at = 2 * (1 + 3 * FRAME_PIXELS + (pixel >> 4));
    bytes.writeUInt16LE(bytes.readUInt16LE(at) | (1 << (pixel & 15)), at);
  }
  const body = `${headOf(identity)} ${bytes.toString('base64')}`;
  return `${body} ${checksumOf(body)}`;
}

/** Reads what `recordToText` wrote for the same pixels. Never throws, whatever the text. */
export function recordFromText(text: string, identity: MemoryIdentity): RecordResult {
  const fields = text.split(' ', FIELDS + 1);
  const [magic, version, array, mount, base64, checksum] = fields;
  if (magic !== MAGIC || fields.length !== FIELDS || base64 === undefined) {
    return { ok: false, problem: 'it is no memory of pixels, or it was cut off' };
  }
  if (version !== VERSION) {
    return { ok: false, problem: `it has format ${version ?? ''}, this program reads ${VERSION}` };
  }
  if (checksum !== checksumOf(text.slice(0, text.lastIndexOf(' ')))) {
    return { ok: false, problem: 'its checksum does not fit: it was damaged in the store' };
  }
  const own = headOf(identity).split(' ');
  if (array !== own[2]) {
    return { ok: false, problem: `it is of array ${array ?? ''}, not of ${own[2] ?? ''}` };
  }
  if (mount !== own[3]) {
    return { ok: false, problem: `it was learnt mounted ${mount ?? ''}, not ${own[3] ?? ''}` };
  }
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== 2 * WORDS || bytes.toString('base64') !== base64) {
    return { ok: false, problem: `it holds ${bytes.length} bytes instead of ${2 * WORDS}` };
  }
  return read(bytes);
}

function read(bytes: Buffer): RecordResult {
  const get = (word: number, scale: number): number => {
    const value = bytes.readInt16LE(2 * word);
    return value === UNKNOWN ? Number.NaN : value / scale;
  };
  const fill = (start: number, scale: number): Float32Array =>
    Float32Array.from({ length: FRAME_PIXELS }, (_, i) => get(start + i, scale));
  const record: PixelRecord = {
    ambientCelsius: get(0, 100),
    offsets: fill(1, 100),
    anchors: fill(1 + FRAME_PIXELS, 100),
    medians: fill(1 + 2 * FRAME_PIXELS, 1000),
    bad: Array.from({ length: FRAME_PIXELS }, (_, i) => i).filter(
      (i) => ((bytes.readUInt16LE(2 * (1 + 3 * FRAME_PIXELS + (i >> 4))) >> (i & 15)) & 1) === 1,
    ),
  };
  const problem = problemOf(record);
  return problem === null ? { ok: true, record } : { ok: false, problem };
}

/** What cannot be true of a memory, however well its checksum fits; null when nothing is. */
function problemOf({ ambientCelsius, offsets, anchors, medians, bad }: PixelRecord): string | null {
  if (!(ambientCelsius >= LOWEST_CELSIUS && ambientCelsius <= HIGHEST_CELSIUS)) {
    return 'the scene as a whole has no possible temperature in it';
  }
  if (bad.length > MAX_RUNTIME_BAD) {
    return `it lists ${bad.length} bad pixels, at most ${MAX_RUNTIME_BAD} can be`;
  }
  // Each number is rounded to 1/100 C by itself.
  const cap = DRIFT_CAP_CELSIUS + 0.02;
  for (let i = 0; i < FRAME_PIXELS; i++) {
    const offset = offsets[i] ?? Number.NaN;
    const anchor = anchors[i] ?? Number.NaN;
    if (Number.isNaN(offset) !== Number.isNaN(anchor) || Math.abs(offset - anchor) > cap) {
      return `pixel ${i} has drifted further than it can`;
    }
    if ((medians[i] ?? 0) < 0) return `pixel ${i} has a noise below 0`;
  }
  return null;
}

function headOf({ array, mount }: MemoryIdentity): string {
  const mounted = `${mount.rotate}${mount.mirror ? 'mirrored' : ''}`;
  return `${MAGIC} ${VERSION} ${array === '' ? '-' : array} ${mounted}`;
}

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}
