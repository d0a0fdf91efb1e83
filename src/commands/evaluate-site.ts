/** One array of a configuration, with its zones, limits, areas and mounting, for recordings. */
import { freshnessOf, sensorPlan } from '../alarm/make-plan.ts';
import type { PanelPlan, SourcePlan, ZonePlan } from '../alarm/plan.ts';
import type { Config } from '../config-schema.ts';
import { isThermalChannel } from '../domain/evidence.ts';
import type { SensorId } from '../domain/units.ts';
import { sensorId } from '../domain/units.ts';
import { panelPlanOf } from '../plan.ts';
import { areasOf } from '../thermal-sinks.ts';
import type { ThermalDetectorOptions } from '../vision/thermal.ts';

export interface RecordingSite {
  readonly sensor: SensorId;
  readonly detector: ThermalDetectorOptions;
  /** The zones that listen to the array, and of them only what the array tells. */
  plan(cadenceMs: number): PanelPlan;
}

export type SiteResult =
  | { readonly ok: true; readonly site: RecordingSite }
  | { readonly ok: false; readonly problem: string };

/** @returns a problem in words where no zone listens to a picture of that sensor. */
export function siteOf(config: Config, id: string): SiteResult {
  const plan = panelPlanOf(config);
  const zones = plan.zones.flatMap((zone) => ofSensor(zone, id));
  const pictured = [...config.boards, ...config.sensors].find((sensor) => sensor.id === id);
  if (pictured === undefined || zones.length === 0) {
    const known = new Set(plan.zones.flatMap(({ sources }) => sources.filter(isPicture)));
    const names = [...new Set([...known].map(({ sensor }) => sensor))].join(', ') || 'none';
    const problem = `no zone listens to a thermal array of a sensor "${id}": there are ${names}`;
    return { ok: false, problem };
  }
  const sensor = sensorId(id);
  const { mount, regions } = pictured;
  const site: RecordingSite = {
    sensor,
    detector: { mount, areas: areasOf(regions), memory: null },
    plan: (cadenceMs) => ({
      ...plan,
      zones: zones.map((zone) => atCadence(zone, cadenceMs)),
      sensors: [sensorPlan({ sensor, cadenceMs })],
    }),
  };
  return { ok: true, site };
}

function isPicture({ role, channel }: SourcePlan): boolean {
  return role === 'thermal' && isThermalChannel(channel);
}

/** The zone without its other sensors, or nothing where it has no picture of this one. */
function ofSensor(zone: ZonePlan, id: string): readonly ZonePlan[] {
  const sources = zone.sources.filter((source) => source.sensor === id && isPicture(source));
  return sources.length === 0 ? [] : [{ ...zone, sources }];
}

/** A recording may have been made at another pace than the configured one. */
function atCadence(zone: ZonePlan, cadenceMs: number): ZonePlan {
  const paced = (source: SourcePlan): SourcePlan => {
    const { otherHours } = source;
    const freshnessMs = freshnessOf(cadenceMs);
    if (otherHours === null) return { ...source, freshnessMs };
    const off = { ...otherHours.off, freshnessMs };
    const unknown = { ...otherHours.unknown, freshnessMs };
    return { ...source, freshnessMs, otherHours: { off, unknown } };
  };
  return { ...zone, sources: zone.sources.map(paced) };
}
