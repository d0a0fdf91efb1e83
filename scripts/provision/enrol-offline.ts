/** An identity made on the laptop, for a card that is written here. */
import { createPublicKey } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CLAIM_BYTES, CLAIM_SALT_BYTES, claimCode, claimRecord } from '../../src/identity/claim.ts';
import { keyPem, newDeviceKey } from '../../src/identity/csr.ts';
import { IDENTITY_FILES } from '../../src/identity/folder.ts';
import { isoFromWallMs } from '../../src/store/wall-time.ts';
import type { Authority } from './authority.ts';
import { DEVICE_DAYS } from './authority.ts';
import { mosquittoLine, newBrokerPassword } from './broker-login.ts';
import { appendInventory } from './inventory.ts';
import { labelPdf } from './label-pdf.ts';
import { labelPng } from './label-png.ts';
import type { LabelSize, LabelText } from './label.ts';
import { DEFAULT_LABEL_SIZE, layLabel } from './label.ts';
import { Trouble } from './trouble.ts';
import type { ProvisionWorld } from './world.ts';

export interface OfflineEnrolment {
  readonly deviceId: string;
  /** From `openAuthority`: opened once for a whole batch. */
  readonly authority: Authority;
  /** Folder that the identity goes to; it must hold none yet. */
  readonly out: string;
  readonly world: ProvisionWorld;
  readonly name?: string | null;
  readonly site?: string | null;
  /** Left out: the device id. */
  readonly brokerUsername?: string | null;
  /** Its password; `new`: made here; null or left out: none. */
  readonly brokerPassword?: string | { readonly kind: 'new' } | null;
  /** How long the certificate counts; never longer than its authority. */
  readonly days?: number;
  readonly labelSize?: LabelSize;
  /** File of the inventory. */
  readonly inventory: string;
}

export interface OfflineIdentity {
  /**
   * Contains ca.crt, device.crt, device.key, device.json, claim.json, label.png and label.pdf; with
   * a password broker-password, and mosquitto-password with a hash for that broker.
   */
  readonly folder: string;
  readonly serial: string;
  readonly fingerprint: string;
  /** For a sheet of labels. Secret: it holds the claim code. */
  readonly label: LabelText;
}

/**
 * Makes key, certificate, claim code and label in an identity folder (mode 0700), and books them.
 * @throws Trouble where the folder is taken, the authority has expired, or the label is too small.
 */
export async function enrolOffline(order: OfflineEnrolment): Promise<OfflineIdentity> {
  const { deviceId, authority, out, world, name = null, site = null } = order;
  refuseTaken(out);
  const key = newDeviceKey();
  const claim = claimCode(world.randomBytes(CLAIM_BYTES));
  const labelSize = order.labelSize ?? DEFAULT_LABEL_SIZE;
  const { fingerprint: authorityFingerprint } = authority;
  const label = { deviceId, name, site, claim, authorityFingerprint };
  // Before anything is booked: a label that is too small must not leave a certificate behind.
  layLabel(label, labelSize);
  const issued = await authority.issue({
    usage: 'device',
    name: deviceId,
    names: [deviceId],
    publicKey: createPublicKey(key),
    days: order.days ?? DEVICE_DAYS,
  });
  const nowMs = world.nowMs();
  const enrolledAt = isoFromWallMs(nowMs);
  const salt = world.randomBytes(CLAIM_SALT_BYTES);
  const { serial, fingerprint } = issued;
  const brokerUsername = order.brokerUsername ?? null;
  writeIdentity(out, {
    [IDENTITY_FILES.authorities]: authority.trusted,
    [IDENTITY_FILES.certificate]: issued.certificate,
    [IDENTITY_FILES.key]: keyPem(key),
    [IDENTITY_FILES.device]: `${JSON.stringify({ deviceId, serial, enrolledAt })}\n`,
    [IDENTITY_FILES.claim]: `${JSON.stringify(claimRecord(claim, salt, enrolledAt))}\n`,
    'label.png': labelPng(label, labelSize),
    'label.pdf': await labelPdf([label], labelSize, nowMs),
    ...loginFiles(brokerUsername ?? deviceId, order.brokerPassword ?? null, world),
  });
  appendInventory(order.inventory, {
    ...{ event: 'enrolled', at: enrolledAt, deviceId, name, site, serial, fingerprint },
    validTo: isoFromWallMs(issued.notAfterMs),
    via: 'offline',
    brokerUsername,
  });
  return { folder: out, serial, fingerprint, label };
}

function loginFiles(
  username: string,
  wanted: string | { readonly kind: 'new' } | null,
  world: ProvisionWorld,
): Readonly<Record<string, string>> {
  if (wanted === null) return {};
  const password = typeof wanted === 'string' ? wanted : newBrokerPassword(world);
  return {
    'broker-password': `${password}\n`,
    'mosquitto-password': `${mosquittoLine(username, password, world)}\n`,
  };
}

/** @throws Trouble where there is an identity already. */
export function refuseTaken(out: string): void {
  const taken = [IDENTITY_FILES.key, IDENTITY_FILES.certificate].find((name) =>
    existsSync(join(out, name)),
  );
  if (taken === undefined) return;
  throw new Trouble(
    `${out} holds an identity already (${taken}), perhaps of a unit in the field: name another ` +
      'folder, or retire that unit and remove the folder',
  );
}

/** The folder appears whole: it is written beside its place first. */
function writeIdentity(out: string, files: Readonly<Record<string, string | Uint8Array>>): void {
  const fresh = existsSync(out) ? out : `${out}.new`;
  mkdirSync(fresh, { recursive: true, mode: 0o700 });
  chmodSync(fresh, 0o700);
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(fresh, name), content, { mode: 0o600, flush: true });
  }
  if (fresh !== out) renameSync(fresh, out);
}
