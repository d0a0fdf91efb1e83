/**
 * A broker in memory and links to it, each with faults to inject: for tests and for simulation.
 * It runs on the given clock, so a network of minutes passes in no time and repeats exactly.
 */
import type { Clock } from '../domain/ports.ts';
import type { IncomingMessage, Link, OutgoingMessage, SubscribeResult, Will } from './link.ts';
import {
  DEFAULT_LINK_OPTIONS,
  type LinkDeps,
  ReconnectingLink,
  type ReconnectingLinkOptions,
} from './reconnecting-link.ts';
import {
  type BrokerFaults,
  type BrokerMessage,
  brokerMessage,
  matches,
  textOf,
} from './simulated-words.ts';
import type { BrokerAnswer, Session, SessionEvents, Transport } from './transport.ts';

export { matches } from './simulated-words.ts';
export type { BrokerFaults, BrokerMessage, Fate } from './simulated-words.ts';

/** The broker: remembers what it took, in order, and passes messages on. */
export class SimulatedBroker {
  readonly faults: BrokerFaults = {
    down: false,
    halfOpen: false,
    latencyMs: 0,
    mayRead: () => true,
    keeps: true,
    fate: () => 'deliver',
  };
  readonly receiveMaximum: number;
  readonly #clock: Clock;
  readonly #sessions = new Set<SimulatedSession>();
  readonly #retained = new Map<string, BrokerMessage>();
  readonly #accepted: BrokerMessage[] = [];

  constructor(clock: Clock, options: { readonly receiveMaximum?: number } = {}) {
    this.#clock = clock;
    this.receiveMaximum = options.receiveMaximum ?? 65_535;
  }

  get clock(): Clock {
    return this.#clock;
  }

  /** Everything taken since the start, in order of arrival. */
  get accepted(): readonly BrokerMessage[] {
    return this.#accepted;
  }

  retained(topic: string): string | null {
    return this.#retained.get(topic)?.payload ?? null;
  }

  get sessions(): number {
    return this.#sessions.size;
  }

  /** Loses what it kept, as after a restart without persistence, while connections stand. */
  forgetRetained(): void {
    this.#retained.clear();
  }

