/**
 * One zone: what its evidence makes of the facts about it.
 *
 *             evidence = alarm            verificationMs over, still alarm
 *   (nothing) -----------------> verifying ------------------------------> alarm (latched)
 *       |                          | evidence gone for 60 s                  |  ^ cause still
 *       |                          v                                  reset  |  | there: at
 *       | evidence = pre-alarm   (nothing)                                   v  | once
 *       +----------> pre-alarm --- evidence gone for its hold --> (nothing) -+--+
 *
 * Verifying, pre-alarm, alarm, faults, disablement and test are independent facts; what is shown is
 * derived from them. A verification that lapses is remembered for 60 s: evidence that comes back
 * goes on where it stopped, so an unsteady fire is not verified for ever.
 */
import type { Explanation } from '../domain/event.ts';
import { explain, explainManual } from './explain.ts';
import type { Outbox } from './facts.ts';
import { chatterHoldMs } from './facts.ts';
import type { Ballot, Decision } from './fusion.ts';
import { fuse } from './fusion.ts';
import { hasCritical, heldBack } from './hold-back.ts';
import type { ZoneState } from './zone-state.ts';
import {
  ballotsOf,
  isAtRest,
  PRE_ALARM_HOLD_MS,
  TEST_REPEAT_MS,
  VERIFICATION_MEMORY_MS,
} from './zone-state.ts';

const CHATTER_MEMORY_MS = 600_000;

/** Draws the consequences of the zone's evidence. */
export function decide(zone: ZoneState, nowMs: number, out: Outbox): ZoneState {
  if (isAtRest(zone)) return zone;
  if (zone.disabledUntilMs !== null) return standDown(zone, nowMs, out);
  const ballots = ballotsOf(zone, nowMs);
  const decision = fuse(ballots, zone.plan.minSources);
  if (zone.test !== null) {
    return walkTest(standDown(zone, nowMs, out), decision, ballots, nowMs, out);
  }
  if (zone.alarm !== null) return judgePreAlarm(zone, decision, ballots, nowMs, out);
  const judged = judgeAlarm(zone, decision, ballots, nowMs, out);
  return judgePreAlarm(judged, shownAs(judged, decision), ballots, nowMs, out);
}

/** What is held back is a pre-alarm that says why. */
function shownAs({ alarm, verification }: ZoneState, decision: Decision): Decision {
  const held = verification?.heldBack ?? null;
  if (alarm !== null || held === null || decision.level !== 'alarm') return decision;
  return { ...decision, level: 'preAlarm', reason: `${decision.reason}, ${held.said}` };
}

function judgeAlarm(
  zone: ZoneState,
  decision: Decision,
  ballots: readonly Ballot[],
  nowMs: number,
  out: Outbox,
): ZoneState {
  if (zone.callPoints.length > 0) {
    return latch(zone, explainManual(zone, zone.callPoints, nowMs), nowMs, out);
  }
  const { verification, plan } = zone;
  if (decision.level !== 'alarm') return lapse(zone, nowMs, out);
  // After a reset evidence that is still there alarms again at once.
  const spared = nowMs <= zone.unverifiedUntilMs;
  const sinceMs = verification?.sinceMs ?? nowMs;
  const criticalSinceMs = criticalSince(zone, ballots, nowMs);
  const held = spared
    ? null
    : heldBack(zone.sources, decision, ballots, sinceMs, criticalSinceMs, nowMs);
  const verified = spared || nowMs - sinceMs >= plan.verificationMs;
  if (verified && held === null) {
    return latch(zone, explain(zone, told(zone, decision, nowMs), ballots, nowMs), nowMs, out);
  }
  if (verification === null) {
    const why =
      held === null ? decision : { ...decision, reason: `${decision.reason}, ${held.said}` };
    const explanation = explain(zone, why, ballots, nowMs);
    const data = { zone: plan.id, zoneName: plan.name, explanation };
    out.events.push({ lane: 'system', type: 'verifying', data });
  } else if (
    verification.lapsedAtMs === null &&
    verification.criticalSinceMs === criticalSinceMs &&
    verification.heldBack?.untilMs === held?.untilMs
  ) {
    return zone;
  }
  const heldSinceMs = verification?.heldSinceMs ?? (held === null ? null : nowMs);
  const next = { sinceMs, lapsedAtMs: null, criticalSinceMs, heldBack: held, heldSinceMs };
  return { ...zone, verification: next };
}

