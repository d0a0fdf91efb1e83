/** What a proof of the alarm path says of each stage of that path. */

/** In the order in which a fire passes them. */
export const PROOF_STAGES = [
  'sensor',
  'decode',
  'detection',
  'decision',
  'output',
  'journal',
  'broker',
  'central',
] as const;
export type ProofStageName = (typeof PROOF_STAGES)[number];

export interface ProofStage {
  readonly stage: ProofStageName;
  /** `notProven`: it was left out on purpose, or nothing there can be proven; never a failure. */
  readonly outcome: 'passed' | 'failed' | 'notProven';
  /**
   * `sensor`: age of the readings that were used. `decision`: from crossing to alarm in the time of
   * the sensor, one cadence included. Others: what the stage took.
   */
  readonly ms: number;
  /** For people: what was shown, or what went wrong and what to do. */
  readonly detail: string;
}

export type ProofOutcome = 'passed' | 'failed' | 'postponed';

/** The stage at which the alarm path is broken; null where none is. */
export function failedStage(stages: readonly ProofStage[]): ProofStage | null {
  return stages.find(({ outcome }) => outcome === 'failed') ?? null;
}
