/**
 * Signatures of minisign, checked with Node's own cryptography. Format as published at
 * https://jedisct1.github.io/minisign/ : Ed25519 over the file (`Ed`) or over its BLAKE2b-512
 * (`ED`), and a second signature over the first and the trusted comment.
 */
import { createHash, createPublicKey, verify } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { createReadStream, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf, Refused, wordsOf } from './refused.ts';

export interface TrustedKey {
  /** Of its file, for people. */
  readonly name: string;
  /** 16 hex digits; minisign prints it without zeros before it. */
  readonly id: string;
  readonly key: KeyObject;
}

export interface Signature {
  readonly keyId: string;
  /** False: over the file itself, as old versions signed. */
  readonly prehashed: boolean;
  readonly signature: Buffer;
  readonly trustedComment: string;
  readonly globalSignature: Buffer;
}

export interface Verified {
  readonly keyName: string;
  readonly keyId: string;
  readonly trustedComment: string;
}

export interface VerifiedFile extends Verified {
  /** BLAKE2b-512 of the file, in hex: whoever reads it again can tell that it is the same. */
  readonly digest: string;
}

const KEY_BYTES = 2 + 8 + 32;
const SIGNATURE_BYTES = 2 + 8 + 64;
const GLOBAL_BYTES = 64;
const MAX_SIGNATURE_CHARS = 4096;
/** An Ed25519 key in DER, without its 32 bytes (RFC 8410). */
const DER_HEAD = Buffer.from('302a300506032b6570032100', 'hex');
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** Files with an old signature are read as a whole. */
export const MAX_LEGACY_BYTES = 16 * 1024 * 1024;
export const FILE_DIGEST = 'blake2b512';

/** @throws Refused where the text is no public key of minisign. */
export function parsePublicKey(text: string, name: string): TrustedKey {
  const [comment = '', line = ''] = text.split(/\r?\n/);
  const bytes = bytesOf(comment.startsWith('untrusted comment:') ? line : comment, KEY_BYTES);
  if (bytes?.toString('latin1', 0, 2) !== 'Ed') {
    const how = 'write it as minisign -G made it: a comment line, then the key in base64';
    throw new Refused(`${name} is no public key of minisign: ${how}`);
  }
  const key = createPublicKey({
    key: Buffer.concat([DER_HEAD, bytes.subarray(10)]),
    format: 'der',
    type: 'spki',
  });
  return { name, id: idOf(bytes), key };
}

/** @throws Refused where the text is no signature of minisign. */
export function parseSignature(text: string, name: string): Signature {
  const lines = text.split(/\r?\n/);
  const bad = (what: string): Refused =>
    new Refused(`${name} is no signature of minisign: ${what}; sign the release again, copy both`);
  if (text.length > MAX_SIGNATURE_CHARS) throw bad('it is too long');
  const [first = '', line = '', trusted = '', global = '', ...rest] = lines;
  if (rest.some((each) => each !== '')) throw bad('it goes on after its four lines');
  if (!first.startsWith('untrusted comment: ')) throw bad('its first line is no comment');
  if (!trusted.startsWith('trusted comment: ')) throw bad('its third line is no trusted comment');
  const bytes = bytesOf(line, SIGNATURE_BYTES);
  const globalSignature = bytesOf(global, GLOBAL_BYTES);
  if (bytes === null || globalSignature === null) throw bad('it is cut short or garbled');
  const kind = bytes.toString('latin1', 0, 2);
  if (kind !== 'Ed' && kind !== 'ED') throw bad(`its algorithm is not known here`);
  return {
    keyId: idOf(bytes),
    prehashed: kind === 'ED',
    signature: bytes.subarray(10),
    trustedComment: trusted.slice('trusted comment: '.length),
    globalSignature,
  };
}

/**
 * Whose comment it is; says nothing of the file yet, but so much can be told before the file is
 * there. @throws Refused where no trusted key has made it.
 */
export function verifyComment(signed: Signature, keys: readonly TrustedKey[]): Verified {
  const { keyId, signature, trustedComment, globalSignature } = signed;
  const named = keys.filter(({ id }) => id === keyId);
  if (named.length === 0) {
    const known = keys.map(({ id }) => id).join(', ');
    throw new Refused(
      `the signature is of key ${keyId}, not trusted here (trusted: ${known || 'none'}): ` +
        'take a release of your supplier, or put his key into /etc/embereye/release-keys/',
    );
  }
  const text = Buffer.concat([signature, Buffer.from(trustedComment)]);
  const by = named.find(({ key }) => verify(null, text, key, globalSignature));
  if (by === undefined) {
    throw new Refused(
      `the trusted comment is not what key ${keyId} signed: somebody has changed the signature ` +
        'file; fetch it again from its source',
    );
  }
  return { keyName: by.name, keyId, trustedComment };
}

/**
 * Whether a file is what a trusted key signed. Reads it once, in pieces.
 * @throws Refused where it is not, or cannot be read.
 */
export async function verifyFile(
  path: string,
  signed: Signature,
  keys: readonly TrustedKey[],
): Promise<VerifiedFile> {
  const verified = verifyComment(signed, keys);
  const hash = createHash(FILE_DIGEST);
  const whole: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(chunk);
      bytes += chunk.length;
      if (signed.prehashed) continue;
      if (bytes > MAX_LEGACY_BYTES) throw tooLongForLegacy(path);
      whole.push(chunk);
    }
  } catch (error) {
    if (error instanceof Refused) throw error;
    throw new Refused(`${path} cannot be read: ${wordsOf(error)}`);
  }
  const digest = hash.digest();
  const message = signed.prehashed ? digest : Buffer.concat(whole);
  const named = keys.filter(({ id }) => id === signed.keyId);
  const by = named.find(({ key }) => verify(null, message, key, signed.signature));
  if (by === undefined) {
    throw new Refused(
      `${path} is not what key ${signed.keyId} signed: it is damaged or was changed; ` +
        'fetch it again from its source, with its .minisig',
    );
  }
  return { ...verified, keyName: by.name, digest: digest.toString('hex') };
}

function tooLongForLegacy(path: string): Refused {
  const most = MAX_LEGACY_BYTES / (1024 * 1024);
  return new Refused(
    `${path} has an old signature (Ed), which is taken for files up to ${most} MiB only: ` +
      'sign it with minisign 0.10 or newer, without -l',
  );
}

export interface KeysRead {
  readonly keys: readonly TrustedKey[];
  /** Files that are none, for people. */
  readonly problems: readonly string[];
}

/** Every `*.pub` in these folders; a folder that is not there has none. */
export function readTrustedKeys(folders: readonly string[]): KeysRead {
  const keys: TrustedKey[] = [];
  const problems: string[] = [];
  for (const folder of folders) {
    for (const name of namesIn(folder, problems)) {
      const path = join(folder, name);
      try {
        keys.push(parsePublicKey(readFileSync(path, 'utf8'), path));
      } catch (error) {
        problems.push(error instanceof Refused ? error.message : `${path}: ${wordsOf(error)}`);
      }
    }
  }
  return { keys, problems };
}

function namesIn(folder: string, problems: string[]): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.pub'))
      .sort();
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') problems.push(`${folder} cannot be read: ${wordsOf(error)}`);
    return [];
  }
}

/** Null where it is no base64 of so many bytes. */
function bytesOf(text: string, length: number): Buffer | null {
  if (!BASE64.test(text)) return null;
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === length ? bytes : null;
}

/** Stored with its last byte first. */
function idOf(bytes: Buffer): string {
  return Buffer.from(bytes.subarray(2, 10)).reverse().toString('hex').toUpperCase();
}
