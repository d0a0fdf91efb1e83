/** The partition table of an image (MBR) and the labels of its file systems. */
import { Fat32 } from './fat32.ts';
import { isFat32 } from './fat-layout.ts';
import type { ByteStore } from './overlay.ts';
import { Trouble } from './trouble.ts';

const SECTOR_BYTES = 512;
const TABLE_OFFSET = 446;
const TYPE_GPT = 0xee;
const EXT_SUPERBLOCK = 1024;
const EXT_MAGIC = 0xef53;

export interface Partition {
  /** From 1. */
  readonly number: number;
  readonly startBytes: number;
  readonly sizeBytes: number;
  readonly fileSystem: 'fat32' | 'ext4' | 'other';
  readonly label: string;
}

/**
 * Reads the table and the labels.
 * @param sizeBytes of the whole image
 * @throws Trouble where it is no image of a card, or ends before its last partition
 */
export function readPartitions(store: ByteStore, sizeBytes: number): readonly Partition[] {
  if (sizeBytes < SECTOR_BYTES) throw new Trouble(`it has only ${sizeBytes} bytes`);
  const sector = store.read(0, SECTOR_BYTES);
  if (sector.readUInt16LE(510) !== 0xaa55) {
    throw new Trouble('it has no partition table: not an image of a card');
  }
  const raw = [0, 1, 2, 3].flatMap((i) => {
    const at = TABLE_OFFSET + i * 16;
    const type = sector.readUInt8(at + 4);
    if (type === 0) return [];
    const start = sector.readUInt32LE(at + 8) * SECTOR_BYTES;
    return [{ number: i + 1, type, start, size: sector.readUInt32LE(at + 12) * SECTOR_BYTES }];
  });
  if (raw.some(({ type }) => type === TYPE_GPT)) {
    throw new Trouble('its partition table is a GPT: not an image for these boards');
  }
  if (raw.length === 0) throw new Trouble('its partition table is empty');
  const end = Math.max(...raw.map(({ start, size }) => start + size));
  if (end > sizeBytes) {
    throw new Trouble(
      `it is cut off: it has ${sizeBytes} bytes, but its last partition ends at ${end}; get the ` +
        'file again',
    );
  }
  return raw.map(({ number, start, size }) => ({
    ...{ number, startBytes: start, sizeBytes: size },
    ...fileSystemAt(store, start, size),
  }));
}

function fileSystemAt(
  store: ByteStore,
  start: number,
  size: number,
): Pick<Partition, 'fileSystem' | 'label'> {
  if (size >= 4096 && isFat32(store, start)) {
    return { fileSystem: 'fat32', label: new Fat32(store, start, 0).label() };
  }
  if (size >= 4096) {
    const block = store.read(start + EXT_SUPERBLOCK, 1024);
    if (block.readUInt16LE(56) === EXT_MAGIC) {
      const label = block.toString('utf8', 120, 136).replace(/\0.*$/s, '');
      return { fileSystem: 'ext4', label };
    }
  }
  return { fileSystem: 'other', label: '' };
}
