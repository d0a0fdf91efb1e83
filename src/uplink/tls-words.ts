/** Pure: what went wrong with TLS, where, and what to do, for whoever has to mend it. */
import type { PeerCertificate } from 'node:tls';
import type { ClockQuality } from '../domain/event.ts';
import { type CertificateTerm, dayText } from './certificates.ts';

/** What the broker showed in the handshake. */
export interface ServerCertificate {
  /** Host names and addresses for which it was made. */
  readonly names: readonly string[];
  readonly validFromMs: number;
  readonly validToMs: number;
}

/** What was known when an attempt over TLS failed. */
export interface TlsFacts {
  readonly address: string;
  /** The name that was asked for and checked. */
  readonly serverName: string;
  readonly caFile: string | null;
  readonly certFile: string | null;
  /** The handshake ended well on our side. */
  readonly established: boolean;
  readonly alpn: readonly string[];
  /** Null where the handshake did not come so far. */
  readonly server: ServerCertificate | null;
  /** Null where we have none or it cannot be read. */
  readonly client: CertificateTerm | null;
  /** What this machine takes the time to be, and how far that may be trusted. */
  readonly now: { readonly wallMs: number; readonly quality: ClockQuality | 'unknown' };
}

/** The end of a chain that nobody answers for. */
const UNTRUSTED = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_UNTRUSTED',
]);

/** Alerts by which the broker judges our own certificate. */
const OF_OURS: Readonly<Record<string, string>> = {
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: 'finds it bad',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: 'says that it has expired',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: 'says that it was revoked',
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: 'does not accept it',
  ERR_SSL_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE: 'does not take certificates of its kind',
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: 'does not know its authority',
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: 'denies it access',
};

/**
 * The whole reason of a failure that has to do with TLS; null where it has not.
 * @param code of the error, as Node and OpenSSL name it; empty: the stream ended without one.
 */
export function tlsReason(code: string, facts: TlsFacts): string | null {
  const certificate = certificateReason(code, facts);
  if (certificate !== null) {
    return `the certificate of ${facts.address} is not accepted: ${certificate}`;
  }
  const { address, alpn, established } = facts;
  const judged = OF_OURS[code];
  if (judged !== undefined && facts.certFile !== null) return oursRefused(judged, facts);
  switch (code) {
    case 'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED':
      return `${address} demands a client certificate: ${giveOne(facts)}`;
    case 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE':
      return (
        `${address} breaks the handshake off: it may demand a client certificate: ` + giveOne(facts)
      );
    case 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL':
    case 'ERR_SSL_NO_APPLICATION_PROTOCOL': {
      const offered = alpn.length === 0 ? 'none' : alpn.join(', ');
      return `${address} takes none of the protocols offered (alpn: ${offered}): ask for its names`;
    }
    case 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME':
    case 'ERR_SSL_TLSV1_ALERT_UNRECOGNIZED_NAME':
      return `${address} does not know the name ${facts.serverName}: correct serverName or url`;
    case 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION':
    case 'ERR_SSL_UNSUPPORTED_PROTOCOL':
      return `${address} speaks no TLS of version 1.2 or later: update the broker`;
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
    case 'EPROTO':
      return `${address} does not answer with TLS: is this its TLS port? without TLS write mqtt://`;
    case 'ECONNRESET':
    case 'EPIPE':
    case '':
      return established ? endedAfter(facts) : endedWithin(facts);
    default:
      return null;
  }
}

function certificateReason(code: string, facts: TlsFacts): string | null {
  const { server, serverName } = facts;
  const authority =
    facts.caFile === null
      ? 'name the file of its authority in caFile'
      : `${facts.caFile} is not the authority that signed it, or lacks one between`;
  if (UNTRUSTED.has(code)) return `its authority is not trusted: ${authority}`;
  switch (code) {
    case 'CERT_HAS_EXPIRED': {
      const when = server === null ? '' : ` on ${dayText(server.validToMs)}`;
      const remedy = `renew it at the broker; ${clockWords(facts)}`;
      return `it (or one of its chain) has expired${when}: ${remedy}`;
    }
    case 'CERT_NOT_YET_VALID': {
      const when = server === null ? '' : ` before ${dayText(server.validFromMs)}`;
      return `it is not valid${when} yet: set the clock first; ${clockWords(facts)}`;
    }
    case 'ERR_TLS_CERT_ALTNAME_INVALID': {
      const names = server?.names ?? [];
      const made = names.length === 0 ? 'no name at all' : names.join(', ');
      return (
        `it was made for another host name: for ${made}, not for ${serverName}; put one of its ` +
        `names into url or serverName, or renew it at the broker`
      );
    }
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
      return 'it is signed by itself: put that certificate into caFile, or use one of an authority';
    default:
      return null;
  }
}

function clockWords({ now }: TlsFacts): string {
  const known = Number.isFinite(now.wallMs) && Math.abs(now.wallMs) < 8e15;
  const time = known ? new Date(now.wallMs).toISOString().slice(0, 16).replace('T', ' ') : '?';
  const trust = now.quality === 'unknown' ? 'nobody knows whether that is right' : now.quality;
  return `this machine takes it to be ${time} UTC (${trust})`;
}

function giveOne({ certFile, client, now }: TlsFacts): string {
  if (certFile === null) return 'give certificateFile and keyFile';
  return `it does not take ${certFile}${termWords(client, now.wallMs)}`;
}

function oursRefused(judged: string, { address, certFile, client, now }: TlsFacts): string {
  const own = `${certFile ?? ''}${termWords(client, now.wallMs)}`;
  return `${address} refuses our client certificate: it ${judged}: renew or replace ${own}`;
}

function termWords(client: CertificateTerm | null, nowMs: number): string {
  if (client === null) return '';
  if (nowMs > client.validToMs) return ` (expired on ${dayText(client.validToMs)})`;
  if (nowMs < client.validFromMs) return ` (not valid before ${dayText(client.validFromMs)})`;
  return ` (valid until ${dayText(client.validToMs)})`;
}

function endedWithin({ address }: TlsFacts): string {
  return (
    `${address} closed the connection instead of shaking hands: is this its TLS port (8883)? ` +
    `without TLS write mqtt://`
  );
}

/** Some servers close before their alert arrives: what it would have said can only be guessed. */
function endedAfter(facts: TlsFacts): string | null {
  const { address, certFile, client, now } = facts;
  if (certFile === null) {
    const guess = 'it may demand a client certificate';
    return `connection closed by ${address} after the handshake: ${guess}`;
  }
  const own = `${certFile}${termWords(client, now.wallMs)}`;
  return `connection closed by ${address} after the handshake: it may not take our ${own}`;
}

/** What a peer's certificate says; null for the empty object that stands for none. */
export function serverCertificateOf(peer: Partial<PeerCertificate>): ServerCertificate | null {
  if (peer.valid_from === undefined || peer.valid_to === undefined) return null;
  const names = (peer.subjectaltname ?? '')
    .split(', ')
    .map((name) => name.replace(/^(DNS|IP Address):/, ''))
    .filter((name) => name !== '');
  const common = peer.subject?.CN;
  const fallback = typeof common === 'string' ? [common] : (common ?? []);
  return {
    names: names.length === 0 ? fallback : names,
    validFromMs: Date.parse(peer.valid_from),
    validToMs: Date.parse(peer.valid_to),
  };
}
