/**
 * The transport over MQTT.js, and the only file that knows it. Each attempt gets a client of its
 * own: the library's reconnecting, queueing and resending are all switched off, because each of
 * them loses, keeps for ever or repeats something in some case. Also protocol 5 first, then 3.1.1.
 */
import { MqttClient } from 'mqtt';
import { addressOf, BrokerSocket } from './broker-socket.ts';
import { refusesRetain, termsOf, uselessBy } from './broker-terms.ts';
import { type CertificateTerm, certificateTerms } from './certificates.ts';
import { type Link, type OutgoingMessage, type SubscribeResult, type Will } from './link.ts';
import { clientOptions, type Manner, type MqttLinkOptions, type Version } from './mqtt-options.ts';
import { MAX_PUBLISH_ID, MqttStream, SubscriptionIds } from './mqtt-stream.ts';
import { incomingOf, reasonOfCode, reasonOfEnding, type SaidByBroker } from './mqtt-words.ts';
import { type LinkDeps, ReconnectingLink } from './reconnecting-link.ts';
import { readSecrets, type Secrets } from './secrets.ts';
import type { BrokerAnswer, Session, SessionEnd, SessionEvents, Transport } from './transport.ts';

export { DEFAULT_MQTT_OPTIONS, type MqttLinkOptions } from './mqtt-options.ts';

/** A link to an MQTT broker; nothing happens before `open`. */
export function createMqttLink(options: MqttLinkOptions, deps: LinkDeps): Link {
  return new ReconnectingLink(mqttTransport(options, deps), deps, options);
}

/** Attempts at one MQTT broker, for a link or for the addresses of one. */
export function mqttTransport(options: MqttLinkOptions, deps: TransportDeps): Transport {
  return new MqttTransport(options, deps);
}

type TransportDeps = Pick<LinkDeps, 'clock' | 'clockQuality'>;
const ACKNOWLEDGED: BrokerAnswer = { kind: 'acknowledged' };
/** Connections that end without a word before we try the older protocol. */
const SILENT_ENDS_BEFORE_FALLBACK = 2;

class MqttTransport implements Transport {
  readonly #options: MqttLinkOptions;
  readonly #deps: TransportDeps;
  #manner: Manner;
  #silentEnds = 0;
  /** Of the last handshake. */
  #serverTerm: CertificateTerm | null = null;

  constructor(options: MqttLinkOptions, deps: TransportDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#manner = { version: options.firstVersion ?? 5, retains: true };
  }

