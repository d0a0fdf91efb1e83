/**
 * Certificates, requests and revocation lists, written and read by @peculiar/x509. The only file
 * that knows that package; keys come and go as Node's own.
 */
import type { KeyObject, webcrypto } from 'node:crypto';
import type * as Package from '@peculiar/x509';
import { createPublicKey, webcrypto as crypto, X509Certificate } from 'node:crypto';
import { integer, pem } from '../../src/identity/der.ts';
import { Trouble } from './trouble.ts';

type X509 = typeof Package;

/** Who signs: the certificate and its private key (ECDSA on P-256). */
export interface Signer {
  /** PEM. */
  readonly certificate: string;
  readonly key: KeyObject;
}

export interface Term {
  /** Milliseconds since 1970; certificates count whole seconds. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What a certificate is for: `device` and `person` log in to a broker, `server` is one. */
export type Usage = 'device' | 'person' | 'server';

export interface Wanted extends Term {
  readonly usage: Usage;
  readonly commonName: string;
  /** Host names or addresses of a server, the id of a device. */
  readonly names: readonly string[];
  readonly publicKey: KeyObject;
  /** Hex. */
  readonly serial: string;
}

export interface Revoked {
  /** Hex. */
  readonly serial: string;
  readonly atMs: number;
  readonly reason: RevocationReason;
}
export const REVOCATION_REASONS = ['retired', 'keyCompromise', 'superseded'] as const;
export type RevocationReason = (typeof REVOCATION_REASONS)[number];

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
/** RFC 5280, 5.2.3. */
const CRL_NUMBER = '2.5.29.20';
/** One cross certificate may stand between an authority and what it answers for. */
const LONGEST_PATH = 1;

/**
 * The package wires itself with tsyringe, which refuses to load without `reflect-metadata`, asks it
 * for the types of constructors that have none, and takes "unknown" for an answer.
 */
async function load(): Promise<X509> {
  const reflect = Reflect as { [name: string]: unknown };
  for (const name of ['getMetadata', 'getOwnMetadata', 'defineMetadata']) {
    reflect[name] ??= () => undefined;
  }
  const x509 = await import('@peculiar/x509');
  x509.cryptoProvider.set(crypto as unknown as Parameters<X509['cryptoProvider']['set']>[0]);
  return x509;
}

/** A certificate of an authority, for `publicKey`, signed by its own key or by another one. */
export async function authorityCertificate(
  wanted: Term & { readonly name: string; readonly serial: string; readonly publicKey: KeyObject },
  by: Signer | { readonly certificate: null; readonly key: KeyObject },
): Promise<string> {
  const x509 = await load();
  const publicKey = await publicOf(wanted.publicKey);
  const subject = commonName(x509, wanted.name);
  const { keyCertSign, cRLSign } = x509.KeyUsageFlags;
  const usages = (keyCertSign | cRLSign) as Package.KeyUsageFlags;
  const made = await x509.X509CertificateGenerator.create({
    ...termOf(wanted),
    subject,
    issuer: by.certificate === null ? subject : issuerOf(x509, by.certificate),
    publicKey,
    signingKey: await privateOf(by.key),
    signingAlgorithm: ALGORITHM,
    serialNumber: wanted.serial,
    extensions: [
      new x509.BasicConstraintsExtension(true, LONGEST_PATH, true),
      new x509.KeyUsagesExtension(usages, true),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await authorityKey(x509, by.certificate, publicKey),
    ],
  });
  return pemOf(made);
}

/** A certificate for somebody who is no authority. */
export async function signCertificate(signer: Signer, wanted: Wanted): Promise<string> {
  const x509 = await load();
  const publicKey = await publicOf(wanted.publicKey);
  const { serverAuth, clientAuth } = x509.ExtendedKeyUsage;
  const purpose = wanted.usage === 'server' ? serverAuth : clientAuth;
  const names = wanted.names.map((value) => ({
    type: isAddress(value) ? ('ip' as const) : ('dns' as const),
    value,
  }));
  const made = await x509.X509CertificateGenerator.create({
    ...termOf(wanted),
    subject: commonName(x509, wanted.commonName),
    issuer: issuerOf(x509, signer.certificate),
    publicKey,
    signingKey: await privateOf(signer.key),
    signingAlgorithm: ALGORITHM,
    serialNumber: wanted.serial,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([purpose]),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
      await x509.SubjectKeyIdentifierExtension.create(publicKey),
      await authorityKey(x509, signer.certificate, publicKey),
    ],
  });
  return pemOf(made);
}

