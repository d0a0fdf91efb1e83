/** An identity made here whose certificate comes from an authority elsewhere, in two steps. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { checkBundle } from '../../src/identity/bundle.ts';
import { CLAIM_BYTES, CLAIM_SALT_BYTES, claimCode, claimRecord } from '../../src/identity/claim.ts';
import { certificateRequest, keyPem, newDeviceKey } from '../../src/identity/csr.ts';
import { IDENTITY_FILES, IdentityStore } from '../../src/identity/folder.ts';
import { isoFromWallMs } from '../../src/store/wall-time.ts';
import { fingerprintOf } from './certificates.ts';
import { refuseTaken } from './enrol-offline.ts';
import type { OnlineOrder } from './enrol-online.ts';
import { readInput, writeSecret } from './enrol-online.ts';
import { appendInventory } from './inventory.ts';
import { labelPdf } from './label-pdf.ts';
import { labelPng } from './label-png.ts';
import { Trouble } from './trouble.ts';
import type { ProvisionWorld } from './world.ts';

/** Makes the key in `order.out`, and writes the request. @throws Trouble where that is taken. */
export function startElsewhere({ deviceId, out }: OnlineOrder, csrFile: string): void {
  refuseTaken(out);
  const key = newDeviceKey();
  writeSecret(out, IDENTITY_FILES.key, keyPem(key));
  mkdirSync(dirname(csrFile), { recursive: true });
  writeFileSync(csrFile, certificateRequest(key, deviceId));
}

/** Checks what the authority sent, and completes the identity. @throws Trouble */
export async function finishElsewhere(
  order: OnlineOrder,
  file: string,
  world: ProvisionWorld,
): Promise<void> {
  const { deviceId, out, name, site, labelSize } = order;
  const store = new IdentityStore(out, null);
  const key = store.readKey('key');
  const nowMs = world.nowMs();
  const bundle = checkBundle({
    ...{ text: readInput(file), deviceId, nowMs, knownAuthorities: null },
    keys: key === null ? [] : [key],
  });
  if (!bundle.ok) throw new Trouble(`${file}: ${bundle.error}`);
  const claim = claimCode(world.randomBytes(CLAIM_BYTES));
  const authorityFingerprint = fingerprintOf(bundle.authorities);
  const label = { deviceId, name, site, claim, authorityFingerprint };
  const at = isoFromWallMs(nowMs);
  const serial = bundle.certificate.serialNumber;
  const record = claimRecord(claim, world.randomBytes(CLAIM_SALT_BYTES), at);
  const files = {
    'label.png': labelPng(label, labelSize),
    'label.pdf': await labelPdf([label], labelSize, nowMs),
    [IDENTITY_FILES.authorities]: bundle.authorities,
    [IDENTITY_FILES.claim]: `${JSON.stringify(record)}\n`,
    [IDENTITY_FILES.device]: `${JSON.stringify({ deviceId, serial, enrolledAt: at })}\n`,
    [IDENTITY_FILES.certificate]: bundle.chain,
  };
  for (const [at, content] of Object.entries(files)) writeSecret(out, at, content);
  appendInventory(order.inventory, {
    ...{ event: 'enrolled', at, deviceId, name, site, serial },
    fingerprint: fingerprintOf(bundle.chain),
    validTo: isoFromWallMs(Date.parse(bundle.certificate.validTo)),
    via: 'offline',
    brokerUsername: order.brokerUsername,
  });
}
