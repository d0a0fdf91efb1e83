/**
 * Why the panel decided as it did. `summary` is the one text for journal, MQTT and console: what
 * decided, each vote with value, limit, margin and age, what a model said, what could not speak.
 */
import type { Explanation, ModelWord, Vote } from '../domain/event.ts';
import type { SourceRef } from '../domain/evidence.ts';
import { areaOf } from '../domain/evidence.ts';
import { likeliest } from '../domain/opinion.ts';
import type { SensorId } from '../domain/units.ts';
import type { Ballot, Decision } from './fusion.ts';
import { confidenceOf } from './fusion.ts';
import { opinionText } from './opinion.ts';
import type { ZonePlan } from './plan.ts';
import type { SourceState } from './source.ts';
import { channelFacts, isFaulty, isStale } from './source.ts';
import { isMuted } from './zone-state.ts';

export interface ExplainedZone {
  readonly plan: ZonePlan;
  readonly sources: readonly SourceState[];
  readonly muted: readonly SensorId[];
}

export function explain(
  zone: ExplainedZone,
  decision: Decision,
  ballots: readonly Ballot[],
  nowMs: number,
): Explanation {
  const votes = ballots.map((ballot) => ballot.vote);
  const quiet = quietSources(zone, nowMs);
  const model = modelWords(zone, nowMs);
  const parts = [
    ...votes.map(describe),
    ...model.map(({ text }) => text),
    ...Object.entries(QUIET_WORDS).flatMap(([key, word]) => {
      const refs = quiet[key as keyof typeof QUIET_WORDS] ?? [];
      return refs.length === 0 ? [] : [`${word} ${listed(refs)}`];
    }),
  ];
  return {
    summary: parts.length === 0 ? decision.reason : `${decision.reason}: ${parts.join('; ')}`,
    votes,
    ...quiet,
    ...(model.length === 0 ? {} : { model: model.map(({ word }) => word) }),
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

const QUIET_WORDS = {
  faulty: 'in fault',
  stale: 'not heard lately',
  disabled: 'disabled',
  uncalibrated: 'uncalibrated',
  warmingUp: 'warming up',
} as const;

/** Sources that could not speak, or not fully. What is disabled is only that. */
function quietSources(zone: ExplainedZone, nowMs: number) {
  const stale: SourceRef[] = [];
  const disabled: SourceRef[] = [];
  const faulty: SourceRef[] = [];
  const uncalibrated: SourceRef[] = [];
  const warmingUp: SourceRef[] = [];
  for (const source of zone.sources) {
    const ref = { sensor: source.plan.sensor, channel: source.plan.channel };
    if (isMuted(zone, source)) disabled.push(ref);
    else if (isFaulty(source, nowMs)) faulty.push(ref);
    else if (isStale(source, nowMs)) stale.push(ref);
    else if (!source.calibrated) uncalibrated.push(ref);
    else if (channelFacts(source)?.phase === 'warmingUp') warmingUp.push(ref);
  }
  return { stale, faulty, disabled, uncalibrated, ...(warmingUp.length > 0 ? { warmingUp } : {}) };
}

/** Newest opinions of the zone's pictures, with their age: an old one decides nothing. */
function modelWords(zone: ExplainedZone, nowMs: number) {
  const words: { readonly word: ModelWord; readonly text: string }[] = [];
  for (const source of zone.sources) {
    if (source.opinion === null || isMuted(zone, source)) continue;
    const { opinion, track, atMs } = source.opinion;
    const { sensor, channel, freshnessMs } = source.plan;
    const ageMs = Math.max(0, nowMs - atMs);
    // What it said long ago of a region that is gone tells nothing.
    if (ageMs > 2 * freshnessMs) continue;
    const kind = likeliest(opinion);
    const share = opinion[kind];
    const late = ageMs > freshnessMs ? ', too old to count' : '';
    words.push({
      word: { sensor, channel, track, kind, share, fireShare: opinion.fire, ageMs },
      text:
        `${placeOf(source.plan)} the model saw ${opinionText(opinion, kind)}` +
        `${old(ageMs)}${late}`,
    });
  }
  return words;
}

function describe(vote: Vote): string {
  const from = placeOf(vote);
  if (vote.unit === 'state') return `${from} ${vote.note}${old(vote.ageMs)}`;
  const unit = UNITS[vote.unit];
  const digits = vote.unit === 'ratio' ? 2 : 1;
  const margin = vote.value - vote.limit;
  const signed = `${margin < 0 ? '' : '+'}${margin.toFixed(digits)}`;
  const value = `${vote.value.toFixed(digits)}${unit}`;
  return `${from} ${value} (limit ${vote.limit}, ${signed}; ${vote.note})${old(vote.ageMs)}`;
}

/** `board-1/ADC1`, or `board-1, area stove`. */
function placeOf({ sensor, channel }: SourceRef): string {
  const area = areaOf(channel);
  return area === null ? `${sensor}/${channel}` : `${sensor}, area ${area}`;
}

/** What has just been seen needs no age. */
function old(ageMs: number): string {
  return ageMs < 1000 ? '' : `, ${(ageMs / 1000).toFixed(1)} s ago`;
}

/** A text must stay short enough to be read, however many sources are silent. */
const LISTED = 4;

function listed(refs: readonly SourceRef[]): string {
  const names = refs.slice(0, LISTED).map(placeOf);
  const more = refs.length - names.length;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
}

const UNITS = {
  celsius: ' C',
  percentAboveIdle: ' % above idle',
  ratio: ' Rs/R0',
  celsiusPerMinute: ' C/min',
  percentPerMinute: ' %/min',
  percent: ' %',
} as const;
