/** Where evidence goes: sensor and channel -> zone and source, looked up without building a key. */
import type { ZoneState } from './zone-state.ts';

export interface SourceRoute {
  readonly zone: number;
  readonly source: number;
}

export interface SensorRoute {
  /** Zones that listen to the sensor; the first one is told about the sensor as a whole. */
  readonly zones: readonly number[];
  readonly channels: ReadonlyMap<string, SourceRoute>;
}

export type Routes = ReadonlyMap<string, SensorRoute>;

export function routesOf(zones: readonly ZoneState[]): Routes {
  const routes = new Map<string, { zones: number[]; channels: Map<string, SourceRoute> }>();
  const at = (sensor: string) => {
    const known = routes.get(sensor) ?? { zones: [], channels: new Map<string, SourceRoute>() };
    routes.set(sensor, known);
    return known;
  };
  zones.forEach((zone, index) => {
    for (const { sensor } of zone.watched) at(sensor).zones.push(index);
    zone.sources.forEach(({ plan }, source) => {
      at(plan.sensor).channels.set(plan.channel, { zone: index, source });
    });
  });
  return routes;
}
