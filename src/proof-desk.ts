/**
 * Carries out proofs of the alarm path: at their time, and when somebody asks. One zone at a time,
 * in pieces between which the appliance does its real work; docs/decisions/0011 says why it cannot
 * make, hide or delay a real alarm.
 *
 *   due or asked ─► ready? ─► shadow: sensor..decision ─► output ─► event `proof` ─► journal,
 *   brokers, central server ─► event `proofFinished`, fault or its restoration
 */
import type { ZoneState } from './alarm/zone-state.ts';
import type { Config } from './config-schema.ts';
import type { Core, CoreHooks } from './core.ts';
import type { ClockQuality, JournalEvent } from './domain/event.ts';
import type { CalibrationCache } from './domain/line-protocol/calibrations.ts';
import type { Clock, CommitReceipt, KeyedStore, Log, Random } from './domain/ports.ts';
import type { ProofStage } from './domain/proof.ts';
import { failedStage } from './domain/proof.ts';
import type { ZoneId } from './domain/units.ts';
import type { ClockState } from './hal/box/clock-state.ts';
import { clockQualityOf } from './hal/box/clock-state.ts';
import { siteHours } from './hours.ts';
import type { LiveMemory } from './proof-picture.ts';
import { ShadowPictures } from './proof-picture.ts';
import type { Round } from './proof-run.ts';
import { namesOf, ProofRunner } from './proof-run.ts';
import { ProofTimes } from './proof-times.ts';
import { RawWords } from './proof/raw-words.ts';
import { provenSources } from './proof/readiness.ts';
import { ProofRecords } from './proof/records.ts';
import { noCalibrations } from './proof/shadow-array.ts';
import { Waits } from './proof/waits.ts';

export interface ProofDeskParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly keyed: KeyedStore;
  readonly clockQuality: () => ClockQuality;
  /** What live detectors have learnt; null: nothing is kept. */
  readonly memoryOf: LiveMemory | null;
}

interface Request {
  readonly zone: ZoneId;
  readonly origin: string;
  readonly round: Round;
}

/** Origin of what nobody asked for. */
export const SCHEDULE = 'schedule';
/** An unfinished proof is tried again after this. */
const RETRY_MS = 300_000;
/** A crowd of operators asks for each zone once. */
const MOST_WAITING = 1000;

export class ProofDesk {
  /** Give its tap to whatever receives raw words. */
  readonly raw = new RawWords();
  readonly #parts: ProofDeskParts;
  readonly #runner: ProofRunner;
  readonly #times: ProofTimes;
  readonly #waits: Waits;
  readonly #queue: Request[] = [];
  readonly #failures = new Map<string, number>();
  readonly #told = new Map<ZoneId, string>();
  #core: Core | null = null;
  #working: Promise<void> | null = null;
  #made = 0;

