/** Folders as file systems, and file systems as one image; without mounts or loop devices. */
import { closeSync, openSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { runTool } from '../../test/arm64/host.ts';
import type { Partition } from './layout.ts';
import { BOOT_LABEL, BOOT_SERIAL, DISK_ID, MIB, SECTOR_BYTES } from './layout.ts';
import { writePartitionTable } from './partition-table.ts';

/** Both write their times in UTC, and this one instead of now. */
const timesOf = (epoch: number): Readonly<Record<string, string>> => ({
  TZ: 'UTC',
  SOURCE_DATE_EPOCH: `${epoch}`,
  E2FSPROGS_FAKE_TIME: `${epoch}`,
});

function emptyFile(file: string, bytes: number): void {
  writeFileSync(file, '');
  truncateSync(file, bytes);
}

export interface Ext4Options {
  readonly label: string;
  readonly uuid: string;
  /** Blocks that only root may take, in percent: the rest of the system goes on when it is full. */
  readonly reservedPercent: number;
  readonly epoch: number;
}

/** Writes `folder` as ext4, owners and all. @throws Error when it does not fit */
export async function writeExt4(
  file: string,
  partition: Partition,
  folder: string,
  { label, uuid, reservedPercent, epoch }: Ext4Options,
): Promise<void> {
  emptyFile(file, partition.sectors * SECTOR_BYTES);
  const settings = `hash_seed=${uuid},lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0`;
  await runTool(
    'mke2fs',
    [
      // Not the blocks of 1 KiB that it takes for a small partition: this one grows.
      ...['-q', '-F', '-t', 'ext4', '-T', 'default', '-b', '4096'],
      ...['-L', label, '-U', uuid, '-m', `${reservedPercent}`],
      ...['-E', settings, '-d', folder, file],
    ],
    { environment: timesOf(epoch) },
  );
}

/** Writes `folder` as FAT32 with long names. @throws Error when it does not fit */
export async function writeFat32(
  file: string,
  partition: Partition,
  folder: string,
  epoch: number,
): Promise<void> {
  emptyFile(file, partition.sectors * SECTOR_BYTES);
  const names = ['-n', BOOT_LABEL, '-i', BOOT_SERIAL];
  // Clusters of 2 KiB: enough of them for FAT32, as the firmware wants it.
  const shape = ['-F', '32', '-s', '4', '--invariant', '-h', `${partition.start}`];
  await runTool('mkfs.fat', [...shape, ...names, file], { environment: timesOf(epoch) });
  const found = await runTool('find', [folder, '-exec', 'touch', '-d', `@${epoch}`, '{}', '+']);
  if (found !== '') throw new Error(`touch: ${found}`);
  const sources = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
  await runTool('mcopy', ['-s', '-m', '-i', file, ...sources, '::'], {
    environment: timesOf(epoch),
  });
}

/** One file: the table, then each partition at its place; holes stay holes. */
export async function assembleImage(
  file: string,
  sizeMib: number,
  partitions: readonly Partition[],
  contents: readonly string[],
): Promise<void> {
  emptyFile(file, sizeMib * MIB);
  for (const [i, partition] of partitions.entries()) {
    const content = contents[i];
    if (content === undefined) throw new Error(`partition ${i + 1} has no content`);
    await runTool('dd', [
      ...[`if=${content}`, `of=${file}`, 'bs=1M', 'conv=notrunc,sparse', 'status=none'],
      `seek=${(partition.start * SECTOR_BYTES) / MIB}`,
    ]);
    rmSync(content);
  }
  const opened = openSync(file, 'r+');
  try {
    writeSync(opened, writePartitionTable(DISK_ID, partitions));
  } finally {
    closeSync(opened);
  }
}
