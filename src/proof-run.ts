/** One proof: the shadow of a zone, the outputs, and the way of the event through the world. */
import type { Core } from './core.ts';
import type { Config } from './config-schema.ts';
import type { JournalEvent } from './domain/event.ts';
import type { CalibrationCache } from './domain/line-protocol/calibrations.ts';
import type { Clock, CommitReceipt } from './domain/ports.ts';
import type { ProofStage } from './domain/proof.ts';
import { failedStage } from './domain/proof.ts';
import type { Hours } from './domain/step.ts';
import type { ZoneId } from './domain/units.ts';
import type { ShadowPictures } from './proof-picture.ts';
import { follow, Journey } from './proof/delivery.ts';
import { outputTrial } from './proof/output-trial.ts';
import type { RawWords } from './proof/raw-words.ts';
import { whyPostponed, zoneTrial } from './proof/readiness.ts';
import type { Waits } from './proof/waits.ts';

export interface ProofRunParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly hours: () => Hours | null;
  readonly raw: RawWords;
  readonly calibrations: CalibrationCache;
  readonly pictures: ShadowPictures;
  readonly waits: Waits;
}

/** A round shares one look at the outputs: they are the same for every zone. */
export interface Round {
  output: ProofStage | null;
}

export interface ProofResult {
  readonly stages: readonly ProofStage[];
  /** Why it has to wait, for people; null: it was made. */
  readonly postponed: string | null;
}

export class ProofRunner {
  readonly #parts: ProofRunParts;
  #journey: Journey | null = null;

  constructor(parts: ProofRunParts) {
    this.#parts = parts;
  }

  events(events: readonly JournalEvent[]): void {
    this.#journey?.events(events);
  }

  committed({ committed }: CommitReceipt): void {
    if (committed.alarm !== undefined) this.#journey?.committed(committed.alarm);
  }

  acknowledged(broker: string, seq: number): void {
    this.#journey?.acknowledged(broker, seq);
  }

  /** @param proof id of this proof */
  async prove(core: Core, zone: ZoneId, proof: string, round: Round): Promise<ProofResult> {
    const found = await this.#shadow(core, zone);
    if (typeof found === 'string') return { stages: [], postponed: found };
    if (failedStage(found) !== null) return { stages: found, postponed: null };
    round.output ??= await this.#outputs(core);
    const stages = [...found, round.output];
    if (this.#parts.waits.hasEnded()) return { stages, postponed: ENDING };
    const way = await this.#tell(core, zone, proof, stages);
    const isCut = this.#parts.waits.hasEnded() && failedStage(way) !== null;
    return { stages: [...stages, ...way], postponed: isCut ? ENDING : null };
  }

  /** From sensor to decision, piece by piece; or why it has to wait. */
  async #shadow(core: Core, id: ZoneId): Promise<readonly ProofStage[] | string> {
    const { clock, hours, raw, calibrations, pictures } = this.#parts;
    const why = (): string | null => {
      const { panel } = core.runtime;
      const zone = panel.zones.find(({ plan }) => plan.id === id);
      if (zone === undefined) return `there is no zone ${id}`;
      return whyPostponed(panel, zone, clock.monotonicMs());
    };
    const { panel } = core.runtime;
    const zone = panel.zones.find(({ plan }) => plan.id === id);
    const inTheWay = why();
    if (zone === undefined || inTheWay !== null) return inTheWay ?? `there is no zone ${id}`;
    const trial = zoneTrial({
      ...{ clock, panel, zone, hours: hours(), raw, calibrations },
      pictureOf: (sensor) => pictures.of(sensor),
    });
    for (;;) {
      const piece = trial.next();
      if (piece.done === true) return piece.value;
      await new Promise<void>((resolve) => void clock.soon(resolve));
      if (this.#parts.waits.hasEnded()) return ENDING;
      const late = why();
      if (late !== null) return late;
    }
  }

  #outputs(core: Core): Promise<ProofStage> {
    const { clock, config, waits } = this.#parts;
    const { outputs: how, pulseMs } = config.proof;
    return outputTrial({
      ...{ clock, waits, lines: core.annunciator, how, pulseMs },
      panel: () => core.runtime.panel,
      step: () => core.runtime.step(),
    });
  }

  /** Puts the event `proof` on the alarm lane and follows it. */
  async #tell(
    core: Core,
    zone: ZoneId,
    proof: string,
    stages: readonly ProofStage[],
  ): Promise<readonly ProofStage[]> {
    const { clock, config, waits } = this.#parts;
    const { broker, central, timeoutSeconds } = config.proof;
    const journey = new Journey(proof);
    this.#journey = journey;
    const data = { ...namesOf(core, zone), proof, synthetic: true as const, stages };
    core.runtime.record({ lane: 'alarm', type: 'proof', data });
    const sentMs = clock.monotonicMs();
    core.runtime.step();
    const timeoutMs = timeoutSeconds * 1000;
    const way = { clock, waits, brokers: core.brokers, broker, central, timeoutMs };
    const followed = await follow(way, journey, sentMs);
    this.#journey = null;
    return followed;
  }
}

const ENDING = 'the appliance is ending';

export function namesOf(core: Core, zone: ZoneId) {
  const found = core.runtime.panel.zones.find(({ plan }) => plan.id === zone);
  return { zone, zoneName: found?.plan.name ?? zone };
}
