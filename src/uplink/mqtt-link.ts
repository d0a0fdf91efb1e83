/**
 * The transport over MQTT.js, and the only file that knows it. Each attempt gets a client of its
 * own: the library's reconnecting, queueing and resending are all switched off, because each of
 * them loses, keeps for ever or repeats something in some case. Also protocol 5 first, then 3.1.1.
 */
import net from 'node:net';
import tls from 'node:tls';
import { MqttClient, type IClientOptions } from 'mqtt';
import { type Link, type OutgoingMessage, type SubscribeResult, type Will } from './link.ts';
import { incomingOf, publishOptionsOf, reasonOfCode, reasonOfError } from './mqtt-words.ts';
import {
  DEFAULT_LINK_OPTIONS,
  type LinkDeps,
  ReconnectingLink,
  type ReconnectingLinkOptions,
} from './reconnecting-link.ts';
import { readSecrets, type Secrets, type TlsOptions } from './secrets.ts';
import type { BrokerAnswer, Session, SessionEnd, SessionEvents, Transport } from './transport.ts';

export interface MqttLinkOptions extends ReconnectingLinkOptions {
  readonly host: string;
  readonly port: number;
  /** Null: plain TCP. */
  readonly tls: TlsOptions | null;
  readonly clientId: string;
  readonly username: string | null;
  /** Read at each attempt: a changed password needs no restart. A last newline is ignored. */
  readonly passwordFile: string | null;
  readonly keepaliveSeconds: number;
}

/** Limits and keep-alive of a link, for everything that has a sensible default. */
export const DEFAULT_MQTT_OPTIONS = {
  ...DEFAULT_LINK_OPTIONS,
  tls: null,
  username: null,
  passwordFile: null,
  keepaliveSeconds: 20,
} as const;

/** A link to an MQTT broker; nothing happens before `open`. */
export function createMqttLink(options: MqttLinkOptions, deps: LinkDeps): Link {
  return new ReconnectingLink(new MqttTransport(options), deps, options);
}

type Version = 4 | 5;

/** Largest message we let a broker send us; commands are far smaller. */
const MAX_INCOMING_BYTES = 65_536;
/** Connections that end without a word before we try the older protocol. */
const SILENT_ENDS_BEFORE_FALLBACK = 2;

class MqttTransport implements Transport {
  readonly #options: MqttLinkOptions;
  #version: Version = 5;
  #silentEnds = 0;

  constructor(options: MqttLinkOptions) {
    this.#options = options;
  }

  get address(): string {
    const { host, port } = this.#options;
    return `${this.#options.tls === null ? 'mqtt' : 'mqtts'}://${host}:${port}`;
  }

  begin(will: Will | null, events: SessionEvents): Session {
    const version = this.#version;
    return new MqttSession(this.#options, this.address, version, will, {
      onOpen: (info) => {
        this.#silentEnds = 0;
        events.onOpen(info);
      },
      onMessage: (message) => events.onMessage(message),
      onEnded: (end, how) => events.onEnded({ ...end, retryAtOnce: this.#fallBack(version, how) }),
    });
  }

  /**
   * Chooses the version of the next attempt. What was accepted stays chosen while connections end
   * in any other way. A refusal of the version changes it at once; silence asks for version 5
   * twice, then for 3.1.1 (old brokers hang up on what they do not understand, but so does a proxy
   * whose broker is down, and nobody should stay on the older version because of that).
   */
  #fallBack(version: Version, how: EndKind): boolean {
    if (how === 'versionRefused') {
      this.#version = version === 5 ? 4 : 5;
      // Only the first change is worth an attempt at once: else two refusals would spin.
      return version === 5;
    }
    if (how === 'silent') {
      this.#silentEnds += 1;
      const tryOld = this.#silentEnds % (SILENT_ENDS_BEFORE_FALLBACK + 1);
      this.#version = tryOld === SILENT_ENDS_BEFORE_FALLBACK ? 4 : 5;
    }
    return false;
  }
}

/** `silent`: the peer accepted the connection and ended it before answering our CONNECT. */
type EndKind = 'versionRefused' | 'silent' | 'other';

interface MqttSessionEvents extends Omit<SessionEvents, 'onEnded'> {
  onEnded(end: Omit<SessionEnd, 'retryAtOnce'>, how: EndKind): void;
}

class MqttSession implements Session {
  readonly #options: MqttLinkOptions;
  readonly #address: string;
  readonly #version: Version;
  readonly #events: MqttSessionEvents;
  #client: MqttClient | null = null;
  #socket: net.Socket | null = null;
  #opened = false;
  #reached = false;
  #over = false;
  #error: unknown = null;
  #farewell: number | null = null;

