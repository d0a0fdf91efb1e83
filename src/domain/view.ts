/** What others may see of the panel: derived, never stored; the retained `state` topic in types. */
import type { Explanation } from './event.ts';
import type { NoDataReason, Role, SourceRef } from './evidence.ts';
import type { ZoneId } from './units.ts';

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
  readonly ageMs: number | null;
  readonly quality: SourceQuality;
}

export const OUTPUT_ROLES = ['siren', 'strobe', 'alarmRelay', 'faultRelay', 'buzzer'] as const;
export type OutputRole = (typeof OUTPUT_ROLES)[number];

/** Commanded levels; `faultRelay` is energised (true) when the appliance is healthy. */
export type OutputLevels = Readonly<Record<OutputRole, boolean>>;

export interface PanelView {
  readonly condition: Condition;
  readonly zones: readonly ZoneView[];
  readonly sources: readonly SourceView[];
  readonly outputs: OutputLevels;
  /** Faults of the appliance itself. */
  readonly faults: readonly FaultView[];
  readonly supervisory: readonly FaultView[];
}
