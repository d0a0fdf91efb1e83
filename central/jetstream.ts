/**
 * A durable pull consumer of a JetStream stream; instances that name the same durable share the
 * work. The only file that knows the NATS client.
 */
import {
  AckPolicy,
  type ConsumerMessages,
  DeliverPolicy,
  jetstream,
  jetstreamManager,
  type JsMsg,
  RetentionPolicy,
  StorageType,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import type { Delivery } from './intake.ts';
import { type Log, pause, wordsOf } from './log.ts';
import type { Login, Source } from './source.ts';
import { filtersOf, MQTT_STORE, subjectOf, topicOf } from './topics.ts';

export interface JetStreamOptions {
  /** host:port of several nodes: any of them will do. */
  readonly servers: readonly string[];
  readonly login: Login;
  readonly tls: boolean;
  readonly stream: string;
  readonly durable: string;
  readonly prefix: string;
  readonly name: string;
  /** Messages that this instance holds at most. */
  readonly window: number;
}

/** The stream that NATS itself keeps MQTT messages of QoS 1 in. */
export const MQTT_STREAM = '$MQTT_msgs';
/** Signs of life while nothing comes, in ms; after two that stay away another node is tried. */
const HEARTBEAT_MS = 2000;
/** What an instance took and did not store: another one gets it after this time. */
const ACK_WAIT_MS = 10_000;
const NANOS_PER_MS = 1_000_000;

export class JetStreamSource implements Source {
  readonly #options: JetStreamOptions;
  readonly #log: Log;
  #connection: NatsConnection | null = null;

  constructor(options: JetStreamOptions, log: Log) {
    this.#options = options;
    this.#log = log;
  }

  async run(onDelivery: (delivery: Delivery) => Promise<void>, signal: AbortSignal): Promise<void> {
    const { stream, durable } = this.#options;
    const connection = await connected(this.#options, this.#log, signal);
    if (connection === null) return;
    this.#connection = connection;
    while (!signal.aborted) {
      try {
        await this.#consume(connection, onDelivery, signal);
      } catch (error) {
        const reason = wordsOf(error);
        this.#log('warn', 'the stream cannot be read at present', { stream, durable, reason });
        await this.#elsewhere(connection, signal);
      }
    }
  }

  publish(topic: string, payload: string): void {
    const connection = this.#connection;
    if (connection === null || connection.isClosed()) return;
    connection.publish(subjectOf(topic), payload);
  }

  async close(): Promise<void> {
    const connection = this.#connection;
    if (connection === null || connection.isClosed()) return;
    try {
      await withDeadline(connection.flush(), 2000);
    } catch (error) {
      // What was not acknowledged comes again, and is known by its id then.
      this.#log('warn', 'closed without a last word to NATS', { reason: wordsOf(error) });
    }
    await connection.close();
  }

  async #consume(
    connection: NatsConnection,
    onDelivery: (delivery: Delivery) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const { stream, durable, window } = this.#options;
    const consumer = await jetstream(connection).consumers.get(stream, durable);
    const messages = await consumer.consume({
      max_messages: window,
      expires: 10_000,
      idle_heartbeat: HEARTBEAT_MS,
      abort_on_missing_resource: true,
    });
    const stop = (): void => messages.stop();
    signal.addEventListener('abort', stop, { once: true });
    void this.#watch(connection, messages);
    try {
      for await (const message of messages) {
        if (signal.aborted) return;
        await onDelivery(deliveryOf(connection, message));
      }
    } finally {
      signal.removeEventListener('abort', stop);
      messages.stop();
    }
  }

  /**
   * A node that was cut off from the others keeps its clients and answers nothing: the client
   * library would wait there for ever.
   */
  async #watch(connection: NatsConnection, messages: ConsumerMessages): Promise<void> {
    for await (const { type } of messages.status()) {
      if (type !== 'heartbeats_missed' && type !== 'no_responders') continue;
      const server = connection.getServer();
      this.#log('warn', 'no sign of life from the stream: trying another node', { server, type });
      messages.stop(new Error(`${server} does not reach the stream`));
      return;
    }
  }

  async #elsewhere(connection: NatsConnection, signal: AbortSignal): Promise<void> {
    await pause(500, signal);
    if (signal.aborted || connection.isClosed()) return;
    try {
      await connection.reconnect();
    } catch (error) {
      this.#log('warn', 'NATS cannot be reached at present', { reason: wordsOf(error) });
    }
  }
}

