/** What others may see of the panel: derived, never stored; the retained `state` topic in types. */
import type { Explanation } from './event.ts';
import type { NoDataReason, Role, SourceRef } from './evidence.ts';
import type { GasEstimate } from './gas.ts';
import type { SensorId, ZoneId } from './units.ts';

/** In the order of what is shown: the first that applies wins. */
export const CONDITIONS = [
  'alarm',
  'preAlarm',
  'supervisory',
  'fault',
  'disabled',
  'test',
  'normal',
] as const;
export type Condition = (typeof CONDITIONS)[number];

export interface FaultView {
  readonly fault: string;
  readonly subject: string;
  readonly detail: string;
  readonly sinceMs: number;
}

export interface ZoneView {
  readonly id: ZoneId;
  readonly name: string;
  readonly condition: Condition;
  readonly alarm: { readonly sinceMs: number; readonly explanation: Explanation } | null;
  readonly preAlarm: { readonly sinceMs: number; readonly explanation: Explanation } | null;
  readonly verifying: boolean;
  readonly acknowledged: boolean;
  readonly silenced: boolean;
  readonly disabledUntilMs: number | null;
  readonly testUntilMs: number | null;
  readonly faults: readonly FaultView[];
  readonly supervisory: readonly FaultView[];
}

export type SourceQuality =
  'good' | 'neverSeen' | 'stale' | 'learning' | 'warmingUp' | 'uncalibrated' | NoDataReason;

export interface SourceView extends SourceRef {
  readonly zone: ZoneId;
  readonly role: Role;
  /** Last believed value; null when there is none. */
  readonly value: number | null;
  readonly unit: string;
  /** Learnt idle of an analog channel, percent of full scale; null where there is none. */
  readonly idle: number | null;
  /** An estimate for people, labelled as one, without limits; null: none. */
  readonly estimate: GasEstimate | null;
  /** Time that a warming sensor needs at most from here; null: it is not warming up. */
  readonly warmUpLeftMs: number | null;
  /** How much of the learning of an idle is done, 0..100; null outside of it. */
  readonly learningPercent: number | null;
  /** Share of the dose of carbon monoxide that alarms, 0..100; null where none is counted. */
  readonly dosePercent: number | null;
  readonly ageMs: number | null;
  readonly quality: SourceQuality;
  /** Until when its sensor is disabled and it does not vote; null while it does. */
  readonly disabledUntilMs: number | null;
}

export const OUTPUT_ROLES = [
  'siren',
  'strobe',
  'alarmRelay',
  'faultRelay',
  'buzzer',
  'escalation',
] as const;
export type OutputRole = (typeof OUTPUT_ROLES)[number];

/** Commanded levels; `faultRelay` is energised (true) when the appliance is healthy. */
export type OutputLevels = Readonly<Record<OutputRole, boolean>>;

/**
 * Roles that may wait before they warn. The buzzer never does: it calls the people who are to look
 * during the delay. Neither does the fault relay.
 */
export const DELAYED_ROLES = ['siren', 'strobe', 'alarmRelay'] as const;
export type DelayedRole = (typeof DELAYED_ROLES)[number];

export interface DisabledSensor {
  readonly sensor: SensorId;
  readonly untilMs: number;
}

export interface DisabledOutput {
  readonly output: string;
  readonly role: OutputRole;
  readonly untilMs: number;
}

/** A role that waits while an alarm stands. */
export interface DelayedOutput {
  readonly role: DelayedRole;
  readonly soundsAtMs: number;
}

export interface PanelView {
  readonly condition: Condition;
  readonly zones: readonly ZoneView[];
  readonly sources: readonly SourceView[];
  readonly outputs: OutputLevels;
  /** Faults of the appliance itself. */
  readonly faults: readonly FaultView[];
  readonly supervisory: readonly FaultView[];
  readonly disabledSensors: readonly DisabledSensor[];
  readonly disabledOutputs: readonly DisabledOutput[];
  /** Outputs that do not warn yet though there is an alarm. */
  readonly delayed: readonly DelayedOutput[];
  /**
   * Until when siren, strobe and alarm relay are held off for work on the site; null: they are not.
   * Nobody may update or restart the appliance on purpose while it is set.
   */
  readonly maintenanceUntilMs: number | null;
}
