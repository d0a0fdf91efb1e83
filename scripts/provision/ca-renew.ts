/** Another certificate for an authority, with the same key or with another one. */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { commonNameOf } from '../../src/identity/bundle.ts';
import { newDeviceKey } from '../../src/identity/csr.ts';
import { Authority, bookAuthority, DAY_MS, selfSigned, serialFrom } from './authority.ts';
import { authorityCertificate } from './certificates.ts';
import { sealKey } from './sealed-key.ts';
import type { ProvisionWorld } from './world.ts';

/**
 * With the same key: `ca.crt` then holds the new certificate and the old one, and what was issued
 * stays good under either. It may have expired: that is when it is needed most.
 */
export async function renewWithSameKey(
  authority: Authority,
  days: number,
  world: ProvisionWorld,
): Promise<void> {
  const { folder, signer, trusted } = authority;
  const fresh = await selfSigned(nameOf(trusted), days, signer.key, world);
  folder.write('certificate', `${fresh}${trusted}`);
  bookAuthority(folder, fresh, false, world);
  await authority.writeList();
}

/**
 * With another key, for one that may be known to others: `cross.crt` is the new authority signed by
 * the old one. A server that sends it along is believed by units that know the old one only. The
 * list of the old key is closed, and every later list carries it.
 */
export async function renewWithNewKey(
  authority: Authority,
  { days, passphrase }: { readonly days: number; readonly passphrase: string },
  world: ProvisionWorld,
): Promise<Authority> {
  const { folder, signer, trusted } = authority;
  authority.refuseWhenExpired();
  const name = otherName(nameOf(trusted), world.nowMs());
  const key = newDeviceKey();
  const fresh = await selfSigned(name, days, key, world);
  const now = world.nowMs();
  const endMs = Date.parse(new X509Certificate(trusted).validTo);
  const cross = await authorityCertificate(
    {
      name,
      serial: serialFrom(world.randomBytes(16)),
      publicKey: createPublicKey(key),
      notBeforeMs: now - DAY_MS,
      notAfterMs: endMs,
    },
    signer,
  );
  await authority.writeList();
  folder.write('listBefore', folder.read('list'));
  folder.write('cross', cross);
  folder.write('certificate', `${fresh}${trusted}`);
  folder.write('key', sealKey(key, passphrase, world.randomBytes));
  bookAuthority(folder, fresh, true, world);
  const renewed = new Authority(folder, key, world);
  await renewed.writeList();
  return renewed;
}

function nameOf(certificate: string): string {
  return commonNameOf(new X509Certificate(certificate)) ?? 'EmberEye';
}

/** Two authorities of one name and different keys confuse verifiers. */
function otherName(name: string, nowMs: number): string {
  const year = new Date(nowMs).toISOString().slice(0, 7);
  return `${name.replace(/ \d{4}-\d\d$/, '')} ${year}`;
}
