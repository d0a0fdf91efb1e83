/** Alarms of both configurations, of the record and of labels, side by side where they belong. */
import type { Label } from './labels.ts';
import { EVERY_ZONE, isOf } from './labels.ts';
import type { Episode } from './ledger.ts';
import type { RecordedAlarm } from './record.ts';

/** Alarms of a zone that lie no further apart are about the same thing. */
const TOGETHER_MS = 10 * 60_000;

/**
 * `fire`, `nuisance`: labelled so. `presumedFire`: an alarm of the record; `presumedNuisance`: one
 * that a person reset within five minutes and that did not come again. `unlabelled`: only the
 * replay has it, and nobody said what it was.
 */
export const OCCASION_KINDS = [
  'fire',
  'presumedFire',
  'nuisance',
  'presumedNuisance',
  'unlabelled',
] as const;
export type OccasionKind = (typeof OCCASION_KINDS)[number];

export interface Alarmed {
  readonly atMs: number;
  readonly reason: string;
}

/** Something that alarmed, or should have. */
export interface Occasion {
  readonly zone: string;
  readonly kind: OccasionKind;
  readonly fromMs: number;
  readonly toMs: number;
  /** What times to alarm count from: a fire's label, else the alarm of the record, or null. */
  readonly baseMs: number | null;
  readonly recorded: Alarmed | null;
  readonly present: Alarmed | null;
  /** Null also where there is no proposed configuration. */
  readonly proposed: Alarmed | null;
}

export interface Sides {
  readonly present: readonly Episode[];
  readonly proposed: readonly Episode[];
  readonly recorded: readonly RecordedAlarm[];
  readonly labels: readonly Label[];
}

interface Span {
  readonly who: 'present' | 'proposed' | 'recorded' | 'label';
  readonly zone: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly reason: string;
  readonly alarm: RecordedAlarm | null;
}

/** In the order of time, then of zones. */
export function occasionsOf(sides: Sides): readonly Occasion[] {
  const spans = spansOf(sides);
  const occasions: Occasion[] = [];
  for (const zone of [...new Set(spans.map((span) => span.zone))].sort()) {
    const mine = spans
      .filter((span) => span.zone === zone)
      .sort((a, b) => a.fromMs - b.fromMs || a.toMs - b.toMs);
    let group: Span[] = [];
    let endMs = -Infinity;
    for (const span of mine) {
      if (group.length > 0 && span.fromMs - endMs > TOGETHER_MS) {
        occasions.push(occasionOf(zone, group, sides.labels));
        group = [];
        endMs = -Infinity;
      }
      group.push(span);
      endMs = Math.max(endMs, span.toMs);
    }
    if (group.length > 0) occasions.push(occasionOf(zone, group, sides.labels));
  }
  return occasions.sort((a, b) => a.fromMs - b.fromMs || (a.zone < b.zone ? -1 : 1));
}

function spansOf({ present, proposed, recorded, labels }: Sides): readonly Span[] {
  const ofSide = (who: 'present' | 'proposed') => (episode: Episode) => ({
    ...{ who, zone: episode.zone, reason: episode.reason, alarm: null },
    ...{ fromMs: episode.startMs, toMs: episode.endMs },
  });
  return [
    ...present.map(ofSide('present')),
    ...proposed.map(ofSide('proposed')),
    ...recorded.map((alarm) => ({
      ...{ who: 'recorded' as const, zone: alarm.zone, reason: alarm.reason, alarm },
      ...{ fromMs: alarm.startMs, toMs: alarm.startMs },
    })),
    // A fire that nobody alarmed for is an occasion too; a nuisance that did not alarm is none.
    ...labels
      .filter(({ kind, zone }) => kind === 'fire' && zone !== EVERY_ZONE)
      .map(({ zone, fromMs, toMs }) => ({
        ...{ who: 'label' as const, zone, reason: '', alarm: null },
        ...{ fromMs, toMs },
      })),
  ];
}

