/**
 * The seed: a folder `embereye/` on the first partition of a card, with what makes a ready image
 * one certain unit. Written by the provision tool, read by `embereye seed import`.
 */

/** Name of the folder on the partition. */
export const SEED_FOLDER = 'embereye';
export const SEED_FILE = 'seed.json';
/** Left behind by an import: which seed it was, and what became of its files. */
export const IMPORTED_FILE = 'imported.txt';
/** Left behind by an import that refused: what, where and what to do. */
export const ERROR_FILE = 'error.txt';

/** What stands in `seed.json`. */
export interface Seed {
  readonly schema: 1;
  readonly deviceId: string;
  /** By the name within the folder, with forward slashes. */
  readonly files: Readonly<Record<string, SeedFile>>;
}

export interface SeedFile {
  /** 64 hex digits. */
  readonly sha256: string;
  /** Absolute, on the unit. */
  readonly to: string;
  /** Four octal digits, such as `0640`. */
  readonly mode: string;
}

/** Where one kind of file goes, and whom it belongs to. The importer accepts nothing else. */
export interface Destination {
  readonly to: string;
  readonly mode: string;
  /** The user is always root. */
  readonly group: 'root' | 'embereye';
  /** Removed from the card once it is on the unit. */
  readonly secret: boolean;
}

const service = { group: 'embereye', mode: '0640' } as const;
const everybody = { group: 'root', mode: '0644', secret: false } as const;

const FIXED: Readonly<Record<string, Destination>> = {
  'appliance.yaml': { to: '/etc/embereye/appliance.yaml', ...service, secret: false },
  hostname: { to: '/etc/hostname', ...everybody },
  'ca.crt': { to: '/etc/embereye/identity/ca.crt', ...everybody },
  'device.crt': { to: '/etc/embereye/identity/device.crt', ...everybody },
  'device.key': { to: '/etc/embereye/identity/device.key', ...service, secret: true },
  'device.json': { to: '/etc/embereye/identity/device.json', ...everybody },
  'claim.json': { to: '/etc/embereye/identity/claim.json', ...service, secret: true },
  'broker-password': { to: '/etc/embereye/broker-password', ...service, secret: true },
  // Read by sshd for the administrator of the image: system/image.
  authorized_keys: { to: '/etc/ssh/authorized_keys.d/embereye-admin', ...everybody },
};

/** Folders of the seed whose files keep their names. */
const FOLDERS = [
  { name: /^network\/([a-z0-9][a-z0-9_-]{0,47}\.network)$/, into: '/etc/systemd/network' },
  { name: /^release-keys\/([a-z0-9][a-z0-9_-]{0,47}\.pub)$/, into: '/etc/embereye/release-keys' },
] as const;

/** Where a file of this name goes, or null: a seed has no such file. */
export function destinationOf(name: string): Destination | null {
  if (Object.hasOwn(FIXED, name)) return FIXED[name] ?? null;
  for (const folder of FOLDERS) {
    const file = folder.name.exec(name)?.[1];
    if (file !== undefined) return { to: `${folder.into}/${file}`, ...everybody };
  }
  return null;
}

/** What a seed may be called, for messages. */
export const SEED_NAMES = `${Object.keys(FIXED).join(', ')}, network/*.network, release-keys/*.pub`;

/** Larger files are no part of a seed. */
export const MAX_SEED_FILE_BYTES = 1024 * 1024;
export const MAX_SEED_FILES = 64;

/** An appliance's id: `device.id` of its configuration. */
export const DEVICE_ID = /^[a-z0-9_-]{1,48}$/;
/** One label of a host name (RFC 1123), in small letters. */
export const HOST_NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** `seed.json` read, or every problem in it. */
export type SeedResult =
  | { readonly ok: true; readonly seed: Seed }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Reads `seed.json`; names, places and modes must be the ones this version knows. */
export function readSeed(text: string): SeedResult {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    return refuse([`${SEED_FILE}: not JSON (${cause}); write the card again`]);
  }
  if (!isRecord(raw)) return refuse([`${SEED_FILE}: not an object; write the card again`]);
  const { schema, deviceId, files } = raw;
  if (schema !== 1) {
    return refuse([
      `${SEED_FILE}: schema ${JSON.stringify(schema)} is not 1; write the card with the ` +
        'provision tool of the same release as the image',
    ]);
  }
  const problems: string[] = [];
  if (typeof deviceId !== 'string' || !DEVICE_ID.test(deviceId)) {
    problems.push(`${SEED_FILE}: deviceId ${JSON.stringify(deviceId)}: use ${DEVICE_ID.source}`);
  }
  if (!isRecord(files)) return refuse([...problems, `${SEED_FILE}: files: missing`]);
  const names = Object.keys(files);
  if (names.length > MAX_SEED_FILES) {
    return refuse([...problems, `${SEED_FILE}: ${names.length} files; at most ${MAX_SEED_FILES}`]);
  }
  const entries = names.map((name) => [name, entryOf(name, files[name], problems)] as const);
  if (!names.includes('appliance.yaml')) {
    problems.push(`${SEED_FILE}: appliance.yaml is missing: a seed brings a configuration`);
  }
  if (problems.length > 0) return refuse(problems);
  const known = entries.flatMap(([name, entry]) =>
    entry === null ? [] : [[name, entry] as const],
  );
  const seed = { schema, deviceId: String(deviceId), files: Object.fromEntries(known) } as const;
  return { ok: true, seed };
}

function refuse(problems: readonly string[]): SeedResult {
  return { ok: false, problems };
}

function entryOf(name: string, raw: unknown, problems: string[]): SeedFile | null {
  const where = `${SEED_FILE}: files.${JSON.stringify(name).slice(0, 80)}`;
  const known = destinationOf(name);
  if (known === null) {
    problems.push(`${where}: a seed has no such file; it may have: ${SEED_NAMES}`);
    return null;
  }
  const entry = isRecord(raw) ? raw : {};
  const { sha256, to, mode } = entry;
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) {
    problems.push(`${where}.sha256: not 64 hex digits; write the card again`);
    return null;
  }
  if (to !== known.to || mode !== known.mode) {
    problems.push(
      `${where}: ${JSON.stringify(to)}, mode ${JSON.stringify(mode)}: this file goes to ` +
        `${known.to}, mode ${known.mode}, and nowhere else; write the card again`,
    );
    return null;
  }
  return { sha256, to: known.to, mode: known.mode };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
