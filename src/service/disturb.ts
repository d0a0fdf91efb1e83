/**
 * Whether an appliance may be restarted, updated or moved on purpose just now. One judgement for
 * everybody who would like to: updates, balena's supervisor, `embereye update --may-restart`.
 */
import type { PanelView } from '../domain/view.ts';

/** What stands in the way; ordered by weight. */
export const DISTURB_REASONS = [
  'alarm',
  'preAlarm',
  'verifying',
  'test',
  'disablement',
  'maintenance',
] as const;
export type DisturbReasonKind = (typeof DISTURB_REASONS)[number];

export interface DisturbReason {
  readonly kind: DisturbReasonKind;
  /** `zone:<id>`, `sensor:<id>`, `output:<name>`, or `appliance`. */
  readonly subject: string;
  /** Monotonic time at which it ends by itself; null where nobody knows. */
  readonly untilMs: number | null;
}

/** All that this judgement needs of a panel. */
export type DisturbView = Pick<
  PanelView,
  'zones' | 'disabledSensors' | 'disabledOutputs' | 'maintenanceUntilMs'
>;

export interface DisturbVerdict {
  /** True exactly when there are no reasons. */
  readonly ok: boolean;
  /** Heaviest first. */
  readonly reasons: readonly DisturbReason[];
}

/**
 * Faults and supervisory events do not stand in the way: an update may be what mends them, and a
 * broken sensor would keep a unit from updates for ever.
 */
export function mayBeDisturbed(view: DisturbView): DisturbVerdict {
  const reasons = [
    ...view.zones.flatMap(ofZone),
    ...view.disabledSensors.map(({ sensor, untilMs }) =>
      reason('disablement', `sensor:${sensor}`, untilMs),
    ),
    ...view.disabledOutputs.map(({ output, untilMs }) =>
      reason('disablement', `output:${output}`, untilMs),
    ),
    ...(view.maintenanceUntilMs === null
      ? []
      : [reason('maintenance', 'appliance', view.maintenanceUntilMs)]),
  ];
  const weight = ({ kind }: DisturbReason): number => DISTURB_REASONS.indexOf(kind);
  const sorted = reasons.sort((a, b) => weight(a) - weight(b));
  return { ok: sorted.length === 0, reasons: sorted };
}

/** One line for a person: `alarm in zone:kitchen, maintenance of appliance`. */
export function disturbText(reasons: readonly DisturbReason[]): string {
  return reasons.map(({ kind, subject }) => `${WORDS[kind]} ${subject}`).join(', ');
}

const WORDS: Readonly<Record<DisturbReasonKind, string>> = {
  alarm: 'alarm in',
  preAlarm: 'pre-alarm in',
  verifying: 'a possible alarm is being verified in',
  test: 'walk test in',
  disablement: 'disablement of',
  maintenance: 'maintenance of',
};

type ZoneOfView = DisturbView['zones'][number];

function ofZone(zone: ZoneOfView): readonly DisturbReason[] {
  const subject = `zone:${zone.id}`;
  return [
    ...(zone.alarm === null ? [] : [reason('alarm', subject, null)]),
    ...(zone.preAlarm === null ? [] : [reason('preAlarm', subject, null)]),
    ...(zone.verifying ? [reason('verifying', subject, null)] : []),
    ...(zone.testUntilMs === null ? [] : [reason('test', subject, zone.testUntilMs)]),
    ...(zone.disabledUntilMs === null
      ? []
      : [reason('disablement', subject, zone.disabledUntilMs)]),
  ];
}

function reason(kind: DisturbReasonKind, subject: string, untilMs: number | null): DisturbReason {
  return { kind, subject, untilMs };
}
