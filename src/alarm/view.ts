/** What others may see of the panel: conditions, outputs and the whole view, all derived. */
import { CONDITIONS } from '../domain/view.ts';
import type {
  Condition,
  DelayedRole,
  FaultView,
  OutputLevels,
  PanelView,
  SourceView,
  ZoneView,
} from '../domain/view.ts';
import { channelView } from './channel-view.ts';
import type { Panel } from './draft.ts';
import type { Duty } from './duty.ts';
import { delayedNow, isHeldOff, isMaintained } from './duty.ts';
import type { Fact, Register } from './facts.ts';
import { qualityOf } from './source.ts';
import type { SourceState } from './source.ts';
import type { ZoneState } from './zone-state.ts';
import { isMuted, isOffNormalZone } from './zone-state.ts';

/** The most urgent of a zone's facts. */
export function conditionOfZone(zone: ZoneState): Condition {
  if (zone.alarm !== null) return 'alarm';
  if (zone.preAlarm !== null) return 'preAlarm';
  if (zone.supervisory.active.length > 0) return 'supervisory';
  if (zone.faults.active.length > 0) return 'fault';
  if (zone.disabledUntilMs !== null || zone.muted.length > 0) return 'disabled';
  if (zone.test !== null) return 'test';
  return 'normal';
}

/** The most urgent condition of any zone or of the appliance itself. */
export function conditionOf(panel: Panel): Condition {
  const { faults, supervisory } = panel.system;
  const present = new Set<Condition>(panel.zones.map(conditionOfZone));
  if (supervisory.active.length > 0) present.add('supervisory');
  if (faults.active.length > 0) present.add('fault');
  const { maintenanceUntilMs, sensors, outputs } = panel.duty;
  if (maintenanceUntilMs !== null || sensors.length > 0 || outputs.length > 0) {
    present.add('disabled');
  }
  return CONDITIONS.find((condition) => present.has(condition)) ?? 'normal';
}

/** The fault that drives outputs of the role `escalation` while it stands. */
export const CENTRAL_SILENT = 'centralSilent';

/** A hundred missed steps. */
const OVERDUE_MS = 10_000;

/**
 * What the outputs must be. The siren obeys silence, strobe and relay do not; all three wait for
 * their delay and for the end of maintenance. Escalation follows an alarm that the centre has not
 * confirmed. The buzzer asks for an acknowledgement. The fault relay is energised while nothing is
 * in fault, nothing is held off for maintenance, and the panel is stepped: one that is long overdue
 * does not know what is in fault.
 */
export function outputsOf(panel: Panel, nowMs: number): OutputLevels {
  const { system, duty, plan } = panel;
  let siren = false;
  let alarm = false;
  let buzzer =
    (system.faults.active.length > 0 || system.supervisory.active.length > 0) &&
    !system.acknowledged;
  let faultRelay =
    system.faults.active.length === 0 &&
    !isMaintained(duty, nowMs) &&
    nowMs - panel.nextDueMs < OVERDUE_MS;
  for (const zone of panel.zones) {
    if (zone.alarm !== null) {
      alarm = true;
      if (!zone.silenced) siren = true;
    }
    if (!zone.acknowledged && isOffNormalZone(zone)) buzzer = true;
    if (zone.faults.active.length > 0) faultRelay = false;
  }
  const warns = (role: DelayedRole): boolean => !isHeldOff(duty, plan, role, nowMs);
  return {
    siren: siren && warns('siren'),
    strobe: alarm && warns('strobe'),
    alarmRelay: alarm && warns('alarmRelay'),
    faultRelay,
    buzzer,
    escalation: isEscalated(panel) && !isMaintained(duty, nowMs),
  };
}

/** The centre has not confirmed an alarm in time: see `custody.ts`. */
function isEscalated({ system }: Panel): boolean {
  return system.faults.active.some(({ fault }) => fault === CENTRAL_SILENT);
}

/** The lines that are not driven, whatever their role has to show. */
export function disabledOutputsOf(panel: Panel): Duty['outputs'] {
  return panel.duty.outputs;
}

/** Everything at once; costs as much as there are zones and sources. */
export function viewOf(panel: Panel, nowMs: number): PanelView {
  return {
    condition: conditionOf(panel),
    zones: panel.zones.map(zoneView),
    sources: panel.zones.flatMap((zone) =>
      zone.sources.map((source) => ({
        ...sourceView(zone, source, nowMs),
        disabledUntilMs: isMuted(zone, source) ? disabledUntil(panel, source) : null,
      })),
    ),
    outputs: outputsOf(panel, nowMs),
    faults: factViews(panel.system.faults),
    supervisory: factViews(panel.system.supervisory),
    disabledSensors: panel.duty.sensors,
    disabledOutputs: panel.duty.outputs,
    delayed: delayedNow(panel.duty, panel.plan, nowMs),
    maintenanceUntilMs: panel.duty.maintenanceUntilMs,
  };
}

function disabledUntil({ duty }: Panel, { plan }: SourceState): number | null {
  return duty.sensors.find(({ sensor }) => sensor === plan.sensor)?.untilMs ?? null;
}

function zoneView(zone: ZoneState): ZoneView {
  const { alarm, preAlarm, verification } = zone;
  const pending = zone.sources.some(
    (source) =>
      !isMuted(zone, source) && source.runs.some((run) => run.verdict.level === 'pending'),
  );
  return {
    id: zone.plan.id,
    name: zone.plan.name,
    condition: conditionOfZone(zone),
    alarm: alarm && { sinceMs: alarm.sinceMs, explanation: alarm.explanation },
    preAlarm: preAlarm && { sinceMs: preAlarm.sinceMs, explanation: preAlarm.explanation },
    verifying:
      zone.disabledUntilMs === null &&
      (pending || (verification !== null && verification.lapsedAtMs === null)),
    acknowledged: zone.acknowledged && isOffNormalZone(zone),
    silenced: zone.silenced,
    disabledUntilMs: zone.disabledUntilMs,
    testUntilMs: zone.test?.untilMs ?? null,
    faults: factViews(zone.faults),
    supervisory: factViews(zone.supervisory),
  };
}

function sourceView(
  zone: ZoneState,
  source: SourceState,
  nowMs: number,
): Omit<SourceView, 'disabledUntilMs'> {
  const { sensor, channel, role } = source.plan;
  return {
    sensor,
    channel,
    zone: zone.plan.id,
    role,
    ...channelView(source, nowMs),
    ageMs: source.believedAtMs === null ? null : Math.max(0, nowMs - source.believedAtMs),
    quality: qualityOf(source, nowMs),
  };
}

function factViews(register: Register): readonly FaultView[] {
  return register.active.map(({ fault, subject, detail, sinceMs }: Fact) => ({
    fault,
    subject,
    detail,
    sinceMs,
  }));
}
