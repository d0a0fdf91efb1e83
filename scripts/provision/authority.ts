/** A local authority that is open: issues certificates and revokes them, and books both. */
import type { KeyObject } from 'node:crypto';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { newDeviceKey } from '../../src/identity/csr.ts';
import { isoFromWallMs } from '../../src/store/wall-time.ts';
import { dayText } from '../../src/uplink/certificates.ts';
import { AuthorityFolder, issuedIn, nextListNumber } from './ca-folder.ts';
import type { Revoked, RevocationReason, Signer, Usage } from './certificates.ts';
import {
  authorityCertificate,
  fingerprintOf,
  plainSerial,
  signCertificate,
  signRevocationList,
} from './certificates.ts';
import { readSecret } from './passphrase.ts';
import type { SecretSource } from './passphrase.ts';
import { openKey, sealKey } from './sealed-key.ts';
import { Trouble } from './trouble.ts';
import type { ProvisionWorld } from './world.ts';

export const DAY_MS = 86_400_000;
export const AUTHORITY_DAYS = 3653;
/** Until its authority ends: nobody climbs to a ceiling for a date. */
export const DEVICE_DAYS = 3653;
export const SERVER_DAYS = 825;
/** From here on whatever is issued ends with its authority, earlier than people expect. */
export const RENEW_AUTHORITY_DAYS = 3 * 365;
/** Clocks of laptops and units differ; so much of the past counts too. */
const BACKDATED_MS = DAY_MS;
const SERIAL_BYTES = 16;

export interface IssueOrder {
  readonly usage: Usage;
  readonly name: string;
  readonly names: readonly string[];
  readonly publicKey: KeyObject;
  readonly days: number;
}

export interface IssuedCertificate {
  /** PEM, without the authority. */
  readonly certificate: string;
  readonly serial: string;
  readonly fingerprint: string;
  /** Milliseconds since 1970. */
  readonly notAfterMs: number;
}

type Chance = Pick<ProvisionWorld, 'nowMs' | 'randomBytes' | 'err'>;

/** An authority whose key is open; holds it until the process ends. */
export class Authority {
  readonly folder: AuthorityFolder;
  readonly #key: KeyObject;
  readonly #world: Chance;

  constructor(folder: AuthorityFolder, key: KeyObject, world: Chance) {
    this.folder = folder;
    this.#key = key;
    this.#world = world;
  }

  /** What verifiers trust, PEM: more than one certificate after a renewal. */
  get trusted(): string {
    return this.folder.read('certificate');
  }

  /** SHA-256 of the newest authority's certificate, lower-case hex. */
  get fingerprint(): string {
    return fingerprintOf(this.trusted);
  }

