/** `release.json` and `manifest.json` of a release tree, read strictly. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, Refused, wordsOf } from './refused.ts';
import { isVersion } from './semver.ts';

export const ARCHES = ['arm64', 'x64'] as const;
export type Arch = (typeof ARCHES)[number];

export interface Release {
  readonly version: string;
  readonly arch: Arch;
  /** `user_version` of the journal's database that it works with. */
  readonly databaseVersion: number;
}

export type ManifestEntry =
  | {
      readonly kind: 'file';
      readonly sha256: string;
      /** Permission bits. */
      readonly mode: number;
      readonly size: number;
    }
  | { readonly kind: 'link'; readonly target: string };

/** By path below the tree, with `/` between folders. */
export type Manifest = ReadonlyMap<string, ManifestEntry>;

export const RELEASE_FILE = 'release.json';
export const MANIFEST_FILE = 'manifest.json';
const SCHEMA = 1;
const MAX_JSON_BYTES = 8 * 1024 * 1024;

/** @throws Refused where it is missing or not one. */
export function readRelease(tree: string): Release {
  const path = join(tree, RELEASE_FILE);
  const { name, version, arch, databaseVersion } = fieldsOf(path);
  const known = ARCHES.find((one) => one === arch);
  if (name !== 'embereye') throw bad(path, '"name" is not embereye');
  if (typeof version !== 'string' || !isVersion(version)) throw bad(path, '"version" is none');
  if (known === undefined) throw bad(path, `"arch" is not one of ${ARCHES.join(', ')}`);
  if (!Number.isSafeInteger(databaseVersion)) throw bad(path, '"databaseVersion" is no number');
  return { version, arch: known, databaseVersion: Number(databaseVersion) };
}

/** @throws Refused where it is missing or not one. */
export function readManifest(tree: string): Manifest {
  const path = join(tree, MANIFEST_FILE);
  const { files } = fieldsOf(path);
  if (!isFields(files)) throw bad(path, '"files" is no object');
  return new Map(
    Object.entries(files).map(([name, raw]): [string, ManifestEntry] => {
      const entry = isFields(raw) ? entryOf(raw) : null;
      if (entry === null || !isSafePath(name))
        throw bad(path, `"${name.slice(0, 80)}" is no entry`);
      return [name, entry];
    }),
  );
}

/** Below the tree, whatever comes before it: no way up, nothing absolute, nothing twice. */
export function isSafePath(path: string): boolean {
  // A name with bytes that no tool shows could hide what it is.
  const isPlain = path.length <= 1024 && /^[^\p{Cc}]+$/u.test(path);
  return isPlain && path.split('/').every((part) => part !== '' && part !== '.' && part !== '..');
}

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fieldsOf(path: string): Fields {
  let value: unknown;
  try {
    const text = readFileSync(path, 'utf8');
    if (text.length > MAX_JSON_BYTES) throw new Error('it is too long');
    value = JSON.parse(text);
  } catch (error) {
    throw bad(path, codeOf(error) === 'ENOENT' ? 'it is not there' : wordsOf(error));
  }
  if (!isFields(value)) throw bad(path, 'it is no object');
  if (value['schema'] !== SCHEMA) throw bad(path, `"schema" is not ${SCHEMA}`);
  return value;
}

function entryOf(raw: Fields): ManifestEntry | null {
  const { link, sha256, size } = raw;
  if (typeof link === 'string') return { kind: 'link', target: link };
  const mode = modeOf(raw['mode']);
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256) || mode === null) return null;
  if (!Number.isSafeInteger(size) || Number(size) < 0) return null;
  return { kind: 'file', sha256, mode, size: Number(size) };
}

/** A number, or octal digits as text. */
function modeOf(raw: unknown): number | null {
  if (typeof raw === 'string' && /^[0-7]{3,6}$/.test(raw)) return Number.parseInt(raw, 8) & 0o7777;
  return Number.isSafeInteger(raw) && Number(raw) >= 0 ? Number(raw) & 0o7777 : null;
}

function bad(path: string, what: string): Refused {
  return new Refused(`${path} cannot be used: ${what}; build or fetch the release again`);
}
