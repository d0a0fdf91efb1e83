/** What an authority sends back: the unit's certificate, those between, and the authority's own. */
import { X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { dayText } from '../uplink/certificates.ts';

export interface Bundle {
  /** The unit's certificate first, then what leads to an authority; PEM. */
  readonly chain: string;
  /** Self-signed ones of the bundle, or those that were there before; PEM. */
  readonly authorities: string;
  /** Which of the keys the certificate belongs to. */
  readonly keyIndex: number;
  readonly certificate: X509Certificate;
}

export type BundleResult =
  ({ readonly ok: true } & Bundle) | { readonly ok: false; readonly error: string };

export interface BundleQuestion {
  /** Certificates in PEM, in any order. */
  readonly text: string;
  /** Private keys of this unit; the certificate must belong to one of them. */
  readonly keys: readonly KeyObject[];
  readonly deviceId: string;
  /** Milliseconds since 1970, of this unit. */
  readonly nowMs: number;
  /** ca.crt as it is, for a bundle without an authority; null: there is none. */
  readonly knownAuthorities: string | null;
}

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** The certificates in a text; null where one is damaged. */
export function certificatesOf(text: string): readonly X509Certificate[] | null {
  try {
    return (text.match(BLOCK) ?? []).map((block) => new X509Certificate(block));
  } catch {
    // OpenSSL's words name no remedy; the caller has some.
    return null;
  }
}

/** The common name of a certificate's subject; null where it has none. */
export function commonNameOf({ subject }: X509Certificate): string | null {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? null;
}

/** Checks all of it before anything is written: key, name, dates, and the way to an authority. */
export function checkBundle(question: BundleQuestion): BundleResult {
  const { text, keys, deviceId, nowMs, knownAuthorities } = question;
  const given = certificatesOf(text);
  if (given === null || given.length === 0) {
    return refused(
      'there is no readable certificate on standard input: give the certificate of this unit and ' +
        'that of its authority, both in PEM: cat device.crt ca.crt | embereye identity install',
    );
  }
  const own = ownOf(given, keys);
  if (own === null) {
    return refused(
      `none of the ${given.length} certificates belongs to the key of this unit: ask for one ` +
        'with what `embereye identity csr` prints now',
    );
  }
  const name = commonNameOf(own.certificate);
  if (name !== deviceId) {
    return refused(
      `the certificate is for "${name ?? 'nobody'}", and this unit is "${deviceId}": have it ` +
        'issued for that name, or enrol the unit under the other one',
    );
  }
  const term = termTrouble(own.certificate, nowMs);
  if (term !== null) return refused(term);
  const roots = given.filter(isSelfSigned);
  const known = certificatesOf(knownAuthorities ?? '') ?? [];
  const anchors = roots.length > 0 ? roots : known;
  const between = given.filter((one) => one !== own.certificate && !isSelfSigned(one));
  const way = wayToAnchor(own.certificate, between, anchors);
  if (way === null) {
    return refused(
      `no authority of the bundle or of ca.crt has issued this certificate (its issuer is ` +
        `"${own.certificate.issuer}"): send the certificates between and of that authority along`,
    );
  }
  return {
    ok: true,
    chain: textOf([own.certificate, ...way]),
    authorities: textOf(anchors),
    ...own,
  };
}

function ownOf(given: readonly X509Certificate[], keys: readonly KeyObject[]) {
  for (const certificate of given) {
    const keyIndex = keys.findIndex((key) => certificate.checkPrivateKey(key));
    if (keyIndex >= 0) return { certificate, keyIndex };
  }
  return null;
}

/** Why a certificate does not count now; null: it does. */
export function termTrouble({ validFrom, validTo }: X509Certificate, nowMs: number): string | null {
  const [fromMs, toMs] = [Date.parse(validFrom), Date.parse(validTo)];
  const now = `and this machine takes it to be ${dayText(nowMs)}`;
  if (nowMs < fromMs) {
    return `the certificate is not valid before ${dayText(fromMs)}, ${now}: set the clock first`;
  }
  if (nowMs > toMs) {
    return `the certificate has expired on ${dayText(toMs)}, ${now}: have a new one issued`;
  }
  return null;
}

function isSelfSigned(one: X509Certificate): boolean {
  return one.checkIssued(one) && one.verify(one.publicKey);
}

const LONGEST_CHAIN = 8;

/** Certificates between one and an anchor, in order; null where there is no way. */
function wayToAnchor(
  own: X509Certificate,
  between: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): readonly X509Certificate[] | null {
  const way: X509Certificate[] = [];
  let at = own;
  while (way.length < LONGEST_CHAIN) {
    const here = at;
    const issued = (by: X509Certificate): boolean =>
      here.checkIssued(by) && here.verify(by.publicKey);
    if (anchors.some(issued)) return way;
    const next = between.find((one) => !way.includes(one) && issued(one));
    if (next === undefined) return null;
    way.push(next);
    at = next;
  }
  return null;
}

function textOf(certificates: readonly X509Certificate[]): string {
  return certificates.map((one) => one.toString()).join('');
}

function refused(error: string): BundleResult {
  return { ok: false, error };
}
