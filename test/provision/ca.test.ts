/** The local authority: its files, its refusals, and that OpenSSL agrees with it. */
import { spawnSync } from 'node:child_process';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openAuthority } from '../../scripts/provision/authority.ts';
import type { Authority } from '../../scripts/provision/authority.ts';
import { addCa } from '../../scripts/provision/ca.ts';
import { readRequest, readRevocationList } from '../../scripts/provision/certificates.ts';
import { certificateRequest, newDeviceKey } from '../../src/identity/csr.ts';
import { pem } from '../../src/identity/der.ts';
import { hasOpenssl } from '../uplink/authority.ts';
import { Bench, PASSPHRASE } from './bench.ts';

let bench: Bench;
let source: string[];
beforeEach(() => {
  bench = new Bench();
  source = ['--ca', 'ca', '--passphrase-file', bench.write('phrase', `${PASSPHRASE}\n`)];
});
afterEach(() => bench.remove());

const ca = (...args: string[]) => bench.run(addCa, 'ca', ...args);
const open = (): Promise<Authority> =>
  openAuthority(bench.at('ca'), { file: 'phrase' }, bench.world);
const file = (name: string): string => readFileSync(bench.at('ca', name), 'utf8');

async function device(authority: Authority, name = 'unit-1', days = 3653) {
  const publicKey = createPublicKey(newDeviceKey());
  return authority.issue({ usage: 'device', name, names: [name], publicKey, days });
}

/** What `openssl verify` says at the bench's time; empty: OK. */
function refusedByOpenssl(certificate: string, trusted: string, more: string[] = []): string {
  const paths = [bench.write('t.crt', trusted), bench.write('v.crt', certificate)] as const;
  const time = ['-attime', String(Math.floor(bench.nowMs / 1000))];
  const args = ['verify', ...time, ...more, '-CAfile', ...paths];
  const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
  return status === 0 ? '' : stderr;
}

describe('provision ca new', () => {
  it('makes a folder for its owner alone, and says nothing secret', async () => {
    expect(await ca('new', '--name', 'Firma Muster', ...source)).toBe(0);
    expect(statSync(bench.at('ca')).mode & 0o777).toBe(0o700);
    expect(statSync(bench.at('ca', 'ca.key')).mode & 0o777).toBe(0o600);
    expect(file('ca.key')).toContain('-----BEGIN ENCRYPTED PRIVATE KEY-----');
    const { subject, ca: isAuthority, fingerprint256 } = new X509Certificate(file('ca.crt'));
    expect(subject).toBe('CN=Firma Muster');
    expect(isAuthority).toBe(true);
    expect(bench.said).toContain(fingerprint256.replaceAll(':', '').toLowerCase());
    expect(bench.said).not.toContain(PASSPHRASE);
    expect(bench.said).not.toContain('PRIVATE KEY');
  });

  it('asks twice on a terminal, hidden, and refuses what differs or is short', async () => {
    bench.answers = [PASSPHRASE, 'something else'];
    expect(await ca('new', '--ca', 'ca')).toBe(3);
    expect(bench.said).toContain('the two differ: nothing was made');
    bench.answers = ['short', 'short'];
    expect(await ca('new', '--ca', 'ca')).toBe(3);
    expect(bench.said).toContain('take 12 or more');
    expect(existsSync(bench.at('ca'))).toBe(false);
    bench.answers = [PASSPHRASE, PASSPHRASE];
    expect(await ca('new', '--ca', 'ca')).toBe(0);
  });

  it('never replaces one, needs somebody to ask, and tries dry', async () => {
    expect(await ca('new', '--ca', 'ca')).toBe(3);
    expect(bench.said).toContain('call this on a terminal, or name a file');
    expect(await ca('new', '--dry-run', ...source)).toBe(0);
    expect(existsSync(bench.at('ca'))).toBe(false);
    await ca('new', ...source);
    const key = file('ca.key');
    expect(await ca('new', ...source)).toBe(3);
    expect(bench.said).toContain('holds an authority already, and it stays');
    expect(file('ca.key')).toBe(key);
    expect(await ca('new', '--ca', 'other', '--name', 'a\nb')).toBe(3);
  });
});

