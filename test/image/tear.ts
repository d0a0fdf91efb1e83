/** What a power cut leaves in the midst of a write of an ext4's first superblock. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { SECTOR_BYTES } from '../../scripts/image/layout.ts';
import { readPartitionTable } from '../../scripts/image/partition-table.ts';

/** From the start of the partition. The time of the last write lies in the first half of it. */
const SUPERBLOCK_AT = 1024;
const WRITE_TIME_AT = 0x30;

/**
 * The first half of the superblock is new, the second with its checksum is old.
 * @param partitions numbers from 1, of ext4 partitions
 */
export function tearSuperblocks(card: string, partitions: readonly number[]): void {
  const file = openSync(card, 'r+');
  try {
    const table = Buffer.alloc(SECTOR_BYTES);
    readSync(file, table, 0, SECTOR_BYTES, 0);
    const read = readPartitionTable(table);
    if (!read.ok) throw new Error(`${card}: ${read.problem}`);
    for (const number of partitions) {
      const start = read.partitions[number - 1]?.start;
      if (start === undefined) throw new Error(`${card} has no partition ${number}`);
      const at = start * SECTOR_BYTES + SUPERBLOCK_AT + WRITE_TIME_AT;
      const time = Buffer.alloc(4);
      readSync(file, time, 0, 4, at);
      time.writeUInt32LE((time.readUInt32LE(0) + 1) >>> 0);
      writeSync(file, time, 0, 4, at);
    }
  } finally {
    closeSync(file);
  }
}
