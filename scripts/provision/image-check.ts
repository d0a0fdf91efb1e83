/** Whether an image is one for these boards, and of which kind. */
import { Fat32 } from './fat32.ts';
import type { Partition } from './image-table.ts';
import { readPartitions } from './image-table.ts';
import type { ByteStore } from './overlay.ts';
import { Trouble } from './trouble.ts';

export interface CheckedImage {
  /** `embereye`: ready, from `npm run image`; `raspberryPiOs`: the package goes along. */
  readonly kind: 'embereye' | 'raspberryPiOs';
  readonly boot: Partition;
  readonly partitions: readonly Partition[];
}

interface Expected {
  readonly kind: CheckedImage['kind'];
  readonly labels: readonly (readonly string[])[];
}

/** Labels by the number of the partition; the first is FAT32, the others ext4. */
const KINDS: readonly Expected[] = [
  { kind: 'embereye', labels: [['EMBEREYE'], ['embereye-root'], ['embereye-data']] },
  // "boot" before Debian 12.
  { kind: 'raspberryPiOs', labels: [['bootfs', 'boot'], ['rootfs']] },
];

/**
 * Checks partitions, labels and processor.
 * @throws Trouble whose words go after the name of the image
 */
export function checkImage(store: ByteStore, sizeBytes: number): CheckedImage {
  const partitions = readPartitions(store, sizeBytes);
  const [boot] = partitions;
  const kind = KINDS.find((one) => fits(one, partitions))?.kind;
  if (kind === undefined || boot === undefined) {
    throw new Trouble(
      `its partitions are ${partitions.map(words).join(', ')}; expected are those of an EmberEye ` +
        'image (EMBEREYE, embereye-root, embereye-data) or of Raspberry Pi OS (bootfs, rootfs)',
    );
  }
  const machine = machineOf(new Fat32(store, boot.startBytes, 0));
  if (machine !== 'arm64') {
    throw new Trouble(
      machine === null
        ? 'there is no kernel on its first partition; get the image again'
        : `its kernel is for ${machine}, but the boards need arm64: take the 64-bit image`,
    );
  }
  return { kind, boot, partitions };
}

function fits({ labels }: Expected, partitions: readonly Partition[]): boolean {
  if (partitions.length !== labels.length) return false;
  return partitions.every(({ fileSystem, label }, i) => {
    const wanted = labels[i] ?? [];
    const system = i === 0 ? 'fat32' : 'ext4';
    return fileSystem === system && wanted.some((one) => sameLabel(one, label));
  });
}

/** FAT keeps labels in capitals on some systems. */
function sameLabel(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}

function words({ number, fileSystem, label }: Partition): string {
  return `${number}: ${fileSystem}${label === '' ? '' : ` "${label}"`}`;
}

const KERNEL = /^(vmlinuz.*|kernel.*\.img|Image|zImage|vmlinux.*)$/i;
const GZIP = 0x1f8b;

/**
 * The processor of the kernels in the boot partition: arm64 as soon as one is for it. A compressed
 * kernel counts as arm64, as only those are: a 32-bit kernel unpacks itself.
 * Sources: Linux, Documentation/arch/arm64/booting.rst and arch/x86/boot.rst; magic of zImage.
 */
function machineOf(boot: Fat32): string | null {
  const found = (boot.list('') ?? [])
    .filter((name) => KERNEL.test(name))
    .flatMap((name) => {
      const head = boot.read(name, 1024);
      return head === null ? [] : [kernelMachine(head)];
    });
  return found.find((one) => one === 'arm64') ?? found[0] ?? null;
}

function kernelMachine(head: Buffer): string {
  if (head.length < 1024) return 'nothing (too short)';
  if (head.readUInt16BE(0) === GZIP || head.toString('latin1', 56, 60) === 'ARM\x64')
    return 'arm64';
  if (head.readUInt32LE(0x24) === 0x016f2818) return 'arm (32 bits)';
  if (head.toString('latin1', 0x202, 0x206) === 'HdrS') return 'x86';
  return 'an unknown processor';
}