  private constructor(
    parts: ProofDeskParts,
    records: ProofRecords,
    calibrations: CalibrationCache,
  ) {
    this.#parts = parts;
    this.#waits = new Waits(parts.clock);
    const pictures = new ShadowPictures(parts.config, parts.memoryOf);
    const hours = siteHours(parts.config, parts.clock, parts.clockQuality);
    const own = { raw: this.raw, waits: this.#waits };
    this.#runner = new ProofRunner({ ...parts, ...own, hours, calibrations, pictures });
    this.#times = new ProofTimes({
      ...parts,
      records,
      zones: () => this.#provable(),
      begin: (zones) => this.#ask(zones, SCHEDULE),
      fault: (notice) => this.#core?.fault(notice),
    });
  }

  static async load(parts: ProofDeskParts): Promise<ProofDesk> {
    const records = await ProofRecords.load(parts.clock, parts.keyed);
    return new ProofDesk(parts, records, await noCalibrations());
  }

  /** From here on it proves what is due. Call it once the core has started. */
  start(core: Core): void {
    this.#core = core;
    this.#times.start();
  }

  /** The hooks with the desk's own added: it is told after them. */
  hooksAfter(hooks: CoreHooks): CoreHooks {
    return {
      ...hooks,
      onStep: (report) => {
        hooks.onStep?.(report);
        this.observe(report.events);
      },
      onCommit: (receipt) => {
        hooks.onCommit?.(receipt);
        this.committed(receipt);
      },
      onPublished: (latencyMs, broker, lane, seq) => {
        hooks.onPublished?.(latencyMs, broker, lane, seq);
        this.acknowledged(broker, lane, seq);
      },
    };
  }

  /** Looks at what a step brought: requests, answers, the proof's own event. */
  observe(events: readonly JournalEvent[]): void {
    for (const event of events) {
      if (event.type !== 'proofRequested') continue;
      const { zone, origin } = event.data;
      const all = this.#core?.runtime.panel.zones.map(({ plan }) => plan.id) ?? [];
      this.#ask(zone === 'all' ? all : [zone], origin);
    }
    if (events.length > 0) this.#runner.events(events);
    this.#waits.poke();
  }

  committed(receipt: CommitReceipt): void {
    this.#runner.committed(receipt);
    this.#waits.poke();
  }

  /** A broker has acknowledged one message of a lane. */
  acknowledged(broker: string, lane: string, seq: number): void {
    if (lane !== 'alarm') return;
    this.#runner.acknowledged(broker, seq);
    this.#waits.poke();
  }

  /** Of the zones that could be proven: time since their last success; `NEVER_SECONDS`: never. */
  get ages(): readonly { readonly zone: ZoneId; readonly seconds: number }[] {
    return this.#times.ages;
  }

  /** Failed proofs since the start, by the stage that failed. */
  get failures(): ReadonlyMap<string, number> {
    return this.#failures;
  }

  /** Whether a proof is being made, or waits. */
  get busy(): boolean {
    return this.#working !== null;
  }

  /** Breaks off what is being proven; the outputs go back. */
  async stop(): Promise<void> {
    this.#times.stop();
    this.#queue.length = 0;
    this.#waits.end();
    await this.#working;
  }

  /** Zones of the panel that have something to be proven with. */
  #provable(): readonly ZoneState[] {
    const zones = this.#core?.runtime.panel.zones ?? [];
    return zones.filter((zone) => provenSources(zone).length > 0);
  }

  #ask(zones: readonly ZoneId[], origin: string): void {
    const round: Round = { output: null };
    for (const zone of zones) {
      const isWaiting = this.#queue.some((each) => each.zone === zone);
      if (isWaiting || this.#queue.length >= MOST_WAITING) continue;
      this.#queue.push({ zone, origin, round });
    }
    this.#working ??= this.#work();
  }

  /** Until nothing waits. Never rejects: a proof that breaks is a failed one. */
  async #work(): Promise<void> {
    const { clock, log, config } = this.#parts;
    // Never within the step that asked.
    await new Promise<void>((resolve) => void clock.soon(resolve));
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (this.#waits.hasEnded()) break;
      try {
        const proof = this.#newId();
        const core = this.#core;
        if (core === null) break;
        const { zone, round } = next;
        const { stages, postponed } = await this.#runner.prove(core, zone, proof, round);
        this.#finish(next, proof, stages, postponed);
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        log('error', 'a proof broke off', { zone: next.zone, detail });
        const stage = 'decision' as const;
        this.#finish(next, this.#newId(), [{ stage, outcome: 'failed', ms: 0, detail }], null);
      }
      const pauseMs = next.origin === SCHEDULE ? config.proof.staggerSeconds * 1000 : 0;
      if (this.#queue.length > 0 && pauseMs > 0) await this.#waits.pause(pauseMs);
    }
    this.#working = null;
  }

  /** @param postponed why it has to wait; null: it was made */
  #finish(
    { zone, origin }: Request,
    proof: string,
    stages: readonly ProofStage[],
    postponed: string | null,
  ): void {
    const failure = failedStage(stages);
    const outcome = postponed !== null ? 'postponed' : failure === null ? 'passed' : 'failed';
    const detail = postponed ?? failureText(failure) ?? 'every stage that was asked for works';
    if (outcome === 'postponed') this.#times.postponed(zone, detail, RETRY_MS);
    else this.#times.finished(zone, failure);
    if (failure !== null) {
      this.#failures.set(failure.stage, (this.#failures.get(failure.stage) ?? 0) + 1);
    }
    const isNews =
      outcome !== 'postponed' || origin !== SCHEDULE || this.#told.get(zone) !== detail;
    this.#told.set(zone, detail);
    const core = this.#core;
    if (!isNews || core === null) return;
    const data = { ...namesOf(core, zone), proof, outcome, origin, stages, detail } as const;
    core.runtime.record({ lane: 'system', type: 'proofFinished', data });
    const level = outcome === 'failed' ? 'warn' : 'info';
    this.#parts.log(level, 'proof of the alarm path', { zone, outcome, detail });
  }

  #newId(): string {
    this.#made += 1;
    const chance = this.#parts.random.uint32().toString(36);
    return `proof-${chance}-${this.#made}`;
  }
}

interface ProofOptions extends Omit<ProofDeskParts, 'keyed' | 'clockQuality' | 'memoryOf'> {
  readonly clockState: () => ClockState;
}

/** The desk of an appliance whose detectors' memories are kept by `keeper`. */
export function openProofs(
  options: ProofOptions,
  keyed: KeyedStore,
  keeper: { readonly memoryOf: LiveMemory },
): Promise<ProofDesk> {
  const clockQuality = clockQualityOf(options.clockState);
  const memoryOf: LiveMemory = (sensor, mount) => keeper.memoryOf(sensor, mount);
  return ProofDesk.load({ ...options, keyed, clockQuality, memoryOf });
}

function failureText(failure: ProofStage | null): string | null {
  return failure === null ? null : `${failure.stage}: ${failure.detail}`;
}
