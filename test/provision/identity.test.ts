/** `embereye identity`, without ssh: keys, requests, certificates, and what is refused. */
import { createPrivateKey, createPublicKey, randomBytes, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Authority } from '../../scripts/provision/authority.ts';
import { makeAuthority } from '../../scripts/provision/authority.ts';
import { readRequest } from '../../scripts/provision/certificates.ts';
import type { IdentityOptions } from '../../src/commands/identity.ts';
import {
  runIdentityCsr,
  runIdentityInstall,
  runIdentityNew,
  runIdentityPut,
  runIdentityShow,
  runIdentityWipe,
} from '../../src/commands/identity.ts';
import type { IdentityDescription } from '../../src/commands/identity-show.ts';
import { checkBundle } from '../../src/identity/bundle.ts';
import { claimRecord } from '../../src/identity/claim.ts';
import { newDeviceKey } from '../../src/identity/csr.ts';
import { integer, objectIdentifier, octetString } from '../../src/identity/der.ts';
import { groupIdIn } from '../../src/identity/folder.ts';
import { ManualClock } from '../hal/manual-clock.ts';
import { Bench, NOW_MS, PASSPHRASE } from './bench.ts';

let bench: Bench;
let folder: string;
let authority: Authority;
beforeEach(async () => {
  bench = new Bench();
  folder = bench.at('identity');
  const order = { path: bench.at('ca'), name: 'CA', days: 1000 };
  authority = await makeAuthority(order, PASSPHRASE, bench.world);
});
afterEach(() => bench.remove());

const deps = (input = '') => ({
  io: { out: (line: string) => bench.out.push(line), err: (line: string) => bench.err.push(line) },
  clock: clockAt(bench.nowMs),
  readInput: () => Promise.resolve(input),
});
function clockAt(nowMs: number) {
  return Object.assign(new ManualClock(), { wallMs: () => nowMs });
}
const options = (more: Partial<IdentityOptions> = {}): IdentityOptions => ({ folder, ...more });
const csr = async (more: Partial<IdentityOptions> = { deviceId: 'unit-1' }): Promise<string> => {
  bench.forget();
  expect(await runIdentityCsr(options(more), deps()), bench.said).toBe(0);
  return bench.out.join('\n');
};
const issue = async (request: string, name = 'unit-1'): Promise<string> => {
  const { publicKey } = await readRequest(request);
  const order = { usage: 'device', name, names: [name], publicKey, days: 300 } as const;
  return (await authority.issue(order)).certificate;
};
const install = (input: string, more: Partial<IdentityOptions> = { deviceId: 'unit-1' }) =>
  runIdentityInstall(options(more), deps(input));
const file = (name: string): string => readFileSync(join(folder, name), 'utf8');
const show = async (): Promise<IdentityDescription> => {
  bench.forget();
  await runIdentityShow(options({ json: true }), deps());
  return JSON.parse(bench.out[0] ?? '') as IdentityDescription;
};

describe('a key', () => {
  it('is made once, is kept, and is asked for again', async () => {
    const first = await readRequest(await csr());
    const again = await readRequest(await csr());
    expect(first.publicKey.equals(again.publicKey)).toBe(true);
    expect(createPublicKey(file('device.key')).equals(first.publicKey)).toBe(true);
    expect(statSync(join(folder, 'device.key')).mode & 0o777).toBe(0o640);
    expect(await runIdentityNew(options(), deps())).toBe(1);
    expect(bench.said).toContain('is there already and stays');
    expect(bench.said).not.toContain('PRIVATE');
  });

  it('that is new waits beside the old one until its certificate comes', async () => {
    await install(`${await issue(await csr())}${authority.trusted}`);
    const old = file('device.key');
    const request = await csr({ newKey: true });
    expect(await csr({ newKey: true }).then(readRequest)).toMatchObject({ commonName: 'unit-1' });
    expect(file('device.key')).toBe(old);
    expect(await show()).toMatchObject({ hasNextKey: true, trouble: null });
    expect(await install(`${await issue(request)}${authority.trusted}`)).toBe(0);
    expect(file('device.key.old')).toBe(old);
    expect(createPrivateKey(file('device.key')).equals(createPrivateKey(old))).toBe(false);
    expect(await show()).toMatchObject({ hasNextKey: false, trouble: null });
  });

  it('that is damaged, a name that is missing or wrong', async () => {
    expect(await runIdentityCsr(options(), deps())).toBe(2);
    expect(await runIdentityCsr(options({ deviceId: 'Halle 7' }), deps())).toBe(2);
    await csr();
    writeFileSync(join(folder, 'device.key'), 'rubbish');
    expect(await runIdentityCsr(options({ deviceId: 'unit-1' }), deps())).toBe(4);
    expect(bench.said).toContain('holds no private key in PEM form: make another one');
  });
});