/** Since when a region has been at or above critical, also if that is not confirmed yet. */
function criticalSince(
  { sources, verification }: ZoneState,
  ballots: readonly Ballot[],
  nowMs: number,
): number | null {
  if (verification !== null && verification.criticalSinceMs !== null) {
    return verification.criticalSinceMs;
  }
  return hasCritical(sources, ballots) ? nowMs : null;
}

/** The decision with the time for which a model has held it back, where it has. */
function told({ verification }: ZoneState, decision: Decision, nowMs: number): Decision {
  const heldSinceMs = verification?.heldSinceMs ?? null;
  if (heldSinceMs === null) return decision;
  const seconds = Math.round((nowMs - heldSinceMs) / 1000);
  return { ...decision, reason: `${decision.reason}, after ${seconds} s held back by the model` };
}

function lapse(zone: ZoneState, nowMs: number, out: Outbox): ZoneState {
  const { verification } = zone;
  if (verification === null) return zone;
  if (verification.lapsedAtMs === null) {
    return { ...zone, verification: { ...verification, lapsedAtMs: nowMs, heldBack: null } };
  }
  if (nowMs - verification.lapsedAtMs < VERIFICATION_MEMORY_MS) return zone;
  return endVerification(zone, false, out);
}

function endVerification(zone: ZoneState, confirmed: boolean, out: Outbox): ZoneState {
  if (zone.verification === null) return zone;
  const data = { zone: zone.plan.id, zoneName: zone.plan.name, confirmed };
  out.events.push({ lane: 'system', type: 'verifyingEnded', data });
  return { ...zone, verification: null };
}

/** The one transition into alarm. */
function latch(zone: ZoneState, explanation: Explanation, nowMs: number, out: Outbox): ZoneState {
  const data = { zone: zone.plan.id, zoneName: zone.plan.name, explanation };
  out.events.push({ lane: 'alarm', type: 'alarm', data });
  out.newAlarm = true;
  return {
    ...endVerification(zone, true, out),
    alarm: { sinceMs: zone.alarm?.sinceMs ?? nowMs, explanation, callPoints: zone.callPoints },
    acknowledged: false,
    silenced: false,
  };
}

/** The one transition out of alarm. What is still there alarms again when the zone is decided. */
export function resetAlarm(zone: ZoneState, nowMs: number, out: Outbox): ZoneState {
  if (zone.alarm === null) return zone;
  const latchedForMs = Math.max(0, nowMs - zone.alarm.sinceMs);
  const data = { zone: zone.plan.id, zoneName: zone.plan.name, latchedForMs };
  out.events.push({ lane: 'alarm', type: 'alarmReset', data });
  const unverifiedUntilMs = nowMs + VERIFICATION_MEMORY_MS;
  return { ...zone, alarm: null, acknowledged: false, silenced: false, unverifiedUntilMs };
}

/**
 * A person presses or releases a manual call point. A press alarms at once, even if it is released
 * within the same step; a press in a zone that is in alarm is a latch of its own and lifts silence.
 */
