/** Whether a zone can be proven now, and by what. */
import type { Panel } from '../alarm/panel.ts';
import type { SourceState } from '../alarm/source.ts';
import type { ZoneState } from '../alarm/zone-state.ts';
import { isMuted } from '../alarm/zone-state.ts';
import { analogSource, analogTrial, notReady } from './analog-trial.ts';
import { thermalTrial } from './thermal-trial.ts';
import type { Trial, TrialParts } from './trial.ts';
import { together } from './trial.ts';

/** Its thermal sources, or the one channel that stands for a zone without any. */
export function provenSources(zone: ZoneState): readonly SourceState[] {
  const thermal = zone.sources.filter(({ plan }) => plan.role === 'thermal');
  if (thermal.length > 0) return thermal;
  const analog = analogSource(zone.sources);
  return analog === null ? [] : [analog];
}

/** Why a proof of the zone has to wait, for people; null where nothing is in the way. */
export function whyPostponed(panel: Panel, zone: ZoneState, nowMs: number): string | null {
  const { id } = zone.plan;
  if (panel.duty.maintenanceUntilMs !== null) return 'maintenance holds the outputs off';
  if (zone.alarm !== null) return `zone ${id} is in alarm`;
  if (zone.preAlarm !== null) return `zone ${id} is in pre-alarm`;
  if (zone.disabledUntilMs !== null) return `zone ${id} is disabled`;
  if (zone.test !== null) return `zone ${id} is in walk test`;
  if (zone.callPoints.length > 0) return `a manual call point of zone ${id} is pressed`;
  const sources = provenSources(zone);
  if (sources.length === 0) return `zone ${id} has no sensor that could be proven`;
  const muted = sources.find((source) => isMuted(zone, source));
  if (muted !== undefined) return `sensor ${muted.plan.sensor} is disabled`;
  if (isSuspect(zone, nowMs)) return `zone ${id} is looking at something suspect`;
  for (const source of sources) {
    const why = source.plan.role === 'thermal' ? null : notReady(source, nowMs);
    if (why !== null) return why;
  }
  return null;
}

/** Something is being verified: a real fire has the way for itself. */
function isSuspect(zone: ZoneState, nowMs: number): boolean {
  return (
    zone.verification !== null ||
    zone.sources.some(({ runs, believedAtMs, plan }) => {
      const isFresh = believedAtMs !== null && nowMs - believedAtMs <= plan.freshnessMs;
      return isFresh && runs.some(({ verdict }) => verdict.level !== 'clear');
    })
  );
}

/** From sensor to decision, for every source that is proven; give it a zone that is ready. */
export function* zoneTrial(parts: TrialParts): Trial {
  const all = [];
  for (const source of provenSources(parts.zone)) {
    const trial =
      source.plan.role === 'thermal' ? thermalTrial(parts, source) : analogTrial(parts, source);
    all.push(yield* trial);
  }
  return together(all);
}
