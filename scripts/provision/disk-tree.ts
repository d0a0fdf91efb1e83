/** Block devices as `lsblk --json` tells them. */
import { Trouble } from './trouble.ts';

/** A disk, a partition, or what is built of them: an opened crypt, a volume, an array of disks. */
export interface BlockDevice {
  /** Such as `/dev/sdb`. */
  readonly path: string;
  /** `disk`, `part`, `loop`, `rom`, `crypt`, `lvm`, `raid1` and so on. */
  readonly type: string;
  readonly sizeBytes: number;
  readonly model: string | null;
  /** `usb`, `sata`, `nvme`, `mmc` and so on. */
  readonly transport: string | null;
  /** The medium can be taken out. */
  readonly isRemovable: boolean;
  readonly isReadOnly: boolean;
  /** Where it is mounted; `[SWAP]` where it is swap. */
  readonly mounts: readonly string[];
  readonly fileSystem: string | null;
  readonly label: string | null;
  readonly children: readonly BlockDevice[];
}

/** The columns that `parseLsblk` reads. */
export const LSBLK_COLUMNS = 'PATH,TYPE,SIZE,MODEL,TRAN,RM,RO,MOUNTPOINTS,FSTYPE,LABEL';
/** The same for util-linux before 2.37, which tells one place of several. */
export const OLD_LSBLK_COLUMNS = LSBLK_COLUMNS.replace('MOUNTPOINTS', 'MOUNTPOINT');

/** Reads `lsblk --json --bytes --output LSBLK_COLUMNS`. @throws Trouble on anything else */
export function parseLsblk(text: string): readonly BlockDevice[] {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    raw = null;
  }
  const devices = recordOf(raw)['blockdevices'];
  if (!Array.isArray(devices)) throw new Trouble('lsblk: an answer without block devices');
  return devices.map(deviceOf);
}

function deviceOf(raw: unknown): BlockDevice {
  const fields = recordOf(raw);
  const text = (name: string): string | null => {
    const value = fields[name];
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : null;
  };
  // Versions of lsblk write numbers and truth as such, or as text.
  const isTrue = (name: string): boolean => [true, 1, '1'].some((one) => fields[name] === one);
  const path = text('path');
  const size = Number(fields['size'] ?? NaN);
  if (path === null || !Number.isSafeInteger(size)) {
    throw new Trouble(`lsblk: a device without path or size: ${JSON.stringify(raw).slice(0, 80)}`);
  }
  const mounts = [fields['mountpoints'] ?? fields['mountpoint']].flat();
  const children = fields['children'];
  return {
    ...{ path, type: text('type') ?? '', sizeBytes: size, model: text('model') },
    ...{ transport: text('tran'), isRemovable: isTrue('rm'), isReadOnly: isTrue('ro') },
    mounts: mounts.filter((one): one is string => typeof one === 'string' && one !== ''),
    ...{ fileSystem: text('fstype'), label: text('label') },
    children: Array.isArray(children) ? children.map(deviceOf) : [],
  };
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** A device and all that is built on it. */
export function withChildren(device: BlockDevice): readonly BlockDevice[] {
  return [device, ...device.children.flatMap(withChildren)];
}

/** The whole device that a path is, or belongs to; null where lsblk knows none. */
export function wholeDeviceOf(devices: readonly BlockDevice[], path: string): BlockDevice | null {
  return devices.find((one) => withChildren(one).some((child) => child.path === path)) ?? null;
}

/** `31.9 GB`, as it is printed on a card. */
export function sizeText(bytes: number): string {
  if (bytes >= 1e9) return `${(bytes / 1e9).toFixed(1)} GB`;
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A line a device, for a person who decides whether it may be erased. */
export function describe(device: BlockDevice, depth = 0): readonly string[] {
  const words = [
    device.path,
    device.type === 'part' ? '' : (device.model ?? ''),
    sizeText(device.sizeBytes),
    device.transport ?? '',
    device.fileSystem ?? '',
    device.label === null ? '' : `"${device.label}"`,
    device.mounts.length === 0 ? '' : `mounted at ${device.mounts.join(', ')}`,
  ];
  const line = `${'  '.repeat(depth)}${words.filter((word) => word !== '').join('  ')}`;
  return [line, ...device.children.flatMap((child) => describe(child, depth + 1))];
}
