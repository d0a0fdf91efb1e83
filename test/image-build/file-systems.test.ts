import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bootFilesOf } from '../../scripts/image/boot-files.ts';
import { assembleImage, writeExt4, writeFat32 } from '../../scripts/image/file-systems.ts';
import {
  DATA_LABEL,
  DATA_UUID,
  MIB,
  partitionsOf,
  ROOT_LABEL,
  ROOT_UUID,
} from '../../scripts/image/layout.ts';

const TOOLS = ['mke2fs', 'mkfs.fat', 'mcopy', 'dtc', 'fdtoverlay', 'debugfs'];
const missing = TOOLS.filter((tool) => spawnSync(tool, ['-V']).error !== undefined);
const why = missing.length === 0 ? '' : ` (needs ${missing.join(', ')})`;

const SIZE_MIB = 2048;
const EPOCH = 1_700_000_000;
const TREE = '/dts-v1/; / { soc { spi: spi@0 { status = "disabled"; }; }; };';
const OVERLAY = '/dts-v1/; /plugin/; &spi { status = "okay"; };';

describe.skipIf(missing.length > 0)(`an image${why}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'embereye-image-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const image = join(folder, 'image');
  const partitions = partitionsOf(SIZE_MIB);

  const deviceTree = (name: string, source: string): void => {
    const { status, stderr } = spawnSync('dtc', ['-@', '-q', '-O', 'dtb', '-o', name], {
      input: source,
      encoding: 'utf8',
    });
    expect(stderr).toBe('');
    expect(status).toBe(0);
  };

  beforeAll(async () => {
    const boot = join(folder, 'boot');
    mkdirSync(join(boot, 'overlays'), { recursive: true });
    writeFileSync(join(boot, 'config.txt'), 'kernel=vmlinuz-6\ninitramfs initrd-6\ndtoverlay=e\n');
    writeFileSync(join(boot, 'cmdline.txt'), 'root=x ro\n');
    writeFileSync(join(boot, 'vmlinuz-6'), 'a kernel');
    writeFileSync(join(boot, 'initrd-6'), 'an initramfs');
    deviceTree(join(boot, 'bcm2837-rpi-3-b.dtb'), TREE);
    deviceTree(join(boot, 'overlays/e.dtbo'), OVERLAY);
    const system = join(folder, 'system');
    mkdirSync(join(system, 'etc'), { recursive: true });
    writeFileSync(join(system, 'etc/fstab'), 'x');
    const files = ['1', '2', '3'].map((name) => join(folder, name));
    const [first = '', second = '', third = ''] = files;
    const root = { label: ROOT_LABEL, uuid: ROOT_UUID, reservedPercent: 0, epoch: EPOCH };
    const data = { label: DATA_LABEL, uuid: DATA_UUID, reservedPercent: 2, epoch: EPOCH };
    await writeFat32(first, partitions[0], boot, EPOCH);
    await writeExt4(second, partitions[1], system, root);
    await writeExt4(third, partitions[2], system, data);
    await assembleImage(image, SIZE_MIB, partitions, files);
  }, 60_000);

  it('has the size that was asked for, and takes little room on this disk', () => {
    const { size, blocks } = statSync(image);
    expect(size).toBe(SIZE_MIB * MIB);
    expect(blocks * 512).toBeLessThan(size / 4);
  });

  it('gives its boot files back, the device tree with the overlay', async () => {
    const files = await bootFilesOf(image, join(folder, 'taken'));
    expect(readFileSync(files.kernel, 'utf8')).toBe('a kernel');
    expect(readFileSync(files.initrd, 'utf8')).toBe('an initramfs');
    expect(files.commandLine).toBe('root=x ro');
    expect(readFileSync(files.deviceTree, 'latin1')).toContain('disabled');
    expect(readFileSync(files.deviceTreeWithOverlays, 'latin1')).not.toContain('disabled');
  });

  it('has ext4 with labels, blocks of 4 KiB and a clean file system', () => {
    for (const [i, label] of [ROOT_LABEL, DATA_LABEL].entries()) {
      const part = `${image}?offset=${(partitions[i + 1]?.start ?? 0) * 512}`;
      const { stdout } = spawnSync('debugfs', ['-R', 'stats -h', part], { encoding: 'utf8' });
      expect(stdout).toMatch(new RegExp(`volume name: +${label}\n`));
      expect(stdout).toMatch(/Block size: +4096\n/);
      expect(spawnSync('e2fsck', ['-f', '-n', part]).status).toBe(0);
    }
  });

  it('is refused where it is none', async () => {
    const file = join(folder, 'nothing');
    writeFileSync(file, 'x'.repeat(600));
    await expect(bootFilesOf(file, folder)).rejects.toThrow('no partition table');
  });
});
