/** What the trials of a zone have in common: what they are given, and how they tell. */
import type { Panel } from '../alarm/panel.ts';
import type { ZoneState } from '../alarm/zone-state.ts';
import type { CalibrationCache } from '../domain/line-protocol/calibrations.ts';
import type { EvidenceBank } from '../domain/evidence-bank.ts';
import type { Mount } from '../domain/frame.ts';
import type { FrameSink } from '../domain/line-protocol/thermal-intake.ts';
import type { Clock } from '../domain/ports.ts';
import type { ProofStage, ProofStageName } from '../domain/proof.ts';
import { PROOF_STAGES } from '../domain/proof.ts';
import type { Hours } from '../domain/step.ts';
import type { SensorId } from '../domain/units.ts';
import type { AreaSpec } from '../vision/areas.ts';
import type { RawWords } from './raw-words.ts';

/** How the configuration has a sensor's picture looked at. */
export interface ShadowPicture {
  readonly mount: Mount;
  readonly areas: readonly AreaSpec[];
  /** A detector like the live one, with a copy of what that has learnt, that tells this bank. */
  readonly sinkInto: (bank: EvidenceBank) => FrameSink;
}

export interface TrialParts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly panel: Panel;
  readonly zone: ZoneState;
  readonly hours: Hours | null;
  readonly raw: RawWords;
  readonly calibrations: CalibrationCache;
  readonly pictureOf: (sensor: SensorId) => ShadowPicture;
}

/** A trial gives way after each piece of work: a real fire never waits for more than one. */
export type Trial = Generator<undefined, readonly ProofStage[], undefined>;

export function passed(stage: ProofStageName, ms: number, detail: string): ProofStage {
  return { stage, outcome: 'passed', ms: Math.round(ms), detail };
}

export function failed(stage: ProofStageName, ms: number, detail: string): ProofStage {
  return { stage, outcome: 'failed', ms: Math.round(ms), detail };
}

export function notProven(stage: ProofStageName, ms: number, detail: string): ProofStage {
  return { stage, outcome: 'notProven', ms: Math.round(ms), detail };
}

const WORST_FIRST = ['failed', 'notProven', 'passed'] as const;

/** The stages of several sources as one: a stage is as good as its worst, and as slow. */
export function together(all: readonly (readonly ProofStage[])[]): readonly ProofStage[] {
  return PROOF_STAGES.flatMap((stage): ProofStage[] => {
    const same = all.flatMap((stages) => stages.filter((each) => each.stage === stage));
    const outcome = WORST_FIRST.find((one) => same.some((each) => each.outcome === one));
    if (outcome === undefined) return [];
    const ms = Math.max(...same.map((each) => each.ms));
    // Of a failure only what failed is of interest.
    const told = same.filter((each) => outcome !== 'failed' || each.outcome === 'failed');
    return [{ stage, outcome, ms, detail: told.map(({ detail }) => detail).join('; ') }];
  });
}

/** Time between two readings of a sensor, as the panel counts with it. */
export function cadenceOf({ panel, zone }: Pick<TrialParts, 'panel' | 'zone'>, sensor: SensorId) {
  const known = panel.plan.sensors.find((each) => each.sensor === sensor);
  const isUnknown = zone.plan.origin !== 'configured';
  return {
    cadenceMs: known?.cadenceMs ?? (isUnknown ? panel.plan.unknown.cadenceMs : DEFAULT_CADENCE_MS),
    delayMs: known?.delayMs ?? 0,
  };
}

const DEFAULT_CADENCE_MS = 4_090;
