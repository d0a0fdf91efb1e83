/** The state of a running appliance in lines for people. */
import type { FaultView, PanelView, ZoneView } from '../domain/view.ts';
import { CONDITIONS, OUTPUT_ROLES } from '../domain/view.ts';
import { durationText } from './duration.ts';

/** What `status` answers with; times in it count from `monotonicMs`. */
export type ControlState = PanelView & { readonly monotonicMs: number };

/** Null where it is not the state of an appliance of this version. */
export function readState(raw: unknown): ControlState | null {
  if (typeof raw !== 'object' || raw === null) return null;
  const fields = raw as Partial<Record<keyof ControlState, unknown>>;
  const lists = ['zones', 'faults', 'supervisory', 'disabledSensors', 'disabledOutputs', 'delayed'];
  const hasLists = lists.every((key) => Array.isArray(fields[key as keyof ControlState]));
  const known = CONDITIONS.some((condition) => condition === fields.condition);
  if (!known || !hasLists || typeof fields.monotonicMs !== 'number') return null;
  return typeof fields.outputs === 'object' && fields.outputs !== null
    ? (raw as ControlState)
    : null;
}

export function statusLines(state: ControlState): readonly string[] {
  const { monotonicMs: nowMs } = state;
  const left = (untilMs: number): string => `${durationText(untilMs - nowMs)} left`;
  const lines = [`condition: ${state.condition}`];
  if (state.maintenanceUntilMs !== null) {
    const held = 'siren, strobe and alarm relay are held off';
    lines.push(`maintenance: ${left(state.maintenanceUntilMs)}; ${held}`);
  }
  for (const { role, soundsAtMs } of state.delayed) {
    lines.push(`${role} waits: ${left(soundsAtMs)}; \`embereye sound\` ends the wait`);
  }
  for (const zone of state.zones) lines.push(...zoneLines(zone, nowMs));
  for (const { sensor, untilMs } of state.disabledSensors) {
    lines.push(`sensor ${sensor}: disabled, ${left(untilMs)}`);
  }
  for (const { output, role, untilMs } of state.disabledOutputs) {
    lines.push(`output ${output} (${role}): disabled, ${left(untilMs)}`);
  }
  lines.push(...factLines('supervisory', state.supervisory, nowMs, ''));
  lines.push(...factLines('fault', state.faults, nowMs, ''));
  const levels = OUTPUT_ROLES.map((role) => `${role} ${state.outputs[role] ? 'on' : 'off'}`);
  lines.push(`outputs: ${levels.join(', ')}`);
  return lines;
}

function zoneLines(zone: ZoneView, nowMs: number): readonly string[] {
  const since = (sinceMs: number): string => `for ${durationText(nowMs - sinceMs)}`;
  const marks: string[] = [];
  if (zone.alarm !== null) marks.push(`alarm ${since(zone.alarm.sinceMs)}`);
  if (zone.preAlarm !== null) marks.push(`pre-alarm ${since(zone.preAlarm.sinceMs)}`);
  if (zone.verifying) marks.push('verifying');
  if (zone.acknowledged) marks.push('acknowledged');
  if (zone.silenced) marks.push('silenced');
  if (zone.disabledUntilMs !== null) {
    marks.push(`disabled, ${durationText(zone.disabledUntilMs - nowMs)} left`);
  }
  if (zone.testUntilMs !== null) {
    marks.push(`walk test, ${durationText(zone.testUntilMs - nowMs)} left`);
  }
  const what = marks.length === 0 ? zone.condition : marks.join('; ');
  const name = zone.name === zone.id ? '' : ` (${zone.name})`;
  const why = zone.alarm?.explanation.summary ?? zone.preAlarm?.explanation.summary;
  return [
    `zone ${zone.id}${name}: ${what}`,
    ...(why === undefined ? [] : [`  ${why}`]),
    ...factLines('supervisory', zone.supervisory, nowMs, '  '),
    ...factLines('fault', zone.faults, nowMs, '  '),
  ];
}

function factLines(
  kind: string,
  facts: readonly FaultView[],
  nowMs: number,
  indent: string,
): readonly string[] {
  return facts.map(
    ({ fault, subject, detail, sinceMs }) =>
      `${indent}${kind} ${fault} (${subject}) for ${durationText(nowMs - sinceMs)}: ${detail}`,
  );
}
