import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo, Server } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/clock.ts';
import { createDoctorNetwork } from '../../src/commands/doctor-network.ts';
import { ManualClock } from './manual-clock.ts';

const network = createDoctorNetwork(systemClock());
const open: Server[] = [];

async function listening(server: Server): Promise<number> {
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

describe('the network of the doctor', () => {
  it('names, connections and ports', async () => {
    const port = await listening(createServer((socket) => socket.destroy()));
    expect(await network.resolve('127.0.0.1')).toEqual({ ok: true, value: '127.0.0.1' });
    expect((await network.resolve('nowhere.invalid')).ok).toBe(false);
    expect((await network.connect('127.0.0.1', port)).ok).toBe(true);
    const taken = await network.tryPort('127.0.0.1', port);
    expect(taken).toMatchObject({ ok: false, error: { kind: 'busy' } });
    expect((await network.tryPort('127.0.0.1', 0)).ok).toBe(true);
    const elsewhere = await network.tryPort('203.0.113.9', 0);
    expect(elsewhere).toMatchObject({ ok: false, error: { kind: 'other' } });
  });

  it('knows an appliance from another program', async () => {
    const page = (text: string) =>
      listening(createHttpServer((_, response) => void response.end(text)));
    const appliance = await page('{"status":"ok","stepping":true,"driving":true}');
    expect(await network.applianceAnswers('127.0.0.1', appliance)).toBe(true);
    expect(await network.applianceAnswers('127.0.0.1', await page('hello'))).toBe(false);
    const silent = await listening(createServer());
    const clock = new ManualClock();
    const asked = createDoctorNetwork(clock).applianceAnswers('127.0.0.1', silent);
    clock.advance(2000);
    expect(await asked).toBe(false);
  });

  it('a server that says nothing is given up', async () => {
    const port = await listening(createServer());
    const clock = new ManualClock();
    const request = { host: '127.0.0.1', port, ca: null, certificate: null, key: null };
    const shaken = createDoctorNetwork(clock).tls(request);
    clock.advance(5000);
    expect(await shaken).toMatchObject({ ok: false, error: { kind: 'timeout' } });
    expect(clock.pending).toBe(0);
  });

  it('no certificate in a file is told', () => {
    const read = network.certificateDates(Buffer.from('-----BEGIN NONSENSE-----'));
    expect(read).toMatchObject({ ok: false, error: { kind: 'corrupt' } });
  });
});

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;

describe.skipIf(!hasOpenssl)('TLS (needs openssl)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-tls-'));
  const file = (name: string) => join(folder, name);
  let certificate: Buffer;
  let key: Buffer;
  beforeAll(() => {
    execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '90'],
        ...['-keyout', file('key.pem'), '-out', file('cert.pem'), '-subj', '/CN=localhost'],
        ...['-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
      ],
      { stdio: 'ignore' },
    );
    certificate = readFileSync(file('cert.pem'));
    key = readFileSync(file('key.pem'));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const serve = (options: object) =>
    listening(
      createTlsServer({ key, cert: certificate, ...options }, (socket) => {
        socket.on('error', () => undefined);
      }),
    );
  const ask = (port: number, ca: Buffer | null) =>
    network.tls({ host: '127.0.0.1', port, ca, certificate: null, key: null });

  it('a certificate that is not trusted, and one that is, with its dates', async () => {
    const port = await serve({});
    const strange = await ask(port, null);
    expect(strange).toMatchObject({ ok: true, value: { authorised: false, subject: 'localhost' } });
    const known = await ask(port, certificate);
    expect(known).toMatchObject({ ok: true, value: { authorised: true, why: null } });
    const dates = network.certificateDates(certificate);
    if (!known.ok || !dates.ok) throw new Error('no dates');
    expect(known.value.validToMs - known.value.validFromMs).toBe(90 * 86_400_000);
    expect(known.value).toMatchObject(dates.value);
  });

  it('a server that wants a certificate and gets none', async () => {
    const port = await serve({ requestCert: true, rejectUnauthorized: true });
    const refused = await ask(port, certificate);
    expect(refused).toMatchObject({ ok: false, error: { kind: 'other' } });
  });

  it('a port without TLS, and a key that is none', async () => {
    const plain = await listening(createServer((socket) => void socket.end('hello\n')));
    expect((await ask(plain, null)).ok).toBe(false);
    const key = Buffer.from('rubbish');
    const request = { host: '127.0.0.1', port: plain, ca: null, certificate, key };
    expect((await network.tls(request)).ok).toBe(false);
  });
});
