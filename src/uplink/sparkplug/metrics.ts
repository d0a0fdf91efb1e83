/**
 * The appliance in Sparkplug's terms: the edge node is the appliance, its devices are the zones.
 * What is now comes as metrics of node and devices; what happened as the metrics `Event/<lane>` of
 * the node, one journal event each. Pure.
 */
import { type JournalEvent, type Lane, LANES } from '../../domain/event.ts';
import { OUTPUT_ROLES, type PanelView, type SourceView, type ZoneView } from '../../domain/view.ts';
import type { SparkMetric, SparkProperty, SparkType, SparkValue } from './encode.ts';

/** Before it is known when it holds. */
export type Reading = Omit<SparkMetric, 'timestamp'>;

export const BD_SEQ = 'bdSeq';
export const REBIRTH = 'Node Control/Rebirth';

/** Of Sparkplug's property `Quality`. */
const QUALITY = { bad: 0, good: 192, stale: 500 } as const;

export interface NodeFacts {
  readonly version: string;
  readonly bootId: string;
  readonly configHash: string;
}

/** What a node certificate holds besides `bdSeq`, and never changes while it lives. */
export function fixedReadings({ version, bootId, configHash }: NodeFacts): readonly Reading[] {
  return [
    reading(REBIRTH, 'Boolean', false),
    reading('Properties/Version', 'String', version),
    reading('Properties/Boot id', 'String', bootId),
    reading('Properties/Configuration', 'String', configHash),
    ...LANES.map((lane) => reading(eventMetric(lane), 'String', null)),
    reading(GAP_METRIC, 'String', null),
  ];
}

export const GAP_METRIC = 'Gap';

export function eventMetric(lane: Lane): string {
  return `Event/${lane}`;
}

/** The appliance as it is now. */
export function nodeReadings(view: PanelView): readonly Reading[] {
  return [
    reading('Condition', 'String', view.condition),
    reading('Alarm', 'Boolean', view.condition === 'alarm'),
    reading('Fault', 'Boolean', view.faults.length > 0),
    reading('Maintenance', 'Boolean', view.maintenanceUntilMs !== null),
    ...OUTPUT_ROLES.map((role) => reading(`Output/${role}`, 'Boolean', view.outputs[role])),
  ];
}

/** One zone as it is now, with every source in it. */
export function zoneReadings(zone: ZoneView, sources: readonly SourceView[]): readonly Reading[] {
  return [
    reading('Name', 'String', zone.name),
    reading('Condition', 'String', zone.condition),
    reading('Alarm', 'Boolean', zone.alarm !== null),
    reading('Pre-alarm', 'Boolean', zone.preAlarm !== null),
    reading('Fault', 'Boolean', zone.faults.length > 0),
    reading('Disabled', 'Boolean', zone.disabledUntilMs !== null),
    reading('Acknowledged', 'Boolean', zone.acknowledged),
    ...sources.filter((one) => one.zone === zone.id).map(sourceReading),
  ];
}

function sourceReading({ sensor, channel, value, unit, quality }: SourceView): Reading {
  const believed = quality === 'good' || quality === 'learning' || quality === 'warmingUp';
  const shown = believed || quality === 'uncalibrated' ? value : null;
  const grade = quality === 'stale' ? QUALITY.stale : shown === null ? QUALITY.bad : QUALITY.good;
  return {
    ...reading(`${sensor}/${channel}`, 'Double', shown),
    properties: {
      Quality: { type: 'Int32', value: grade },
      engUnit: { type: 'String', value: unit },
      'EmberEye quality': { type: 'String', value: quality },
    },
  };
}

/** What of an event is worth reading without its JSON; the JSON itself is the value. */
export function eventReading(json: string, isHistorical: boolean): SparkMetric {
  const event = JSON.parse(json) as JournalEvent;
  const { zone } = event.data as { readonly zone?: string | null };
  const text = (value: string): SparkProperty => ({ type: 'String', value });
  return {
    ...reading(eventMetric(event.lane), 'String', json),
    timestamp: Date.parse(event.wall),
    ...(isHistorical ? { isHistorical } : {}),
    properties: {
      id: text(event.id),
      type: text(event.type),
      seq: { type: 'Int64', value: event.seq },
      bootId: text(event.bootId),
      clockQuality: text(event.clockQuality),
      ...(typeof zone === 'string' ? { zone: text(zone) } : {}),
    },
  };
}

function reading(name: string, type: SparkType, value: SparkValue): Reading {
  return { name, type, value };
}
