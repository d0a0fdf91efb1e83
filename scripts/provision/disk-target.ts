/** Whether a device may be erased: all that speaks against it, each with what to do. Pure. */
import type { BlockDevice } from './disk-tree.ts';
import { sizeText, wholeDeviceOf, withChildren } from './disk-tree.ts';

export interface TargetWish {
  /** As the kernel names it: links are followed. */
  readonly path: string;
  readonly devices: readonly BlockDevice[];
  /** Of the image. */
  readonly neededBytes: number;
  /** Whether the device is an SD card in a reader on the board, which some kernels call fixed. */
  readonly isSdCard: boolean;
  readonly canWrite: boolean;
  /** What was given with --even-fixed; null without it. */
  readonly evenFixed: string | null;
  /** Whether mounts are taken down first. */
  readonly unmount: boolean;
}

export type TargetVerdict =
  | { readonly ok: true; readonly device: BlockDevice; readonly mounts: readonly string[] }
  | { readonly ok: false; readonly refusals: readonly string[] };

/** Where desktops and people mount what can be taken out; anything else belongs to the system. */
const GUEST_MOUNTS = ['/media/', '/run/media/', '/mnt/', '/mnt', '/Volumes/'];

/** Judges a target. A system disk is refused whatever else was allowed. */
export function judgeTarget(wish: TargetWish): TargetVerdict {
  const { path, devices } = wish;
  const device = wholeDeviceOf(devices, path);
  if (device === null) return { ok: false, refusals: [unknown(path, devices)] };
  if (device.path !== path) {
    const words = `${path} is a part of ${device.path}; name the whole card: --to ${device.path}`;
    return { ok: false, refusals: [words] };
  }
  const system = systemReason(device);
  if (system !== null) {
    return {
      ok: false,
      refusals: [`${path} is a disk of this computer: ${system}; name the card: ${cards(devices)}`],
    };
  }
  const refusals = [fixed(wish, device), medium(wish, device), mounted(wish, device)].flat();
  if (refusals.length > 0) return { ok: false, refusals };
  return { ok: true, device, mounts: mountsOf(device) };
}

function mountsOf(device: BlockDevice): readonly string[] {
  return withChildren(device).flatMap(({ mounts }) => mounts);
}

/** Why a device is one that this computer runs on, or null. */
export function systemReason(device: BlockDevice): string | null {
  for (const part of withChildren(device)) {
    if (part.mounts.includes('[SWAP]')) return `${part.path} is swap`;
    const place = part.mounts.find((at) => !GUEST_MOUNTS.some((guest) => isBelow(at, guest)));
    if (place !== undefined) return `${part.path} is mounted at ${place}`;
    if (part.type === 'lvm') return `${part.path} is a volume that is in use`;
    if (part.type.startsWith('raid') || part.type === 'md') {
      return `${part.path} is an array of disks that is in use`;
    }
    if (part.type === 'crypt') return `${part.path} is an encrypted volume that is open`;
    if (part.type === 'mpath') return `${part.path} is a way to a disk that is in use`;
  }
  return null;
}

function isBelow(place: string, guest: string): boolean {
  return guest.endsWith('/') ? place.startsWith(guest) : place === guest;
}

function unknown(path: string, devices: readonly BlockDevice[]): string {
  if (!path.startsWith('/dev/')) return `${path} is no block device`;
  return `${path} is not there; put the card into its reader, and name it: ${cards(devices)}`;
}

/** Devices that could be meant. */
function cards(devices: readonly BlockDevice[]): string {
  const found = devices.filter(
    (one) => one.type === 'disk' && one.sizeBytes > 0 && systemReason(one) === null,
  );
  if (found.length === 0) return 'no card is in a reader now';
  const words = found.map((one) =>
    [one.path, one.model ?? '', sizeText(one.sizeBytes)].filter((word) => word !== '').join(' '),
  );
  return `there are ${words.join('; ')}`;
}

function fixed(wish: TargetWish, device: BlockDevice): readonly string[] {
  if (device.isRemovable || wish.isSdCard) return [];
  const name = device.model ?? device.path;
  if (wish.evenFixed === name) return [];
  const why = `${device.path} (${name}) cannot be taken out: it may hold somebody's files`;
  if (wish.evenFixed === null) return [`${why}; if it is meant, add --even-fixed '${name}'`];
  return [`${why}; --even-fixed says '${wish.evenFixed}', but its model is '${name}'`];
}

function medium(wish: TargetWish, device: BlockDevice): readonly string[] {
  const { path, sizeBytes } = device;
  if (sizeBytes === 0) return [`${path} has no card in it; put one in`];
  if (device.type === 'rom') return [`${path} is a drive for discs; name a card`];
  const refusals: string[] = [];
  if (device.isReadOnly) {
    refusals.push(`${path} cannot be written; move the lock at the side of the card`);
  }
  if (sizeBytes < wish.neededBytes) {
    refusals.push(
      `${path} is too small: it has ${sizeBytes} bytes (${sizeText(sizeBytes)}), the image needs ` +
        `${wish.neededBytes} (${sizeText(wish.neededBytes)}); use a larger card`,
    );
  }
  if (!wish.canWrite) {
    refusals.push(`${path}: this user may not write it; run the same command with sudo`);
  }
  return refusals;
}

function mounted(wish: TargetWish, device: BlockDevice): readonly string[] {
  const mounts = mountsOf(device);
  if (mounts.length === 0 || wish.unmount) return [];
  return [`${device.path} is mounted at ${mounts.join(', ')}; unmount it there, or add --unmount`];
}
