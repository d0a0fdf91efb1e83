/** The partition table in the first sector of a card (MBR), which every Pi's firmware reads. */
import type { Partition } from './layout.ts';
import { SECTOR_BYTES } from './layout.ts';

const ID_AT = 440;
const ENTRIES_AT = 446;
const ENTRY_BYTES = 16;
const ENTRIES = 4;
const SIGNATURE = 0xaa55;
const MAX_SECTOR = 0xffffffff;
/** Cylinder, head and sector as they are written where they no longer mean anything. */
const NO_GEOMETRY = [0xfe, 0xff, 0xff] as const;

/**
 * The first sector. @param partitions at most four, in order, apart from each other
 * @throws Error that names the entry which cannot be written
 */
export function writePartitionTable(diskId: number, partitions: readonly Partition[]): Buffer {
  if (partitions.length > ENTRIES) {
    throw new Error(`${partitions.length} partitions: a table of this kind has ${ENTRIES}`);
  }
  const sector = Buffer.alloc(SECTOR_BYTES);
  sector.writeUInt32LE(diskId, ID_AT);
  let free = 1;
  for (const [i, { type, start, sectors }] of partitions.entries()) {
    if (start < free) throw new Error(`partition ${i + 1} starts at ${start}: taken up to ${free}`);
    if (sectors < 1) throw new Error(`partition ${i + 1} has ${sectors} sectors`);
    free = start + sectors;
    if (free > MAX_SECTOR) throw new Error(`partition ${i + 1} ends beyond 2 TiB`);
    const at = ENTRIES_AT + i * ENTRY_BYTES;
    sector.set(NO_GEOMETRY, at + 1);
    sector.writeUInt8(type, at + 4);
    sector.set(NO_GEOMETRY, at + 5);
    sector.writeUInt32LE(start, at + 8);
    sector.writeUInt32LE(sectors, at + 12);
  }
  sector.writeUInt16LE(SIGNATURE, SECTOR_BYTES - 2);
  return sector;
}

export type PartitionTableResult =
  | { readonly ok: true; readonly diskId: number; readonly partitions: readonly Partition[] }
  | { readonly ok: false; readonly problem: string };

/** Reads the first sector of an image. Empty entries are left out. */
export function readPartitionTable(sector: Uint8Array): PartitionTableResult {
  const bytes = Buffer.from(sector.buffer, sector.byteOffset, sector.byteLength);
  if (bytes.length < SECTOR_BYTES) {
    return { ok: false, problem: `${bytes.length} bytes: the image is cut off` };
  }
  if (bytes.readUInt16LE(SECTOR_BYTES - 2) !== SIGNATURE) {
    return { ok: false, problem: 'no partition table in its first sector: not an image' };
  }
  const partitions: Partition[] = [];
  for (let i = 0; i < ENTRIES; i++) {
    const at = ENTRIES_AT + i * ENTRY_BYTES;
    const type = bytes.readUInt8(at + 4);
    const start = bytes.readUInt32LE(at + 8);
    const sectors = bytes.readUInt32LE(at + 12);
    if (type !== 0) partitions.push({ type, start, sectors });
  }
  return { ok: true, diskId: bytes.readUInt32LE(ID_AT), partitions };
}
