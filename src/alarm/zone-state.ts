/** The facts about one zone, independent of one another, and what follows from them directly. */
import type { Explanation } from '../domain/event.ts';
import type { Register } from './facts.ts';
import { chatterHoldMs, NO_FAULTS, NO_SUPERVISORY } from './facts.ts';
import type { Ballot } from './fusion.ts';
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
  readonly verification: {
    readonly sinceMs: number;
    readonly lapsedAtMs: number | null;
  } | null;
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
  readonly faults: Register;
  readonly supervisory: Register;
  /** Nothing happens by itself before this time. */
  readonly dueMs: number;
}

/** How long a lapsed verification is remembered, and a reset spares a new one. */
export const VERIFICATION_MEMORY_MS = 60_000;
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

/** What votes now: confirmed, fresh and of a source that is not in fault. */
export function ballotsOf(zone: ZoneState, nowMs: number): readonly Ballot[] {
  const ballots: Ballot[] = [];
  for (const source of zone.sources) {
    if (!isOffNormal(source) || isStale(source, nowMs) || isFaulty(source, nowMs)) continue;
    const { sensor, channel, role, weight } = source.plan;
    const ageMs = Math.max(0, nowMs - (source.believedAtMs ?? nowMs));
    for (const { rule, kind, verdict } of source.runs) {
      if (verdict.level === 'clear' || verdict.level === 'pending') continue;
      ballots.push({ kind, weight, vote: { sensor, channel, role, rule, ageMs, ...verdict } });
    }
  }
  return ballots;
}

/** When the zone's own facts, faults apart, change without any input; Infinity when never. */
export function decisionDueMs(zone: ZoneState, nowMs: number): number {
  let dueMs = Math.min(zone.disabledUntilMs ?? Infinity, zone.test?.untilMs ?? Infinity);
  const { verification, preAlarm, plan } = zone;
  if (verification !== null) {
    const atMs =
      verification.lapsedAtMs === null
        ? verification.sinceMs + plan.verificationMs
        : verification.lapsedAtMs + VERIFICATION_MEMORY_MS;
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