  /** Breaks all connections, or those of one client; the broker publishes their wills. */
  breakConnections(clientId?: string): void {
    for (const session of [...this.#sessions]) {
      if (clientId === undefined || session.clientId === clientId) {
        session.breakOff('connection lost');
      }
    }
  }

  goDown(): void {
    this.faults.down = true;
    this.breakConnections();
  }

  comeUp(): void {
    this.faults.down = false;
  }

  /** Publishes as another client would: to everyone subscribed. */
  publish(
    topic: string,
    payload: string | Uint8Array,
    extra: Partial<Pick<IncomingMessage, 'responseTopic' | 'correlation' | 'expirySeconds'>> & {
      readonly retain?: boolean;
    } = {},
  ): void {
    const { retain = false, ...properties } = extra;
    const message = brokerMessage({ topic, payload, retain }, extra.correlation ?? null);
    if (retain) this.#retained.set(topic, message);
    for (const session of this.#sessions) session.offer(message, false, properties);
  }

  /** For sessions: takes a message from a client. */
  take(message: OutgoingMessage): void {
    const taken = brokerMessage(message, message.correlation ?? null);
    this.#accepted.push(taken);
    // An empty retained message takes the one before away, and is none itself.
    if (message.retain && taken.bytes.length === 0) this.#retained.delete(message.topic);
    else if (message.retain) this.#retained.set(message.topic, taken);
    for (const session of this.#sessions) session.offer(taken, false, {});
  }

  attach(session: SimulatedSession): void {
    this.#sessions.add(session);
  }

  /** @param will published when the client went without a goodbye. */
  detach(session: SimulatedSession, will: Will | null): void {
    if (this.#sessions.delete(session) && will !== null) this.take({ retain: true, ...will });
  }

  retainedFor(filter: string): readonly BrokerMessage[] {
    if (!this.faults.keeps) return [];
    return [...this.#retained.values()].filter(({ topic }) => matches(filter, topic));
  }
}

export function createSimulatedLink(
  broker: SimulatedBroker,
  deps: LinkDeps,
  options: ReconnectingLinkOptions = DEFAULT_LINK_OPTIONS,
  clientId = 'appliance',
): Link {
  return new ReconnectingLink(simulatedTransport(broker, clientId), deps, options);
}

/** Attempts at a broker in memory. */
export function simulatedTransport(
  broker: SimulatedBroker,
  clientId: string,
  address = 'simulated://broker',
): Transport {
  return {
    address,
    begin: (will, events) => new SimulatedSession(broker, clientId, will, events),
  };
}

class SimulatedSession implements Session {
  readonly clientId: string;
  readonly #broker: SimulatedBroker;
  readonly #will: Will | null;
  readonly #events: SessionEvents;
  readonly #filters = new Set<string>();
  #unanswered = 0;
  #over = false;

  constructor(broker: SimulatedBroker, clientId: string, will: Will | null, events: SessionEvents) {
    this.clientId = clientId;
    this.#broker = broker;
    this.#will = will;
    this.#events = events;
    this.#later(() => this.#connect());
  }

  publish(message: OutgoingMessage, answered: (answer: BrokerAnswer) => void): void {
    this.#unanswered += 1;
    if (this.#unanswered > this.#broker.receiveMaximum) {
      this.#later(() => this.breakOff('too many messages in flight for the broker'));
      return;
    }
    const answer = (given: BrokerAnswer): void => {
      this.#unanswered -= 1;
      answered(given);
    };
    this.#later(() => {
      if (this.#broker.faults.halfOpen) return;
      const fate = this.#broker.faults.fate({ ...message, payload: textOf(message.payload) });
      if (fate === 'hangUp') {
        this.breakOff('connection closed by the broker');
        return;
      }
      if (fate === 'reject') {
        answer({ kind: 'rejected', reason: 'refused by a rule of the broker' });
        return;
      }
      if (fate !== 'swallow') this.#broker.take(message);
      if (fate === 'duplicate') this.#broker.take(message);
      if (fate === 'breakAfter') this.breakOff('connection lost');
      else if (fate !== 'loseAck') answer({ kind: 'acknowledged' });
    });
  }

  subscribe(
    filter: string,
    options: { readonly retained: boolean },
    answered: (result: SubscribeResult) => void,
  ): void {
    this.#later(() => {
      if (this.#broker.faults.halfOpen) return;
      if (!this.#broker.faults.mayRead(filter)) {
        answered({ kind: 'failed', reason: 'not authorised' });
        return;
      }
      this.#filters.add(filter);
      answered({ kind: 'subscribed' });
      if (!options.retained) return;
      for (const message of this.#broker.retainedFor(filter)) this.offer(message, true, {});
    });
  }

  goodbye(): void {
    this.#leave(null);
    this.#end('closed', false);
  }

  destroy(): void {
    this.#leave(this.#will);
    this.#over = true;
  }

  /** For the broker: the connection breaks as seen from both ends. */
  breakOff(reason: string): void {
    this.#leave(this.#will);
    this.#end(reason, true);
  }

  /** For the broker: passes a message on if this client wants it. */
  offer(
    message: BrokerMessage,
    retained: boolean,
    extra: Partial<Pick<IncomingMessage, 'responseTopic' | 'correlation' | 'expirySeconds'>>,
  ): void {
    if (![...this.#filters].some((filter) => matches(filter, message.topic))) return;
    this.#later(() => {
      if (this.#broker.faults.halfOpen) return;
      this.#events.onMessage({
        topic: message.topic,
        payload: message.bytes,
        retained,
        responseTopic: extra.responseTopic ?? null,
        correlation: extra.correlation ?? message.correlation,
        expirySeconds: extra.expirySeconds ?? null,
      });
    });
  }

  #connect(): void {
    if (this.#broker.faults.down) {
      this.#end('connection refused at simulated://broker', false);
      return;
    }
    if (this.#broker.faults.halfOpen) return;
    this.#broker.attach(this);
    this.#events.onOpen({
      protocol: 'simulated',
      receiveMaximum: this.#broker.receiveMaximum,
    });
  }

  #leave(will: Will | null): void {
    this.#broker.detach(this, will);
  }

  #end(reason: string, byPeer: boolean): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.onEnded({ reason, byPeer, retryAtOnce: false });
  }

  #later(run: () => void): void {
    this.#broker.clock.after(this.#broker.faults.latencyMs, () => {
      if (!this.#over) run();
    });
  }
}
