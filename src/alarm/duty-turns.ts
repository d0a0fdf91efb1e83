/** How the duty of outputs and sensors changes in a step: by command, by alarms, by its time. */
import type { DelayEnd } from '../domain/event.ts';
import type { SensorId, ZoneId } from '../domain/units.ts';
import { DELAYED_ROLES } from '../domain/view.ts';
import type { Draft, Panel } from './draft.ts';
import { longestDelayMs } from './duty.ts';

/** Where something ended by itself. */
const BY_TIME = 'timeout' as const;

/** Ends whatever has had its time. Before the zones decide: what is enabled again votes at once. */
export function endDueDuties(draft: Draft): void {
  const { nowMs } = draft;
  const { maintenanceUntilMs, sensors, outputs } = draft.duty;
  if (maintenanceUntilMs !== null && nowMs >= maintenanceUntilMs) endMaintenance(draft, BY_TIME);
  for (const { sensor, untilMs } of sensors) {
    if (nowMs >= untilMs) enableSensor(draft, sensor, BY_TIME);
  }
  for (const { output, untilMs } of outputs) {
    if (nowMs >= untilMs) enableOutput(draft, output, BY_TIME);
  }
  passDelay(draft);
}

/** Each role warns after its own time, and that is told. */
function passDelay(draft: Draft): void {
  const { delaySinceMs, delayToldMs } = draft.duty;
  if (delaySinceMs === null) return;
  const afterMs = draft.nowMs - delaySinceMs;
  const { delaysMs } = draft.plan;
  if (afterMs >= longestDelayMs(draft.plan)) {
    endDelay(draft, BY_TIME);
    return;
  }
  const untold = DELAYED_ROLES.filter((role) => delaysMs[role] > delayToldMs);
  const roles = untold.filter((role) => delaysMs[role] <= afterMs);
  if (roles.length === 0) return;
  const waiting = untold.filter((role) => !roles.includes(role));
  draft.duty = { ...draft.duty, delayToldMs: afterMs };
  const data = { reason: BY_TIME, roles, waiting, afterMs } as const;
  draft.events.push({ lane: 'system', type: 'outputDelayEnded', data });
}

/**
 * What this step's alarms mean for the delay. Only the first alarm waits, only if no person raised
 * it, and not if a reset found its cause still there: whoever resets a fire has had the time to
 * look. Whatever alarms during the delay ends it.
 */
export function followAlarms(draft: Draft, before: Panel): void {
  const { duty, plan, nowMs, newAlarm } = draft;
  if (!newAlarm && duty.delaySinceMs === null) return;
  const inAlarm = draft.zones.filter(({ alarm }) => alarm !== null);
  const [first] = inAlarm;
  const byPerson = inAlarm.some(({ alarm }) => (alarm?.callPoints.length ?? 0) > 0);
  if (duty.delaySinceMs !== null) {
    if (first === undefined) endDelay(draft, 'reset');
    else if (newAlarm) {
      const alone = inAlarm.length === 1 ? 'alarmAgain' : 'secondZone';
      endDelay(draft, byPerson ? 'callPoint' : alone);
    }
    return;
  }
  const waits = longestDelayMs(plan) > 0 && duty.maintenanceUntilMs === null && !byPerson;
  if (!waits || first === undefined || inAlarm.length > 1) return;
  if (nowMs <= first.unverifiedUntilMs) return;
  if (before.zones.some(({ alarm }) => alarm !== null)) return;
  draft.duty = { ...duty, delaySinceMs: nowMs, delayToldMs: 0 };
  const delays = DELAYED_ROLES.map((role) => ({ role, forMs: plan.delaysMs[role] }));
  draft.events.push({
    lane: 'system',
    type: 'outputsDelayed',
    data: { zones: [first.plan.id], delays: delays.filter(({ forMs }) => forMs > 0) },
  });
}

/** Nothing waits any longer; harmless where nothing does. */
export function endDelay(draft: Draft, reason: DelayEnd): void {
  const { delaySinceMs, delayToldMs } = draft.duty;
  if (delaySinceMs === null) return;
  draft.duty = { ...draft.duty, delaySinceMs: null };
  const roles = DELAYED_ROLES.filter((role) => draft.plan.delaysMs[role] > delayToldMs);
  const afterMs = Math.max(0, draft.nowMs - delaySinceMs);
  const data = { reason, roles, waiting: [], afterMs };
  draft.events.push({ lane: 'system', type: 'outputDelayEnded', data });
}

/** What is in alarm sounds from now on, silenced before or not. */
export function endMaintenance(draft: Draft, origin: string): void {
  if (draft.duty.maintenanceUntilMs === null) return;
  draft.duty = { ...draft.duty, maintenanceUntilMs: null };
  draft.liftSilence();
  const zones = zonesInAlarm(draft);
  draft.events.push({ lane: 'operator', type: 'maintenanceEnded', data: { origin, zones } });
}

export function zonesInAlarm(draft: Draft): readonly ZoneId[] {
  return draft.zones.filter(({ alarm }) => alarm !== null).map(({ plan }) => plan.id);
}

export function disableSensor(draft: Draft, sensor: SensorId, untilMs: number): void {
  const others = draft.duty.sensors.filter((each) => each.sensor !== sensor);
  draft.duty = { ...draft.duty, sensors: [...others, { sensor, untilMs }] };
  mute(draft, sensor, true);
}

export function enableSensor(draft: Draft, sensor: SensorId, origin: string): void {
  const sensors = draft.duty.sensors.filter((each) => each.sensor !== sensor);
  draft.duty = { ...draft.duty, sensors };
  mute(draft, sensor, false);
  draft.events.push({ lane: 'operator', type: 'sensorEnabled', data: { sensor, origin } });
}

/** Zones know which of their sensors are disabled, so that deciding costs no look-up. */
function mute(draft: Draft, sensor: SensorId, muted: boolean): void {
  for (const index of draft.routes.get(sensor)?.zones ?? []) {
    draft.change(index, (zone) => {
      const others = zone.muted.filter((each) => each !== sensor);
      return { ...zone, muted: muted ? [...others, sensor] : others, dueMs: draft.nowMs };
    });
  }
}

export function enableOutput(draft: Draft, output: string, origin: string): void {
  const was = draft.duty.outputs.find((each) => each.output === output);
  if (was === undefined) return;
  const outputs = draft.duty.outputs.filter((each) => each !== was);
  draft.duty = { ...draft.duty, outputs };
  const data = { output, role: was.role, origin };
  draft.events.push({ lane: 'operator', type: 'outputEnabled', data });
}
