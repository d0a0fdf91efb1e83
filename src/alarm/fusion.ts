/**
 * The table that decides what the evidence of one zone amounts to. Confidence never decides.
 *
 * | evidence, each confirmed, fresh and believed                     | outcome   |
 * |------------------------------------------------------------------|-----------|
 * | smoke, gas, or thermal at or above critical                      | alarm     |
 * | thermal between limit and critical + fire sign of the same array | alarm     |
 * | two kinds of {thermal, flame, warming-up smoke or gas}, or       |           |
 * | thermal of two arrays; and at least `minSources` channels        | alarm     |
 * | any of those alone                                               | pre-alarm |
 * | fire sign alone, or nothing                                      | none      |
 *
 * Analog and digital flame are one kind: they come from the same detector element. `minSources` is
 * at least 2 and applies to coincidence only.
 */
import type { Vote } from '../domain/event.ts';
import type { Weights } from './plan.ts';
import type { EvidenceKind } from './rule.ts';

export interface Ballot {
  readonly kind: EvidenceKind;
  readonly vote: Vote;
  /** The source's own weight; null takes its kind's. */
  readonly weight: number | null;
}

export interface Decision {
  readonly level: 'none' | 'preAlarm' | 'alarm';
  /** Which line of the table decided. */
  readonly reason: string;
}

const NONE: Decision = { level: 'none', reason: 'no evidence' };

export function fuse(ballots: readonly Ballot[], minSources: number): Decision {
  if (ballots.length === 0) return NONE;
  const alone = ballots.find((ballot) => ballot.vote.level === 'alarm');
  if (alone !== undefined) return { level: 'alarm', reason: aloneReason(alone.kind) };
  const evidence = ballots.filter((ballot) => ballot.kind !== 'fireSign');
  const thermal = evidence.filter((ballot) => ballot.kind === 'thermal');
  const burning = ballots.some(
    (sign) =>
      sign.kind === 'fireSign' && thermal.some((heat) => heat.vote.sensor === sign.vote.sensor),
  );
  if (burning) return { level: 'alarm', reason: 'hot region with a sign of fire' };
  if (evidence.length === 0) return NONE;
  const kinds = new Set(evidence.map((ballot) => ballot.kind));
  const arrays = new Set(thermal.map((ballot) => ballot.vote.sensor));
  const agreeing = kinds.size >= 2 || arrays.size >= 2;
  if (agreeing && evidence.length >= Math.max(2, minSources)) {
    const what = kinds.size >= 2 ? [...kinds].join(' and ') : 'two arrays';
    return { level: 'alarm', reason: `coincidence of ${what}` };
  }
  return { level: 'preAlarm', reason: `${[...kinds].join(' and ')} below alarm` };
}

function aloneReason(kind: EvidenceKind): string {
  return kind === 'thermal' ? 'temperature at or above critical' : `${kind} over its limit`;
}

/** Sum of the weights of what votes, each kind once, capped at 1; rounded to a hundredth. */
export function confidenceOf(ballots: readonly Ballot[], weights: Weights): number {
  const heaviest = new Map<EvidenceKind, number>();
  for (const { kind, weight } of ballots) {
    if (kind === 'fireSign') continue;
    const own = weight ?? weights[kind];
    heaviest.set(kind, Math.max(own, heaviest.get(kind) ?? 0));
  }
  let sum = 0;
  for (const weight of heaviest.values()) sum += weight;
  if (heaviest.has('flame') && heaviest.has('thermal')) sum += weights.flameWithThermal;
  return Math.round(Math.min(1, sum) * 100) / 100;
}
