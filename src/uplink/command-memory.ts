/**
 * Requests that were answered lately, of all brokers together and across a restart: the same id
 * gets the same answer, and a signed command that somebody recorded is not carried out again.
 *
 * A request of a key is never forgotten while its signature is still valid; where there is no room
 * for that, new ones of keys are refused. When one is forgotten, the time at which it was issued
 * becomes a floor: nothing older counts from that key, even if the clock is set back.
 */
import { createHash } from 'node:crypto';
import type { CommandOutcome } from '../domain/command.ts';
import type { Clock, KeyedStore } from '../domain/ports.ts';

export interface NewRequest {
  /** Id of the key it came with; null: none. */
  readonly keyId: string | null;
  readonly requestId: string;
  /** What was asked, as text: an id that is used for two different things is noticed by it. */
  readonly asked: string;
  /** When a key's command was issued by its own word; null: it does not say. */
  readonly issuedMs: number | null;
}

export interface Remembered {
  readonly isSame: boolean;
  /** Null: it was under way when the appliance stopped, and nobody knows what came of it. */
  readonly outcome: Promise<CommandOutcome> | null;
}

interface Entry {
  readonly keyId: string | null;
  readonly askedHash: string;
  readonly issuedMs: number | null;
  outcome: Promise<CommandOutcome> | null;
  isAnswered: boolean;
  /** Monotonic; of what an earlier run left, when it was read. */
  readonly sinceMs: number;
}

/** What is known of a key's past. */
interface KeyPast {
  readonly counter: number;
  readonly floorMs: number;
}

/** At least as long as any signature is valid, and as the panel remembers. */
const KEPT_MS = 600_000;
const NO_PAST: KeyPast = { counter: -1, floorMs: -Infinity };

export class CommandMemory {
  readonly #clock: Clock;
  readonly #store: Pick<KeyedStore, 'put' | 'remove'> | null;
  readonly #limit: number;
  readonly #entries = new Map<string, Entry>();
  readonly #pasts = new Map<string, KeyPast>();

  /** @param limit requests that are remembered, 1 or more. */
  constructor(clock: Clock, store: Pick<KeyedStore, 'put' | 'remove'> | null = null, limit = 1024) {
    this.#clock = clock;
    this.#store = store;
    this.#limit = limit;
  }

  /** With what earlier runs left. What cannot be read is forgotten. */
  static async load(clock: Clock, store: KeyedStore): Promise<CommandMemory> {
    const memory = new CommandMemory(clock, store);
    for (const [keyId, value] of await store.loadAll('commandKey')) {
      memory.#pasts.set(keyId, pastOf(parsed(value)));
    }
    for (const [key, value] of await store.loadAll('command')) {
      const entry = entryOf(parsed(value), clock.monotonicMs());
      if (entry === null) store.remove('command', key);
      else memory.#entries.set(key, entry);
    }
    return memory;
  }

  get size(): number {
    return this.#entries.size;
  }

  recall({ keyId, requestId, asked }: NewRequest): Remembered | null {
    this.#forgetOld();
    const entry = this.#entries.get(placeOf(keyId, requestId));
    if (entry === undefined) return null;
    return { isSame: entry.askedHash === hashOf(asked), outcome: entry.outcome };
  }

  /** Whether a key's command is newer than all that were forgotten of it. */
  isAboveFloor(keyId: string, issuedMs: number): boolean {
    return issuedMs > this.#pastOf(keyId).floorMs;
  }

  /** The highest counter that a key has used; -1: none. */
  counterOf(keyId: string): number {
    return this.#pastOf(keyId).counter;
  }

  useCounter(keyId: string, counter: number): void {
    this.#setPast(keyId, { ...this.#pastOf(keyId), counter });
  }

