/**
 * The table that decides what the evidence of one zone amounts to. Confidence never decides.
 *
 * | evidence, each confirmed, fresh and believed                      | outcome   |
 * |-------------------------------------------------------------------|-----------|
 * | smoke, gas, a dose of carbon monoxide, a point detector of heat,  |           |
 * | or thermal at or above critical                                   | alarm     |
 * | thermal between limit and critical + fire sign of the same region | alarm     |
 * | two kinds of {thermal, flame, and what is no alarm by itself of   |           |
 * | smoke, gas, carbon monoxide, heat: warming up, a fast rise, half  |           |
 * | a dose, a jump to full scale}, or                                 |           |
 * | thermal of two arrays; and at least `minSources` channels         | alarm     |
 * | any of those alone                                                | pre-alarm |
 * | fire sign alone, or nothing                                       | none      |
 *
 * Heat above the learnt background is thermal, too, but no fire sign makes an alarm of it. Analog
 * and digital flame are one kind: they come from the same detector element. The areas of an array
 * are one array. `minSources` is at least 2 and applies to coincidence only.
 */
import type { Vote } from '../domain/event.ts';
import type { Weights } from './plan.ts';
import type { EvidenceKind } from './rule.ts';

export interface Ballot {
  readonly kind: EvidenceKind;
  readonly vote: Vote;
  /** The source's own weight; null takes its kind's. */
  readonly weight: number | null;
  /** Regions of the picture that it speaks of; empty where there is no picture. */
  readonly tracks: readonly number[];
}

export interface Decision {
  readonly level: 'none' | 'preAlarm' | 'alarm';
  /** Which line of the table decided. */
  readonly reason: string;
  /** An alarm that rests on this alone, which a model may hold back; null for all else. */
  readonly restsOn: 'fireSigns' | 'critical' | null;
}

const NONE: Decision = { level: 'none', reason: 'no evidence', restsOn: null };

export function fuse(ballots: readonly Ballot[], minSources: number): Decision {
  if (ballots.length === 0) return NONE;
  const agreement = coincidence(ballots, minSources);
  const alone = ballots.filter((ballot) => ballot.vote.level === 'alarm');
  const first = alone.find(({ kind }) => kind !== 'thermal') ?? alone[0];
  if (first !== undefined) {
    const mayWait = first.kind === 'thermal' && agreement === null;
    const restsOn = mayWait ? 'critical' : null;
    return { level: 'alarm', reason: aloneReason(first.kind), restsOn };
  }
  if (agreement !== null) return { level: 'alarm', reason: agreement, restsOn: null };
  if (isBurning(ballots)) {
    return { level: 'alarm', reason: 'hot region with a sign of fire', restsOn: 'fireSigns' };
  }
  const kinds = kindsOf(ballots);
  if (kinds.size === 0) return NONE;
  return { level: 'preAlarm', reason: `${[...kinds].join(' and ')} below alarm`, restsOn: null };
}

/** A sign of fire means nothing unless the region that shows it is over its limit. */
function isBurning(ballots: readonly Ballot[]): boolean {
  const heats = ballots.filter(({ kind }) => kind === 'thermal');
  return ballots.some(
    (sign) => sign.kind === 'fireSign' && heats.some((heat) => isOfSameRegion(sign, heat)),
  );
}

/** Whether two ballots of one picture speak of a region in common. */
export function isOfSameRegion(a: Ballot, b: Ballot): boolean {
  if (a.vote.sensor !== b.vote.sensor || a.vote.channel !== b.vote.channel) return false;
  return a.tracks.some((track) => b.tracks.includes(track));
}

/** Why the evidence agrees, or null: two kinds, or two arrays, from enough channels. */
function coincidence(ballots: readonly Ballot[], minSources: number): string | null {
  const kinds = kindsOf(ballots);
  const arrays = new Set<string>();
  const channels = new Set<string>();
  for (const { kind, vote } of ballots) {
    if (kind === 'fireSign') continue;
    if (familyOf(kind) !== 'thermal') channels.add(`${vote.sensor}/${vote.channel}`);
    else arrays.add(vote.sensor);
  }
  if (kinds.size < 2 && arrays.size < 2) return null;
  if (channels.size + arrays.size < Math.max(2, minSources)) return null;
  return `coincidence of ${kinds.size >= 2 ? [...kinds].join(' and ') : 'two arrays'}`;
}

function kindsOf(ballots: readonly Ballot[]): ReadonlySet<EvidenceKind> {
  const kinds = new Set<EvidenceKind>();
  for (const { kind } of ballots) if (kind !== 'fireSign') kinds.add(familyOf(kind));
  return kinds;
}

function familyOf<K extends EvidenceKind>(kind: K): Exclude<K, 'background'> | 'thermal' {
  return kind === 'background' ? 'thermal' : (kind as Exclude<K, 'background'>);
}

function aloneReason(kind: EvidenceKind): string {
  return kind === 'thermal' ? 'temperature at or above critical' : `${kind} over its limit`;
}

/** Sum of the weights of what votes, each kind once, capped at 1; rounded to a hundredth. */
export function confidenceOf(ballots: readonly Ballot[], weights: Weights): number {
  const heaviest = new Map<EvidenceKind, number>();
  let sum = 0;
  for (const ballot of ballots) {
    const { vote, weight } = ballot;
    if (ballot.kind === 'fireSign') {
      if (vote.rule === 'modelOpinion') sum = weights.vision;
      continue;
    }
    const kind = familyOf(ballot.kind);
    const own = weight ?? weights[kind];
    heaviest.set(kind, Math.max(own, heaviest.get(kind) ?? 0));
  }
  for (const weight of heaviest.values()) sum += weight;
  if (heaviest.has('flame') && heaviest.has('thermal')) sum += weights.flameWithThermal;
  return Math.round(Math.min(1, sum) * 100) / 100;
}
