/** A real block device: a loop device of a file made here. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DiskPort } from '../../scripts/provision/disk-port.ts';
import { systemDisks } from '../../scripts/provision/disk-port.ts';
import type { FlashArguments } from '../../scripts/provision/flash.ts';
import { runFlash } from '../../scripts/provision/flash.ts';
import { guarded } from '../../scripts/provision/trouble.ts';
import {
  canMakeImages,
  CONFIG,
  hasCommand,
  makeImage,
  MIB,
  onCard,
  testWorld,
  tool,
} from './flash-image.ts';

/** Attaches a file, or null where that is not allowed here. */
function attach(file: string): string | null {
  const made = spawnSync('/usr/sbin/losetup', ['--find', '--show', file], { encoding: 'utf8' });
  return made.status === 0 ? made.stdout.trim() : null;
}
function canAttach(): boolean {
  if (process.getuid?.() !== 0 || !hasCommand('losetup') || !hasCommand('lsblk')) return false;
  const folder = mkdtempSync(join(tmpdir(), 'embereye-loop-'));
  try {
    writeFileSync(join(folder, 'a'), new Uint8Array(MIB));
    const device = attach(join(folder, 'a'));
    if (device !== null) execFileSync('/usr/sbin/losetup', ['--detach', device]);
    return device !== null;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe.skipIf(!canAttach() || !canMakeImages)(
  'flash to a device (needs root and losetup)',
  () => {
    let folder: string;
    let device: string;
    const disks = systemDisks(process.env, 'linux');

    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), 'embereye-device-'));
      const size = makeImage(join(folder, 'image.img'));
      writeFileSync(join(folder, 'unit.yaml'), CONFIG);
      writeFileSync(join(folder, 'card'), '');
      truncateSync(join(folder, 'card'), size + MIB);
      device = attach(join(folder, 'card')) ?? '';
    });
    afterAll(() => {
      execFileSync('/usr/sbin/losetup', ['--detach', device]);
      rmSync(folder, { recursive: true });
    });

    const flash = async (
      change: Partial<FlashArguments> = {},
      port: DiskPort = disks,
    ): Promise<[number, string]> => {
      const world = testWorld(folder);
      const wish: FlashArguments = {
        ...{ image: 'image.img', to: device, config: 'unit.yaml', network: [], releaseKey: [] },
        ...{ unmount: false, dryRun: false, yes: true, ...change },
      };
      const code = await guarded(world, () => runFlash(wish, world, port));
      return [code, world.text()];
    };

    it('refuses one that cannot be taken out, until its name is repeated', async () => {
      const [code, text] = await flash();
      expect([code, text]).toEqual([1, expect.stringContaining(`add --even-fixed '${device}'`)]);
    });

    it('writes it and compares past the cache', async () => {
      const [code, text] = await flash({ evenFixed: device });
      expect(text).toContain('everything on this card will be lost:');
      expect(text).toContain(`${device} holds "kitchen-1"`);
      expect(text).not.toContain('memory of this computer');
      expect(code).toBe(0);
      expect(onCard(device, 'embereye/appliance.yaml')).toBe(CONFIG);
    });

    it.skipIf(!hasCommand('mkfs.ext4'))(
      'refuses one that is mounted (needs mkfs.ext4)',
      async (test) => {
        const place = mkdtempSync('/mnt/embereye-');
        const file = join(folder, 'mounted');
        writeFileSync(file, '');
        truncateSync(file, 64 * MIB);
        tool('mkfs.ext4', '-q', file);
        const other = attach(file) ?? '';
        try {
          const mounted = spawnSync('mount', [other, place], { encoding: 'utf8' });
          if (mounted.status !== 0)
            test.skip(`this kernel mounts no ext4: ${mounted.stderr.trim()}`);
          const [code, text] = await flash({ to: other, evenFixed: other });
          expect([code, text]).toEqual([
            1,
            expect.stringContaining(`is mounted at ${place}; unmount`),
          ]);
          const listed = (await disks.list()).map((one) => ({ ...one, mounts: [] }));
          const blind = { ...disks, list: () => Promise.resolve(listed) };
          const [, busy] = await flash({ to: other, evenFixed: other }, blind);
          expect(busy).toContain('is used by another program');
          const [again, words] = await flash({ to: other, evenFixed: other, unmount: true });
          expect(words).toContain('holds "kitchen-1"');
          expect(again).toBe(0);
        } finally {
          spawnSync('umount', [place]);
          execFileSync('/usr/sbin/losetup', ['--detach', other]);
          rmSync(place, { recursive: true });
        }
      },
    );

    it('refuses one that is too small', async () => {
      truncateSync(join(folder, 'card'), 20 * MIB);
      execFileSync('/usr/sbin/losetup', ['--set-capacity', device]);
      const [code, text] = await flash({ evenFixed: device });
      expect([code, text]).toEqual([1, expect.stringContaining('is too small: it has 20971520')]);
    });
  },
);

describe.skipIf(!hasCommand('lsblk'))('the disks of this computer (needs lsblk)', () => {
  it('are told, each with its path and size', async () => {
    const devices = await systemDisks(process.env, 'linux').list();
    expect(devices.every(({ path, sizeBytes }) => path.startsWith('/') && sizeBytes >= 0)).toBe(
      true,
    );
  });

  it('are not told where nobody has tried it', async () => {
    await expect(systemDisks({}, 'darwin').list()).rejects.toThrow('write a file (--to FILE)');
  });
});
