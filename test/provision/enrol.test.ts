/** Enrolling a unit over a real SSH server, with the real `embereye identity` on the other side. */
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { addCa } from '../../scripts/provision/ca.ts';
import { addEnrol } from '../../scripts/provision/enrol.ts';
import { claimMatches, readClaim } from '../../src/identity/claim.ts';
import { Authority, hasOpenssl } from '../uplink/authority.ts';
import { runTool } from '../uplink/mosquitto.ts';
import { Bench, PASSPHRASE } from './bench.ts';
import { FakeUnit, hasSsh, identityProgram } from './ssh-server.ts';

let bench: Bench;
let source: string[];
beforeEach(async () => {
  bench = new Bench();
  // Certificates are checked against the unit's own clock.
  bench.nowMs = Date.now();
  source = ['--ca', 'ca', '--passphrase-file', bench.write('phrase', PASSPHRASE)];
  await bench.run(addCa, 'ca', 'new', ...source);
  bench.forget();
});
afterEach(() => bench.remove());

const inventory = (): Record<string, unknown>[] =>
  readFileSync(bench.at('ca', 'inventory.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** The claim code that the QR code of a label carries. */
function claimOn(label: string): string | null {
  const { stdout } = spawnSync('zbarimg', ['--raw', '-q', label], { encoding: 'utf8' });
  return /&code=(\w+)&/.exec(stdout)?.[1] ?? null;
}
const hasZbar = spawnSync('zbarimg', ['--version']).error === undefined;

describe('provision enrol --offline', () => {
  const offline = (...args: string[]) =>
    bench.run(addEnrol, 'enrol', '--offline', '--device-id', 'unit-1', ...args);

  it('makes a whole identity folder, and says nothing secret', async () => {
    const more = ['--out', 'id', '--site', 'Hall 7', '--new-broker-password'];
    expect(await offline(...source, ...more)).toBe(0);
    expect(statSync(bench.at('id')).mode & 0o777).toBe(0o700);
    const names = ['ca.crt', 'device.crt', 'device.key', 'device.json', 'claim.json'];
    const labels = ['label.png', 'label.pdf', 'broker-password', 'mosquitto-password'];
    for (const name of [...names, ...labels]) {
      expect(statSync(bench.at('id', name)).mode & 0o777, name).toBe(0o600);
    }
    const certificate = new X509Certificate(readFileSync(bench.at('id', 'device.crt')));
    const { serial } = JSON.parse(readFileSync(bench.at('id', 'device.json'), 'utf8')) as {
      serial: string;
    };
    expect(serial).toBe(certificate.serialNumber);
    expect(inventory()).toMatchObject([
      { event: 'enrolled', deviceId: 'unit-1', site: 'Hall 7', serial, via: 'offline' },
    ]);
    const password = readFileSync(bench.at('id', 'broker-password'), 'utf8').trim();
    const kept = readFileSync(bench.at('ca', 'inventory.jsonl'), 'utf8');
    for (const text of [bench.said, kept]) {
      expect(text).not.toMatch(/PRIVATE|"hash"/);
      expect(text).not.toContain(password);
    }
  });

  it.skipIf(!hasZbar)('puts the code on the label whose hash is in claim.json', async () => {
    await offline(...source, '--out', 'id');
    const record = readClaim(readFileSync(bench.at('id', 'claim.json'), 'utf8'));
    const code = claimOn(bench.at('id', 'label.png')) ?? '';
    expect(record !== null && claimMatches(code, record)).toBe(true);
    expect(bench.said).not.toContain(code);
  });

  it('refuses a folder that is taken, a label that is too small, and tries dry', async () => {
    expect(await offline(...source, '--out', 'id', '--dry-run')).toBe(0);
    expect(existsSync(bench.at('id'))).toBe(false);
    expect(await offline(...source, '--out', 'id', '--label-size', '20x10')).toBe(3);
    expect(existsSync(bench.at('id'))).toBe(false);
    expect(readFileSync(bench.at('ca', 'index.jsonl'), 'utf8')).not.toContain('unit-1');
    await offline(...source, '--out', 'id');
    expect(await offline(...source, '--out', 'id')).toBe(3);
    expect(bench.said).toContain('perhaps of a unit in the field');
  });

  it('needs an authority, one way, and a good id', async () => {
    expect(await offline()).toBe(2);
    expect(await offline(...source, '--host', 'x')).toBe(2);
    expect(await bench.run(addEnrol, 'enrol', '--offline', '--device-id', 'Halle 7')).toBe(2);
    expect(bench.said).toContain('small letters, digits, _ or -');
  });

  it.skipIf(!hasOpenssl)('takes the certificate of an authority elsewhere', async () => {
    expect(await offline('--csr-out', 'unit.csr', '--out', 'id')).toBe(0);
    const elsewhere = new Authority();
    const signed = ['x509', '-req', '-in', bench.at('unit.csr'), '-CA', elsewhere.caFile];
    const key = ['-CAkey', elsewhere.at('ca.key'), '-CAcreateserial', '-days', '30'];
    runTool('openssl', [...signed, ...key, '-out', bench.at('unit.crt')]);
    const unit = readFileSync(bench.at('unit.crt'), 'utf8');
    // Signed after this bench's clock was read.
    bench.nowMs = Date.now() + 1000;
    bench.write('bundle.pem', `${elsewhere.read(elsewhere.caFile)}${unit}`);
    bench.write('alone.pem', unit);
    const install = (file: string, id = 'unit-1') =>
      bench.run(
        addEnrol,
        'enrol',
        '--offline',
        '--device-id',
        id,
        '--cert-in',
        file,
        '--out',
        'id',
      );
    expect(await install('alone.pem')).toBe(3);
    expect(bench.said).toContain('no authority of the bundle or of ca.crt has issued');
    expect(await install('bundle.pem', 'unit-2')).toBe(3);
    expect(bench.said).toContain('the certificate is for "unit-1", and this unit is "unit-2"');
    bench.write('other.pem', elsewhere.read(elsewhere.make('x', 'DNS:x').cert));
    expect(await install('other.pem')).toBe(3);
    expect(bench.said).toContain('belongs to the key of this unit');
    bench.later(31);
    expect(await install('bundle.pem')).toBe(3);
    expect(bench.said).toMatch(/has expired on .*, and this machine takes it to be/);
    bench.later(-31);
    expect(await install('bundle.pem')).toBe(0);
    expect(readFileSync(bench.at('id', 'ca.crt'), 'utf8')).toContain('BEGIN CERTIFICATE');
    await elsewhere.remove();
  });
});

// Some dozen connections each, on a machine that may be busy.
describe.skipIf(!hasSsh)('provision enrol --host', { timeout: 120_000 }, () => {
  const unit = new FakeUnit();
  let log: string;
  beforeAll(async () => {
    const program = await identityProgram(unit.folder);
    unit.program('embereye', program);
    await unit.start();
  }, 60_000);
  afterAll(() => unit.remove());
  beforeEach(() => {
    spawnSync('rm', ['-rf', unit.at('etc/embereye')]);
    mkdirSync(unit.at('etc/embereye'));
    recordPrograms();
  });

  /** Stand-ins before the real programs that write down what they were called with. */
  function recordPrograms(): void {
    log = bench.at('argv');
    mkdirSync(bench.at('bin'));
    for (const name of ['ssh', 'ssh-keygen', 'ssh-keyscan', 'scp']) {
      const text = [
        '#!/bin/sh',
        `printf '%s\\n' "$0 $*" >> ${log}`,
        `PATH=${process.env['PATH']} exec ${name} "$@"\n`,
      ].join('\n');
      writeFileSync(bench.at('bin', name), text, { mode: 0o755 });
    }
    bench.environment = { ...process.env, PATH: `${bench.at('bin')}:${process.env['PATH']}` };
  }

  const login = (): string[] => [
    ...['--host', `${unit.user}@127.0.0.1`, '--port', String(unit.port)],
    ...['--ssh-key', unit.clientKey, '--known-hosts', 'known_hosts'],
  ];
  const key = (): string[] => ['--host-key', unit.hostKeyFingerprint];
  const enrol = (...args: string[]) =>
    bench.run(addEnrol, 'enrol', '--device-id', 'unit-1', '--out', 'label', ...args);
  const at = (name: string): string => unit.read(`etc/embereye/identity/${name}`);

  it('makes the key on the unit, brings it all else, and again changes nothing', async () => {
    bench.write('secret', 'a password of the broker\n');
    const password = ['--broker-username', 'unit-1', '--broker-password-file', 'secret'];
    expect(await enrol(...login(), ...key(), ...source, ...password), bench.said).toBe(0);
    const certificate = new X509Certificate(at('device.crt'));
    expect(certificate.subject).toBe('CN=unit-1');
    expect(at('device.key')).toContain('PRIVATE KEY');
    expect(unit.read('etc/embereye/broker-password')).toBe('a password of the broker\n');
    expect(statSync(unit.at('etc/embereye/broker-password')).mode & 0o777).toBe(0o640);
    expect(statSync(unit.at('etc/embereye/identity/device.key')).mode & 0o777).toBe(0o640);
    expect(inventory()).toMatchObject([{ event: 'enrolled', serial: certificate.serialNumber }]);
    const said = bench.said;
    bench.forget();
    expect(await enrol(...login(), ...source)).toBe(0);
    expect(bench.out).toEqual([
      expect.stringMatching(/unit-1 is enrolled, until .*: nothing changed/),
    ]);
    expect(inventory()).toHaveLength(1);
    const argv = readFileSync(log, 'utf8');
    const code = claimOn(bench.at('label', 'label.png'));
    for (const text of [said, bench.said, argv, unit.read('commands')]) {
      expect(text).not.toContain('a password of the broker');
      expect(text).not.toContain(PASSPHRASE);
      expect(text).not.toMatch(/PRIVATE|"hash"/);
      if (code !== null) expect(text.replaceAll('-', '')).not.toContain(code);
    }
  });

  it('renews: with the same key, with another one, and by itself when it ends soon', async () => {
    await enrol(...login(), ...key(), ...source, '--days', '80');
    const first = new X509Certificate(at('device.crt'));
    bench.forget();
    expect(await enrol(...login(), ...source, '--dry-run')).toBe(0);
    expect(bench.out).toEqual(['unit-1: would issue a certificate: 79 days are left']);
    expect(await enrol(...login(), ...source)).toBe(0);
    const second = new X509Certificate(at('device.crt'));
    expect(second.serialNumber).not.toBe(first.serialNumber);
    expect(second.publicKey.equals(first.publicKey)).toBe(true);
    expect(new X509Certificate(at('device.crt.old')).serialNumber).toBe(first.serialNumber);
    const claim = at('claim.json');
    expect(await enrol(...login(), ...source, '--new-key')).toBe(0);
    const third = new X509Certificate(at('device.crt'));
    expect(third.publicKey.equals(first.publicKey)).toBe(false);
    expect(existsSync(unit.at('etc/embereye/identity/device.key.next'))).toBe(false);
    expect(at('claim.json')).toBe(claim);
    expect(inventory().map(({ event }) => event)).toEqual(['enrolled', 'renewed', 'renewed']);
  });

  it('asks about a new host key, needs an answer, and never takes a changed one', async () => {
    expect(await enrol(...login(), ...source)).toBe(1);
    expect(bench.said).toContain(unit.hostKeyFingerprint);
    expect(bench.said).toContain('was not accepted: nothing was sent');
    bench.answers = ['n'];
    expect(await enrol(...login(), ...source)).toBe(1);
    expect(await enrol(...login(), ...source, '--host-key', 'SHA256:other')).toBe(1);
    expect(bench.said).toContain('shows other host keys than SHA256:other');
    bench.answers = ['y'];
    expect(await enrol(...login(), ...source), bench.said).toBe(0);
    unit.newHostKey();
    await unit.restart();
    bench.forget();
    expect(await enrol(...login(), ...source)).toBe(4);
    expect(bench.said).toMatch(/is not the one that is known: .*ssh-keygen -R/s);
  });

  it('names a unit that is somebody else, absent, closed, or without the program', async () => {
    await enrol(...login(), ...key(), ...source);
    const other = ['enrol', '--device-id', 'unit-2', ...login(), ...source];
    expect(await bench.run(addEnrol, ...other)).toBe(1);
    expect(bench.said).toContain('this unit is "unit-1" already: retire that first');
    const nobody = ['--host', '127.0.0.1', '--port', '9', '--known-hosts', 'k'];
    expect(await enrol(...nobody, ...source)).toBe(4);
    expect(bench.said).toContain('runs no SSH server');
    const stranger = login().map((one) => (one === unit.clientKey ? unit.at('host') : one));
    expect(await enrol(...stranger, ...source)).toBe(4);
    expect(bench.said).toContain('lets nobody in with this user and key');
    const program = unit.read('bin/embereye');
    unit.program('embereye', 'echo "sh: embereye: not found" >&2; exit 127');
    expect(await enrol(...login(), ...source)).toBe(4);
    expect(bench.said).toContain('embereye is not installed on');
    unit.write('bin/embereye', program, 0o755);
  });

  it.skipIf(!hasOpenssl)('brings the certificate of an authority elsewhere', async () => {
    expect(await enrol(...login(), ...key(), '--csr-out', 'unit.csr'), bench.said).toBe(0);
    const elsewhere = new Authority();
    const signed = ['x509', '-req', '-in', bench.at('unit.csr'), '-CA', elsewhere.caFile];
    const by = ['-CAkey', elsewhere.at('ca.key'), '-CAcreateserial', '-days', '30'];
    runTool('openssl', [...signed, ...by, '-out', bench.at('unit.crt')]);
    const text = readFileSync(bench.at('unit.crt'), 'utf8');
    bench.write('bundle.pem', `${text}${elsewhere.read(elsewhere.caFile)}`);
    const inventory = ['--inventory', 'ca/inventory.jsonl'];
    expect(await enrol(...login(), '--cert-in', 'bundle.pem', ...inventory), bench.said).toBe(0);
    expect(at('device.crt')).toContain(text.trim());
    expect(existsSync(bench.at('label', 'label.pdf'))).toBe(true);
    await elsewhere.remove();
  });
});
