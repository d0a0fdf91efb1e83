/** The certificate request of a unit: PKCS#10 (RFC 2986), signed with a key that stays there. */
import { createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import {
  bitString,
  context,
  integer,
  objectIdentifier,
  octetString,
  pem,
  sequence,
  setOf,
  utf8String,
} from './der.ts';

/** RFC 5280 and RFC 5758. */
const OID = {
  commonName: '2.5.4.3',
  extensionRequest: '1.2.840.113549.1.9.14',
  subjectAltName: '2.5.29.17',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;
const DNS_NAME = 2;

/** A new private key for a unit: ECDSA on P-256, which every TLS library of today takes. */
export function newDeviceKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** The key as PEM (PKCS#8), not encrypted: a unit on a ceiling has nobody to ask. */
export function keyPem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/**
 * A request in PEM for `deviceId` as common name and as DNS name.
 * @param key on P-256, as `newDeviceKey` makes it.
 */
export function certificateRequest(key: KeyObject, deviceId: string): string {
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'der' });
  const name = sequence(setOf(sequence(objectIdentifier(OID.commonName), utf8String(deviceId))));
  const names = sequence(context(DNS_NAME, Buffer.from(deviceId, 'ascii'), { constructed: false }));
  const extension = sequence(objectIdentifier(OID.subjectAltName), octetString(names));
  const attribute = sequence(objectIdentifier(OID.extensionRequest), setOf(sequence(extension)));
  const version = integer(0);
  const attributes = context(0, attribute, { constructed: true });
  const body = sequence(version, name, publicKey, attributes);
  const algorithm = sequence(objectIdentifier(OID.ecdsaWithSha256));
  return pem(
    'CERTIFICATE REQUEST',
    sequence(body, algorithm, bitString(sign('sha256', body, key))),
  );
}
