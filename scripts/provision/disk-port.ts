/** The one place that asks the operating system about disks. Tried on Linux. */
import { execFile } from 'node:child_process';
import { accessSync, constants, readFileSync, realpathSync } from 'node:fs';
import { basename } from 'node:path';
import type { BlockDevice } from './disk-tree.ts';
import { LSBLK_COLUMNS, OLD_LSBLK_COLUMNS, parseLsblk } from './disk-tree.ts';
import { missing, refusal, wordsOf } from './trouble.ts';

/** What the computer tells about its disks, and does with them. */
export interface DiskPort {
  /** @throws Trouble where it cannot be told */
  list(): Promise<readonly BlockDevice[]>;
  /** The kernel's name behind links such as /dev/disk/by-id; the same name where nothing is. */
  realPath(path: string): string;
  /** Whether it is an SD card in a reader of its own, whatever the kernel says of removal. */
  isSdCard(path: string): boolean;
  canWrite(path: string): boolean;
  /** @throws Trouble where something still uses it */
  unmount(place: string): Promise<void>;
  /** Forgets what the kernel keeps of the device; false where that cannot be done. */
  dropCache(path: string): Promise<boolean>;
  /** Whether the card can be taken out now without more ado. */
  eject(path: string): Promise<boolean>;
}

/** The disks of this computer. @param environment to find programs with */
export function systemDisks(
  environment: Readonly<Record<string, string | undefined>>,
  platform: string,
): DiskPort {
  // A user's PATH often lacks where the programs of the administrator are.
  const env = { ...environment, PATH: `${environment['PATH'] ?? ''}:/usr/sbin:/sbin` };
  const run = (command: string, ...args: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      execFile(command, args, { env, encoding: 'utf8' }, (error, out, words) => {
        if (error === null) resolve(out);
        else reject(new Error(words.trim() === '' ? error.message : words.trim()));
      });
    });
  const works = (command: string, ...args: string[]): Promise<boolean> =>
    run(command, ...args).then(
      () => true,
      () => false,
    );
  return {
    list: () => list(run, platform),
    realPath,
    isSdCard,
    canWrite,
    async unmount(place) {
      try {
        await run('umount', place);
      } catch (error) {
        throw refusal(`${place} stays mounted (${wordsOf(error)}); close what uses it`);
      }
    },
    dropCache: (path) => works('blockdev', '--flushbufs', path),
    eject: (path) => works('eject', path),
  };
}

async function list(
  run: (command: string, ...args: string[]) => Promise<string>,
  platform: string,
): Promise<readonly BlockDevice[]> {
  if (platform !== 'linux') {
    throw missing(
      'cards are written on Linux only; here, write a file (--to FILE) and copy it to the card: ' +
        'on macOS with sudo dd if=FILE of=/dev/rdiskN bs=4m, N as diskutil list external tells it',
    );
  }
  const lsblk = (columns: string): Promise<string> =>
    run('lsblk', '--json', '--bytes', '--output', columns);
  try {
    return parseLsblk(await lsblk(LSBLK_COLUMNS).catch(() => lsblk(OLD_LSBLK_COLUMNS)));
  } catch (error) {
    throw missing(
      `disks cannot be told apart (${wordsOf(error)}); install util-linux: ` +
        'sudo apt-get install util-linux',
    );
  }
}

function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // What is not there is judged by its name.
    return path;
  }
}

function isSdCard(path: string): boolean {
  if (!/^\/dev\/mmcblk\d+$/.test(path)) return false;
  try {
    return readFileSync(`/sys/block/${basename(path)}/device/type`, 'utf8').trim() === 'SD';
  } catch {
    // Unknown is not removable: the safe side.
    return false;
  }
}

function canWrite(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
