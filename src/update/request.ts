/**
 * How the appliance, which is not root, asks for an update: a file that a path unit watches. Root
 * believes nothing in it: signature, order of versions and keys decide, as for everybody else.
 */
import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  unlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { releaseUrl } from './download.ts';
import { writeDurably } from './durable.ts';
import { codeOf, Refused, wordsOf } from './refused.ts';
import { isVersion } from './semver.ts';

export interface UpdateRequest {
  readonly url: string;
  readonly version: string;
  readonly origin: string;
  readonly requestId: string;
}

/** Below `state.runDirectory`; `embereye-update.path` names it too. */
export const REQUEST_FOLDER = 'update';
const REQUEST_FILE = 'request.json';
const SCHEMA = 1;
const MOST_BYTES = 8192;
const TEXT = /^[ -~]{1,200}$/;

/** @returns what went wrong, or null. */
export function writeRequest(runDirectory: string, request: UpdateRequest): string | null {
  const folder = join(runDirectory, REQUEST_FOLDER);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    writeDurably(join(folder, REQUEST_FILE), JSON.stringify({ schema: SCHEMA, ...request }));
    return null;
  } catch (error) {
    return `${join(folder, REQUEST_FILE)} cannot be written: ${wordsOf(error)}`;
  }
}

/**
 * Takes the request away, and reads it; null: there is none. One that cannot be used goes too.
 * @throws Refused where it is not one
 */
export function takeRequest(runDirectory: string): UpdateRequest | null {
  const path = join(runDirectory, REQUEST_FOLDER, REQUEST_FILE);
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null;
    remove(path);
    throw new Refused(`${path} cannot be read: ${wordsOf(error)}; it was taken away`);
  }
  try {
    remove(path);
    if (!fstatSync(file).isFile()) throw new Error('it is no file');
    const bytes = Buffer.alloc(MOST_BYTES);
    const length = readSync(file, bytes, 0, MOST_BYTES, 0);
    return requestOf(JSON.parse(bytes.toString('utf8', 0, length)));
  } catch (error) {
    throw new Refused(`${path} is no request for an update: ${wordsOf(error)}; it was taken away`);
  } finally {
    closeSync(file);
  }
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    // A folder of that name would have the service started again and again.
    throw new Refused(`${path} cannot be taken away: ${wordsOf(error)}; remove it`);
  }
}

function requestOf(raw: unknown): UpdateRequest {
  const fields: Readonly<Record<string, unknown>> =
    typeof raw === 'object' && raw !== null ? { ...raw } : {};
  if (fields['schema'] !== SCHEMA) throw new Error(`"schema" is not ${SCHEMA}`);
  const text = (key: string, pattern: RegExp): string => {
    const value = fields[key];
    if (typeof value !== 'string' || !pattern.test(value)) throw new Error(`"${key}" is none`);
    return value;
  };
  const version = text('version', TEXT);
  if (!isVersion(version)) throw new Error('"version" is none');
  const url = releaseUrl(text('url', /^[!-~]{1,1024}$/)).href;
  return { url, version, origin: text('origin', TEXT), requestId: text('requestId', TEXT) };
}

/** Whether nobody has taken it yet. */
export function isRequestWaiting(runDirectory: string): boolean {
  return existsSync(join(runDirectory, REQUEST_FOLDER, REQUEST_FILE));
}

/** Nobody is to take it any more. */
export function withdrawRequest(runDirectory: string): void {
  rmSync(join(runDirectory, REQUEST_FOLDER, REQUEST_FILE), { force: true });
}
