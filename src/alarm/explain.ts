/** Why the panel decided as it did, for journal, MQTT and console alike. */
import type { Explanation, Vote } from '../domain/event.ts';
import type { SourceRef } from '../domain/evidence.ts';
import type { Ballot, Decision } from './fusion.ts';
import { confidenceOf } from './fusion.ts';
import type { ZonePlan } from './plan.ts';
import type { SourceState } from './source.ts';
import { isFaulty, isStale } from './source.ts';

export interface ExplainedZone {
  readonly plan: ZonePlan;
  readonly sources: readonly SourceState[];
}

export function explain(
  zone: ExplainedZone,
  decision: Decision,
  ballots: readonly Ballot[],
  nowMs: number,
): Explanation {
  const votes = ballots.map((ballot) => ballot.vote);
  const parts = votes.map(describe);
  return {
    summary: parts.length === 0 ? decision.reason : `${decision.reason}: ${parts.join('; ')}`,
    votes,
    ...quietSources(zone, nowMs),
    confidence: confidenceOf(ballots, zone.plan.weights),
  };
}

/** A person pressed a call point: no votes, full confidence. */
export function explainManual(
  zone: ExplainedZone,
  inputs: readonly string[],
  nowMs: number,
): Explanation {
  return {
    summary: `manual call point ${inputs.join(', ')}`,
    votes: [],
    ...quietSources(zone, nowMs),
    confidence: 1,
  };
}

/** Sources that could not speak, or not fully. A disabled zone decides nothing, so none is here. */
function quietSources(zone: ExplainedZone, nowMs: number) {
  const stale: SourceRef[] = [];
  const faulty: SourceRef[] = [];
  const uncalibrated: SourceRef[] = [];
  for (const source of zone.sources) {
    const ref = { sensor: source.plan.sensor, channel: source.plan.channel };
    if (isFaulty(source, nowMs)) faulty.push(ref);
    else if (isStale(source, nowMs)) stale.push(ref);
    else if (!source.calibrated) uncalibrated.push(ref);
  }
  return { stale, faulty, disabled: [], uncalibrated };
}

function describe(vote: Vote): string {
  const from = `${vote.sensor}/${vote.channel}`;
  if (vote.unit === 'state') return `${from} ${vote.note}`;
  const unit = UNITS[vote.unit];
  const digits = vote.unit === 'ratio' ? 2 : 1;
  const margin = vote.value - vote.limit;
  const signed = `${margin < 0 ? '' : '+'}${margin.toFixed(digits)}`;
  const value = `${vote.value.toFixed(digits)}${unit}`;
  return `${from} ${value} (limit ${vote.limit}, ${signed}; ${vote.note})`;
}

const UNITS = {
  celsius: ' C',
  percentAboveIdle: ' % above idle',
  ratio: ' Rs/R0',
  celsiusPerMinute: ' C/min',
} as const;
