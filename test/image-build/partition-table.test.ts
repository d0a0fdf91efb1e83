import { spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DISK_ID, MIB, partitionsOf } from '../../scripts/image/layout.ts';
import { readPartitionTable, writePartitionTable } from '../../scripts/image/partition-table.ts';

const partitions = fc
  .array(
    fc.record({
      type: fc.integer({ min: 1, max: 255 }),
      gap: fc.integer({ min: 0, max: 1_000_000 }),
      sectors: fc.integer({ min: 1, max: 1_000_000_000 }),
    }),
    { maxLength: 4 },
  )
  .map((entries) => {
    let free = 1;
    return entries.map(({ type, gap, sectors }) => {
      const start = free + gap;
      free = start + sectors;
      return { type, start, sectors };
    });
  });

const sfdisk = spawnSync('/usr/sbin/sfdisk', ['--version']).status === 0;

describe('the partition table', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 0xffffffff }), partitions, (diskId, written) => {
        const result = readPartitionTable(writePartitionTable(diskId, written));
        expect(result).toEqual({ ok: true, diskId, partitions: written });
      }),
    );
  });

  it.skipIf(!sfdisk)('is the one that sfdisk reads (needs sfdisk)', () => {
    const folder = mkdtempSync(join(tmpdir(), 'embereye-table-'));
    const file = join(folder, 'image');
    const opened = openSync(file, 'w');
    writeSync(opened, writePartitionTable(DISK_ID, partitionsOf(2048)));
    ftruncateSync(opened, 2048 * MIB);
    closeSync(opened);
    const { stdout } = spawnSync('/usr/sbin/sfdisk', ['--json', file], { encoding: 'utf8' });
    rmSync(folder, { recursive: true });
    const { partitiontable } = JSON.parse(stdout) as {
      partitiontable: { label: string; id: string; partitions: object[] };
    };
    expect(partitiontable).toMatchObject({
      label: 'dos',
      id: '0x45796531',
      partitions: [
        { start: 8192, size: 524_288, type: 'c' },
        { start: 532_480, size: 2_621_440, type: '83' },
        { start: 3_153_920, size: 1_040_384, type: '83' },
      ],
    });
  });

  it('refuses partitions that overlap, are empty, too many or beyond 2 TiB', () => {
    const write =
      (...entries: readonly (readonly [number, number])[]) =>
      () =>
        writePartitionTable(
          1,
          entries.map(([start, sectors]) => ({ type: 0x83, start, sectors })),
        );
    expect(write([8, 8], [15, 1])).toThrow('partition 2 starts at 15: taken up to 16');
    expect(write([0, 8])).toThrow('partition 1 starts at 0');
    expect(write([8, 0])).toThrow('partition 1 has 0 sectors');
    expect(write([8, 0xffffffff])).toThrow('beyond 2 TiB');
    expect(write([1, 1], [2, 1], [3, 1], [4, 1], [5, 1])).toThrow('5 partitions');
  });

  it('says what is no table', () => {
    expect(readPartitionTable(new Uint8Array(100))).toMatchObject({
      ok: false,
      problem: '100 bytes: the image is cut off',
    });
    expect(readPartitionTable(new Uint8Array(512))).toMatchObject({
      ok: false,
      problem: 'no partition table in its first sector: not an image',
    });
  });
});