function occasionOf(zone: string, group: readonly Span[], labels: readonly Label[]): Occasion {
  const fromMs = Math.min(...group.map((span) => span.fromMs));
  const toMs = Math.max(...group.map((span) => span.toMs));
  const firstOf = (who: Span['who']): Alarmed | null => {
    const found = group.find((span) => span.who === who);
    return found === undefined ? null : { atMs: found.fromMs, reason: found.reason };
  };
  const base =
    group.find(({ who }) => who === 'label') ?? group.find(({ alarm }) => alarm !== null);
  return {
    ...{ zone, fromMs, toMs, kind: kindOf(zone, group, fromMs, toMs, labels) },
    baseMs: base?.fromMs ?? null,
    recorded: firstOf('recorded'),
    present: firstOf('present'),
    proposed: firstOf('proposed'),
  };
}

/** A label wins; of two that say different things, the one that wants an alarm. */
function kindOf(
  zone: string,
  group: readonly Span[],
  fromMs: number,
  toMs: number,
  labels: readonly Label[],
): OccasionKind {
  const mine = labels.filter(
    (label) => isOf(label, zone) && label.fromMs <= toMs && label.toMs > fromMs,
  );
  if (mine.some(({ kind }) => kind === 'fire')) return 'fire';
  if (mine.length > 0) return 'nuisance';
  const recorded = group.flatMap(({ alarm }) => (alarm === null ? [] : [alarm]));
  if (recorded.length === 0) return 'unlabelled';
  const isFire = recorded.some(({ presumed }) => presumed === 'fire');
  return isFire ? 'presumedFire' : 'presumedNuisance';
}

/** Whether an alarm is wanted there, as far as anybody has said so. */
export function isFire({ kind }: Occasion): boolean {
  return kind === 'fire' || kind === 'presumedFire';
}

export function isNuisance({ kind }: Occasion): boolean {
  return kind === 'nuisance' || kind === 'presumedNuisance';
}

/** One row of the closing table. */
export interface Verdict {
  readonly zone: string;
  readonly presentAlarms: number;
  readonly proposedAlarms: number;
  /** Fires for which the present configuration alarms and the proposed one does not. */
  readonly missed: number;
  /** Fires for which neither alarms. */
  readonly missedByBoth: number;
  /** Fires for which only the proposed one alarms. */
  readonly won: number;
  /** Alarms of the proposed one alone that are no labelled or presumed fire. */
  readonly added: number;
  /** Alarms of the present one alone that are no labelled or presumed fire. */
  readonly avoided: number;
  readonly presentNuisances: number;
  readonly proposedNuisances: number;
  /** Greatest gain and loss of the proposed one where both alarm, seconds; null: never both. */
  readonly earliestSeconds: number | null;
  readonly latestSeconds: number | null;
}

/** One row for each zone that has an occasion. */
export function verdictsOf(occasions: readonly Occasion[]): readonly Verdict[] {
  const zones = [...new Set(occasions.map(({ zone }) => zone))].sort();
  return zones.map((zone) =>
    verdictOf(
      zone,
      occasions.filter((one) => one.zone === zone),
    ),
  );
}

function verdictOf(zone: string, mine: readonly Occasion[]): Verdict {
  const count = (fits: (occasion: Occasion) => boolean): number => mine.filter(fits).length;
  const onlyPresent = ({ present, proposed }: Occasion) => present !== null && proposed === null;
  const onlyProposed = ({ present, proposed }: Occasion) => present === null && proposed !== null;
  const later = mine.flatMap(({ present, proposed }) =>
    present === null || proposed === null ? [] : [(proposed.atMs - present.atMs) / 1000],
  );
  return {
    zone,
    presentAlarms: count(({ present }) => present !== null),
    proposedAlarms: count(({ proposed }) => proposed !== null),
    missed: count((one) => isFire(one) && onlyPresent(one)),
    missedByBoth: count((one) => isFire(one) && one.present === null && one.proposed === null),
    won: count((one) => isFire(one) && onlyProposed(one)),
    added: count((one) => !isFire(one) && onlyProposed(one)),
    avoided: count((one) => !isFire(one) && onlyPresent(one)),
    presentNuisances: count((one) => isNuisance(one) && one.present !== null),
    proposedNuisances: count((one) => isNuisance(one) && one.proposed !== null),
    earliestSeconds: later.length === 0 ? null : Math.min(...later),
    latestSeconds: later.length === 0 ? null : Math.max(...later),
  };
}