  get signer(): Signer {
    return { certificate: this.trusted, key: this.#key };
  }

  /** Never longer than the authority itself. @throws Trouble where that has expired. */
  async issue(order: IssueOrder): Promise<IssuedCertificate> {
    const { nowMs, err } = this.#world;
    const now = nowMs();
    const own = new X509Certificate(this.trusted);
    const endMs = Date.parse(own.validTo);
    this.refuseWhenExpired();
    const wantedMs = now + order.days * DAY_MS;
    if (wantedMs > endMs && order.days !== DEVICE_DAYS) {
      err(`note: ${order.name}: valid until ${dayText(endMs)}, when its authority ends`);
    }
    const term = { notBeforeMs: now - BACKDATED_MS, notAfterMs: Math.min(wantedMs, endMs) };
    const serial = serialFrom(this.#world.randomBytes(SERIAL_BYTES));
    const wanted = { ...order, ...term, commonName: order.name, serial };
    const certificate = await signCertificate(this.signer, wanted);
    const fingerprint = fingerprintOf(certificate);
    this.folder.append({
      kind: 'issued',
      at: isoFromWallMs(now),
      usage: order.usage,
      name: order.name,
      ...{ serial, fingerprint },
      validFrom: isoFromWallMs(term.notBeforeMs),
      validTo: isoFromWallMs(term.notAfterMs),
    });
    return { certificate, serial, fingerprint, notAfterMs: term.notAfterMs };
  }

  /** Books it, and writes a new list. Serials that are revoked already are left as they are. */
  async revoke(serials: readonly string[], reason: RevocationReason): Promise<readonly string[]> {
    this.refuseWhenExpired();
    const known = issuedIn(this.folder.index());
    const open = known.filter(({ serial, revoked }) => serials.includes(serial) && !revoked);
    const at = isoFromWallMs(this.#world.nowMs());
    for (const { serial, underOldKey } of open) {
      this.folder.append({ kind: 'revoked', at, serial, reason });
      if (!underOldKey) continue;
      this.#world.err(
        `warning: ${serial} was signed with the key before this one, whose list is closed: take ` +
          'that authority out of the ca.crt of every broker, once all units are enrolled again',
      );
    }
    await this.writeList();
    return open.map(({ serial }) => serial);
  }

  /**
   * Writes `crl.pem` anew. It counts as long as the authority: a broker whose list is over refuses
   * every client, and a fleet that goes blind on a date is worse than a list that is late.
   */
  async writeList(): Promise<{ readonly path: string; readonly entries: number }> {
    const now = this.#world.nowMs();
    const lines = this.folder.index();
    const entries: readonly Revoked[] = issuedIn(lines).flatMap(({ serial, revoked }) =>
      revoked === null ? [] : [{ serial, atMs: Date.parse(revoked.at), reason: revoked.reason }],
    );
    const number = nextListNumber(lines);
    const notAfterMs = Date.parse(new X509Certificate(this.trusted).validTo);
    const term = { notBeforeMs: now - BACKDATED_MS, notAfterMs };
    const list = await signRevocationList(this.signer, entries, { ...term, number });
    const before = this.folder.has('listBefore') ? this.folder.read('listBefore') : '';
    this.folder.write('list', `${list}${before}`);
    this.folder.append({ kind: 'list', at: isoFromWallMs(now), number });
    return { path: this.folder.path('list'), entries: entries.length };
  }

  /** @throws Trouble */
  refuseWhenExpired(): void {
    const endMs = Date.parse(new X509Certificate(this.trusted).validTo);
    if (this.#world.nowMs() <= endMs) return;
    throw new Trouble(
      `the authority in ${this.folder.folder} has expired on ${dayText(endMs)}: nothing it ` +
        'issues counts. Renew it with: provision ca renew; bring its ca.crt to brokers and units',
    );
  }
}

/** Opens the authority of a folder; warns of what will be trouble. @throws Trouble */
export async function openAuthority(
  path: string,
  passphrase: SecretSource,
  world: ProvisionWorld,
): Promise<Authority> {
  const folder = new AuthorityFolder(path);
  const sealed = folder.read('key');
  const certificate = folder.read('certificate');
  const exposure = folder.exposure();
  if (exposure !== null) world.err(`warning: ${exposure}`);
  const secret = await readSecret(`passphrase of the authority in ${path}`, passphrase, world);
  const key = openKey(sealed, secret);
  if (key === null) {
    throw new Trouble(
      `the passphrase does not open ${folder.path('key')}: try again; without it nothing more ` +
        'can be issued, and a new authority has to be brought to every broker and unit',
    );
  }
  if (!new X509Certificate(certificate).checkPrivateKey(key)) {
    throw new Trouble(
      `${folder.path('key')} does not belong to ${folder.path('certificate')}: restore the ` +
        'folder from your copy',
    );
  }
  const warning = endWarning(certificate, world.nowMs());
  if (warning !== null) world.err(`warning: ${warning}`);
  return new Authority(folder, key, world);
}

/** Words on an authority that ends within sight; null: it does not. */
export function endWarning(certificate: string, nowMs: number): string | null {
  const endMs = Date.parse(new X509Certificate(certificate).validTo);
  const days = Math.floor((endMs - nowMs) / DAY_MS);
  if (days < 0 || days >= RENEW_AUTHORITY_DAYS) return null;
  return (
    `the authority ends on ${dayText(endMs)}, in ${days} days, and with it everything it issues: ` +
    'renew it now with: provision ca renew'
  );
}

/** A new authority with its key under a passphrase. @throws Trouble */
export async function makeAuthority(
  { path, name, days }: { readonly path: string; readonly name: string; readonly days: number },
  passphrase: string,
  world: ProvisionWorld,
): Promise<Authority> {
  const folder = new AuthorityFolder(path);
  folder.create();
  const key = newDeviceKey();
  const certificate = await selfSigned(name, days, key, world);
  folder.write('key', sealKey(key, passphrase, world.randomBytes));
  folder.write('certificate', certificate);
  bookAuthority(folder, certificate, false, world);
  const authority = new Authority(folder, key, world);
  // A broker that is told to ask for a list needs one from the first day.
  await authority.writeList();
  return authority;
}

export function selfSigned(
  name: string,
  days: number,
  key: KeyObject,
  world: Chance,
): Promise<string> {
  const now = world.nowMs();
  return authorityCertificate(
    {
      name,
      serial: serialFrom(world.randomBytes(SERIAL_BYTES)),
      publicKey: createPublicKey(key),
      notBeforeMs: now - BACKDATED_MS,
      notAfterMs: now + days * DAY_MS,
    },
    { certificate: null, key },
  );
}

export function bookAuthority(
  folder: AuthorityFolder,
  certificate: string,
  newKey: boolean,
  { nowMs }: Chance,
): void {
  const { serialNumber, validTo } = new X509Certificate(certificate);
  folder.append({
    kind: 'authority',
    at: isoFromWallMs(nowMs()),
    serial: serialNumber,
    fingerprint: fingerprintOf(certificate),
    validTo: isoFromWallMs(Date.parse(validTo)),
    newKey,
  });
}

/** Positive, and never beginning with zeros, which tools write in different ways. */
export function serialFrom(chance: Uint8Array): string {
  const [first = 0, ...rest] = chance;
  return plainSerial(Buffer.from([(first & 0x3f) | 0x40, ...rest]).toString('hex'));
}
