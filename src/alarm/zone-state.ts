/** The facts about one zone, independent of one another, and what follows from them directly. */
import type { Explanation } from '../domain/event.ts';
import type { SensorId } from '../domain/units.ts';
import type { Register } from './facts.ts';
import { chatterHoldMs, NO_FAULTS, NO_SUPERVISORY } from './facts.ts';
import type { Ballot } from './fusion.ts';
import type { HoldBack } from './hold-back.ts';
import type { ZonePlan } from './plan.ts';
import type { SourceState } from './source.ts';
import { isFaulty, isOffNormal, isStale } from './source.ts';
import type { WatchedSensor } from './supervision.ts';

export interface LatchedAlarm {
  readonly sinceMs: number;
  readonly explanation: Explanation;
  /** Call points that have been pressed since it latched. */
  readonly callPoints: readonly string[];
}

/** Evidence that amounts to an alarm which has not been given yet. */
export interface Verification {
  /** Since when it amounts to one; goes on through short gaps and changes of a model's mind. */
  readonly sinceMs: number;
  /** Since when the evidence is gone; null while it is there. */
  readonly lapsedAtMs: number | null;
  /** Since when a region has been at or above critical; null before that. */
  readonly criticalSinceMs: number | null;
  /** A model takes it for harmless: held back until then at most. */
  readonly heldBack: HoldBack | null;
  /** Since when a model has first held it back; null while none has. */
  readonly heldSinceMs: number | null;
}

export interface ZoneState {
  readonly plan: ZonePlan;
  readonly sources: readonly SourceState[];
  readonly watched: readonly WatchedSensor[];
  readonly alarm: LatchedAlarm | null;
  readonly preAlarm: {
    readonly sinceMs: number;
    readonly explanation: Explanation;
    /** Since when its evidence is gone; null while it is there. */
    readonly goneSinceMs: number | null;
    readonly episode: number;
  } | null;
  readonly lastPreAlarm: { readonly endedMs: number; readonly episode: number } | null;
  readonly verification: Verification | null;
  /** After a reset, evidence alarms without a new verification until then. */
  readonly unverifiedUntilMs: number;
  readonly acknowledged: boolean;
  readonly silenced: boolean;
  readonly disabledUntilMs: number | null;
  readonly test: {
    readonly untilMs: number;
    readonly active: boolean;
    readonly activatedAtMs: number;
  } | null;
  /** Manual call points that are pressed now. */
  readonly callPoints: readonly string[];
  /** Its sensors that are disabled: heard and supervised, without a vote. */
  readonly muted: readonly SensorId[];
  readonly faults: Register;
  readonly supervisory: Register;
  /** Nothing happens by itself before this time. */
  readonly dueMs: number;
}

/** How long a lapsed verification is remembered, and a reset spares a new one. */
export const VERIFICATION_MEMORY_MS = 60_000;
/** A walk test reports a zone's activations at most this often. */
export const TEST_REPEAT_MS = 10_000;
/** Evidence of a pre-alarm must be gone this long; doubled while it chatters (facts.ts). */
export const PRE_ALARM_HOLD_MS = 10_000;

/** A zone in which nothing has happened yet. */
export function startZone(
  plan: ZonePlan,
  sources: readonly SourceState[],
  watched: readonly WatchedSensor[],
  nowMs: number,
): ZoneState {
  return {
    plan,
    sources,
    watched,
    alarm: null,
    preAlarm: null,
    lastPreAlarm: null,
    verification: null,
    unverifiedUntilMs: -Infinity,
    acknowledged: false,
    silenced: false,
    disabledUntilMs: null,
    test: null,
    callPoints: [],
    muted: [],
    faults: NO_FAULTS,
    supervisory: NO_SUPERVISORY,
    dueMs: nowMs,
  };
}

/** Whether idle levels may be learnt: nothing in the zone is off-normal. */
export function mayLearn(zone: ZoneState): boolean {
  return zone.alarm === null && isAtRest(zone);
}

/** Whether `decide` has nothing to begin or to end. */
export function isAtRest(zone: ZoneState): boolean {
  if (zone.preAlarm !== null || zone.verification !== null || zone.callPoints.length > 0) {
    return false;
  }
  if (zone.disabledUntilMs !== null || zone.test !== null) return false;
  for (const source of zone.sources) if (isOffNormal(source)) return false;
  return true;
}

/** Whether the sensor of a source is disabled. */
export function isMuted(zone: Pick<ZoneState, 'muted'>, source: SourceState): boolean {
  return zone.muted.length > 0 && zone.muted.includes(source.plan.sensor);
}

const NO_TRACKS: readonly number[] = [];

/** What votes now: confirmed, fresh, and of a source that is neither in fault nor disabled. */
export function ballotsOf(zone: ZoneState, nowMs: number): readonly Ballot[] {
  const ballots: Ballot[] = [];
  for (const source of zone.sources) {
    if (!isOffNormal(source) || isStale(source, nowMs) || isFaulty(source, nowMs)) continue;
    if (isMuted(zone, source)) continue;
    const { sensor, channel, role, weight, freshnessMs } = source.plan;
    for (const { rule, kind, verdict } of source.runs) {
      if (verdict.level === 'clear' || verdict.level === 'pending') continue;
      const { level, value, limit, unit, note, tracks = NO_TRACKS } = verdict;
      const ageMs = Math.max(0, nowMs - (verdict.atMs ?? source.believedAtMs ?? nowMs));
      if (ageMs > freshnessMs) continue;
      const vote = { sensor, channel, role, rule, level, value, limit, unit, ageMs, note };
      ballots.push({ kind, weight, vote, tracks });
    }
  }
  return ballots;
}

/** When the zone's own facts, faults apart, change without any input; Infinity when never. */
export function decisionDueMs(zone: ZoneState, nowMs: number): number {
  let dueMs = Math.min(zone.disabledUntilMs ?? Infinity, zone.test?.untilMs ?? Infinity);
  const { verification, preAlarm, plan, test } = zone;
  // An activation that came too soon after the last one is told then, if it still stands.
  const repeatMs = test === null || test.active ? -Infinity : test.activatedAtMs + TEST_REPEAT_MS;
  if (nowMs < repeatMs) dueMs = Math.min(dueMs, repeatMs);
  if (verification !== null) {
    const { sinceMs, lapsedAtMs, heldBack } = verification;
    let atMs = sinceMs + plan.verificationMs;
    if (lapsedAtMs !== null) atMs = lapsedAtMs + VERIFICATION_MEMORY_MS;
    else if (heldBack !== null) atMs = heldBack.untilMs;
    dueMs = Math.min(dueMs, atMs);
  }
  if (preAlarm !== null && preAlarm.goneSinceMs !== null) {
    const holdMs = chatterHoldMs(preAlarm.episode, PRE_ALARM_HOLD_MS);
    dueMs = Math.min(dueMs, preAlarm.goneSinceMs + holdMs);
  }
  for (const source of zone.sources) {
    if (source.believedAtMs === null || isStale(source, nowMs) || !isOffNormal(source)) continue;
    dueMs = Math.min(dueMs, source.believedAtMs + source.plan.freshnessMs);
  }
  return dueMs;
}

/** Whether there is anything in the zone that a person should see. */
export function isOffNormalZone(zone: ZoneState): boolean {
  return (
    zone.alarm !== null ||
    zone.preAlarm !== null ||
    zone.faults.active.length > 0 ||
    zone.supervisory.active.length > 0
  );
}
