/** Enrols a unit over ssh: its key stays on it, all else is brought to it. Again is no harm. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { IdentityDescription } from '../../src/commands/identity-show.ts';
import { CLAIM_BYTES, CLAIM_SALT_BYTES, claimCode, claimRecord } from '../../src/identity/claim.ts';
import { isoFromWallMs } from '../../src/store/wall-time.ts';
import type { Authority, IssuedCertificate } from './authority.ts';
import { mosquittoLine, newBrokerPassword } from './broker-login.ts';
import { issuedIn } from './ca-folder.ts';
import { readRequest } from './certificates.ts';
import { appendInventory } from './inventory.ts';
import { labelPdf } from './label-pdf.ts';
import { labelPng } from './label-png.ts';
import type { LabelSize } from './label.ts';
import type { SshHost } from './ssh.ts';
import { missing, refusal, Trouble } from './trouble.ts';
import { installIdentity, putSecret, requestOf, shownIdentity } from './unit.ts';
import type { ProvisionWorld } from './world.ts';

/** With less left than this, enrolling again renews. */
export const RENEW_BELOW_DAYS = 90;

export interface OnlineOrder {
  readonly deviceId: string;
  readonly name: string | null;
  readonly site: string | null;
  readonly days: number;
  /** Also where the certificate is still good. */
  readonly renew: boolean;
  readonly newKey: boolean;
  readonly newClaim: boolean;
  readonly brokerUsername: string | null;
  /** The password itself, `new` for one made here, or null: leave it as it is. */
  readonly brokerPassword: string | { readonly kind: 'new' } | null;
  readonly out: string;
  readonly labelSize: LabelSize;
  readonly inventory: string;
}

/** One step, for `--dry-run` and for what is said. */
export interface EnrolPlan {
  readonly certificate: string | null;
  readonly claim: boolean;
  readonly password: boolean;
}

/** What is to be done, and why. @throws Trouble where the unit is somebody else. */
export function planEnrolment(
  order: OnlineOrder,
  shown: IdentityDescription,
  authority: { readonly fingerprint: string | null; readonly revoked: readonly string[] },
): EnrolPlan {
  const { deviceId, renew, newKey } = order;
  if (shown.deviceId !== null && shown.deviceId !== deviceId) {
    throw refusal(
      `this unit is "${shown.deviceId}" already: retire that first (provision retire --device-id ` +
        `${shown.deviceId} --host HOST --wipe), or enrol it under its name`,
    );
  }
  return {
    certificate: whyCertificate(shown, authority, renew || newKey),
    claim: !shown.hasClaim || order.newClaim,
    password: order.brokerPassword !== null,
  };
}

function whyCertificate(
  { serial, trouble, authorities, daysLeft }: IdentityDescription,
  {
    fingerprint,
    revoked,
  }: { readonly fingerprint: string | null; readonly revoked: readonly string[] },
  asked: boolean,
): string | null {
  if (serial === null) return 'it has none';
  if (trouble !== null) return trouble;
  if (revoked.includes(serial)) return 'the one it has was revoked';
  if (fingerprint !== null && !authorities.includes(fingerprint)) {
    return 'it does not know this authority';
  }
  if (daysLeft !== null && daysLeft < RENEW_BELOW_DAYS) return `${daysLeft} days are left`;
  return asked ? 'asked for' : null;
}

/** @throws Trouble; what was done by then stays good, and the next run goes on. */
export async function enrolOnline(
  order: OnlineOrder,
  plan: EnrolPlan,
  host: SshHost,
  authority: Authority,
  world: ProvisionWorld,
): Promise<void> {
  const { deviceId } = order;
  const issued = plan.certificate === null ? null : await certify(order, host, authority);
  if (issued !== null) {
    world.out(`${deviceId}: certificate ${issued.serial}, until ${dayOf(issued.notAfterMs)}`);
  }
  if (plan.claim) await claim(order, authority.fingerprint, host, world);
  if (plan.password) await login(order, host, world);
  if (issued === null && !plan.claim && !plan.password) return;
  const before = issuedIn(authority.folder.index()).filter(
    ({ name, usage }) => name === deviceId && usage === 'device',
  );
  const at = isoFromWallMs(world.nowMs());
  appendInventory(order.inventory, {
    event: before.length > (issued === null ? 0 : 1) ? 'renewed' : 'enrolled',
    ...{ at, deviceId, name: order.name, site: order.site },
    serial: issued?.serial ?? null,
    fingerprint: issued?.fingerprint ?? null,
    validTo: issued === null ? null : isoFromWallMs(issued.notAfterMs),
    via: host.name,
    brokerUsername: order.brokerUsername,
  });
}