  constructor(
    options: MqttLinkOptions,
    address: string,
    version: Version,
    will: Will | null,
    events: MqttSessionEvents,
  ) {
    this.#options = options;
    this.#address = address;
    this.#version = version;
    this.#events = events;
    void this.#begin(will);
  }

  publish(message: OutgoingMessage, answered: (answer: BrokerAnswer) => void): void {
    this.#client?.publish(
      message.topic,
      message.payload,
      publishOptionsOf(message, this.#version),
      (error) => {
        if (!(error instanceof Error)) answered({ kind: 'acknowledged' });
        // Without a reason code it is the end of the connection, which is reported as such.
        else if ('code' in error && typeof error.code === 'number' && error.code >= 0x80) {
          answered({ kind: 'rejected', reason: reasonOfCode(error.code) });
        }
      },
    );
  }

  subscribe(
    filter: string,
    options: { readonly retained: boolean },
    answered: (result: SubscribeResult) => void,
  ): void {
    // Retain handling 2: the broker sends no stored copies. Version 3.1.1 cannot ask for that.
    const wish =
      this.#version === 5 ? { qos: 1 as const, rh: options.retained ? 0 : 2 } : { qos: 1 as const };
    this.#client?.subscribe(filter, wish, (error) => {
      if (error === null) answered({ kind: 'subscribed' });
      else if (!this.#over) answered({ kind: 'failed', reason: error.message });
    });
  }

  goodbye(): void {
    this.#client?.end(false);
  }

  destroy(): void {
    this.#over = true;
    const client = this.#client;
    this.#client = null;
    // The library may still report errors of the connection that we have just left.
    client?.removeAllListeners('error').on('error', () => undefined);
    client?.end(true);
    this.#socket?.destroy();
  }

  async #begin(will: Will | null): Promise<void> {
    try {
      const secrets = await readSecrets(this.#options);
      if (this.#over) return;
      this.#connect(secrets, will);
    } catch (error) {
      this.#error = error;
      this.#end();
    }
  }

  #connect(secrets: Secrets, will: Will | null): void {
    const client = new MqttClient(
      () => this.#openSocket(secrets.tls),
      clientOptions(this.#options, this.#version, secrets.password, will),
    );
    this.#client = client;
    client.on('connect', (packet) => {
      this.#opened = true;
      this.#events.onOpen({
        protocol: this.#version === 5 ? 'mqtt5' : 'mqtt3.1.1',
        receiveMaximum: packet.properties?.receiveMaximum ?? 65_535,
      });
    });
    client.on('message', (topic, payload, packet) =>
      this.#events.onMessage(incomingOf(topic, payload, packet)),
    );
    client.on('disconnect', (packet) => {
      this.#farewell = packet.reasonCode ?? 0;
    });
    client.on('error', (error) => {
      // The first error is the cause; what follows are its consequences.
      this.#error ??= error;
      // A broker that breaks the protocol is left: the library would go on with a broken parser.
      this.#end();
    });
    client.on('close', () => this.#end());
  }

  #openSocket(tlsOptions: tls.ConnectionOptions | null): net.Socket {
    const { host, port } = this.#options;
    const socket =
      tlsOptions === null
        ? net.connect({ host, port, noDelay: true })
        : tls.connect({ ...tlsOptions, host, port });
    socket.setNoDelay(true);
    socket.once(tlsOptions === null ? 'connect' : 'secureConnect', () => {
      this.#reached = true;
    });
    // The library passes on only errors with a code; a failed check of the host name has none else.
    socket.on('error', (error) => {
      this.#error ??= error;
    });
    this.#socket = socket;
    return socket;
  }

  #end(): void {
    if (this.#over) return;
    const failure = reasonOfError(this.#error, this.#farewell, this.#address, this.#version);
    const silent = !this.#opened && this.#reached && this.#error === null;
    const how = failure.versionRefused ? 'versionRefused' : silent ? 'silent' : 'other';
    this.destroy();
    this.#events.onEnded({ reason: failure.reason, byPeer: failure.byPeer }, how);
  }
}

function clientOptions(
  options: MqttLinkOptions,
  version: Version,
  password: string | null,
  will: Will | null,
): IClientOptions {
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
    ...(options.username === null ? {} : { username: options.username }),
    ...(password === null ? {} : { password }),
    ...(will === null
      ? {}
      : { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true } }),
    ...(version === 5
      ? { properties: { receiveMaximum: 16, maximumPacketSize: MAX_INCOMING_BYTES } }
      : {}),
  };
}