/** Null when it was stopped before a node answered. */
async function connected(
  options: JetStreamOptions,
  log: Log,
  signal: AbortSignal,
): Promise<NatsConnection | null> {
  const { servers, login, tls, name } = options;
  const { user, password } = login;
  for (let waitMs = 250; !signal.aborted; waitMs = Math.min(waitMs * 2, 10_000)) {
    try {
      const connection = await connect({
        servers: [...servers],
        name,
        ...(user === null ? {} : { user, pass: password ?? '' }),
        ...(tls ? { tls: tlsOf(login) } : {}),
        maxReconnectAttempts: -1,
        reconnectTimeWait: 250,
        timeout: 3000,
        // A node that is cut off says nothing: noticed within three of these.
        pingInterval: 3000,
        maxPingOut: 2,
        ignoreClusterUpdates: true,
      });
      void tellStatus(connection, log);
      return connection;
    } catch (error) {
      log('warn', 'NATS cannot be reached', { servers: servers.join(','), reason: wordsOf(error) });
      await pause(waitMs, signal);
    }
  }
  return null;
}

function tlsOf({ ca, cert, key }: Login) {
  return {
    ...(ca === null ? {} : { caFile: ca }),
    ...(cert === null ? {} : { certFile: cert }),
    ...(key === null ? {} : { keyFile: key }),
  };
}

async function tellStatus(connection: NatsConnection, log: Log): Promise<void> {
  for await (const status of connection.status()) {
    if (status.type !== 'disconnect' && status.type !== 'reconnect') continue;
    log('info', `NATS ${status.type}`, { server: status.server });
  }
}

function deliveryOf(connection: NatsConnection, message: JsMsg): Delivery {
  return {
    topic: topicOf(message.subject),
    payload: message.data,
    again: message.redelivered,
    acknowledge: () => {
      if (!connection.isClosed()) message.ack();
    },
  };
}

async function withDeadline(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface SetUpOptions extends JetStreamOptions {
  readonly replicas: number;
  readonly maxAgeDays: number;
}

/**
 * Makes stream and durable as `docs/central.md` says; may be run again.
 * @throws what the server answers.
 */
export async function setUpJetStream(options: SetUpOptions, log: Log): Promise<void> {
  const { stream, durable, prefix, replicas, maxAgeDays } = options;
  const connection = await connected(options, log, AbortSignal.timeout(30_000));
  if (connection === null) throw new Error('NATS cannot be reached: see --url');
  try {
    const manager = await jetstreamManager(connection, { timeout: 10_000 });
    const isOwn = stream !== MQTT_STREAM;
    const exists = (await manager.streams.names().next()).includes(stream);
    if (!isOwn && !exists) {
      throw new Error(
        `${stream} is not there yet: NATS makes it for its first MQTT client; connect an MQTT ` +
          'client once, then repeat --setup, and only then let appliances connect',
      );
    }
    if (isOwn) {
      const config = {
        name: stream,
        subjects: filtersOf(prefix).map(subjectOf),
        retention: RetentionPolicy.Limits,
        storage: StorageType.File,
        num_replicas: replicas,
        max_age: maxAgeDays * 86_400_000 * NANOS_PER_MS,
      };
      if (exists) await manager.streams.update(stream, config);
      else await manager.streams.add(config);
    }
    await manager.consumers.add(stream, {
      durable_name: durable,
      ack_policy: AckPolicy.Explicit,
      ack_wait: ACK_WAIT_MS * NANOS_PER_MS,
      deliver_policy: DeliverPolicy.All,
      max_ack_pending: 20_000,
      ...(isOwn ? {} : { filter_subject: `${MQTT_STORE}${subjectOf(`${prefix}/#`)}` }),
    });
    log('info', 'stream and durable are there', { stream, durable });
  } finally {
    await connection.close();
  }
}