describe('a certificate', () => {
  it('is installed whole, once, and keeps the one before', async () => {
    const first = await issue(await csr());
    expect(await install(`${authority.trusted}${first}`)).toBe(0);
    expect(file('device.crt')).toBe(first);
    expect(file('ca.crt')).toBe(authority.trusted);
    expect(statSync(join(folder, 'ca.crt')).mode & 0o777).toBe(0o644);
    expect(await install(`${authority.trusted}${first}`, {})).toBe(0);
    expect(bench.said).toContain('is installed already; nothing changed');
    const second = await issue(await csr());
    // Without its authority: the one that is there counts.
    expect(await install(second)).toBe(0);
    expect(file('device.crt.old')).toBe(first);
    const { serialNumber } = new X509Certificate(second);
    expect(await show()).toMatchObject({ deviceId: 'unit-1', serial: serialNumber, daysLeft: 300 });
  });

  it('is refused with a reason, and nothing is touched', async () => {
    const request = await csr();
    const good = await issue(request);
    const bench2 = new Bench();
    const other = { path: bench2.at('ca'), name: 'Other', days: 100 };
    const stranger = await makeAuthority(other, PASSPHRASE, bench2.world);
    const cases: [string, RegExp][] = [
      ['', /no readable certificate on standard input/],
      ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', /no readable certificate/],
      [authority.trusted, /none of the 1 certificates belongs to the key of this unit/],
      [good, /no authority of the bundle or of ca.crt has issued this/],
      [`${good}${stranger.trusted}`, /no authority of the bundle/],
      [`${await issue(request, 'unit-2')}${authority.trusted}`, /is for "unit-2", and this unit/],
    ];
    for (const [input, words] of cases) {
      bench.forget();
      expect(await install(input)).toBe(3);
      expect(bench.said).toMatch(words);
    }
    bench.later(301);
    expect(await install(`${good}${authority.trusted}`)).toBe(3);
    expect(bench.said).toMatch(/has expired on .*: have a new one issued/);
    bench.later(-310);
    expect(await install(`${good}${authority.trusted}`)).toBe(3);
    expect(bench.said).toMatch(/is not valid before .*: set the clock first/);
    expect(existsSync(join(folder, 'device.crt'))).toBe(false);
    expect(await install(good, {})).toBe(2);
    bench2.remove();
  });

  it('shows what is wrong with it', async () => {
    expect(await show()).toMatchObject({ trouble: 'no key: this unit was never enrolled' });
    const good = await issue(await csr());
    expect((await show()).trouble).toContain('a key without a certificate');
    await install(`${good}${authority.trusted}`);
    bench.later(301);
    expect((await show()).trouble).toContain('has expired on');
    bench.later(-301);
    writeFileSync(
      join(folder, 'device.key'),
      newDeviceKey().export({ type: 'pkcs8', format: 'pem' }),
    );
    expect((await show()).trouble).toContain('does not belong to the key');
    writeFileSync(join(folder, 'device.crt'), 'rubbish');
    expect((await show()).trouble).toContain('is damaged');
    expect(await runIdentityShow(options(), deps())).toBe(1);
    expect(bench.out.join('\n')).toContain('trouble ');
  });
});

describe('secrets and farewell', () => {
  it('take a claim record and a password from standard input only', async () => {
    const record = claimRecord('ABCD', randomBytes(16), '2026-01-01');
    expect(await runIdentityPut('claim', options(), deps('no claim'))).toBe(3);
    expect(await runIdentityPut('claim', options(), deps(JSON.stringify(record)))).toBe(0);
    expect(await runIdentityPut('broker-password', options(), deps('\n'))).toBe(3);
    expect(await runIdentityPut('broker-password', options(), deps('two\nlines\n'))).toBe(3);
    expect(await runIdentityPut('broker-password', options(), deps('hunter two\n'))).toBe(0);
    expect(readFileSync(bench.at('broker-password'), 'utf8')).toBe('hunter two\n');
    expect(bench.said).not.toContain('hunter');
  });

  it('wipe only when it is meant, and everything', async () => {
    await install(`${await issue(await csr())}${authority.trusted}`);
    expect(await runIdentityWipe(options(), deps())).toBe(2);
    expect(existsSync(join(folder, 'device.key'))).toBe(true);
    expect(await runIdentityWipe(options({ yes: true }), deps())).toBe(0);
    expect(bench.said).toContain('removed device.key, device.crt, ca.crt, device.json');
    expect(await runIdentityWipe(options({ yes: true }), deps())).toBe(0);
    expect(bench.said).toContain('there was nothing to remove');
  });

  it.skipIf(process.getuid?.() === 0)(
    'name missing rights (as another user than root)',
    async () => {
      chmodSync(bench.folder, 0o500);
      expect(await runIdentityCsr(options({ deviceId: 'unit-1' }), deps())).toBe(4);
      expect(bench.said).toContain('run it as root');
      chmodSync(bench.folder, 0o700);
    },
  );

  it('knows groups by name', () => {
    expect(groupIdIn('root:x:0:\nembereye:x:992:a,b\n', 'embereye')).toBe(992);
    expect(groupIdIn('root:x:0:\n', 'embereye')).toBeNull();
  });
});

describe('any input', () => {
  it('is refused or fits: a bundle never throws', () => {
    const keys = [newDeviceKey()];
    const piece = fc.oneof(fc.string(), fc.constant(authority.trusted), fc.constant('-----BEGIN'));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
        const question = { deviceId: 'unit-1', nowMs: NOW_MS, knownAuthorities: null, keys };
        expect(checkBundle({ ...question, text: pieces.join('\n') }).ok).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('DER: numbers, names and lengths are read back', () => {
    const number = (der: Uint8Array): number =>
      [...der.subarray(2)].reduce((sum, octet) => sum * 256 + octet, 0);
    fc.assert(
      fc.property(fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), (value) => {
        const der = integer(value);
        expect(number(der)).toBe(value);
        expect((der[2] ?? 0) < 0x80).toBe(true);
      }),
    );
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 70_000 }), (length) => {
        const der = octetString(new Uint8Array(length));
        const size = (der[1] ?? 0) & 0x80 ? 2 + ((der[1] ?? 0) & 0x7f) : 2;
        expect(der.length).toBe(size + length);
      }),
      { numRuns: 30 },
    );
    expect(Buffer.from(objectIdentifier('1.2.840.10045.4.3.2')).toString('hex')).toBe(
      '06082a8648ce3d040302',
    );
  });
});
