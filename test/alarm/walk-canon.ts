/**
 * When two panels are the same: what they may still decide does not differ. Times count from now,
 * and what is older than anything that asks for it counts as that old. Left out is what nothing is
 * decided from: texts, ids, since when a fact has stood, the answers to earlier requests. That
 * nothing is left out that matters is not believed but tried: `walk` steps panels that are merged
 * side by side.
 */
import { longestDelayMs } from '../../src/alarm/duty.ts';
import type { Register } from '../../src/alarm/facts.ts';
import type { Panel } from '../../src/alarm/panel.ts';
import type { SourceState } from '../../src/alarm/source.ts';
import type { ZoneState } from '../../src/alarm/zone-state.ts';

/** Chatter is remembered for ten minutes. */
const MEMORY_MS = 600_000;

/** Age of a stamp, no more than `clipMs`; null stays null. */
function age(stampMs: number | null, nowMs: number, clipMs: number): number | null {
  return stampMs === null ? null : Math.min(nowMs - stampMs, clipMs);
}

/** Time until a stamp; what has passed has passed. */
function left(stampMs: number | null, nowMs: number): number | null {
  return stampMs === null ? null : Math.max(0, stampMs - nowMs);
}

function registerForm(register: Register, nowMs: number): unknown {
  return [
    register.active.map(({ fault, subject, detail, restoreAtMs, episode }) => [
      fault,
      subject,
      // A change of the text is told to nobody, but changes the register.
      detail.length,
      left(restoreAtMs, nowMs),
      Math.min(episode, 8),
    ]),
    register.ended
      .filter(({ endedMs }) => nowMs - endedMs < MEMORY_MS)
      .map(({ fault, subject, episode, endedMs }) => [
        fault,
        subject,
        Math.min(episode, 8),
        nowMs - endedMs,
      ]),
  ];
}

const STAMP = /(at|since|until|start)Ms$/i;

/** State of a rule: its stamps as ages, its texts left out, runs counted as far as they matter. */
function ruleForm(value: unknown, nowMs: number, source: SourceState): unknown {
  if (Array.isArray(value)) return value.map((each) => ruleForm(each, nowMs, source));
  if (typeof value !== 'object' || value === null) return value;
  const fields = value as Readonly<Record<string, unknown>>;
  const isStreak = 'held' in fields && 'count' in fields;
  return Object.entries(fields).map(([key, field]) => {
    if (key === 'note' || key === 'railStuck' || key === 'idleTrouble') return typeof field;
    if (isStreak && key === 'count') return Math.min(Number(field), source.plan.confirmations);
    if (isStreak && key === 'sinceMs') {
      return fields['count'] === 0 ? 0 : age(Number(field), nowMs, source.plan.confirmMs + 1);
    }
    // A sum of stamps: the same as so many ages.
    if (key === 'sumMs') return Number(fields['count']) * nowMs - Number(field);
    if (typeof field === 'number' && STAMP.test(key)) return age(field, nowMs, MEMORY_MS);
    return ruleForm(field, nowMs, source);
  });
}

function sourceForm(source: SourceState, silentMs: number, nowMs: number): unknown {
  const { plan, inForce, noData, opinion } = source;
  const freshMs = plan.freshnessMs + 1;
  return [
    plan.channel,
    inForce.limits.thermal.limitCelsius,
    age(source.watchedSinceMs, nowMs, silentMs),
    // How far apart two reports were matters as well: a longer silence has ended.
    age(source.heardAtMs, nowMs, silentMs),
    age(source.believedAtMs, nowMs, freshMs),
    source.calibrated,
    source.value,
    noData && [noData.reason, age(noData.sinceMs, nowMs, 25_000), Math.min(noData.count, 3)],
    opinion && [opinion.opinion.fire, opinion.track, age(opinion.atMs, nowMs, freshMs)],
    source.runs.map((run) => [
      run.rule,
      ruleForm(run.verdict, nowMs, source),
      ruleForm((run as unknown as { readonly state: unknown }).state, nowMs, source),
    ]),
  ];
}

function zoneForm(zone: ZoneState, panel: Panel, nowMs: number): unknown {
  const { alarm, preAlarm, lastPreAlarm, verification: verified, test } = zone;
  const { plan } = zone;
  const silentMs = Math.max(...zone.watched.map(({ silentAfterMs }) => silentAfterMs), 0) + 1;
  const vision = Math.max(0, ...zone.sources.map((each) => each.plan.limits.vision.holdBackMs));
  const last =
    lastPreAlarm !== null && nowMs - lastPreAlarm.endedMs < MEMORY_MS
      ? [nowMs - lastPreAlarm.endedMs, Math.min(lastPreAlarm.episode, 8)]
      : null;
  return [
    plan.id,
    zone.sources.map((source) => sourceForm(source, silentMs, nowMs)),
    zone.watched.map(({ sinceMs }) => age(sinceMs, nowMs, silentMs)),
    alarm && [age(alarm.sinceMs, nowMs, longestDelayMs(panel.plan)), alarm.callPoints],
    preAlarm && [age(preAlarm.goneSinceMs, nowMs, MEMORY_MS), Math.min(preAlarm.episode, 8)],
    last,
    verified && [
      age(verified.sinceMs, nowMs, plan.verificationMs + vision),
      age(verified.lapsedAtMs, nowMs, 60_000),
      age(verified.criticalSinceMs, nowMs, plan.verificationMs + vision),
      verified.heldBack && left(verified.heldBack.untilMs, nowMs),
      verified.heldSinceMs !== null,
    ],
    zone.unverifiedUntilMs < nowMs ? null : zone.unverifiedUntilMs - nowMs,
    [zone.acknowledged, zone.silenced, zone.callPoints, zone.muted],
    left(zone.disabledUntilMs, nowMs),
    test && [left(test.untilMs, nowMs), test.active, age(test.activatedAtMs, nowMs, 10_000)],
    registerForm(zone.faults, nowMs),
    registerForm(zone.supervisory, nowMs),
    left(zone.dueMs, nowMs),
  ];
}

/** The canonical form of a panel, as a text. */
export function canonical(panel: Panel, nowMs: number): string {
  const { duty, system } = panel;
  const delayClipMs = longestDelayMs(panel.plan) + 1;
  return JSON.stringify([
    panel.zones.map((zone) => zoneForm(zone, panel, nowMs)),
    registerForm(system.faults, nowMs),
    registerForm(system.supervisory, nowMs),
    system.acknowledged,
    left(duty.maintenanceUntilMs, nowMs),
    age(duty.delaySinceMs, nowMs, delayClipMs),
    duty.delaySinceMs === null ? 0 : duty.delayToldMs,
    duty.sensors.map(({ sensor, untilMs }) => [sensor, untilMs - nowMs]),
    duty.outputs.map(({ output, untilMs }) => [output, untilMs - nowMs]),
    // An overdue panel drops its fault relay.
    Math.max(-10_000, panel.nextDueMs - nowMs),
  ]);
}