export function moveCallPoint(
  zone: ZoneState,
  input: string,
  pressed: boolean,
  nowMs: number,
  out: Outbox,
): ZoneState {
  if (!pressed) {
    return { ...zone, callPoints: zone.callPoints.filter((other) => other !== input) };
  }
  const callPoints = zone.callPoints.includes(input)
    ? zone.callPoints
    : [...zone.callPoints, input];
  const held = { ...zone, callPoints };
  if (zone.disabledUntilMs !== null || zone.test !== null) return held;
  if (zone.alarm?.callPoints.includes(input) === true) return held;
  const all = [...new Set([...(zone.alarm?.callPoints ?? []), ...callPoints])];
  const alarmed = latch({ ...held, callPoints: all }, explainManual(zone, all, nowMs), nowMs, out);
  return { ...alarmed, callPoints };
}

function judgePreAlarm(
  zone: ZoneState,
  decision: Decision,
  ballots: readonly Ballot[],
  nowMs: number,
  out: Outbox,
): ZoneState {
  const { preAlarm, lastPreAlarm } = zone;
  if (preAlarm === null) {
    if (decision.level !== 'preAlarm' || zone.alarm !== null) return zone;
    const again = lastPreAlarm !== null && nowMs - lastPreAlarm.endedMs < CHATTER_MEMORY_MS;
    const episode = again ? lastPreAlarm.episode + 1 : 0;
    const explanation = explain(zone, decision, ballots, nowMs);
    const data = { zone: zone.plan.id, zoneName: zone.plan.name, explanation };
    out.events.push({ lane: 'alarm', type: 'preAlarm', data });
    const started = { sinceMs: nowMs, explanation, goneSinceMs: null, episode };
    return { ...zone, preAlarm: started, acknowledged: false };
  }
  if (decision.level !== 'none') {
    if (preAlarm.goneSinceMs === null) return zone;
    return { ...zone, preAlarm: { ...preAlarm, goneSinceMs: null } };
  }
  if (preAlarm.goneSinceMs === null) {
    return { ...zone, preAlarm: { ...preAlarm, goneSinceMs: nowMs } };
  }
  const holdMs = chatterHoldMs(preAlarm.episode, PRE_ALARM_HOLD_MS);
  return nowMs - preAlarm.goneSinceMs < holdMs ? zone : endPreAlarm(zone, nowMs, out);
}

function endPreAlarm(zone: ZoneState, nowMs: number, out: Outbox): ZoneState {
  if (zone.preAlarm === null) return zone;
  const { sinceMs, episode } = zone.preAlarm;
  const data = { zone: zone.plan.id, zoneName: zone.plan.name, afterMs: nowMs - sinceMs };
  out.events.push({ lane: 'alarm', type: 'preAlarmEnded', data });
  return { ...zone, preAlarm: null, lastPreAlarm: { endedMs: nowMs, episode } };
}

/** A disabled or tested zone neither verifies nor warns; a latched alarm stays. */
function standDown(zone: ZoneState, nowMs: number, out: Outbox): ZoneState {
  return endPreAlarm(endVerification(zone, false, out), nowMs, out);
}

/** In a walk test an activation is told, with its explanation, and drives no output. */
function walkTest(
  zone: ZoneState,
  decision: Decision,
  ballots: readonly Ballot[],
  nowMs: number,
  out: Outbox,
): ZoneState {
  const { test, plan, callPoints } = zone;
  if (test === null) return zone;
  const active = decision.level !== 'none' || callPoints.length > 0;
  if (!active) return test.active ? { ...zone, test: { ...test, active: false } } : zone;
  if (test.active || nowMs - test.activatedAtMs < TEST_REPEAT_MS) return zone;
  const why =
    callPoints.length > 0
      ? explainManual(zone, callPoints, nowMs)
      : explain(zone, decision, ballots, nowMs);
  const explanation = { ...why, summary: `walk test: ${why.summary}` };
  const inZone = { zone: plan.id, zoneName: plan.name };
  out.events.push(
    { lane: 'system', type: 'verifying', data: { ...inZone, explanation } },
    { lane: 'system', type: 'verifyingEnded', data: { ...inZone, confirmed: true } },
  );
  return { ...zone, test: { ...test, active: true, activatedAtMs: nowMs } };
}