async function certify(
  { deviceId, newKey, days }: OnlineOrder,
  host: SshHost,
  authority: Authority,
): Promise<IssuedCertificate> {
  const request = await readRequest(await requestOf(host, deviceId, newKey));
  if (request.commonName !== deviceId) {
    throw new Trouble(`the unit asks for "${request.commonName}", not for ${deviceId}`);
  }
  const issued = await authority.issue({
    ...{ usage: 'device', name: deviceId, names: [deviceId], days },
    publicKey: request.publicKey,
  });
  try {
    await installIdentity(host, deviceId, `${issued.certificate}${authority.trusted}`);
  } catch (error) {
    // Nobody uses it: whoever finds it later should not either.
    await authority.revoke([issued.serial], 'superseded');
    throw error;
  }
  return issued;
}

/** Sets a new claim code, and draws the label that alone tells it. */
async function claim(
  order: OnlineOrder,
  authorityFingerprint: string,
  host: SshHost,
  world: ProvisionWorld,
): Promise<void> {
  const { deviceId, name, site, labelSize, out } = order;
  const code = claimCode(world.randomBytes(CLAIM_BYTES));
  const label = { deviceId, name, site, claim: code, authorityFingerprint };
  const nowMs = world.nowMs();
  const files = {
    'label.png': labelPng(label, labelSize),
    'label.pdf': await labelPdf([label], labelSize, nowMs),
  };
  const record = claimRecord(code, world.randomBytes(CLAIM_SALT_BYTES), isoFromWallMs(nowMs));
  // The label first: a code that is set and that nobody can read would lock everybody out.
  for (const [file, content] of Object.entries(files)) writeSecret(out, file, content);
  await putSecret(host, 'claim', `${JSON.stringify(record)}\n`);
  world.out(`${deviceId}: claim code set; it stands on ${join(out, 'label.pdf')} and nowhere else`);
}

async function login(order: OnlineOrder, host: SshHost, world: ProvisionWorld): Promise<void> {
  const { brokerPassword, deviceId, out } = order;
  const username = order.brokerUsername ?? deviceId;
  const password = typeof brokerPassword === 'string' ? brokerPassword : newBrokerPassword(world);
  writeSecret(out, 'mosquitto-password', `${mosquittoLine(username, password, world)}\n`);
  await putSecret(host, 'broker-password', `${password}\n`);
  world.out(
    `${deviceId}: broker login ${username}; append ${join(out, 'mosquitto-password')} to the ` +
      'password_file of mosquitto (a hash), or give other brokers the password',
  );
}

export function writeSecret(folder: string, name: string, content: string | Uint8Array): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, name), content, { mode: 0o600, flush: true });
}

function dayOf(ms: number): string {
  return isoFromWallMs(ms).slice(0, 10);
}

/** Writes the request of a unit for an authority elsewhere. */
export async function exportRequest(
  { deviceId, newKey }: Pick<OnlineOrder, 'deviceId' | 'newKey'>,
  host: SshHost,
  file: string,
  world: ProvisionWorld,
): Promise<void> {
  const request = await requestOf(host, deviceId, newKey);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, request);
  world.out(`${file}: send it to your authority; what comes back: --cert-in FILE`);
}

/** Installs what an authority elsewhere has sent; the unit checks it. @throws Trouble */
export async function importCertificate(
  order: OnlineOrder,
  host: SshHost,
  file: string,
  shown: IdentityDescription,
  world: ProvisionWorld,
): Promise<void> {
  await installIdentity(host, order.deviceId, readInput(resolve(world.cwd, file)));
  const after = await shownIdentity(host);
  const anchor = after.authorities[0] ?? '';
  if (!shown.hasClaim || order.newClaim) await claim(order, anchor, host, world);
  if (order.brokerPassword !== null) await login(order, host, world);
  const { serial, fingerprint, validTo } = after;
  appendInventory(order.inventory, {
    event: shown.serial === null ? 'enrolled' : 'renewed',
    at: isoFromWallMs(world.nowMs()),
    ...{ deviceId: order.deviceId, name: order.name, site: order.site },
    ...{ serial, fingerprint, validTo, via: host.name },
    brokerUsername: order.brokerUsername,
  });
  world.out(`${order.deviceId}: certificate of ${file} installed`);
}

/** @throws Trouble where it cannot be read. */
export function readInput(file: string): string {
  if (!existsSync(file)) throw missing(`there is no file ${file}`);
  return readFileSync(file, 'utf8');
}
