/** Pure translation between MQTT.js packets, reason codes and errors, and our own words. */
import type { IncomingMessage, OutgoingMessage } from './link.ts';

/** The few fields of the library's packet that we read. */
interface PublishPacket {
  readonly retain?: boolean;
  readonly properties?: {
    readonly responseTopic?: string;
    readonly correlationData?: Buffer;
    readonly messageExpiryInterval?: number;
  };
}

export function incomingOf(topic: string, payload: Buffer, packet: PublishPacket): IncomingMessage {
  return {
    topic,
    payload,
    retained: packet.retain === true,
    responseTopic: packet.properties?.responseTopic ?? null,
    correlation: packet.properties?.correlationData ?? null,
    expirySeconds: packet.properties?.messageExpiryInterval ?? null,
  };
}

export function publishOptionsOf(
  message: OutgoingMessage,
  version: 4 | 5,
): { qos: 1; retain: boolean; properties?: { correlationData: Buffer } } {
  const base = { qos: 1, retain: message.retain } as const;
  if (version === 4 || message.correlation === undefined) return base;
  return { ...base, properties: { correlationData: Buffer.from(message.correlation) } };
}

/**
 * Reason codes of MQTT 5 (OASIS standard, 2.4) and return codes of 3.1.1 (3.2.2.3), in words that
 * say what to do where somebody can do something.
 */
const REASONS: Readonly<Record<number, string>> = {
  1: 'the broker does not speak this protocol version',
  2: 'the broker refuses the client identifier',
  3: 'the broker is not available yet',
  4: 'bad username or password',
  5: 'not authorised: check the access rules of the broker',
  128: 'refused without a reason',
  129: 'malformed packet',
  130: 'protocol error',
  131: 'refused by a rule of the broker',
  132: 'the broker does not speak this protocol version',
  133: 'the broker refuses the client identifier',
  134: 'bad username or password',
  135: 'not authorised: check the access rules of the broker',
  136: 'the broker is not available yet',
  137: 'the broker is busy',
  138: 'the broker has banned this client',
  139: 'the broker is shutting down',
  141: 'the broker missed our keep-alive',
  142: 'another client took over with the same client identifier',
  144: 'the broker refuses the topic',
  147: 'too many messages in flight for the broker',
  149: 'the message is too large for the broker',
  150: 'the broker limits the message rate',
  151: 'a quota of the broker is used up',
  152: 'ended by the administrator of the broker',
  153: 'the broker refuses the payload',
  154: 'the broker does not keep retained messages',
  156: 'the broker asks to use another server',
  157: 'the broker has moved',
  159: 'the broker limits the rate of connections',
};

export function reasonOfCode(code: number): string {
  return REASONS[code] ?? `reason code ${code}`;
}

const NETWORK: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused at',
  ECONNRESET: 'connection reset by',
  EPIPE: 'connection closed by',
  ETIMEDOUT: 'connection timed out at',
  EHOSTUNREACH: 'no route to',
  ENETUNREACH: 'no network to',
  ENETDOWN: 'the network is down towards',
  ENOTFOUND: 'no address is known for',
  EAI_AGAIN: 'the name server does not answer for',
};
/** Of the network's errors, those by which the other side itself ended the connection. */
const BY_PEER = new Set(['ECONNRESET', 'EPIPE']);

const CERTIFICATE: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'it has expired: renew it, or correct the clock',
  CERT_NOT_YET_VALID: 'it is not valid yet: is the clock right?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'it was made for another host name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is signed by itself: configure it as authority',
  SELF_SIGNED_CERT_IN_CHAIN: 'its authority is not trusted: configure the authority file',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'its authority is not trusted: configure the authority file',
  UNABLE_TO_GET_ISSUER_CERT: 'its authority is not trusted: configure the authority file',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'its authority is not trusted: configure the authority file',
};

export interface Failure {
  readonly reason: string;
  readonly byPeer: boolean;
  readonly versionRefused: boolean;
}

/**
 * Why a connection ended, in clear words.
 * @param error the first error seen, null when the stream just ended.
 * @param farewell reason code of the broker's DISCONNECT, null when it sent none.
 */
export function reasonOfError(
  error: unknown,
  farewell: number | null,
  address: string,
  version: 4 | 5,
): Failure {
  if (farewell !== null) {
    const why = farewell === 0 ? 'without a reason' : reasonOfCode(farewell);
    return { reason: `ended by ${address}: ${why}`, byPeer: true, versionRefused: false };
  }
  if (!(error instanceof Error)) {
    return { reason: `connection closed by ${address}`, byPeer: true, versionRefused: false };
  }
  const code = 'code' in error ? error.code : undefined;
  if (typeof code === 'number') {
    // A broker of 3.1.1 may answer in its own form, which reads as "malformed" in version 5.
    const versionRefused = code === 1 || code === 132 || (version === 5 && code === 129);
    return { reason: `${address}: ${reasonOfCode(code)}`, byPeer: true, versionRefused };
  }
  const key = typeof code === 'string' ? code : '';
  const network = NETWORK[key];
  if (network !== undefined) {
    return { reason: `${network} ${address}`, byPeer: BY_PEER.has(key), versionRefused: false };
  }
  const certificate = CERTIFICATE[key];
  if (certificate !== undefined) {
    const reason = `the certificate of ${address} is not accepted: ${certificate}`;
    return { reason, byPeer: false, versionRefused: false };
  }
  const tag = key === '' ? '' : ` (${key})`;
  return { reason: `${address}: ${error.message}${tag}`, byPeer: false, versionRefused: false };
}
