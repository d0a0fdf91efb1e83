/**
 * The identity of a unit on its disk: key, certificate, authorities, and who it is. The private key
 * is made here and is never printed, sent or copied anywhere.
 */
import { createPrivateKey } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';

export const IDENTITY_FOLDER = '/etc/embereye/identity';
export const SERVICE_GROUP = 'embereye';

/** Names within the folder. `nextKey` waits for its certificate. */
export const IDENTITY_FILES = {
  key: 'device.key',
  nextKey: 'device.key.next',
  certificate: 'device.crt',
  authorities: 'ca.crt',
  device: 'device.json',
  claim: 'claim.json',
} as const;

/** What each file may be read by, as the seed sets it too. */
const MODES: Readonly<Record<keyof typeof IDENTITY_FILES, number>> = {
  key: 0o640,
  nextKey: 0o640,
  certificate: 0o644,
  authorities: 0o644,
  device: 0o644,
  claim: 0o640,
};

/** `device.json`. */
export interface DeviceRecord {
  readonly deviceId: string;
  /** Serial number of the certificate, upper-case hex. */
  readonly serial: string;
  /** ISO 8601. */
  readonly enrolledAt: string;
}

type Name = keyof typeof IDENTITY_FILES;

/** One identity folder; every write is whole or not at all. */
export class IdentityStore {
  readonly folder: string;
  readonly #groupId: number | null;

  /** @param groupId owner group of what the service reads; null: that of whoever writes. */
  constructor(folder: string, groupId: number | null) {
    this.folder = folder;
    this.#groupId = groupId;
  }

  path(name: Name): string {
    return join(this.folder, IDENTITY_FILES[name]);
  }

  has(name: Name): boolean {
    return existsSync(this.path(name));
  }

  /** Null where the file does not exist. @throws Error where it cannot be read. */
  read(name: Name): string | null {
    return this.has(name) ? readFileSync(this.path(name), 'utf8') : null;
  }

  /** @throws Error that names the file when it holds no private key. */
  readKey(name: 'key' | 'nextKey'): KeyObject | null {
    const text = this.read(name);
    if (text === null) return null;
    try {
      return createPrivateKey(text);
    } catch (cause) {
      const advice = 'make another one with `embereye identity csr --new-key` and enrol again';
      throw new Error(`${this.path(name)} holds no private key in PEM form: ${advice}`, { cause });
    }
  }

  /** Null where nobody enrolled this unit, or the file is damaged. */
  device(): DeviceRecord | null {
    try {
      const raw = JSON.parse(this.read('device') ?? 'null') as Partial<DeviceRecord> | null;
      if (typeof raw?.deviceId !== 'string') return null;
      const { deviceId, serial, enrolledAt } = raw;
      return { deviceId, serial: serial ?? '', enrolledAt: enrolledAt ?? '' };
    } catch {
      // Damaged is like absent: enrolling again writes it anew.
      return null;
    }
  }

  makeFolder(): void {
    if (existsSync(this.folder)) return;
    mkdirSync(this.folder, { recursive: true, mode: 0o755 });
    chmodSync(this.folder, 0o755);
  }

  /** Beside the old one first; `keepOld` leaves that as `NAME.old`. */
  write(name: Name, text: string, { keepOld = false }: { readonly keepOld?: boolean } = {}): void {
    const path = this.path(name);
    if (keepOld && existsSync(path)) this.#place(`${path}.old`, readFileSync(path), MODES[name]);
    this.#place(path, text, MODES[name]);
    this.#sync();
  }

  /** The key that waited becomes the key; the one before stays as `device.key.old`. */
  takeNextKey(): void {
    const [key, next] = [this.path('key'), this.path('nextKey')];
    if (existsSync(key)) renameSync(key, `${key}.old`);
    renameSync(next, key);
    this.#sync();
  }

  /** Removes everything that says who this unit is; @returns the names that were there. */
  wipe(): readonly string[] {
    const names = Object.values(IDENTITY_FILES).flatMap((name) => [name, `${name}.old`]);
    const there = names.filter((name) => existsSync(join(this.folder, name)));
    for (const name of there) rmSync(join(this.folder, name));
    if (there.length > 0) this.#sync();
    return there;
  }

  #place(path: string, content: string | Uint8Array, mode: number): void {
    const fresh = `${path}.new`;
    rmSync(fresh, { force: true });
    writeFileSync(fresh, content, { mode: 0o600, flush: true });
    if (this.#groupId !== null) chownSync(fresh, 0, this.#groupId);
    chmodSync(fresh, mode);
    renameSync(fresh, path);
  }

  /** Names are durable only once the folder is. */
  #sync(): void {
    const folder = openSync(this.folder, 'r');
    fsyncSync(folder);
    closeSync(folder);
  }
}

/** Number of a group in the text of /etc/group; null where it has none of that name. */
export function groupIdIn(groups: string, name: string): number | null {
  for (const line of groups.split('\n')) {
    const [group, , id] = line.split(':');
    if (group === name && id !== undefined) return Number(id);
  }
  return null;
}
