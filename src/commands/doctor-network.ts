/** The doctor's network: one attempt each, nothing sent but a handshake. */
import { X509Certificate } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { get } from 'node:http';
import { connect, createServer, isIP } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { PeerCertificate } from 'node:tls';
import type { Clock } from '../domain/ports.ts';
import { within } from '../hal/doctor/deadline.ts';
import type { DoctorNetwork, TlsFacts, TlsRequest } from '../hal/doctor/world.ts';
import { errorKindOf, messageOf } from '../hal/os-errors.ts';
import type { HalResult } from '../hal/ports.ts';
import { DONE, done, failed } from '../hal/ports.ts';
import { serverCertificateOf, tlsReason } from '../uplink/tls-words.ts';

const DEADLINE_MS = 5000;
/** A server that misses a client certificate says so after the handshake (TLS 1.3). */
const AFTERMATH_MS = 300;
const HEALTH_DEADLINE_MS = 2000;
const HEALTH_BYTES = 65_536;

export function createDoctorNetwork(clock: Clock): DoctorNetwork {
  const timely = <T>(what: string, work: () => Promise<HalResult<T>>) =>
    flattened(what, within(clock, DEADLINE_MS, work));
  return {
    resolve: (host) => timely(`the name ${host}`, () => resolveName(host)),
    connect: (host, port) => timely(`${host}:${port}`, () => connectOnce(clock, host, port)),
    tls: (request) => {
      const where = `TLS with ${request.host}:${request.port}`;
      return timely(where, () => shakeHands(clock, request));
    },
    tryPort,
    applianceAnswers: async (host, port) => {
      const answer = await within(clock, HEALTH_DEADLINE_MS, () => askHealth(host, port));
      return answer.ok && answer.value;
    },
    certificateDates,
  };
}

async function flattened<T>(
  what: string,
  work: Promise<HalResult<HalResult<T>>>,
): Promise<HalResult<T>> {
  const ended = await work;
  if (ended.ok) return ended.value;
  return failed(ended.error.kind, `${what}: ${ended.error.message}`, ended.error);
}

async function resolveName(host: string): Promise<HalResult<string>> {
  try {
    return done((await lookup(host)).address);
  } catch (error) {
    return failed('absent', `the name ${host} cannot be resolved: ${messageOf(error)}`, error);
  }
}

function connectOnce(clock: Clock, host: string, port: number): Promise<HalResult> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const cancel = clock.after(DEADLINE_MS, () => socket.destroy());
    socket.once('connect', () => {
      cancel();
      socket.destroy();
      resolve(DONE);
    });
    socket.once('error', (error) => {
      cancel();
      resolve(failed(errorKindOf(error), `no connection: ${messageOf(error)}`, error));
    });
  });
}

function shakeHands(clock: Clock, request: TlsRequest): Promise<HalResult<TlsFacts>> {
  const { host, port, ca, certificate, key, passphrase = null, serverName, alpn = [] } = request;
  const phrase = bytesOf(passphrase)
    ?.toString('utf8')
    .replace(/\r?\n$/, '');
  const name = serverName ?? host;
  return new Promise((resolve) => {
    const fail = (error: unknown): void => {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      const words = code === '' ? null : tlsReason(code, factsOf(clock, request, null));
      resolve(failed('other', `no TLS: ${words ?? messageOf(error)}`, error));
    };
    let options;
    try {
      options = connectTls({
        ...{ host, port, ca: bytesOf(ca), cert: bytesOf(certificate), key: bytesOf(key) },
        ...(phrase === undefined ? {} : { passphrase: phrase }),
        ...(alpn.length === 0 ? {} : { ALPNProtocols: [...alpn] }),
        // A name goes into the handshake, an address may not.
        ...(isIP(name) === 0 ? { servername: name } : {}),
        minVersion: 'TLSv1.2',
        // What is wrong with the certificate is found out and told, not refused.
        rejectUnauthorized: false,
      });
    } catch (error) {
      // A key that does not belong to its certificate, or is no PEM.
      fail(error);
      return;
    }
    const socket = options;
    const cancel = clock.after(DEADLINE_MS, () => socket.destroy());
    socket.on('error', fail);
    socket.once('close', cancel);
    socket.once('secureConnect', () => {
      const { authorized, authorizationError } = socket;
      const peer = socket.getPeerCertificate();
      const { CN } = peer.subject;
      const common = Array.isArray(CN) ? CN.join(', ') : CN;
      // A code here, whatever the types say.
      const code = authorized ? '' : messageOf(authorizationError);
      const words = authorized ? null : tlsReason(code, factsOf(clock, request, peer));
      const facts: TlsFacts = {
        authorised: authorized,
        why: authorized ? null : (words ?? code),
        subject: common || host,
        validFromMs: Date.parse(peer.valid_from),
        validToMs: Date.parse(peer.valid_to),
      };
      clock.after(AFTERMATH_MS, () => {
        resolve(done(facts));
        socket.destroy();
      });
    });
  });
}

function bytesOf(part: Uint8Array | null): Buffer | undefined {
  return part === null ? undefined : Buffer.from(part);
}

/** For the words of the uplink, so that both say the same. */
function factsOf(clock: Clock, request: TlsRequest, peer: PeerCertificate | null) {
  const { host, port, ca, certificate, serverName, alpn = [] } = request;
  return {
    ...{ address: `${host}:${port}`, serverName: serverName ?? host, alpn },
    caFile: ca === null ? null : 'caFile',
    certFile: certificate === null ? null : 'certificateFile',
    established: false,
    server: peer === null ? null : serverCertificateOf(peer),
    client: null,
    now: { wallMs: clock.wallMs(), quality: 'unknown' as const },
  };
}

/** Any error ends up as `other` with its text, except a port in use or out of bounds. */
function tryPort(host: string, port: number): Promise<HalResult> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      const kind = error.code === 'EADDRINUSE' ? 'busy' : errorKindOf(error);
      resolve(failed(kind, `${host}:${port}: ${error.message}`, error));
    });
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(DONE)));
  });
}

/** An appliance tells whether it steps; another program's page does not. */
function askHealth(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host, port, path: '/health', agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part;
        if (text.length > HEALTH_BYTES) request.destroy();
      });
      response.once('close', () => resolve(/"stepping":/.test(text)));
    });
    request.once('error', () => resolve(false));
  });
}

function certificateDates(pem: Uint8Array) {
  try {
    const { validFrom, validTo } = new X509Certificate(pem);
    return done({ validFromMs: Date.parse(validFrom), validToMs: Date.parse(validTo) });
  } catch (error) {
    return failed('corrupt', `holds no certificate: ${messageOf(error)}`, error);
  }
}
