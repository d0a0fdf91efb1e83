/** The boot sector of a FAT32 file system. */
import type { ByteSource } from './overlay.ts';

/** Where the parts of a FAT32 file system lie. */
export interface FatLayout {
  readonly clusterBytes: number;
  /** From the start of the partition, in bytes. */
  readonly fatOffsets: readonly number[];
  readonly dataOffset: number;
  readonly infoOffset: number;
  readonly clusters: number;
  readonly root: number;
}

/** Null where the bytes are no boot sector of a FAT32 file system. */
export function fatLayout(boot: Buffer): FatLayout | null {
  const sector = boot.readUInt16LE(11);
  const perCluster = boot.readUInt8(13);
  const isFat32 =
    boot.readUInt16LE(510) === 0xaa55 && boot.readUInt16LE(17) === 0 && boot.readUInt16LE(22) === 0;
  if (!isFat32 || ![512, 1024, 2048, 4096].includes(sector) || perCluster === 0) return null;
  const reserved = boot.readUInt16LE(14);
  const fats = boot.readUInt8(16);
  const fatSectors = boot.readUInt32LE(36);
  const sectors = boot.readUInt32LE(32);
  const data = reserved + fats * fatSectors;
  if (fats === 0 || fatSectors === 0 || sectors <= data) return null;
  const clusters = Math.floor((sectors - data) / perCluster);
  return {
    clusterBytes: sector * perCluster,
    fatOffsets: Array.from({ length: fats }, (_, i) => (reserved + i * fatSectors) * sector),
    dataOffset: data * sector,
    infoOffset: boot.readUInt16LE(48) * sector,
    // A table may be too small for the sectors that follow it.
    clusters: Math.min(clusters, (fatSectors * sector) / 4 - 2),
    root: boot.readUInt32LE(44),
  };
}

/** Whether a FAT32 file system starts at `offset`. */
export function isFat32(source: ByteSource, offset: number): boolean {
  return fatLayout(source.read(offset, 512)) !== null;
}
