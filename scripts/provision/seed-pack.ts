/** Makes a seed of what an installer has: configuration, identity, host name, network, keys. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { configurationReport } from '../../src/commands/seed.ts';
import { certificatesIn, contentProblems, sha256Of } from '../../src/seed/check.ts';
import type { Seed } from '../../src/seed/format.ts';
import { destinationOf, SEED_FILE, SEED_FOLDER } from '../../src/seed/format.ts';
import type { Fat32 } from './fat32.ts';
import { missing, Trouble, wordsOf } from './trouble.ts';

/** A file as it goes into a folder of the seed. */
export interface NamedFile {
  readonly name: string;
  readonly bytes: Buffer;
}

/** Files on the laptop; null and empty where there is none. */
export interface SeedParts {
  /** The configuration's text, and the name it goes by in messages. */
  readonly config: { readonly name: string; readonly text: string };
  /** Folder that `provision enrol` made. */
  readonly identity: string | null;
  /** Null: the id of the appliance, with - for _. */
  readonly hostname: string | null;
  readonly networks: readonly NamedFile[];
  readonly authorizedKeys: string | null;
  readonly brokerPassword: string | null;
  readonly releaseKeys: readonly NamedFile[];
}

export interface PackedSeed {
  readonly deviceId: string;
  /** By name within the seed, `seed.json` among them. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** What is valid and should be meant. */
  readonly notes: readonly string[];
}

const IDENTITY_NAMES = ['ca.crt', 'device.crt', 'device.key', 'device.json'] as const;
/** Taken where they are there. */
const IDENTITY_MORE = ['claim.json', 'broker-password'] as const;

/**
 * Reads, checks and packs.
 * @throws Trouble with every problem, a line each
 */
export function packSeed(parts: SeedParts, nowMs: number): PackedSeed {
  const { config } = parts;
  const report = configurationReport(config.text);
  if (report.deviceId === null) throw new Trouble(renamed(report.problems, config.name).join('\n'));
  const { deviceId } = report;
  const files = new Map<string, Buffer>([['appliance.yaml', Buffer.from(config.text)]]);
  const hostname = parts.hostname ?? hostNameOf(deviceId);
  files.set('hostname', Buffer.from(`${hostname}\n`));
  if (parts.identity !== null) readIdentity(parts.identity, files);
  for (const { name, bytes } of parts.networks) files.set(`network/${name}`, bytes);
  for (const { name, bytes } of parts.releaseKeys) files.set(`release-keys/${name}`, bytes);
  if (parts.authorizedKeys !== null) files.set('authorized_keys', readFile(parts.authorizedKeys));
  if (parts.brokerPassword !== null) files.set('broker-password', readFile(parts.brokerPassword));
  const named = [...files.keys()].filter((name) => destinationOf(name) === null);
  const problems = [
    ...named.map((name) => `${name}: call it with small letters, digits, - and _: ${RULE}`),
    ...renamed(
      contentProblems(deviceId, files, () => report),
      config.name,
    ),
    ...termProblems(files, nowMs),
    ...ownerProblems(deviceId, files),
  ];
  if (problems.length > 0) throw new Trouble(problems.join('\n'));
  const manifest = Buffer.from(`${JSON.stringify(manifestOf(deviceId, files), null, 2)}\n`);
  files.set(SEED_FILE, manifest);
  return { deviceId, files, notes: notesOn(config.text, files) };
}

const RULE = 'NAME.network or NAME.pub';

function renamed(problems: readonly string[], name: string): readonly string[] {
  return problems.map((line) => line.replace(/^appliance\.yaml\b/, name));
}

/** A host name has no `_`, and no `-` at its ends. */
export function hostNameOf(deviceId: string): string {
  const name = deviceId.replaceAll('_', '-').replace(/^-+|-+$/g, '');
  return name === '' ? 'embereye' : name;
}

