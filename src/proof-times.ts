/** When zones are proven, and what is said of those that are not: schedule, ages and faults. */
import type { ZoneState } from './alarm/zone-state.ts';
import type { Config } from './config-schema.ts';
import type { ClockQuality } from './domain/event.ts';
import type { Cancel, Clock } from './domain/ports.ts';
import type { ProofStage } from './domain/proof.ts';
import type { FaultNotice } from './domain/step.ts';
import type { ZoneId } from './domain/units.ts';
import { minutesOf } from './hours.ts';
import type { ProofRecords } from './proof/records.ts';
import { NEVER_SECONDS } from './proof/records.ts';
import type { Moment, Period } from './proof/schedule.ts';
import { isRoundDue, localClock, overdueAfterMs } from './proof/schedule.ts';

export interface ProofTimesParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly clockQuality: () => ClockQuality;
  readonly records: ProofRecords;
  /** Those that could be proven, as they are now. */
  readonly zones: () => readonly ZoneState[];
  readonly begin: (zones: readonly ZoneId[]) => void;
  readonly fault: (notice: FaultNotice) => void;
}

const LOOK_MS = 1000;

export class ProofTimes {
  readonly #parts: ProofTimesParts;
  readonly #period: Period;
  readonly #local: (wallMs: number) => NonNullable<Moment['local']>;
  readonly #startedMs: number;
  readonly #retries = new Map<ZoneId, { readonly atMs: number; readonly why: string }>();
  readonly #overdue = new Set<ZoneId>();
  #cancel: Cancel = () => undefined;

  constructor(parts: ProofTimesParts) {
    this.#parts = parts;
    const { proof, hours } = parts.config;
    this.#period =
      proof.everySeconds === null
        ? { kind: 'daily', minute: minutesOf(proof.at) }
        : { kind: 'every', ms: proof.everySeconds * 1000 };
    this.#local = localClock(proof.timezone ?? hours?.timezone ?? 'UTC');
    this.#startedMs = parts.clock.monotonicMs();
  }

  /** Faults that stood before the restart stand again, until the next proof. */
  start(): void {
    for (const { plan } of this.#parts.zones()) {
      const failure = this.#parts.records.failureOf(plan.id);
      if (failure !== null) this.#fault('proofFailed', plan.id, true, failedText(failure));
    }
    if (this.#parts.config.proof.enabled) this.#goOn();
  }

  stop(): void {
    this.#cancel();
  }

  get ages(): readonly { readonly zone: ZoneId; readonly seconds: number }[] {
    return this.#parts.zones().map(({ plan }) => {
      const ageMs = this.#parts.records.ageMs(plan.id);
      return { zone: plan.id, seconds: ageMs === null ? NEVER_SECONDS : ageMs / 1000 };
    });
  }

  /** @param failure the stage that failed; null: the zone is proven */
  finished(zone: ZoneId, failure: ProofStage | null): void {
    const { records } = this.#parts;
    this.#retries.delete(zone);
    if (failure !== null) {
      const { stage, detail } = failure;
      records.failed(zone, { stage, detail });
      this.#fault('proofFailed', zone, true, failedText(failure));
      return;
    }
    const hadFailed = records.failureOf(zone) !== null;
    records.proven(zone);
    if (hadFailed) this.#fault('proofFailed', zone, false, 'the alarm path is proven again');
    if (this.#overdue.delete(zone)) {
      this.#fault('proofOverdue', zone, false, 'the alarm path is proven again');
    }
  }

  /** Only what the schedule wants is tried again. */
  postponed(zone: ZoneId, why: string, retryMs: number): void {
    const atMs = this.#parts.clock.monotonicMs() + Math.min(retryMs, this.#retryMs());
    this.#retries.set(zone, { atMs, why });
  }

  #retryMs(): number {
    return this.#period.kind === 'every' ? this.#period.ms : Infinity;
  }

  #goOn(): void {
    this.#cancel = this.#parts.clock.after(LOOK_MS, () => {
      this.#look();
      this.#goOn();
    });
  }

  #look(): void {
    const { clock, records } = this.#parts;
    const nowMs = clock.monotonicMs();
    const now = this.#moment(nowMs);
    const zones = this.#parts.zones().map(({ plan }) => plan.id);
    const last = records.lastRound(now.local !== null);
    if (isRoundDue(this.#period, now, last, this.#startedMs)) {
      records.roundBegins(now.local?.day ?? null);
      this.#retries.clear();
      this.#parts.begin(zones);
    } else {
      const again = zones.filter((zone) => (this.#retries.get(zone)?.atMs ?? Infinity) <= nowMs);
      for (const zone of again) {
        const { why = '' } = this.#retries.get(zone) ?? {};
        // Until it is told again that it has to wait.
        this.#retries.set(zone, { atMs: Infinity, why });
      }
      if (again.length > 0) this.#parts.begin(again);
    }
    for (const zone of zones) this.#judge(zone, nowMs);
  }

  #moment(monotonicMs: number): Moment {
    const isRight = this.#parts.clockQuality() === 'synchronised';
    return { monotonicMs, local: isRight ? this.#local(this.#parts.clock.wallMs()) : null };
  }

  #judge(zone: ZoneId, nowMs: number): void {
    if (this.#overdue.has(zone)) return;
    const ageMs = this.#parts.records.ageMs(zone);
    const limitMs = overdueAfterMs(this.#period);
    if ((ageMs ?? nowMs - this.#startedMs) <= limitMs) return;
    this.#overdue.add(zone);
    const since = ageMs === null ? 'never been proven' : `not been proven for ${hoursText(ageMs)}`;
    const why = this.#retries.get(zone)?.why ?? this.#parts.records.failureOf(zone)?.detail;
    const because = why === undefined ? '' : `; last time: ${why}`;
    const detail =
      `the alarm path of this zone has ${since}${because}; ` + `try: embereye prove ${zone}`;
    this.#fault('proofOverdue', zone, true, detail);
  }

  #fault(fault: 'proofFailed' | 'proofOverdue', zone: ZoneId, raised: boolean, detail: string) {
    this.#parts.fault({ fault, subject: zone, zone, raised, detail });
  }
}

function failedText({ stage, detail }: Pick<ProofStage, 'stage' | 'detail'>): string {
  return `a fire would not be told: stage ${stage}: ${detail}`;
}

function hoursText(ms: number): string {
  return `${(ms / 3_600_000).toFixed(1)} h`;
}
