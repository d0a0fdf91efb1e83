/**
 * One source of evidence: what it last said, since when it has nothing to say, how it is judged.
 */
import type { EvidenceWindow, NoDataReason, OpinionWindow } from '../domain/evidence.ts';
import type { Hours } from '../domain/step.ts';
import type { SourceQuality } from '../domain/view.ts';
import { isSound } from './opinion.ts';
import type { SourcePlan } from './plan.ts';
import { planAt } from './plan.ts';
import type { BelievableWindow, ChannelFacts, IdleMemory, RuleRun } from './rule.ts';
import { rulesFor } from './rules/index.ts';

/** Reports that cannot be believed, without a believable one in between. */
export interface NoDataRun {
  readonly reason: NoDataReason;
  readonly detail: string;
  readonly sinceMs: number;
  readonly count: number;
}

export interface SourceState {
  readonly plan: SourcePlan;
  /** The plan by which it was judged last: with the limits of those hours. */
  readonly inForce: SourcePlan;
  /** From when on silence counts, until it is first heard. */
  readonly watchedSinceMs: number;
  /** When it last said anything, believable or not. */
  readonly heardAtMs: number | null;
  readonly believedAtMs: number | null;
  readonly value: number | null;
  readonly calibrated: boolean;
  readonly runs: readonly RuleRun[];
  readonly noData: NoDataRun | null;
  /** What a model last thought of the region seen by this source. */
  readonly opinion: OpinionWindow | null;
}

/** Names a channel in the memories of idle levels. */
export function memoryKey(sensor: string, channel: string): string {
  return `${sensor}/${channel}`;
}

/** @param memory a learnt idle from before a restart. */
export function startSource(
  plan: SourcePlan,
  nowMs: number,
  memory: IdleMemory | null = null,
): SourceState {
  return {
    plan,
    inForce: plan,
    watchedSinceMs: nowMs,
    heardAtMs: null,
    believedAtMs: null,
    value: null,
    calibrated: true,
    runs: rulesFor(plan.role).map((rule) => rule.start(plan, memory)),
    noData: null,
    opinion: null,
  };
}

/**
 * Takes one window in. A window of the wrong kind for the source's role, or with a number that is
 * none, counts as corrupt: it is never judged and never taken for silence.
 * @param hours whose limits are in force; null where the site has no hours.
 */
export function hear(
  source: SourceState,
  window: EvidenceWindow,
  nowMs: number,
  mayLearn: boolean,
  hours: Hours | null = null,
): SourceState {
  if (window.kind === 'noData') {
    // Of two windows of one step the older may come last.
    if (source.believedAtMs !== null && source.believedAtMs > window.lastAtMs) return source;
    return disbelieve(source, window.reason, window.detail, window.count, window.lastAtMs);
  }
  const inForce = planAt(source.plan, hours);
  if (window.kind === 'opinion') return heed(source, window, nowMs, inForce);
  const trouble = corruption(window, source.plan);
  const lastAtMs = window.kind === 'level' ? window.lastAtMs : window.last.atMs;
  if (trouble !== null) return disbelieve(source, 'corrupt', trouble, 1, lastAtMs);
  const runs = source.runs.map((run) => run.judge(window, nowMs, inForce, mayLearn));
  return {
    plan: source.plan,
    inForce,
    watchedSinceMs: source.watchedSinceMs,
    heardAtMs: lastAtMs,
    believedAtMs: lastAtMs,
    value: window.kind === 'level' ? window.last : window.last.maxCelsius,
    calibrated: window.kind === 'level' || window.last.calibrated,
    runs,
    noData: null,
    opinion: source.opinion,
  };
}

/** What a model says is no reading: without sense, or late, it is as if it had said nothing. */
function heed(
  source: SourceState,
  window: OpinionWindow,
  nowMs: number,
  inForce: SourcePlan,
): SourceState {
  if (!isSound(window) || (source.opinion?.atMs ?? -Infinity) > window.atMs) return source;
  const runs = source.runs.map((run) => run.judge(window, nowMs, inForce, false));
  return { ...source, inForce, runs, opinion: window };
}

function disbelieve(
  source: SourceState,
  reason: NoDataReason,
  detail: string,
  count: number,
  atMs: number,
): SourceState {
  const run = source.noData;
  const noData: NoDataRun = {
    reason,
    detail,
    sinceMs: run?.sinceMs ?? atMs,
    count: (run?.count ?? 0) + count,
  };
  return { ...source, heardAtMs: atMs, noData };
}

function corruption(window: BelievableWindow, plan: SourcePlan): string | null {
  const expected = plan.role === 'thermal' ? 'thermal' : 'level';
  if (window.kind !== expected) return `a ${plan.role} channel reported a ${window.kind} window`;
  const sound =
    window.kind === 'level'
      ? Number.isFinite(window.first + window.last + window.min + window.max) && window.count > 0
      : Number.isFinite(
          window.last.maxCelsius + window.worst.maxCelsius + window.coolest.maxCelsius,
        ) && window.frames > 0;
  return sound ? null : 'a reading is not a finite number';
}

/** Facts of the source's analog channel, or null where it has none. */
export function channelFacts(source: SourceState): ChannelFacts | null {
  for (const run of source.runs) if (run.facts !== null) return run.facts;
  return null;
}

/** Whether any rule sees something, confirmed or not. */
export function isOffNormal(source: SourceState): boolean {
  for (const run of source.runs) if (run.verdict.level !== 'clear') return true;
  return false;
}

/**
 * From when on a run of unbelievable reports is a fault: three reports and 10 s, or any and 25 s. A
 * glitch frame in between is none, and the evidence before it votes as long as it is fresh.
 */
export function disbelievedAtMs(run: NoDataRun): number {
  return run.sinceMs + (run.count >= 3 ? 10_000 : 25_000);
}

/** Whether the source is in fault: what it said before does not vote. Freshness apart. */
export function isFaulty(source: SourceState, nowMs: number): boolean {
  if (source.noData !== null && nowMs >= disbelievedAtMs(source.noData)) return true;
  return channelFacts(source)?.blind ?? false;
}

export function isStale(source: SourceState, nowMs: number): boolean {
  return source.believedAtMs === null || nowMs - source.believedAtMs > source.plan.freshnessMs;
}

/** How far the source may be trusted now, most serious reason first. */
export function qualityOf(source: SourceState, nowMs: number): SourceQuality {
  if (source.heardAtMs === null) return 'neverSeen';
  if (source.noData !== null) return source.noData.reason;
  if (isStale(source, nowMs)) return 'stale';
  const facts = channelFacts(source);
  if (facts !== null && facts.railStuck !== null) return 'railStuck';
  if (facts !== null && facts.phase !== 'learnt') return facts.phase;
  return source.calibrated ? 'good' : 'uncalibrated';
}
