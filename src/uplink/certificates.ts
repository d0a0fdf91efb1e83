/** What certificates say of themselves, and whether a key belongs to one; nothing is kept. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';

/** Until when one certificate counts, and where it stands. */
export interface CertificateTerm {
  /** `client`: ours; `authority`: whom we trust; `server`: the shortest of the broker's chain. */
  readonly kind: 'client' | 'authority' | 'server';
  /** Its file, or the address that showed it. */
  readonly where: string;
  readonly validFromMs: number;
  readonly validToMs: number;
}

export interface KeyPairFiles {
  readonly certFile: string | null;
  readonly cert: string | null;
  readonly keyFile: string | null;
  readonly key: string | null;
  readonly passphraseFile: string | null;
  readonly passphrase: string | null;
}

const DAY_MS = 86_400_000;
const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[\s\S]*?-----END [A-Z ]+-----/g;

/** Whole days until a certificate ends; negative once it has. */
export function daysLeft({ validToMs }: Pick<CertificateTerm, 'validToMs'>, nowMs: number): number {
  return Math.floor((validToMs - nowMs) / DAY_MS);
}

/** A day as people write it; certificates may name times that no clock has. */
export function dayText(ms: number): string {
  const known = Number.isFinite(ms) && Math.abs(ms) < 8e15;
  return known ? new Date(ms).toISOString().slice(0, 10) : 'an unknown day';
}

/**
 * The term of what stands in a PEM file; null where nothing can be read. Of a client's chain the
 * certificate that ends first counts, of authorities the one that ends last: an old one may stand
 * beside its successor.
 */
export function termOf(
  kind: 'client' | 'authority',
  where: string,
  pem: string,
): CertificateTerm | null {
  const found = certificatesIn(pem);
  if (found === null || found.length === 0) return null;
  const terms = found.map(({ validFrom, validTo }) => ({
    ...{ kind, where },
    validFromMs: Date.parse(validFrom),
    validToMs: Date.parse(validTo),
  }));
  const sorted = terms.toSorted((a, b) => a.validToMs - b.validToMs);
  return (kind === 'client' ? sorted[0] : sorted.at(-1)) ?? null;
}

/** Terms of our certificate and of our authorities, read now; unreadable ones are left out. */
export async function certificateTerms(
  files: { readonly certFile: string | null; readonly caFile: string | null } | null,
): Promise<readonly CertificateTerm[]> {
  const wanted = [
    ['client', files?.certFile ?? null],
    ['authority', files?.caFile ?? null],
  ] as const;
  const terms = await Promise.all(
    wanted.map(async ([kind, file]) => {
      if (file === null) return null;
      // What cannot be read is told by the next attempt to connect, with its reason.
      const pem = await readFile(file, 'utf8').catch(() => '');
      return termOf(kind, file, pem);
    }),
  );
  return terms.filter((term) => term !== null);
}

function certificatesIn(pem: string): readonly X509Certificate[] | null {
  try {
    return (pem.match(CERTIFICATE) ?? []).map((block) => new X509Certificate(block));
  } catch {
    // Damaged: the caller has words for that, OpenSSL's would help nobody.
    return null;
  }
}

/** Why a file holds no usable certificate; null when it does, or there is no file. */
export function pemTrouble(what: string, file: string | null, pem: string | null): string | null {
  if (file === null || pem === null) return null;
  const found = certificatesIn(pem);
  if (found !== null && found.length > 0) return null;
  const why = found === null ? 'is damaged' : 'holds no certificate in PEM form';
  return (
    `the ${what} file ${file} ${why}: it must contain -----BEGIN CERTIFICATE-----; ` +
    `convert DER with openssl x509 -inform DER -in ${file}`
  );
}

/** Why our certificate and its key cannot be used together; null: they can, or there are none. */
export function keyPairTrouble(files: KeyPairFiles): string | null {
  const { certFile, cert, keyFile, key } = files;
  if (certFile === null && keyFile === null) return null;
  if (certFile === null) return `the client key ${keyFile ?? ''} has no certificate: add its file`;
  if (keyFile === null) return `the client certificate ${certFile} has no key: add its file`;
  const broken = pemTrouble('client certificate', certFile, cert);
  if (broken !== null) return broken;
  const opened = openKey(keyFile, key ?? '', files);
  if (typeof opened === 'string') return opened;
  const [own] = certificatesIn(cert ?? '') ?? [];
  if (own?.checkPrivateKey(opened) === true) return null;
  return (
    `the client key ${keyFile} does not belong to the certificate ${certFile}: give the key with ` +
    `which it was requested, and put our own certificate first where the file holds a chain`
  );
}

function openKey(
  keyFile: string,
  pem: string,
  { passphraseFile, passphrase }: KeyPairFiles,
): KeyObject | string {
  if (!pem.includes('PRIVATE KEY-----')) {
    const form = '-----BEGIN ... PRIVATE KEY-----';
    return `the client key file ${keyFile} holds no private key in PEM form (${form})`;
  }
  try {
    return createPrivateKey(passphrase === null ? pem : { key: pem, passphrase });
  } catch {
    // OpenSSL names neither file nor remedy, and its words change with each version.
    const sealed = pem.includes('ENCRYPTED');
    if (!sealed) return `the client key file ${keyFile} is damaged`;
    if (passphrase === null) {
      return `the client key ${keyFile} is encrypted: name a file with its passphrase`;
    }
    return `the passphrase in ${passphraseFile ?? ''} does not open the client key ${keyFile}`;
  }
}
