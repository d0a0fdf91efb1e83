/** Follows one event `proof` through journal, brokers and central server. */
import type { JournalEvent } from '../domain/event.ts';
import type { Clock } from '../domain/ports.ts';
import type { ProofStage } from '../domain/proof.ts';
import { failed, notProven, passed } from './trial.ts';
import type { Waits } from './waits.ts';

export type Demanded = 'required' | 'optional' | 'off';

/** Commands of central servers come from brokers: `mqtt:<actor>`. */
const CENTRAL_ORIGIN = 'mqtt:';

/** What has become of the event. */
export class Journey {
  readonly proof: string;
  #seq: number | null = null;
  #committedSeq = 0;
  readonly #acknowledgedBy = new Set<string>();
  #confirmedBy: string | null = null;

  constructor(proof: string) {
    this.proof = proof;
  }

  events(events: readonly JournalEvent[]): void {
    for (const event of events) {
      if (event.type === 'proof' && event.data.proof === this.proof) this.#seq = event.seq;
      if (event.type === 'proofConfirmed') this.confirmed(event.data.proof, event.data.origin);
    }
  }

  /** The seam for every kind of central acknowledgement. */
  confirmed(proof: string, origin: string): void {
    if (proof === this.proof && origin.startsWith(CENTRAL_ORIGIN)) this.#confirmedBy ??= origin;
  }

  committed(alarmSeq: number): void {
    this.#committedSeq = Math.max(this.#committedSeq, alarmSeq);
  }

  /** A broker has acknowledged a message of the alarm lane. */
  acknowledged(broker: string, seq: number): void {
    if (seq === this.#seq) this.#acknowledgedBy.add(broker);
  }

  get isDurable(): boolean {
    return this.#seq !== null && this.#committedSeq >= this.#seq;
  }

  hasBroker(broker: string): boolean {
    return this.#acknowledgedBy.has(broker);
  }

  get confirmedBy(): string | null {
    return this.#confirmedBy;
  }
}

export interface JourneyParts {
  readonly clock: Clock;
  readonly waits: Waits;
  readonly brokers: readonly string[];
  readonly broker: Demanded;
  readonly central: Demanded;
  readonly timeoutMs: number;
}

/** @param sentMs when the event was handed over: the time-out counts from there */
export async function follow(
  parts: JourneyParts,
  journey: Journey,
  sentMs: number,
): Promise<readonly ProofStage[]> {
  const { clock, waits, timeoutMs } = parts;
  const untilMs = sentMs + timeoutMs;
  const sinceMs = (): number => clock.monotonicMs() - sentMs;
  const stages: ProofStage[] = [];
  const within = `within ${(timeoutMs / 1000).toFixed(0)} s`;
  const isDurable = await waits.until(untilMs, () => (journey.isDurable ? true : null));
  stages.push(
    isDurable === null
      ? failed('journal', sinceMs(), `not durable ${within}: look at the faults of the store`)
      : passed('journal', sinceMs(), 'on disk'),
  );
  if (parts.broker !== 'off') stages.push(await brokerStage(parts, journey, untilMs, sinceMs));
  if (parts.central === 'off') return stages;
  const by = await waits.until(untilMs, () => journey.confirmedBy);
  const detail =
    `no server answered with the command confirmProof ${within}: look at the central server and ` +
    'at its rights to send commands';
  if (by !== null) return [...stages, passed('central', sinceMs(), `confirmed by ${by}`)];
  const missing = parts.central === 'required' ? failed : notProven;
  return [...stages, missing('central', sinceMs(), detail)];
}

async function brokerStage(
  { waits, brokers, broker, timeoutMs }: JourneyParts,
  journey: Journey,
  untilMs: number,
  sinceMs: () => number,
): Promise<ProofStage> {
  const missing = broker === 'required' ? failed : notProven;
  if (brokers.length === 0) {
    return missing('broker', 0, 'no broker is configured: see uplink.brokers');
  }
  const away = (): readonly string[] => brokers.filter((one) => !journey.hasBroker(one));
  await waits.until(untilMs, () => (away().length === 0 ? true : null));
  const left = away();
  if (left.length === 0)
    return passed('broker', sinceMs(), `acknowledged by ${brokers.join(', ')}`);
  const detail =
    `not acknowledged within ${(timeoutMs / 1000).toFixed(0)} s by ${left.join(', ')}: look at ` +
    'the network and at the faults of the uplink';
  return missing('broker', sinceMs(), detail);
}
