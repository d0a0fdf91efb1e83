/** What an identity folder says of its unit, for people and for the provision tool. */
import { certificatesOf, commonNameOf, termTrouble } from '../identity/bundle.ts';
import type { IdentityStore } from '../identity/folder.ts';
import { dayText, daysLeft } from '../uplink/certificates.ts';

/** `identity show --json`. Nothing of it is secret. */
export interface IdentityDescription {
  readonly deviceId: string | null;
  /** Of the certificate: upper-case hex; SHA-256 in lower-case hex. Null: there is none. */
  readonly serial: string | null;
  readonly fingerprint: string | null;
  /** ISO 8601 days. */
  readonly validFrom: string | null;
  readonly validTo: string | null;
  readonly daysLeft: number | null;
  /** SHA-256 of each authority, lower-case hex. */
  readonly authorities: readonly string[];
  readonly hasKey: boolean;
  readonly hasNextKey: boolean;
  readonly hasClaim: boolean;
  /** Why this unit cannot show who it is; null: it can. */
  readonly trouble: string | null;
}

export function describeIdentity(store: IdentityStore, nowMs: number): IdentityDescription {
  const key = store.readKey('key');
  const text = store.read('certificate');
  const [certificate] = certificatesOf(text ?? '') ?? [];
  const authorities = certificatesOf(store.read('authorities') ?? '') ?? [];
  const deviceId = store.device()?.deviceId ?? null;
  const common = {
    deviceId,
    authorities: authorities.map(({ fingerprint256 }) => plainHex(fingerprint256)),
    hasKey: key !== null,
    hasNextKey: store.has('nextKey'),
    hasClaim: store.has('claim'),
  };
  const none = { serial: null, fingerprint: null, validFrom: null, validTo: null, daysLeft: null };
  if (key === null) {
    return { ...common, ...none, trouble: 'no key: this unit was never enrolled' };
  }
  if (certificate === undefined) {
    const trouble =
      text === null
        ? 'a key without a certificate: have one issued for `embereye identity csr`'
        : `${store.path('certificate')} is damaged: install the certificate again`;
    return { ...common, ...none, trouble };
  }
  const name = commonNameOf(certificate);
  const mismatch = certificate.checkPrivateKey(key)
    ? null
    : 'the certificate does not belong to the key: enrol this unit again';
  const misnamed =
    deviceId === null || name === deviceId
      ? null
      : `the certificate is for "${name ?? 'nobody'}" and device.json for "${deviceId}"`;
  const orphan = authorities.length === 0 ? `${store.path('authorities')} is missing` : null;
  const [validFromMs, validToMs] = [certificate.validFrom, certificate.validTo].map(Date.parse);
  return {
    ...common,
    deviceId: deviceId ?? name,
    serial: certificate.serialNumber,
    fingerprint: plainHex(certificate.fingerprint256),
    validFrom: dayText(validFromMs ?? NaN),
    validTo: dayText(validToMs ?? NaN),
    daysLeft: daysLeft({ validToMs: validToMs ?? NaN }, nowMs),
    trouble: mismatch ?? misnamed ?? orphan ?? termTrouble(certificate, nowMs),
  };
}

export function identityLines(shown: IdentityDescription): readonly string[] {
  const { deviceId, serial, fingerprint, validFrom, validTo, daysLeft: days, trouble } = shown;
  const authorities = shown.authorities.map((one) => `authority     SHA-256 ${one}`);
  return [
    `device        ${deviceId ?? 'without a name'}`,
    ...(serial === null ? [] : [`certificate   ${serial}, SHA-256 ${fingerprint ?? ''}`]),
    ...(validFrom === null
      ? []
      : [`valid         ${validFrom} to ${validTo ?? ''}, ${String(days)} days left`]),
    ...authorities,
    `key           ${keyWords(shown)}`,
    `claim code    ${shown.hasClaim ? 'set' : 'not set: nobody can claim this unit'}`,
    ...(trouble === null ? [] : [`trouble       ${trouble}`]),
  ];
}

function keyWords({ hasKey, hasNextKey }: IdentityDescription): string {
  if (!hasKey) return 'none';
  return hasNextKey ? 'there; another one waits for its certificate' : 'there';
}

function plainHex(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toLowerCase();
}
