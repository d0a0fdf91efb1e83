import { readdirSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readBootConfiguration } from '../../scripts/image/boot-files.ts';
import {
  ALIGNMENT_MIB,
  commandLineProblems,
  DATA_PLACES,
  fstabText,
  MIB,
  partitionsOf,
  partitionWord,
  SECTOR_BYTES,
  sizeProblem,
} from '../../scripts/image/layout.ts';
import { sourcesText } from '../../scripts/image/packages.ts';
import { readPackages } from '../../scripts/image/record.ts';

const COMMAND_LINE =
  'console=tty0 root=PARTUUID=45796531-02 rw fsck.repair=yes net.ifnames=0 rootwait ro panic=10';

describe('the layout of the card', () => {
  it.each([2048, 4096, 32_768])('fills %i MiB to the end, on erase blocks', (sizeMib) => {
    const partitions = partitionsOf(sizeMib);
    const blocks = (ALIGNMENT_MIB * MIB) / SECTOR_BYTES;
    let free = blocks;
    for (const { start, sectors } of partitions) {
      expect(start).toBe(free);
      expect(start % blocks).toBe(0);
      free = start + sectors;
    }
    expect(free).toBe((sizeMib * MIB) / SECTOR_BYTES);
    expect(sizeProblem(sizeMib)).toBeNull();
  });

  it.each([1024, 3000, 2048.5, 0, -2048, Number.NaN])('refuses %d MiB with a size', (sizeMib) => {
    expect(sizeProblem(sizeMib)).toMatch(/use 2048/);
  });
});

describe('fstab', () => {
  const entries = fstabText()
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(' '));
  const optionsAt = (at: string) => entries.find(([, where]) => where === at)?.[3]?.split(',');

  it('has six fields in each line and no place twice', () => {
    expect(entries.every((fields) => fields.length === 6)).toBe(true);
    expect(new Set(entries.map(([, at]) => at)).size).toBe(entries.length);
  });

  it('mounts the root read-only and leaves the other two partitions to the initramfs', () => {
    expect(optionsAt('/')).toContain('ro');
    expect(optionsAt('/boot/firmware')).toBeUndefined();
    expect(optionsAt('/data')).toBeUndefined();
    const script = readFileSync(
      'system/image/root/etc/initramfs-tools/scripts/local-bottom/embereye',
      'utf8',
    );
    expect(script).toMatch(/-t vfat -o ro,\S+ "\$boot" "\$root\/boot\/firmware"/);
    expect(script).toMatch(
      /options=rw,noatime,nodev,nosuid,data=ordered,commit=5,errors=remount-ro/,
    );
    // The command line is written by Debian's hook.
    expect(script).toContain(`\ncard=${partitionWord(1).slice(0, -3)}\n`);
    for (const number of ['01', '03']) expect(script).toContain(`resolve_device "$card-${number}"`);
    const firmware = readFileSync('system/image/root/etc/default/raspi-firmware', 'utf8');
    expect(firmware).toContain(`\nROOTPART=${partitionWord(2)}\n`);
  });

  it('waits for a slow card, and for nothing else', () => {
    const settings = 'system/image/root/etc';
    const waiting = `${settings}/initramfs-tools/scripts/local-top/embereye`;
    expect(readFileSync(waiting, 'utf8')).toContain('resolve_device "${ROOT:?}"');
    expect(statSync(waiting).mode & 0o111, 'the initramfs runs it').toBe(0o111);
    // That word lets Debian's initramfs sleep for its whole time at every start.
    expect(readFileSync(`${settings}/default/raspi-extra-cmdline`, 'utf8')).not.toContain(
      'rootdelay',
    );
  });

  it('lets programs start only from the slots for updates', () => {
    for (const { at } of DATA_PLACES) {
      expect(optionsAt(at)?.includes('noexec')).toBe(at !== '/var/lib/embereye-releases');
      expect(optionsAt(at)).toContain('x-systemd.requires-mounts-for=/data');
    }
  });

  it('gives every unit of ours a place for its state', () => {
    const units = 'system/systemd';
    const texts = readdirSync(units, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => readFileSync(`${units}/${name}`, 'utf8'));
    const wanted = texts.flatMap((text) =>
      [...text.matchAll(/^StateDirectory=(.+)$/gm)].flatMap(([, names = '']) => names.split(' ')),
    );
    expect(wanted).toContain('embereye');
    for (const name of wanted) {
      expect(DATA_PLACES.map(({ at }) => at)).toContain(`/var/lib/${name}`);
    }
  });

  it('keeps what the other parts of the system expect to be kept', () => {
    expect(DATA_PLACES.map(({ at }) => at)).toEqual(
      expect.arrayContaining([
        ...['/var/lib/embereye', '/var/lib/embereye-releases', '/etc/embereye'],
        ...['/var/log/journal', '/etc/systemd/network', '/var/lib/systemd'],
      ]),
    );
  });
});

describe('the command line of the kernel', () => {
  it('is accepted as the hook of raspi-firmware writes it with our words', () => {
    expect(commandLineProblems(`${COMMAND_LINE}\n`)).toEqual([]);
  });

  it.each([
    ['ro panic=10', 'panic=10', /the last of "ro" and "rw" must be "ro"/],
    ['root=PARTUUID=45796531-02', 'root=/dev/mmcblk0p2', /root=PARTUUID=45796531-02/],
    ['root=PARTUUID=45796531-02', '', /no root=/],
    ['panic=10', 'panic=0', /a panic must end in a new start/],
    ['fsck.repair=yes', '', /"fsck.repair=yes" is missing/],
    ['rootwait', 'x\ny', /only one line/],
  ])('without "%s" but "%s" it is refused', (word, instead, problem) => {
    expect(commandLineProblems(COMMAND_LINE.replace(word, instead)).join()).toMatch(problem);
  });
});

describe('config.txt', () => {
  const text = 'arm_64bit=1\n#kernel=no\nkernel=vmlinuz-6\ninitramfs initrd.img-6\n';

  it('names kernel, initramfs and overlays', () => {
    expect(readBootConfiguration(`${text}dtoverlay=embereye\ndtoverlay=x,y=1\n`)).toEqual({
      kernel: 'vmlinuz-6',
      initrd: 'initrd.img-6',
      overlays: ['embereye', 'x'],
    });
  });

  it('is refused without them, and with sections that nobody reads', () => {
    expect(() => readBootConfiguration('initramfs x')).toThrow('no line kernel=');
    expect(() => readBootConfiguration('kernel=x')).toThrow('no line initramfs');
    expect(() => readBootConfiguration(`${text}[pi4]`)).toThrow('section [pi4]');
  });
});

describe('what Debian gives', () => {
  it('comes from the suite, its updates and its security updates', () => {
    expect(sourcesText('bookworm').trim().split('\n')).toEqual([
      'deb http://deb.debian.org/debian bookworm main non-free-firmware',
      'deb http://deb.debian.org/debian bookworm-updates main non-free-firmware',
      'deb http://deb.debian.org/debian-security bookworm-security main non-free-firmware',
    ]);
  });

  it('is recorded with name, version and size', () => {
    expect(readPackages('adduser\t3.152\t310\nempty\t1\t\n')).toEqual([
      { name: 'adduser', version: '3.152', sizeKib: 310 },
      { name: 'empty', version: '1', sizeKib: 0 },
    ]);
    expect(() => readPackages('adduser 3.152')).toThrow('no name, version and size');
  });
});
