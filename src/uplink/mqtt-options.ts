/** What a link to an MQTT broker is told, and what the library is told because of it; pure. */
import type { IClientOptions } from 'mqtt';
import type { Will } from './link.ts';
import { DEFAULT_LINK_OPTIONS, type ReconnectingLinkOptions } from './reconnecting-link.ts';
import type { Credentials, Secrets, TlsOptions } from './secrets.ts';

export interface MqttLinkOptions extends ReconnectingLinkOptions, Credentials {
  readonly host: string;
  readonly port: number;
  /** Null: plain TCP. */
  readonly tls: TlsOptions | null;
  readonly clientId: string;
  readonly keepaliveSeconds: number;
  /** The version to begin with; left out: 5. */
  readonly firstVersion?: Version;
}

/** Limits and keep-alive of a link, for everything that has a sensible default. */
export const DEFAULT_MQTT_OPTIONS = {
  ...DEFAULT_LINK_OPTIONS,
  tls: null,
  username: null,
  usernameFile: null,
  passwordFile: null,
  tokenFile: null,
  keepaliveSeconds: 20,
} as const;

export type Version = 4 | 5;

/** How an attempt is made: what was learnt from those before. */
export interface Manner {
  readonly version: Version;
  /** False: the broker keeps nothing, and would end the connection over a message to be kept. */
  readonly retains: boolean;
}

/** Largest message a broker may send us: our own `state` comes back, of 500 boards about 1 MB. */
const MAX_INCOMING_BYTES = 2 * 1024 * 1024;
/** Nothing is kept for us between connections: commands would be stale. */
const CONNECT_PROPERTIES = {
  sessionExpiryInterval: 0,
  receiveMaximum: 16,
  maximumPacketSize: MAX_INCOMING_BYTES,
};

/** For one attempt. The library's own reconnecting, queueing and resending are switched off. */
export function clientOptions(
  options: MqttLinkOptions,
  version: Version,
  { username, password }: Secrets,
  will: Will | null,
): IClientOptions {
  // Version 3.1.1 allows no password without a user name, and an empty one is one.
  const named = username ?? (password === null || version === 5 ? null : '');
  return {
    protocolId: 'MQTT',
    protocolVersion: version,
    clientId: options.clientId,
    clean: true,
    keepalive: options.keepaliveSeconds,
    connectTimeout: options.connectTimeoutMs,
    reconnectPeriod: 0,
    resubscribe: false,
    queueQoSZero: false,
    ...(named === null ? {} : { username: named }),
    ...(password === null ? {} : { password }),
    ...(will === null ? {} : { will: willOf(will) }),
    ...(version === 5 ? { properties: CONNECT_PROPERTIES } : {}),
  };
}

function willOf({ topic, payload, retain = true }: Will) {
  return { topic, payload: bufferOf(payload), qos: 1 as const, retain };
}

/** The bytes of a message; text as UTF-8. */
export function bufferOf(payload: string | Uint8Array): Buffer {
  return typeof payload === 'string' ? Buffer.from(payload) : Buffer.from(payload);
}
