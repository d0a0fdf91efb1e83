/**
 * A shared subscription of an MQTT 5 broker: instances of one group share the work. It speaks
 * packets itself: client libraries handle one message at a time until it is acknowledged, and a
 * batch could not be acknowledged after its commit. The only file that knows the codec.
 */
import { readFileSync } from 'node:fs';
import net from 'node:net';
import tls from 'node:tls';
import { generate, type IPublishPacket, type Packet, parser } from 'mqtt-packet';
import type { Delivery } from './intake.ts';
import { type Log, pause } from './log.ts';
import type { Login, Source } from './source.ts';
import { filtersOf } from './topics.ts';

export interface MqttOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly login: Login;
  /** The same after every restart of this instance, and of no other: the session hangs on it. */
  readonly clientId: string;
  readonly group: string;
  readonly prefix: string;
  /** Messages that the broker may have under way to us. */
  readonly window: number;
  /** How long the broker keeps what is ours while we are away. */
  readonly sessionExpirySeconds: number;
  readonly keepAliveSeconds: number;
}

const PROTOCOL = { protocolVersion: 5 } as const;
const CONNECT_TIMEOUT_MS = 5000;
/** A burst of acknowledgements in one packet each: the socket buffers them. */
const MAX_PACKET_ID = 65_535;

type OnDelivery = (delivery: Delivery) => Promise<void>;

export class MqttSource implements Source {
  readonly #options: MqttOptions;
  readonly #log: Log;
  #session: MqttSession | null = null;

  constructor(options: MqttOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  async run(onDelivery: OnDelivery, signal: AbortSignal): Promise<void> {
    const { host, port } = this.#options;
    let waitMs = 250;
    while (!signal.aborted) {
      const session = new MqttSession(this.#options, this.#log, (delivery) =>
        // What comes after the stop stays with the broker: it is not acknowledged.
        signal.aborted ? Promise.resolve() : onDelivery(delivery),
      );
      this.#session = session;
      const reason = await Promise.race([session.ended, aborted(signal)]);
      if (reason === null) return;
      this.#log('warn', 'the connection to the broker ended', {
        broker: `${host}:${port}`,
        reason,
      });
      waitMs = session.wasOpen ? 250 : Math.min(waitMs * 2, 10_000);
      await pause(waitMs * (0.5 + Math.random() / 2), signal);
    }
  }

  publish(topic: string, payload: string): void {
    this.#session?.publish(topic, payload);
  }

  async close(): Promise<void> {
    await this.#session?.close();
  }
}

