/**
 * From deliveries to rows: reads them, stores a batch, and only then acknowledges, to the broker
 * and to the appliances. While the database is away it tries again and holds everything up.
 */
import { batchOf, type Read } from './batch.ts';
import { type Failure, failureOf, type Stored } from './database.ts';
import { type Log, pause, wordsOf } from './log.ts';
import { type EventRow, readMessage } from './message.ts';
import { ackTopic } from './topics.ts';

/** One message of a source, not acknowledged yet. */
export interface Delivery {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** The broker says that it has sent it before. */
  readonly again: boolean;
  /** Tells the broker that it is stored. Must not throw, whatever the connection does. */
  acknowledge(): void;
}

export interface IntakeOptions {
  readonly prefix: string;
  /** Which events are acknowledged to the appliance. */
  readonly acks: 'alarm' | 'all' | 'none';
  readonly name: string;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

export interface IntakeDeps {
  readonly store: { store(batch: ReturnType<typeof batchOf>): Promise<Stored> };
  /** Sends a message of our own; trouble is the source's to tell. */
  readonly publish: (topic: string, payload: string) => void;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** What an instance has done since its start. */
export interface Counters {
  messages: number;
  redelivered: number;
  events: number;
  duplicates: number;
  conflicts: number;
  poison: number;
  gaps: number;
  telemetry: number;
  batches: number;
  retries: number;
  acks: number;
}

/** Ids in one message to an appliance. */
const IDS_PER_ACK = 200;

export class Intake {
  readonly counters: Counters = {
    ...{ messages: 0, redelivered: 0, events: 0, duplicates: 0, conflicts: 0, poison: 0 },
    ...{ gaps: 0, telemetry: 0, batches: 0, retries: 0, acks: 0 },
  };
  readonly #options: IntakeOptions;
  readonly #deps: IntakeDeps;

  constructor(options: IntakeOptions, deps: IntakeDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Stores and acknowledges; never rejects. Stopped meanwhile: nothing is acknowledged. */
  async take(deliveries: readonly Delivery[]): Promise<void> {
    const { prefix } = this.#options;
    const reads = deliveries.map(({ topic, payload }) => ({
      topic,
      payload,
      reading: readMessage(prefix, topic, payload),
    }));
    this.counters.messages += deliveries.length;
    this.counters.redelivered += deliveries.filter(({ again }) => again).length;
    if (!(await this.#store(reads))) return;
    for (const delivery of deliveries) delivery.acknowledge();
  }

  /** False when it was stopped before all of it was stored. */
  async #store(reads: readonly Read[]): Promise<boolean> {
    const failure = await this.#tryUntilStored(reads);
    if (failure !== 'data') return failure === null;
    const [first, ...others] = reads;
    if (first === undefined) return true;
    if (others.length === 0) {
      const reason = 'the database refuses its values';
      return this.#store([{ ...first, reading: { kind: 'poison', reason } }]);
    }
    // One message must not hold up the others: halves lead to it in a few steps.
    const middle = Math.ceil(reads.length / 2);
    return (await this.#store(reads.slice(0, middle))) && (await this.#store(reads.slice(middle)));
  }

  async #tryUntilStored(reads: readonly Read[]): Promise<Failure | null> {
    const { retryMinMs, retryMaxMs } = this.#options;
    const { store, log, signal } = this.#deps;
    const batch = batchOf(reads);
    for (let waitMs = retryMinMs; ; waitMs = Math.min(waitMs * 2, retryMaxMs)) {
      try {
        this.#stored(batch, await store.store(batch));
        return null;
      } catch (error) {
        const failure = failureOf(error);
        const reason = wordsOf(error);
        if (failure === 'data') {
          log('warn', 'the database refuses a value', { reason, messages: reads.length });
          return failure;
        }
        this.counters.retries += 1;
        const retryInMs = signal.aborted ? null : waitMs;
        log('error', 'the database did not take a batch', {
          reason,
          messages: reads.length,
          retryInMs,
        });
        if (signal.aborted) return failure;
        await pause(waitMs, signal);
      }
    }
  }

  #stored(batch: ReturnType<typeof batchOf>, stored: Stored): void {
    const { counters } = this;
    const { log } = this.#deps;
    counters.batches += 1;
    counters.events += stored.inserted;
    counters.duplicates += stored.duplicates + batch.repeats;
    counters.conflicts += stored.conflicts.length;
    counters.poison += batch.poison.length;
    counters.gaps += batch.gaps.length;
    counters.telemetry += batch.telemetry.length;
    for (const { topic, reason } of batch.poison) {
      log('error', 'a message breaks the contract: see the table poison', { topic, reason });
    }
    for (const { id, device, lane, seq } of stored.conflicts) {
      const fields = { id, device, lane, seq };
      log('error', 'an event contradicts a stored one: see the table conflict', fields);
    }
    this.#acknowledge(batch.events, stored.standing);
  }

  /** Also for what stood there before: the first acknowledgement may not have arrived. */
  #acknowledge(events: readonly EventRow[], standing: ReadonlySet<string>): void {
    const { acks, prefix, name } = this.#options;
    if (acks === 'none') return;
    const byDevice = new Map<string, Set<string>>();
    for (const { id, device, lane } of events) {
      if (!standing.has(id) || (acks === 'alarm' && lane !== 'alarm')) continue;
      const ids = byDevice.get(device) ?? new Set();
      byDevice.set(device, ids.add(id));
    }
    for (const [device, all] of byDevice) {
      const ids = [...all];
      for (let at = 0; at < ids.length; at += IDS_PER_ACK) {
        const some = ids.slice(at, at + IDS_PER_ACK);
        this.counters.acks += some.length;
        this.#deps.publish(ackTopic(prefix, device), JSON.stringify({ ids: some, by: name }));
      }
    }
  }
}