  get address(): string {
    return addressOf(this.#options);
  }

  async certificates(): Promise<readonly CertificateTerm[]> {
    const own = await certificateTerms(this.#options.tls);
    return this.#serverTerm === null ? own : [...own, this.#serverTerm];
  }

  begin(will: Will | null, events: SessionEvents): Session {
    const manner = this.#manner;
    const session: MqttSession = new MqttSession(this.#options, this.#deps, manner, will, {
      onOpen: (info) => {
        this.#silentEnds = 0;
        this.#serverTerm = session.serverTerm;
        events.onOpen(info);
      },
      onMessage: (message) => events.onMessage(message),
      onEnded: (end, how) => events.onEnded({ ...end, retryAtOnce: this.#adapt(manner, how) }),
    });
    return session;
  }

  /**
   * Chooses how the next attempt is made; true: at once. What was accepted stays chosen while
   * connections end in any other way. A refusal of the version changes it at once; silence asks for
   * version 5 twice, then for 3.1.1 (old brokers hang up on what they do not understand, but so
   * does a proxy whose broker is down, and nobody should stay on the older version for that).
   */
  #adapt({ version, retains }: Manner, how: EndKind): boolean {
    if (how === 'retainRefused') {
      this.#manner = { version, retains: false };
      return retains;
    }
    if (how === 'versionRefused') {
      this.#manner = { version: version === 5 ? 4 : 5, retains };
      // Only the first change is worth an attempt at once: else two refusals would spin.
      return version === 5;
    }
    if (how === 'silent') {
      this.#silentEnds += 1;
      const tryOld = this.#silentEnds % (SILENT_ENDS_BEFORE_FALLBACK + 1);
      this.#manner = { version: tryOld === SILENT_ENDS_BEFORE_FALLBACK ? 4 : 5, retains };
    }
    return false;
  }
}

/** `silent`: the peer accepted the connection and ended it before answering our CONNECT. */
type EndKind = 'versionRefused' | 'retainRefused' | 'silent' | 'other';

interface MqttSessionEvents extends Omit<SessionEvents, 'onEnded'> {
  onEnded(end: Omit<SessionEnd, 'retryAtOnce'>, how: EndKind): void;
}

class MqttSession implements Session {
  readonly #options: MqttLinkOptions;
  readonly #deps: TransportDeps;
  readonly #version: Version;
  readonly #events: MqttSessionEvents;
  #client: MqttClient | null = null;
  #stream: BrokerSocket | null = null;
  #wire: MqttStream | null = null;
  #retains: boolean;
  #opened = false;
  #over = false;
  #error: unknown = null;
  #farewell: number | null = null;
  #said: SaidByBroker | null = null;
  #useless: string | null = null;

  constructor(
    options: MqttLinkOptions,
    deps: TransportDeps,
    manner: Manner,
    will: Will | null,
    events: MqttSessionEvents,
  ) {
    this.#options = options;
    this.#deps = deps;
    this.#version = manner.version;
    this.#retains = manner.retains;
    this.#events = events;
    void this.#begin(will);
  }

  get serverTerm(): CertificateTerm | null {
    return this.#stream?.serverTerm ?? null;
  }

  publish(message: OutgoingMessage, answered: (answer: BrokerAnswer) => void): void {
    const sent = message.retain && !this.#retains ? { ...message, retain: false } : message;
    this.#wire?.publish(sent, (code) =>
      answered(code < 0x80 ? ACKNOWLEDGED : { kind: 'rejected', reason: reasonOfCode(code) }),
    );
  }

  subscribe(
    filter: string,
    options: { readonly retained: boolean },
    answered: (result: SubscribeResult) => void,
  ): void {
    // Retain handling 2: the broker sends no stored copies. Version 3.1.1 cannot ask for that.
    // There QoS 1 would promise nothing more, because a clean start forgets what was not
    // acknowledged; and NATS makes a consumer in the cluster for each such subscription: fleets
    // that reconnect stall it.
    const wish =
      this.#version === 5 ? { qos: 1 as const, rh: options.retained ? 0 : 2 } : { qos: 0 as const };
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
    this.#stream?.socket.destroy();
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
    const client = new MqttClient(() => this.#openSocket(secrets), {
      ...clientOptions(this.#options, this.#version, secrets, this.#willOf(will)),
      messageIdProvider: new SubscriptionIds(),
      // The library would keep a buffer for each of 65,536 numbers, for packets that are ours.
      writeCache: false,
    });
    this.#client = client;
    client.on('connect', (packet) => {
      this.#opened = true;
      const { useless, retains, ...terms } = termsOf(packet.properties);
      this.#retains &&= retains;
      this.#useless = useless;
      if (useless === null) {
        const receiveMaximum = Math.min(terms.receiveMaximum, MAX_PUBLISH_ID);
        const protocol = this.#version === 5 ? 'mqtt5' : 'mqtt3.1.1';
        this.#events.onOpen({ protocol, ...terms, receiveMaximum });
      } else this.#end();
    });
    client.on('packetreceive', (packet) => {
      // Refusals reach us as errors, which leave out what the broker said besides.
      if (packet.cmd === 'connack' || packet.cmd === 'disconnect') {
        this.#said = packet.properties ?? null;
      }
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

  #openSocket(secrets: Secrets): MqttStream {
    const stream = new BrokerSocket(this.#options, secrets.tls);
    // The library passes on only errors with a code; a failed check of the host name has none else.
    stream.socket.on('error', (error) => {
      this.#error ??= error;
    });
    this.#stream = stream;
    this.#wire = new MqttStream(stream.socket, this.#version);
    return this.#wire;
  }

  #willOf(will: Will | null): Will | null {
    return will === null || this.#retains ? will : { ...will, retain: false };
  }

  #end(): void {
    if (this.#over) return;
    const { clock, clockQuality } = this.#deps;
    const failure = reasonOfEnding({
      error: this.#error,
      farewell: this.#farewell,
      said: this.#said,
      address: addressOf(this.#options),
      version: this.#version,
      opened: this.#opened,
      tls: this.#stream?.facts(clock, clockQuality?.() ?? 'unknown') ?? null,
    });
    const { byPeer, code } = failure;
    const unsuitable = this.#useless ?? uselessBy(code);
    const silent = !this.#opened && this.#stream?.reached === true && this.#error === null;
    const how: EndKind = failure.versionRefused
      ? 'versionRefused'
      : refusesRetain(code)
        ? 'retainRefused'
        : silent
          ? 'silent'
          : 'other';
    this.destroy();
    const reason = this.#useless ?? failure.reason;
    this.#events.onEnded(
      unsuitable === null ? { reason, byPeer } : { reason, byPeer, unsuitable },
      how,
    );
  }
}
