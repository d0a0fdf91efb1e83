/** Pure translation between MQTT.js packets, reason codes and errors, and our own words. */
import type { IncomingMessage, OutgoingMessage } from './link.ts';
import { type TlsFacts, tlsReason } from './tls-words.ts';

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

/** @param retains false where the broker ends the connection over a message to be kept. */
export function publishOptionsOf(
  message: OutgoingMessage,
  version: 4 | 5,
  retains = true,
): { qos: 1; retain: boolean; properties?: PublishProperties } {
  const base = { qos: 1, retain: message.retain && retains } as const;
  const { correlation, expirySeconds } = message;
  if (version === 4 || (correlation === undefined && expirySeconds === undefined)) return base;
  const properties: PublishProperties = {
    ...(correlation === undefined ? {} : { correlationData: Buffer.from(correlation) }),
    ...(expirySeconds === undefined ? {} : { messageExpiryInterval: expirySeconds }),
  };
  return { ...base, properties };
}

interface PublishProperties {
  correlationData?: Buffer;
  messageExpiryInterval?: number;
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
  155: 'the broker does not take messages of QoS 1',
  156: 'the broker asks to use another server: it is not followed, write it into the configuration',
  157: 'the broker has moved: it is not followed, write its new address into the configuration',
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

export interface Failure {
  readonly reason: string;
  readonly byPeer: boolean;
  readonly versionRefused: boolean;
  /** Reason code of a refused CONNECT; 0 where that is not what happened. */
  readonly code: number;
}

/** What the broker added to a refusal or a farewell (MQTT 5, 3.2.2.3.9 and 3.2.2.3.16). */
export interface SaidByBroker {
  readonly reasonString?: string | undefined;
  readonly serverReference?: string | undefined;
}

/** Everything known of a connection that ended. */
export interface Ending {
  /** The first error seen, null when the stream just ended. */
  readonly error: unknown;
  /** Reason code of the broker's DISCONNECT, null when it sent none. */
  readonly farewell: number | null;
  readonly said: SaidByBroker | null;
  readonly address: string;
  readonly version: 4 | 5;
  /** The broker had accepted us. */
  readonly opened: boolean;
  /** Null for a connection without TLS. */
  readonly tls: TlsFacts | null;
}

/** Why a connection ended, in clear words. */
export function reasonOfEnding(ending: Ending): Failure {
  const { error, farewell, address, version, opened, tls, said } = ending;
  const plain = (reason: string, byPeer: boolean): Failure => ({
    reason,
    byPeer,
    versionRefused: false,
    code: 0,
  });
  if (farewell !== null) {
    const why = farewell === 0 ? 'without a reason' : reasonOfCode(farewell);
    return plain(`ended by ${address}: ${why}${saidText(said)}`, true);
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'number') {
    // A broker of 3.1.1 may answer in its own form, which reads as "malformed" in version 5.
    const versionRefused = code === 1 || code === 132 || (version === 5 && code === 129);
    const reason = `${address}: ${reasonOfCode(code)}${saidText(said)}`;
    return { reason, byPeer: true, versionRefused, code };
  }
  const key = typeof code === 'string' ? sslCodeOf(code, error) : '';
  const ofTls =
    tls === null || opened || (error !== null && key === '') ? null : tlsReason(key, tls);
  const byPeer = error === null || BY_PEER.has(key) || key.includes('_ALERT_');
  if (ofTls !== null) return plain(ofTls, byPeer);
  const hint =
    tls === null && !opened ? ' before it answered: is this a TLS port? then write mqtts://' : '';
  if (!(error instanceof Error)) return plain(`connection closed by ${address}${hint}`, true);
  const network = NETWORK[key];
  if (network !== undefined) {
    return plain(`${network} ${address}${BY_PEER.has(key) ? hint : ''}`, byPeer);
  }
  const tag = key === '' ? '' : ` (${key})`;
  return plain(`${address}: ${error.message}${tag}`, byPeer);
}

/** A failed write hides OpenSSL's reason in its text: `:SSL routines:<function>:<reason>:`. */
function sslCodeOf(code: string, error: unknown): string {
  const text = code === 'EPROTO' && error instanceof Error ? error.message : '';
  const [, reason] = /:SSL routines:[^:]*:([^:]+):/.exec(text) ?? [];
  return reason === undefined ? code : `ERR_SSL_${reason.toUpperCase().replaceAll(' ', '_')}`;
}

/** At most 200 characters: it ends up in faults and logs. */
function saidText(said: SaidByBroker | null): string {
  const parts = [said?.serverReference, said?.reasonString].filter((part) => part !== undefined);
  return parts.length === 0 ? '' : ` (${parts.join(', ').slice(0, 200)})`;
}
