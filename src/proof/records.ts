/** When each zone was last proven, and what failed since: kept through restarts. */
import type { Clock, KeyedStore } from '../domain/ports.ts';
import type { ProofStageName } from '../domain/proof.ts';
import { PROOF_STAGES } from '../domain/proof.ts';
import type { LastRound } from './schedule.ts';

/** Age of a zone that was never proven, in seconds: more than any age that could be. */
export const NEVER_SECONDS = 1e9;

export interface Failure {
  readonly stage: ProofStageName;
  readonly detail: string;
}

interface ZoneRecord {
  /** Wall time of the last success, ms since 1970; null: never. */
  readonly wallMs: number | null;
  /** On the monotonic clock of this run; null: in an earlier run, or never. */
  readonly monotonicMs: number | null;
  readonly failure: Failure | null;
}

const NOTHING: ZoneRecord = { wallMs: null, monotonicMs: null, failure: null };
/** No zone has this id. */
const ROUND_KEY = '*round';

export class ProofRecords {
  readonly #clock: Clock;
  readonly #store: KeyedStore;
  readonly #zones = new Map<string, ZoneRecord>();
  readonly #startedMs: number;
  #round: { readonly day: string | null; readonly wallMs: number } | null = null;
  #roundMs: number | null = null;

  private constructor(clock: Clock, store: KeyedStore) {
    this.#clock = clock;
    this.#store = store;
    this.#startedMs = clock.monotonicMs();
  }

  /** Reads the store once. What cannot be read counts as never proven. */
  static async load(clock: Clock, store: KeyedStore): Promise<ProofRecords> {
    const records = new ProofRecords(clock, store);
    for (const [key, text] of await store.loadAll('proof')) records.#read(key, text);
    return records;
  }

  /** Every stage has passed, or was left out on purpose. */
  proven(zone: string): void {
    const { clock, monotonicMs } = { clock: this.#clock, monotonicMs: this.#clock.monotonicMs() };
    this.#keep(zone, { wallMs: clock.wallMs(), monotonicMs, failure: null });
  }

  failed(zone: string, failure: Failure): void {
    this.#keep(zone, { ...(this.#zones.get(zone) ?? NOTHING), failure });
  }

  /** What failed last; null where the last proof succeeded or none was made. */
  failureOf(zone: string): Failure | null {
    return this.#zones.get(zone)?.failure ?? null;
  }

  /**
   * Time since the last success; null: never. After a restart the wall clock tells it: while that
   * is not right, at least the time since the start.
   */
  ageMs(zone: string): number | null {
    const { wallMs, monotonicMs } = this.#zones.get(zone) ?? NOTHING;
    const nowMs = this.#clock.monotonicMs();
    if (monotonicMs !== null) return nowMs - monotonicMs;
    if (wallMs === null) return null;
    return Math.max(this.#clock.wallMs() - wallMs, nowMs - this.#startedMs);
  }

  /** A round begins now. @param day local date; null while the clock is not right */
  roundBegins(day: string | null): void {
    this.#roundMs = this.#clock.monotonicMs();
    this.#round = { day, wallMs: this.#clock.wallMs() };
    this.#store.put('proof', ROUND_KEY, JSON.stringify(this.#round));
  }

  /** @param isClockRight whether the wall clock may tell when a round of an earlier run was */
  lastRound(isClockRight: boolean): LastRound | null {
    const round = this.#round;
    if (round === null) return null;
    if (this.#roundMs !== null) return { day: round.day, monotonicMs: this.#roundMs };
    const sinceMs = this.#clock.wallMs() - round.wallMs;
    if (!isClockRight || sinceMs < 0) return { day: round.day, monotonicMs: this.#startedMs };
    return { day: round.day, monotonicMs: this.#clock.monotonicMs() - sinceMs };
  }

  #keep(zone: string, record: ZoneRecord): void {
    this.#zones.set(zone, record);
    const { wallMs, failure } = record;
    this.#store.put('proof', zone, JSON.stringify({ wallMs, failure }));
  }

  #read(key: string, text: string): void {
    const value = fieldsOf(text);
    if (value === null) return;
    const { wallMs, failure, day } = value;
    const at = typeof wallMs === 'number' && Number.isFinite(wallMs) ? wallMs : null;
    if (key !== ROUND_KEY) {
      this.#zones.set(key, { wallMs: at, monotonicMs: null, failure: failureIn(failure) });
    } else if (at !== null) {
      this.#round = { day: typeof day === 'string' ? day : null, wallMs: at };
    }
  }
}

/** The fields of what an earlier run wrote; null for anything else. */
function fieldsOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch {
    // A damaged entry is as good as none: the next proof replaces it.
    return null;
  }
}

function failureIn(value: unknown): Failure | null {
  if (typeof value !== 'object' || value === null) return null;
  const { stage, detail } = value as Readonly<Record<string, unknown>>;
  const known = PROOF_STAGES.find((one) => one === stage);
  return known === undefined || typeof detail !== 'string' ? null : { stage: known, detail };
}
