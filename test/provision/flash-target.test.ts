import { describe, expect, it } from 'vitest';
import { judgeTarget } from '../../scripts/provision/disk-target.ts';
import type { TargetWish } from '../../scripts/provision/disk-target.ts';
import { describe as told, parseLsblk } from '../../scripts/provision/disk-tree.ts';

const GIB = 1024 ** 3;

/** Made up after the form of lsblk 2.38; fields as an installer's laptop has them. */
type Raw = Record<string, unknown>;
const part = (path: string, more: Raw = {}): Raw => ({
  ...{ path, type: 'part', size: GIB, model: null, tran: null, rm: false, ro: false },
  ...{ mountpoints: [null], fstype: 'ext4', label: null, ...more },
});
const disk = (path: string, more: Raw = {}): Raw =>
  part(path, { type: 'disk', size: 500 * GIB, fstype: null, ...more });
const card = (more: Raw = {}): Raw =>
  disk('/dev/sdb', {
    ...{ model: 'SD Card Reader', tran: 'usb', rm: true, size: 32 * GIB },
    children: [part('/dev/sdb1', { rm: true, fstype: 'vfat', label: 'bootfs' })],
    ...more,
  });
const laptop = (...children: Raw[]): Raw =>
  disk('/dev/nvme0n1', { model: 'Samsung SSD', tran: 'nvme', children });

function judge(devices: readonly Raw[], change: Partial<TargetWish> = {}): string {
  const verdict = judgeTarget({
    path: '/dev/sdb',
    devices: parseLsblk(JSON.stringify({ blockdevices: devices })),
    ...{ neededBytes: 2 * GIB, isSdCard: false, canWrite: true, evenFixed: null, unmount: false },
    ...change,
  });
  return verdict.ok ? `ok ${verdict.mounts.join(' ')}`.trim() : verdict.refusals.join('\n');
}

const root = part('/dev/nvme0n1p2', { mountpoints: ['/'] });

describe('a card in a reader', () => {
  it('is taken', () => {
    expect(judge([laptop(root), card()])).toBe('ok');
  });

  it('is told with what is on it', () => {
    const [device] = parseLsblk(JSON.stringify({ blockdevices: [card()] }));
    expect(told(device!)).toEqual([
      '/dev/sdb  SD Card Reader  34.4 GB  usb',
      '  /dev/sdb1  1.1 GB  vfat  "bootfs"',
    ]);
  });

  it('is taken from a reader on the board, which is called fixed', () => {
    const sd = disk('/dev/mmcblk0', { tran: 'mmc', size: 32 * GIB });
    const wish = { path: '/dev/mmcblk0' };
    expect(judge([sd], { ...wish, isSdCard: true })).toBe('ok');
    expect(judge([sd], wish)).toContain('cannot be taken out');
  });
});

describe("the laptop's own disk is refused", () => {
  const own = (...children: Raw[]): string =>
    judge([laptop(...children), card()], {
      path: '/dev/nvme0n1',
      ...{ evenFixed: 'Samsung SSD', unmount: true },
    });

  it.each([
    ['root', [root], '/dev/nvme0n1p2 is mounted at /'],
    ['its boot partition', [part('/dev/nvme0n1p1', { mountpoints: ['/boot/efi'] })], '/boot/efi'],
    ['homes', [part('/dev/nvme0n1p3', { mountpoints: [null, '/home'] })], 'at /home'],
    ['swap', [part('/dev/nvme0n1p4', { mountpoints: ['[SWAP]'] })], 'is swap'],
    [
      'a crypt with a volume below /',
      [
        part('/dev/nvme0n1p3', {
          fstype: 'crypto_LUKS',
          children: [
            part('/dev/mapper/luks', {
              type: 'crypt',
              children: [part('/dev/mapper/vg-root', { type: 'lvm', mountpoints: ['/'] })],
            }),
          ],
        }),
      ],
      'luks is an encrypted volume that is open',
    ],
    [
      'a volume that is not mounted',
      [part('/dev/nvme0n1p3', { children: [part('/dev/mapper/vg-x', { type: 'lvm' })] })],
      'volume that is in use',
    ],
    [
      'a member of an array',
      [part('/dev/nvme0n1p3', { children: [part('/dev/md0', { type: 'raid1' })] })],
      'array of disks',
    ],
    ['an unknown place', [part('/dev/nvme0n1p3', { mountpoints: ['/srv/x'] })], 'at /srv/x'],
  ])('%s, whatever was allowed', (_, children, words) => {
    const answer = own(...children);
    expect(answer).toContain('is a disk of this computer');
    expect(answer).toContain(words);
    expect(answer).toContain('there are /dev/sdb SD Card Reader 34.4 GB');
  });

  it('even where it is removable: a system on a stick', () => {
    const stick = card({ children: [part('/dev/sdb2', { mountpoints: ['/'] })] });
    expect(judge([stick], { unmount: true })).toContain('is a disk of this computer');
  });

  it('with the mount told in the form of an old lsblk', () => {
    const old = { ...part('/dev/sdb2'), mountpoints: undefined, mountpoint: '/' };
    expect(judge([card({ children: [old] })])).toContain('mounted at /');
  });
});

describe('other targets that are refused', () => {
  const usbMount = card({ children: [part('/dev/sdb1', { mountpoints: ['/media/me/bootfs'] })] });

  it('a mounted one, with the place; --unmount takes it down', () => {
    expect(judge([usbMount])).toBe(
      '/dev/sdb is mounted at /media/me/bootfs; unmount it there, or add --unmount',
    );
    expect(judge([usbMount], { unmount: true })).toBe('ok /media/me/bootfs');
  });

  it('a fixed one without its model, or with another', () => {
    const backup = [card({ rm: false, model: 'Backup Plus' })];
    expect(judge(backup)).toContain("add --even-fixed 'Backup Plus'");
    expect(judge(backup, { evenFixed: 'backup' })).toContain("its model is 'Backup Plus'");
    expect(judge(backup, { evenFixed: 'Backup Plus' })).toBe('ok');
  });

  it('one that is too small', () => {
    expect(judge([card({ size: 2 * GIB - 512 })])).toContain(
      'too small: it has 2147483136 bytes (2.1 GB), the image needs 2147483648',
    );
    expect(judge([card({ size: 2 * GIB })])).toBe('ok');
  });

  it('one that is locked, empty, or not for this user: each with its remedy', () => {
    expect(judge([card({ ro: true })])).toContain('move the lock');
    expect(judge([card({ size: 0 })])).toContain('has no card in it');
    expect(judge([card()], { canWrite: false })).toContain('with sudo');
    expect(judge([card({ type: 'rom' })])).toContain('drive for discs');
  });

  it('a partition: the whole card is named', () => {
    expect(judge([card()], { path: '/dev/sdb1' })).toBe(
      '/dev/sdb1 is a part of /dev/sdb; name the whole card: --to /dev/sdb',
    );
  });

  it('one that is not there', () => {
    expect(judge([laptop(root)], { path: '/dev/sdx' })).toBe(
      '/dev/sdx is not there; put the card into its reader, and name it: ' +
        'no card is in a reader now',
    );
  });

  it('tells everything that speaks against one at once', () => {
    const bad = card({ rm: false, ro: true, size: 1024 });
    expect(judge([bad], { canWrite: false }).split('\n')).toHaveLength(4);
  });
});

describe('an answer of lsblk that cannot be read', () => {
  it.each(['', '{}', '{"blockdevices":[{"path":"/dev/sda"}]}', '[1]'])('%s is trouble', (text) => {
    expect(() => parseLsblk(text)).toThrow('lsblk');
  });
});
