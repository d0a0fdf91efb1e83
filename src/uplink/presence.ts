/**
 * What the broker keeps for whoever asks later: whether we are there (`status`) and how things
 * stand (`state`). Both are whole and retained, sent after every connect; `state` also on change.
 */
import type { Cancel, Clock, Log } from '../domain/ports.ts';
import type { UplinkCounters } from './counters.ts';
import { EchoWatch, type EchoOptions } from './echo-watch.ts';
import type {
  IncomingMessage,
  OutgoingMessage,
  PublishResult,
  SubscribeResult,
  Will,
} from './link.ts';
import {
  type Birth,
  birthPayload,
  type Identity,
  offlinePayload,
  stateMessage,
  type StateSnapshot,
  statusMessage,
  type Topics,
} from './payload.ts';

export interface PresenceOptions extends EchoOptions {
  /** Snapshots at most this often; in between the latest wins. */
  readonly stateMinIntervalMs: number;
  /** Wait before `status` or `state` is sent again when the broker refused it. */
  readonly refusedRetryMs: number;
  /** Corrections of `status` at most this often: two appliances with one id must not race. */
  readonly correctionMinIntervalMs: number;
}

export interface PresenceDeps {
  readonly clock: Clock;
  /** The present wall time as ISO 8601 in UTC. */
  readonly wallTime: () => string;
  readonly log: Log;
  readonly counters: UplinkCounters;
  readonly topics: Topics;
  readonly identity: Identity;
  readonly birth: Birth;
  readonly snapshot: () => StateSnapshot;
  readonly publish: (message: OutgoingMessage) => Promise<PublishResult>;
  /** Subscribes, again where it already is: the broker then sends what it keeps. */
  readonly subscribe: (filter: string) => Promise<SubscribeResult>;
  /** Why others cannot rely on a retained topic, with the remedy; null: they can. */
  readonly onNotEchoed: (what: RetainedTopic, detail: string | null) => void;
}

/** What stands retained at the broker in our name. */
export type RetainedTopic = 'status' | 'state';

export class Presence {
  readonly #options: PresenceOptions;
  readonly #deps: PresenceDeps;
  readonly #echo: Readonly<Record<RetainedTopic, EchoWatch>>;
  /** Number of the present connection; 0: none. */
  #connection = 0;
  #lastConnection = 0;
  #birthDue: Cancel | null = null;
  #correctedAtMs = -Infinity;
  #stateDirty = false;
  #stateSending = false;
  #stateDue: Cancel | null = null;
  #stateNotBeforeMs = -Infinity;

