/** What others may see of the panel: conditions, outputs and the whole view, all derived. */
import { CONDITIONS } from '../domain/view.ts';
import type {
  Condition,
  FaultView,
  OutputLevels,
  PanelView,
  SourceView,
  ZoneView,
} from '../domain/view.ts';
import type { Panel } from './draft.ts';
import type { Fact, Register } from './facts.ts';
import { channelFacts, qualityOf } from './source.ts';
import type { SourceState } from './source.ts';
import type { ZoneState } from './zone-state.ts';
import { isOffNormalZone } from './zone-state.ts';

/** The most urgent of a zone's facts. */
export function conditionOfZone(zone: ZoneState): Condition {
  if (zone.alarm !== null) return 'alarm';
  if (zone.preAlarm !== null) return 'preAlarm';
  if (zone.supervisory.active.length > 0) return 'supervisory';
  if (zone.faults.active.length > 0) return 'fault';
  if (zone.disabledUntilMs !== null) return 'disabled';
  if (zone.test !== null) return 'test';
  return 'normal';
}

/** The most urgent condition of any zone or of the appliance itself. */
export function conditionOf(panel: Panel): Condition {
  const { faults, supervisory } = panel.system;
  const present = new Set<Condition>(panel.zones.map(conditionOfZone));
  if (supervisory.active.length > 0) present.add('supervisory');
  if (faults.active.length > 0) present.add('fault');
  return CONDITIONS.find((condition) => present.has(condition)) ?? 'normal';
}

/** A hundred missed steps. */
const OVERDUE_MS = 10_000;

/**
 * What the outputs must be. The siren obeys silence, strobe and relay do not; the buzzer asks for
 * an acknowledgement; the fault relay is energised while nothing is in fault and the panel is
 * stepped: one that is long overdue does not know what is in fault.
 */
export function outputsOf(panel: Panel, nowMs: number): OutputLevels {
  const { system } = panel;
  let siren = false;
  let alarm = false;
  let buzzer =
    (system.faults.active.length > 0 || system.supervisory.active.length > 0) &&
    !system.acknowledged;
  let faultRelay = system.faults.active.length === 0 && nowMs - panel.nextDueMs < OVERDUE_MS;
  for (const zone of panel.zones) {
    if (zone.alarm !== null) {
      alarm = true;
      if (!zone.silenced) siren = true;
    }
    if (!zone.acknowledged && isOffNormalZone(zone)) buzzer = true;
    if (zone.faults.active.length > 0) faultRelay = false;
  }
  return { siren, strobe: alarm, alarmRelay: alarm, faultRelay, buzzer };
}

/** Everything at once; costs as much as there are zones and sources. */
export function viewOf(panel: Panel, nowMs: number): PanelView {
  return {
    condition: conditionOf(panel),
    zones: panel.zones.map(zoneView),
    sources: panel.zones.flatMap((zone) =>
      zone.sources.map((source) => sourceView(zone, source, nowMs)),
    ),
    outputs: outputsOf(panel, nowMs),
    faults: factViews(panel.system.faults),
    supervisory: factViews(panel.system.supervisory),
  };
}

function zoneView(zone: ZoneState): ZoneView {
  const { alarm, preAlarm, verification } = zone;
  const pending = zone.sources.some((source) =>
    source.runs.some((run) => run.verdict.level === 'pending'),
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

const UNITS = {
  thermal: 'celsius',
  smoke: 'percent',
  gas: 'percent',
  flame: 'percent',
  flameDigital: 'state',
} as const;

function sourceView(zone: ZoneState, source: SourceState, nowMs: number): SourceView {
  const { sensor, channel, role } = source.plan;
  return {
    sensor,
    channel,
    zone: zone.plan.id,
    role,
    value: source.value,
    unit: UNITS[role],
    idle: channelFacts(source)?.idlePercent ?? null,
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
