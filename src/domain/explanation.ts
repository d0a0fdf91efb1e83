/** Why the panel decided as it did: votes, opinions of the model, and what did not count. */
import type { Role, SourceRef } from './evidence.ts';
import type { SceneKind } from './opinion.ts';

/** `percent`: of full scale, or of the dose that alarms; the note of the vote says which. */
export const VOTE_UNITS = [
  'celsius',
  'percentAboveIdle',
  'state',
  'ratio',
  'celsiusPerMinute',
  'percentPerMinute',
  'percent',
] as const;
export type VoteUnit = (typeof VOTE_UNITS)[number];

/** One piece of evidence for an alarm, with its value and the distance to its limit. */
export interface Vote extends SourceRef {
  readonly role: Role;
  readonly rule: string;
  readonly level: 'suspect' | 'alarm';
  readonly value: number;
  readonly limit: number;
  readonly unit: VoteUnit;
  readonly ageMs: number;
  /** Where and how, for people: "row 12, column 5, 6 pixels, rising 34 C/min". */
  readonly note: string;
}

/** What a trained model took a region for when the panel decided. */
export interface ModelWord extends SourceRef {
  /** Region of the picture: `HotRegion.track`. */
  readonly track: number;
  readonly kind: SceneKind;
  /** Belief in that kind and in fire, 0..1. */
  readonly share: number;
  readonly fireShare: number;
  readonly ageMs: number;
}

/** Why the panel decided as it did; the same text in journal, MQTT and console. */
export interface Explanation {
  readonly summary: string;
  readonly votes: readonly Vote[];
  readonly stale: readonly SourceRef[];
  readonly faulty: readonly SourceRef[];
  readonly disabled: readonly SourceRef[];
  readonly uncalibrated: readonly SourceRef[];
  /** Heated sensors in their first minutes: pre-alarm at most. There where any is. */
  readonly warmingUp?: readonly SourceRef[];
  /** What a trained model said of the regions, fresh or not. There where it said anything. */
  readonly model?: readonly ModelWord[];
  /** Sum of the weights of the voting roles, capped at 1: shown, never compared. */
  readonly confidence: number;
  /** There, and true, when it was decided while maintenance held the outputs off. */
  readonly maintenance?: boolean;
}
