/**
 * A private key under a passphrase: PKCS#8 (RFC 5958) with PBES2, scrypt and AES-256 (RFC 7914,
 * RFC 8018). Node writes such files with 2048 rounds of PBKDF2 only, which a graphics card tries by
 * the million; it reads these, and so does OpenSSL.
 */
import { createCipheriv, createPrivateKey, scryptSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { integer, objectIdentifier, octetString, pem, sequence } from '../../src/identity/der.ts';

const OID = {
  pbes2: '1.2.840.113549.1.5.13',
  scrypt: '1.3.6.1.4.1.11591.4.11',
  aes256Cbc: '2.16.840.1.101.3.4.1.42',
} as const;
/** As `openssl pkcs8 -scrypt` has them: 16 MiB a try, within OpenSSL's own limit when reading. */
const COST = { N: 16_384, r: 8, p: 1 } as const;
const SALT_BYTES = 16;
const IV_BYTES = 16;
const KEY_BYTES = 32;

export function sealKey(
  key: KeyObject,
  passphrase: string,
  randomBytes: (n: number) => Uint8Array,
): string {
  const salt = randomBytes(SALT_BYTES);
  const iv = randomBytes(IV_BYTES);
  const plain = key.export({ type: 'pkcs8', format: 'der' });
  const cipher = createCipheriv('aes-256-cbc', scryptSync(passphrase, salt, KEY_BYTES, COST), iv);
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  const { N, r, p } = COST;
  const derivation = sequence(
    objectIdentifier(OID.scrypt),
    sequence(octetString(salt), integer(N), integer(r), integer(p)),
  );
  const encryption = sequence(objectIdentifier(OID.aes256Cbc), octetString(iv));
  const scheme = sequence(objectIdentifier(OID.pbes2), sequence(derivation, encryption));
  return pem('ENCRYPTED PRIVATE KEY', sequence(scheme, octetString(sealed)));
}

/** Null: the passphrase does not open it. */
export function openKey(text: string, passphrase: string): KeyObject | null {
  try {
    return createPrivateKey({ key: text, passphrase });
  } catch {
    // OpenSSL has no word for a wrong passphrase; padding errors say it.
    return null;
  }
}