function readIdentity(folder: string, files: Map<string, Buffer>): void {
  const found = existsSync(folder) ? readdirSync(folder) : [];
  const absent = IDENTITY_NAMES.filter((name) => !found.includes(name));
  if (absent.length > 0) {
    throw new Trouble(
      `${folder}: no ${absent.join(', ')}: not an identity that a card can carry; make one with ` +
        '`provision enrol --offline`, or leave out --identity and enrol the running unit',
    );
  }
  for (const name of [...IDENTITY_NAMES, ...IDENTITY_MORE]) {
    if (found.includes(name)) files.set(name, readFile(join(folder, name)));
  }
}

/** The bytes of a file that was named on the command line. @throws Trouble */
export function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw missing(`${path}: cannot be read (${wordsOf(error)}); name an existing file`);
  }
}

/** Keeps its own name in the seed. @throws Trouble */
export function namedFile(path: string): NamedFile {
  return { name: basename(path), bytes: readFile(path) };
}

/** A laptop knows the time, and the unit will trust these certificates by then. */
function termProblems(files: ReadonlyMap<string, Buffer>, nowMs: number): readonly string[] {
  const terms = [
    { name: 'device.crt', advice: 'enrol the unit again' },
    { name: 'ca.crt', advice: 'renew the authority: provision ca renew' },
  ];
  return terms.flatMap(({ name, advice }) => {
    const bytes = files.get(name);
    if (bytes === undefined) return [];
    const [certificate] = safely(() => certificatesIn(bytes)) ?? [];
    if (certificate === undefined) return [];
    const from = Date.parse(certificate.validFrom);
    const to = Date.parse(certificate.validTo);
    if (nowMs > to) return [`${name}: has expired on ${certificate.validTo}; ${advice}`];
    if (nowMs >= from) return [];
    return [
      `${name}: is not valid before ${certificate.validFrom}; set the clock of this computer, or ` +
        advice,
    ];
  });
}

/** The certificate's own name decides what a broker takes the unit for. */
function ownerProblems(deviceId: string, files: ReadonlyMap<string, Buffer>): readonly string[] {
  const bytes = files.get('device.crt');
  const subject = bytes === undefined ? null : safely(() => new X509Certificate(bytes).subject);
  if (subject === null) return [];
  const name = /^CN=(.*)$/m.exec(subject)?.[1];
  if (name === deviceId) return [];
  return [
    `device.crt: is for "${name ?? subject}", but the configuration is for "${deviceId}"; use ` +
      'the identity of this unit',
  ];
}

/** What cannot be parsed was told by the check of contents. */
function safely<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

function manifestOf(deviceId: string, files: ReadonlyMap<string, Buffer>): Seed {
  const entries = [...files].map(([name, bytes]) => {
    const { to, mode } = destinationOf(name) ?? { to: '', mode: '' };
    return [name, { sha256: sha256Of(bytes), to, mode }] as const;
  });
  return { schema: 1, deviceId, files: Object.fromEntries(entries) };
}

/** Files below /etc/embereye that the configuration wants and the seed does not bring. */
function notesOn(config: string, files: ReadonlyMap<string, Buffer>): readonly string[] {
  const brought = new Set([...files.keys()].map((name) => destinationOf(name)?.to));
  const wanted = config.match(/^[^#\n]*?(\/etc\/embereye\/[\w./-]+)/gm) ?? [];
  const paths = wanted.map((line) => line.slice(line.indexOf('/etc/embereye/')));
  return [...new Set(paths)]
    .filter((path) => !brought.has(path))
    .map((path) => `the configuration names ${path}, which this card does not bring`);
}

/** Puts a seed into the first partition, in place of any that is there. */
export function plantSeed(boot: Fat32, seed: PackedSeed): void {
  boot.remove(SEED_FOLDER);
  for (const [name, bytes] of seed.files) boot.write(`${SEED_FOLDER}/${name}`, bytes);
}