describe('an open authority', () => {
  it('is refused with the wrong passphrase, and warned of when others may read it', async () => {
    await ca('new', ...source);
    bench.write('phrase', 'not that one');
    expect(await ca('crl', ...source)).toBe(3);
    expect(bench.said).toMatch(/the passphrase does not open .*ca\.key: try again/);
    expect(bench.said).not.toContain('not that one');
    bench.write('phrase', PASSPHRASE);
    chmodSync(bench.at('ca'), 0o755);
    expect(await ca('crl', ...source)).toBe(0);
    expect(bench.said).toMatch(/others may read .*: chmod -R go= /);
  });

  it('issues until its own end at most, and not at all after it', async () => {
    await ca('new', '--days', '1000', ...source);
    const { notAfterMs } = await device(await open());
    expect(notAfterMs).toBe(Date.parse(new X509Certificate(file('ca.crt')).validTo));
    bench.later(900);
    bench.forget();
    await open();
    expect(bench.said).toMatch(/the authority ends on \d{4}-\d\d-\d\d, in 100 days, and with it/);
    bench.later(101);
    await expect(device(await open())).rejects.toThrow(/has expired on .*provision ca renew/);
    expect(await ca('show', '--ca', 'ca')).toBe(1);
    expect(bench.said).toContain('expired 2029-08-19');
  });

  it('names what is missing or damaged', async () => {
    expect(await ca('crl', ...source)).toBe(4);
    expect(bench.said).toContain('make an authority with: provision ca new');
    await ca('new', ...source);
    writeFileSync(bench.at('ca', 'index.jsonl'), '{"kind":\n');
    expect(await ca('show', '--ca', 'ca')).toBe(3);
    expect(bench.said).toMatch(/index\.jsonl:1: not JSON; restore the file from your copy/);
  });

  it('takes requests only from whoever has the key', async () => {
    const key = newDeviceKey();
    const request = certificateRequest(key, 'unit-1');
    const { commonName, publicKey } = await readRequest(request);
    expect(commonName).toBe('unit-1');
    expect(publicKey.equals(createPublicKey(key))).toBe(true);
    await expect(readRequest('hello')).rejects.toThrow('this is no certificate request');
    const bytes = Buffer.from(request.replace(/-----.*-----/g, ''), 'base64');
    const named = bytes.indexOf('unit-1');
    bytes.write('unit-2', named);
    const forged = pem('CERTIFICATE REQUEST', bytes);
    await expect(readRequest(forged)).rejects.toThrow(
      'signature of the certificate request is wrong',
    );
  });
});