  constructor(options: PresenceOptions, deps: PresenceDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#echo = {
      status: this.#watch('status', () => this.#sendBirthAfter(0)),
      state: this.#watch('state', () => this.stateChanged()),
    };
  }

  #watch(what: RetainedTopic, publishAgain: () => void): EchoWatch {
    const { clock, log, topics, counters, subscribe, onNotEchoed } = this.#deps;
    const topic = topics[what];
    return new EchoWatch(this.#options, {
      ...{ clock, log, topic },
      subscribe: () => subscribe(topic),
      publishAgain: () => {
        if (what === 'state') counters.stateCorrections += 1;
        else counters.statusCorrections += 1;
        publishAgain();
      },
      onTrouble: (detail) => onNotEchoed(what, detail),
    });
  }

  will(connection: number): Will {
    const { topics, identity } = this.#deps;
    const status = offlinePayload(identity, connection, 'connection lost');
    return { topic: topics.status, payload: JSON.stringify(status) };
  }

  connected(connection: number): void {
    this.#connection = connection;
    this.#lastConnection = connection;
    void this.#sendBirth();
    this.#stateNotBeforeMs = -Infinity;
    this.stateChanged();
    // Behind both: the broker must not hand us an older one as the present one.
    this.#echo.status.connected();
    this.#echo.state.connected();
  }

  disconnected(): void {
    this.#connection = 0;
    this.#birthDue?.();
    this.#birthDue = null;
    this.#stateDue?.();
    this.#stateDue = null;
    this.#echo.status.disconnected();
    this.#echo.state.disconnected();
  }

  /** Takes what came on a topic of ours; false where it is none. */
  onMessage({ topic, payload, retained }: IncomingMessage): boolean {
    const { topics } = this.#deps;
    if (topic === topics.state) this.#echo.state.heard(payload, retained);
    else if (topic === topics.status) {
      this.#echo.status.heard(payload, retained);
      this.onStatus(payload);
    } else return false;
    return true;
  }

  /** Call on any change of what the snapshot shows; cheap, may be called at each step. */
  stateChanged(): void {
    if (this.#stateDirty) this.#deps.counters.statesCoalesced += 1;
    this.#stateDirty = true;
    this.#sendStateWhenDue();
  }

  /** What stands on our own `status` topic: a late will of an earlier connection is put right. */
  onStatus(payload: Uint8Array): void {
    if (this.#connection === 0 || this.#isOurBirth(payload)) return;
    if (this.#birthDue !== null) return;
    const nowMs = this.#deps.clock.monotonicMs();
    const waitMs = this.#correctedAtMs + this.#options.correctionMinIntervalMs - nowMs;
    this.#deps.counters.statusCorrections += 1;
    this.#deps.log('warn', 'the status at the broker was not ours; it is being corrected', {
      topic: this.#deps.topics.status,
    });
    this.#sendBirthAfter(Math.max(0, waitMs));
  }

  /** Says that we go on purpose. The result is for the log only: the will says the rest. */
  goodbye(reason: string): Promise<PublishResult> {
    const { topics, identity, publish } = this.#deps;
    const connection = this.#lastConnection;
    this.disconnected();
    return publish(statusMessage(topics, offlinePayload(identity, connection, reason)));
  }

  #isOurBirth(payload: Uint8Array): boolean {
    const { status, bootId, connection } = readFields(payload);
    return (
      status === 'online' &&
      bootId === this.#deps.identity.bootId &&
      connection === this.#connection
    );
  }

  async #sendBirth(): Promise<void> {
    const { topics, identity, birth, clock, wallTime, publish } = this.#deps;
    const connection = this.#connection;
    this.#correctedAtMs = clock.monotonicMs();
    const payload = birthPayload(identity, connection, birth, wallTime());
    const message = statusMessage(topics, payload);
    this.#echo.status.sent(message.payload);
    const result = await publish(message);
    if (connection === this.#connection) this.#answered('status', result);
    // After a loss the next connect sends it; after a refusal nobody else would.
    if (connection !== this.#connection || !this.#wasRefused('status', result)) return;
    this.#sendBirthAfter(this.#options.refusedRetryMs);
  }

  #sendBirthAfter(waitMs: number): void {
    this.#birthDue?.();
    this.#birthDue = this.#deps.clock.after(waitMs, () => {
      this.#birthDue = null;
      if (this.#connection !== 0) void this.#sendBirth();
    });
  }

  #sendStateWhenDue(): void {
    if (this.#connection === 0 || this.#stateSending || !this.#stateDirty) return;
    if (this.#stateDue !== null) return;
    const waitMs = this.#stateNotBeforeMs - this.#deps.clock.monotonicMs();
    if (waitMs <= 0) {
      void this.#sendState();
      return;
    }
    this.#stateDue = this.#deps.clock.after(waitMs, () => {
      this.#stateDue = null;
      this.#sendStateWhenDue();
    });
  }

  async #sendState(): Promise<void> {
    const { topics, identity, clock, wallTime, snapshot, publish } = this.#deps;
    this.#stateDirty = false;
    this.#stateSending = true;
    const monotonicMs = clock.monotonicMs();
    this.#stateNotBeforeMs = monotonicMs + this.#options.stateMinIntervalMs;
    const stamp = { wall: wallTime(), monotonicMs };
    const connection = this.#connection;
    const message = stateMessage(topics, identity, stamp, snapshot());
    this.#echo.state.sent(message.payload);
    const result = await publish(message);
    this.#stateSending = false;
    if (connection === this.#connection) this.#answered('state', result);
    if (result.kind !== 'acknowledged') this.#stateDirty = true;
    if (this.#wasRefused('state', result)) {
      this.#stateNotBeforeMs = clock.monotonicMs() + this.#options.refusedRetryMs;
    }
    this.#sendStateWhenDue();
  }

  #answered(what: RetainedTopic, result: PublishResult): void {
    if (result.kind === 'acknowledged') this.#echo[what].acknowledged();
    else if (result.kind === 'rejected') this.#echo[what].refused(result.reason);
  }

  #wasRefused(what: string, result: PublishResult): boolean {
    if (result.kind !== 'rejected' && result.kind !== 'notSent') return false;
    this.#deps.log('warn', `the ${what} was not taken by the broker`, { reason: result.reason });
    return true;
  }
}

/** What somebody wrote on our topic: no fields when it is not even a JSON object. */
function readFields(payload: Uint8Array): {
  status?: unknown;
  bootId?: unknown;
  connection?: unknown;
} {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(payload));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