  /** Makes room for one more. False: everything must still be remembered. */
  makeRoom(): boolean {
    this.#forgetOld();
    if (this.#entries.size < this.#limit) return true;
    for (const [key, { keyId, isAnswered }] of this.#entries) {
      if (keyId !== null || !isAnswered) continue;
      this.#forget(key);
      return true;
    }
    return false;
  }

  /** Call `makeRoom` first. The outcome must not reject. */
  keep(request: NewRequest, outcome: Promise<CommandOutcome>): void {
    const { keyId, requestId, asked, issuedMs } = request;
    const key = placeOf(keyId, requestId);
    const facts = { keyId, askedHash: hashOf(asked), issuedMs };
    const sinceMs = this.#clock.monotonicMs();
    const entry: Entry = { ...facts, outcome, isAnswered: false, sinceMs };
    // The newest stands last, also where it was there before.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    this.#store?.put('command', key, JSON.stringify({ ...facts, outcome: null }));
    void outcome.then((answer) => {
      entry.isAnswered = true;
      if (this.#entries.get(key) !== entry) return;
      this.#store?.put('command', key, JSON.stringify({ ...facts, outcome: answer }));
    });
  }

  /** The oldest ones stand first: nothing is looked at twice. */
  #forgetOld(): void {
    const beforeMs = this.#clock.monotonicMs() - KEPT_MS;
    for (const [key, { sinceMs, isAnswered, outcome }] of this.#entries) {
      if (sinceMs > beforeMs) return;
      if (isAnswered || outcome === null) this.#forget(key);
    }
  }

  #forget(key: string): void {
    const entry = this.#entries.get(key);
    this.#entries.delete(key);
    this.#store?.remove('command', key);
    if (entry === undefined || entry.keyId === null || entry.issuedMs === null) return;
    const past = this.#pastOf(entry.keyId);
    if (entry.issuedMs <= past.floorMs) return;
    this.#setPast(entry.keyId, { ...past, floorMs: entry.issuedMs });
  }

  #pastOf(keyId: string): KeyPast {
    return this.#pasts.get(keyId) ?? NO_PAST;
  }

  #setPast(keyId: string, past: KeyPast): void {
    this.#pasts.set(keyId, past);
    const { counter, floorMs } = past;
    const floor = Number.isFinite(floorMs) ? floorMs : null;
    this.#store?.put('commandKey', keyId, JSON.stringify({ counter, floorMs: floor }));
  }
}

/** No id of a key holds a slash, so an id of a request cannot pretend to belong to one. */
function placeOf(keyId: string | null, requestId: string): string {
  return `${keyId ?? ''}/${requestId}`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function parsed(value: string): Readonly<Record<string, unknown>> {
  try {
    const raw: unknown = JSON.parse(value);
    return typeof raw === 'object' && raw !== null ? { ...raw } : {};
  } catch {
    // As if it were not there: the next command writes it anew.
    return {};
  }
}

function pastOf({ counter, floorMs }: Readonly<Record<string, unknown>>): KeyPast {
  return {
    counter: typeof counter === 'number' ? counter : NO_PAST.counter,
    floorMs: typeof floorMs === 'number' ? floorMs : NO_PAST.floorMs,
  };
}

function entryOf(raw: Readonly<Record<string, unknown>>, nowMs: number): Entry | null {
  const { keyId, askedHash, issuedMs, outcome } = raw;
  if (typeof askedHash !== 'string') return null;
  const answer = outcomeOf(outcome);
  return {
    keyId: typeof keyId === 'string' ? keyId : null,
    askedHash,
    issuedMs: typeof issuedMs === 'number' ? issuedMs : null,
    outcome: answer === null ? null : Promise.resolve(answer),
    isAnswered: answer !== null,
    sinceMs: nowMs,
  };
}

function outcomeOf(raw: unknown): CommandOutcome | null {
  if (typeof raw !== 'object' || raw === null) return null;
  const { requestId, ok, detail } = raw as Partial<CommandOutcome>;
  const isWhole = typeof requestId === 'string' && typeof ok === 'boolean';
  return isWhole && typeof detail === 'string' ? (raw as CommandOutcome) : null;
}