describe.skipIf(!hasOpenssl)('OpenSSL', () => {
  it('reads the sealed key, and the request of a unit', async () => {
    await ca('new', ...source);
    const opened = spawnSync(
      'openssl',
      ['pkey', '-in', bench.at('ca', 'ca.key'), '-passin', `file:${bench.at('phrase')}`, '-noout'],
      { encoding: 'utf8' },
    );
    expect(opened.stderr).toBe('');
    const request = bench.write('r.csr', certificateRequest(newDeviceKey(), 'unit-1'));
    const args = ['req', '-in', request, '-verify', '-noout', '-text'];
    const { stdout, stderr, status } = spawnSync('openssl', args, { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: 'Certificate request self-signature verify OK\n',
    });
    expect(stdout).toContain('Subject: CN = unit-1');
    expect(stdout).toContain('DNS:unit-1');
  });

  it('verifies devices, servers and people for their own purpose only', async () => {
    await ca('new', ...source);
    const { certificate } = await device(await open());
    const trusted = file('ca.crt');
    expect(refusedByOpenssl(certificate, trusted, ['-purpose', 'sslclient'])).toBe('');
    expect(refusedByOpenssl(certificate, trusted, ['-purpose', 'sslserver'])).toContain('purpose');
    const names = ['--name', 'broker.example.net', '192.0.2.7', '--out', 'server'];
    expect(await ca('server-cert', ...names, ...source)).toBe(0);
    const server = readFileSync(bench.at('server', 'broker.example.net.crt'), 'utf8');
    const asked = ['-purpose', 'sslserver', '-verify_ip', '192.0.2.7'];
    expect(refusedByOpenssl(server, trusted, asked)).toBe('');
    expect(await ca('client-cert', '--name', 'anna', '--out', 'p', ...source)).toBe(0);
    const person = readFileSync(bench.at('p', 'anna.crt'), 'utf8');
    expect(refusedByOpenssl(person, trusted, ['-purpose', 'sslclient'])).toBe('');
    expect(statSync(bench.at('p', 'anna.key')).mode & 0o777).toBe(0o600);
    expect(await ca('client-cert', '--name', 'anna', '--out', 'p', ...source)).toBe(3);
    expect(bench.said).toContain('anna.key exists and stays');
  });

  it('honours the list: a revoked certificate is out, another one stays', async () => {
    await ca('new', ...source);
    const authority = await open();
    const gone = await device(authority, 'unit-1');
    const stays = await device(authority, 'unit-2');
    expect(await authority.revoke([gone.serial], 'retired')).toEqual([gone.serial]);
    expect(await authority.revoke([gone.serial], 'retired')).toEqual([]);
    expect(await readRevocationList(file('crl.pem'))).toMatchObject({ serials: [gone.serial] });
    const checks = ['-crl_check', '-CRLfile', bench.at('ca', 'crl.pem')];
    const trusted = file('ca.crt');
    expect(refusedByOpenssl(stays.certificate, trusted, checks)).toBe('');
    expect(refusedByOpenssl(gone.certificate, trusted, checks)).toContain('certificate revoked');
    // A list that ends before its authority would shut out everybody.
    bench.later(3600);
    expect(refusedByOpenssl(stays.certificate, trusted, checks)).toBe('');
  });

  it('a renewal with the same key keeps all that was issued', async () => {
    await ca('new', '--days', '400', ...source);
    const old = file('ca.crt');
    const { certificate } = await device(await open(), 'unit-1', 300);
    bench.later(200);
    expect(await ca('renew', ...source)).toBe(0);
    const both = file('ca.crt');
    expect(both.match(/BEGIN/g)).toHaveLength(2);
    expect(refusedByOpenssl(certificate, both)).toBe('');
    const { certificate: fresh } = await device(await open(), 'unit-2');
    expect(refusedByOpenssl(fresh, old)).toBe('');
    bench.later(250);
    expect(refusedByOpenssl(fresh, old)).toContain('certificate has expired');
    expect(refusedByOpenssl(fresh, both)).toBe('');
  });

  it('an authority that has expired is renewed all the same', async () => {
    await ca('new', '--days', '10', ...source);
    bench.later(11);
    expect(await ca('renew', ...source)).toBe(0);
    const { certificate } = await device(await open());
    expect(refusedByOpenssl(certificate, file('ca.crt'))).toBe('');
  });

  it('another key is believed by those who know the old one: its cross certificate', async () => {
    await ca('new', ...source);
    const before = file('ca.crt');
    const authority = await open();
    const gone = await device(authority, 'unit-1');
    const stays = await device(authority, 'unit-2');
    await authority.revoke([gone.serial], 'keyCompromise');
    expect(await ca('renew', '--new-key', ...source)).toBe(0);
    const names = ['--name', 'broker.example.net', '--out', 'server'];
    expect(await ca('server-cert', ...names, ...source)).toBe(0);
    const sent = bench.at('server', 'broker.example.net.crt');
    const chain = readFileSync(sent, 'utf8');
    expect(refusedByOpenssl(chain, before)).toContain('unable to get local issuer');
    expect(refusedByOpenssl(chain, before, ['-untrusted', sent])).toBe('');
    const checks = ['-crl_check', '-CRLfile', bench.at('ca', 'crl.pem')];
    expect(refusedByOpenssl(stays.certificate, file('ca.crt'), checks)).toBe('');
    expect(refusedByOpenssl(gone.certificate, file('ca.crt'), checks)).toContain('revoked');
    const fresh = await device(await open(), 'unit-3');
    expect(refusedByOpenssl(fresh.certificate, file('ca.crt'), checks)).toBe('');
    bench.forget();
    await (await open()).revoke([stays.serial], 'retired');
    expect(bench.said).toContain('was signed with the key before this one, whose list is closed');
  });
});