/** A revocation list in PEM. @param number higher than that of any list before it. */
export async function signRevocationList(
  signer: Signer,
  revoked: readonly Revoked[],
  { number, notBeforeMs, notAfterMs }: Term & { readonly number: number },
): Promise<string> {
  const x509 = await load();
  const { cessationOfOperation, keyCompromise, superseded } = x509.X509CrlReason;
  const reasons = { retired: cessationOfOperation, keyCompromise, superseded };
  const list = await x509.X509CrlGenerator.create({
    issuer: issuerOf(x509, signer.certificate),
    thisUpdate: new Date(notBeforeMs),
    nextUpdate: new Date(notAfterMs),
    signingKey: await privateOf(signer.key),
    signingAlgorithm: ALGORITHM,
    entries: revoked.map(({ serial, atMs, reason }) => ({
      serialNumber: serial,
      revocationDate: new Date(atMs),
      reason: reasons[reason],
    })),
    extensions: [
      await authorityKey(x509, signer.certificate, null),
      new x509.Extension(CRL_NUMBER, false, integer(number)),
    ],
  });
  // The package writes BEGIN CRL, which OpenSSL and so every broker does not know.
  return pem('X509 CRL', new Uint8Array(list.rawData));
}

/** What a certificate request asks for; its signature is checked. */
export interface Request {
  readonly commonName: string;
  readonly publicKey: KeyObject;
}

/** @throws Trouble where the text is no request, or nobody proved to have its key. */
export async function readRequest(text: string): Promise<Request> {
  const x509 = await load();
  const request = parsed(x509, text);
  const proven = await request.verify().catch(() => false);
  if (!proven) {
    throw new Trouble(
      'the signature of the certificate request is wrong: it was damaged; ask again',
    );
  }
  const [commonName] = request.subjectName.getField('CN');
  const key = { key: Buffer.from(request.publicKey.rawData), format: 'der', type: 'spki' } as const;
  return { commonName: commonName ?? '', publicKey: createPublicKey(key) };
}

function parsed(x509: X509, text: string) {
  try {
    return new x509.Pkcs10CertificateRequest(text);
  } catch {
    // The package speaks of ASN.1, which helps no installer.
    throw new Trouble(
      'this is no certificate request: it must begin with -----BEGIN CERTIFICATE REQUEST-----, ' +
        'as `embereye identity csr` prints it',
    );
  }
}

/** Serial numbers (upper-case hex) on a revocation list, and until when it counts. */
export async function readRevocationList(text: string): Promise<{
  readonly serials: readonly string[];
  readonly notAfterMs: number | null;
}> {
  const x509 = await load();
  const list = new x509.X509Crl(text);
  const serials = list.entries.map(({ serialNumber }) => plainSerial(serialNumber));
  return { serials, notAfterMs: list.nextUpdate?.getTime() ?? null };
}

/** As Node writes serial numbers: upper case, without a leading 00. */
export function plainSerial(hex: string): string {
  return hex.toUpperCase().replace(/^(00)+(?=..)/, '');
}

/** SHA-256 of a certificate in lower-case hex. */
export function fingerprintOf(certificate: string): string {
  return new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase();
}

function termOf({ notBeforeMs, notAfterMs }: Term) {
  return { notBefore: new Date(notBeforeMs), notAfter: new Date(notAfterMs) };
}

function commonName(x509: X509, name: string) {
  return new x509.Name([{ CN: [{ utf8String: name }] }]);
}

/** Octet by octet as the authority's certificate has it: others compare them so. */
function issuerOf(x509: X509, certificate: string) {
  return new x509.X509Certificate(certificate).subjectName;
}

async function authorityKey(
  x509: X509,
  certificate: string | null,
  own: webcrypto.CryptoKey | null,
) {
  const key = certificate === null ? own : await publicOf(createPublicKey(certificate));
  if (key === null) throw new Error('an authority has a key');
  return x509.AuthorityKeyIdentifierExtension.create(key);
}

function publicOf(key: KeyObject): Promise<webcrypto.CryptoKey> {
  const der = key.export({ type: 'spki', format: 'der' });
  return crypto.subtle.importKey('spki', der, ALGORITHM, true, ['verify']);
}

function privateOf(key: KeyObject): Promise<webcrypto.CryptoKey> {
  const der = key.export({ type: 'pkcs8', format: 'der' });
  return crypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}

function isAddress(name: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(name) || name.includes(':');
}

function pemOf(made: { toString(format: 'pem'): string }): string {
  return `${made.toString('pem').trimEnd()}\n`;
}
