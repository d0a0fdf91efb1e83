/** How the card is divided, what is mounted where, and what of it may be written. */

export const SECTOR_BYTES = 512;
export const MIB = 1024 * 1024;

/** Cards erase blocks of up to 4 MiB: every partition starts on one. */
export const ALIGNMENT_MIB = 4;
/** Kernel and initrd of two versions fit, with the firmware. */
export const BOOT_MIB = 256;
export const ROOT_MIB = 1280;
/** The data partition of the image itself; on the card it grows. */
export const SMALLEST_DATA_MIB = 256;

/** For people, and for the tool that writes cards. FAT labels: upper case, 11 characters. */
export const BOOT_LABEL = 'EMBEREYE';
export const ROOT_LABEL = 'embereye-root';
export const DATA_LABEL = 'embereye-data';

/** Always the same, so that two builds can be compared. */
export const DISK_ID = 0x45796531;
export const BOOT_SERIAL = 'EE000001';
export const ROOT_UUID = 'e3b0e7e0-0001-4e6d-8b65-726579650001';
export const DATA_UUID = 'e3b0e7e0-0002-4e6d-8b65-726579650002';

/**
 * How the unit finds a partition: by the table, which nothing writes after the first start. A label
 * lies in a file system's superblock, and a cut in the midst of writing that hides it.
 * @param number from 1
 */
export function partitionWord(number: 1 | 2 | 3): string {
  return `PARTUUID=${DISK_ID.toString(16).padStart(8, '0')}-0${number}`;
}

/** One entry of the partition table, in sectors of 512 bytes. */
export interface Partition {
  /** 0x0c FAT32, 0x83 Linux. */
  readonly type: number;
  readonly start: number;
  readonly sectors: number;
}

/** The three partitions of an image. @param sizeMib of the whole image; see sizeProblem */
export function partitionsOf(sizeMib: number): readonly [Partition, Partition, Partition] {
  const sectors = (mib: number): number => (mib * MIB) / SECTOR_BYTES;
  const rootMib = ALIGNMENT_MIB + BOOT_MIB;
  const dataMib = rootMib + ROOT_MIB;
  return [
    { type: 0x0c, start: sectors(ALIGNMENT_MIB), sectors: sectors(BOOT_MIB) },
    { type: 0x83, start: sectors(rootMib), sectors: sectors(ROOT_MIB) },
    { type: 0x83, start: sectors(dataMib), sectors: sectors(sizeMib - dataMib) },
  ];
}

/** Null, or what is wrong with a size in MiB and which one to take. */
export function sizeProblem(sizeMib: number): string | null {
  const smallest = ALIGNMENT_MIB + BOOT_MIB + ROOT_MIB + SMALLEST_DATA_MIB;
  const least = 2 ** Math.ceil(Math.log2(smallest));
  if (Number.isInteger(sizeMib) && sizeMib >= smallest && (sizeMib & (sizeMib - 1)) === 0) {
    return null;
  }
  return (
    `${sizeMib} is no size for an image: emulated cards want a power of two, and the ` +
    `partitions need ${smallest} MiB; use ${least} (the card's rest is taken at its first start)`
  );
}

/** A place of the system whose content lies on the data partition. */
export interface DataPlace {
  /** Folder on the data partition, relative to /data. */
  readonly folder: string;
  /** Where it is mounted again. */
  readonly at: string;
  /** Programs may be started from it. */
  readonly programs: boolean;
}

/** Everything that a unit keeps, but for DATA_LINKS and the machine-id. */
export const DATA_PLACES: readonly DataPlace[] = [
  { folder: 'embereye', at: '/var/lib/embereye', programs: false },
  { folder: 'releases', at: '/var/lib/embereye-releases', programs: true },
  { folder: 'firewall', at: '/var/lib/embereye-firewall', programs: false },
  { folder: 'etc', at: '/etc/embereye', programs: false },
  { folder: 'network', at: '/etc/systemd/network', programs: false },
  { folder: 'journal', at: '/var/log/journal', programs: false },
  // The random seed, and the clock's last time for a board without a battery.
  { folder: 'systemd', at: '/var/lib/systemd', programs: false },
];

/** Links of the root that lead to the data partition. */
export const DATA_LINKS: Readonly<Record<string, string>> = {
  '/etc/hostname': '/data/hostname',
  '/etc/ssh/authorized_keys.d': '/data/ssh/authorized_keys.d',
};

/** Gone with the power; sizes are limits, not reservations. */
const TEMPORARY: Readonly<Record<string, string>> = { '/tmp': '64m', '/var/tmp': '64m' };

/**
 * /etc/fstab of the image. /data and /boot/firmware are not in it: the initramfs has mounted them
 * already, and an entry would make the start wait until udev has found their partitions once more.
 */
export function fstabText(): string {
  const lines = [
    `${partitionWord(2)} / ext4 ro,noatime,errors=remount-ro 0 1`,
    ...Object.entries(TEMPORARY).map(
      ([at, size]) => `tmpfs ${at} tmpfs nodev,nosuid,mode=1777,size=${size} 0 0`,
    ),
    ...DATA_PLACES.map(({ folder, at, programs }) => {
      const options = `bind,nodev,nosuid${programs ? '' : ',noexec'}`;
      return `/data/${folder} ${at} none ${options},x-systemd.requires-mounts-for=/data 0 0`;
    }),
  ];
  return `# Written by npm run image; see docs/image.md.\n${lines.join('\n')}\n`;
}

/** What is wrong with a kernel command line of an image; empty when it will do. */
export function commandLineProblems(text: string): readonly string[] {
  const words = text.trim().split(/\s+/);
  const problems: string[] = [];
  if (text.trim().includes('\n')) problems.push('the firmware reads only one line');
  const root = words.findLast((word) => word.startsWith('root='));
  if (root !== `root=${partitionWord(2)}`) {
    problems.push(`${root ?? 'no root='}: the root is found by root=${partitionWord(2)}`);
  }
  // The last of the two wins, in the kernel and in the initramfs.
  if (words.findLast((word) => word === 'ro' || word === 'rw') !== 'ro') {
    problems.push('the root is mounted for writing: the last of "ro" and "rw" must be "ro"');
  }
  for (const word of ['fsck.repair=yes', 'rootwait']) {
    if (!words.includes(word)) problems.push(`"${word}" is missing`);
  }
  if (!words.some((word) => /^panic=[1-9]\d*$/.test(word))) {
    problems.push('"panic=10" is missing: a panic must end in a new start');
  }
  return problems;
}