/** One connection. */
class MqttSession {
  /** Why it ended. */
  readonly ended: Promise<string>;
  readonly #options: MqttOptions;
  readonly #log: Log;
  readonly #onDelivery: OnDelivery;
  readonly #socket: net.Socket;
  readonly #parser = parser(PROTOCOL);
  #end: (reason: string) => void = () => undefined;
  #open = false;
  #wasOpen = false;
  #packetId = 0;
  #heardAt = Date.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: MqttOptions, log: Log, onDelivery: OnDelivery) {
    this.#options = options;
    this.#log = log;
    this.#onDelivery = onDelivery;
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
    const { host, port } = options;
    this.#socket = options.tls
      ? tls.connect({ host, port, ...tlsOf(options.login), servername: host })
      : net.connect({ host, port });
    this.#socket.setNoDelay(true);
    this.#socket.once(options.tls ? 'secureConnect' : 'connect', () => this.#connect());
    this.#socket.on('data', (bytes) => {
      this.#heardAt = Date.now();
      this.#parser.parse(bytes);
    });
    this.#socket.on('error', (error) => this.#over(error.message));
    this.#socket.on('close', () => this.#over('the broker closed it'));
    this.#parser.on('packet', (packet) => this.#take(packet));
    this.#parser.on('error', (error: Error) => this.#over(`not MQTT 5: ${error.message}`));
    this.#timer = setTimeout(() => this.#over('no answer to CONNECT'), CONNECT_TIMEOUT_MS);
  }

  get wasOpen(): boolean {
    return this.#wasOpen;
  }

  publish(topic: string, payload: string): void {
    if (!this.#open) return;
    const messageId = this.#nextId();
    const message = { qos: 1, dup: false, retain: false } as const;
    this.#send({ cmd: 'publish', topic, payload, messageId, ...message });
  }

  async close(): Promise<void> {
    if (!this.#open) {
      this.#over('closed');
      return;
    }
    // The session stays at the broker: only its expiry or a return ends it.
    this.#send({ cmd: 'disconnect', reasonCode: 0 });
    await new Promise<void>((resolve) => this.#socket.end(resolve));
    this.#over('closed');
  }

  #connect(): void {
    const { clientId, keepAliveSeconds, login, window, sessionExpirySeconds } = this.#options;
    this.#send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clean: false,
      clientId,
      keepalive: keepAliveSeconds,
      ...(login.user === null ? {} : { username: login.user }),
      ...(login.password === null ? {} : { password: Buffer.from(login.password) }),
      properties: { sessionExpiryInterval: sessionExpirySeconds, receiveMaximum: window },
    });
  }

  #take(packet: Packet): void {
    switch (packet.cmd) {
      case 'connack':
        this.#connected(packet.reasonCode ?? 0, packet.sessionPresent);
        return;
      case 'suback':
        for (const code of packet.granted) {
          if (Number(code) >= 0x80)
            this.#over(`the broker refuses a subscription (${Number(code)})`);
        }
        return;
      case 'publish':
        this.#deliver(packet);
        return;
      case 'disconnect':
        this.#over(`the broker says goodbye (${packet.reasonCode ?? 0})`);
        return;
      default:
        return;
    }
  }

  #connected(code: number, sessionPresent: boolean): void {
    if (code !== 0) {
      this.#over(`the broker refuses the connection (${code}): check name, password and access`);
      return;
    }
    clearTimeout(this.#timer);
    this.#open = true;
    this.#wasOpen = true;
    const { prefix, group, host, port, keepAliveSeconds } = this.#options;
    const subscriptions = filtersOf(prefix).map((filter) => ({
      topic: `$share/${group}/${filter}`,
      qos: 1 as const,
      nl: false,
      rap: false,
      rh: 0,
    }));
    this.#send({ cmd: 'subscribe', messageId: this.#nextId(), subscriptions });
    this.#log('info', 'connected', { broker: `${host}:${port}`, group, sessionPresent });
    this.#timer = setInterval(() => this.#keepAlive(), (keepAliveSeconds * 1000) / 2);
  }

  #keepAlive(): void {
    const silentMs = Date.now() - this.#heardAt;
    if (silentMs > this.#options.keepAliveSeconds * 1500) this.#over(`silent for ${silentMs} ms`);
    else this.#send({ cmd: 'pingreq' });
  }

  #deliver({ topic, payload, qos, messageId, dup }: IPublishPacket): void {
    void this.#onDelivery({
      topic,
      payload: Buffer.from(payload),
      again: dup,
      acknowledge: () => {
        // After a new connection the broker sends it again: its old number means nothing there.
        if (qos === 0 || !this.#open || messageId === undefined) return;
        this.#send({ cmd: 'puback', messageId, reasonCode: 0 });
      },
    });
  }

  #send(packet: Packet): void {
    this.#socket.write(generate(packet, PROTOCOL));
  }

  #nextId(): number {
    this.#packetId = (this.#packetId % MAX_PACKET_ID) + 1;
    return this.#packetId;
  }

  #over(reason: string): void {
    clearTimeout(this.#timer);
    this.#open = false;
    this.#socket.destroy();
    this.#end(reason);
  }
}

function tlsOf({ ca, cert, key }: Login): tls.ConnectionOptions {
  return {
    ...(ca === null ? {} : { ca: readFileSync(ca) }),
    ...(cert === null ? {} : { cert: readFileSync(cert) }),
    ...(key === null ? {} : { key: readFileSync(key) }),
  };
}

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}
