/** A panel at its start, with what is remembered of idle levels. */
import { startCommands } from './commands.ts';
import type { Panel } from './draft.ts';
import { NO_DUTY } from './duty.ts';
import { NO_FAULTS, NO_SUPERVISORY } from './facts.ts';
import { silentAfter } from './make-plan.ts';
import type { PanelPlan, ZonePlan } from './plan.ts';
import { BOARD_CADENCE_MS } from './plan.ts';
import { routesOf } from './routes.ts';
import type { IdleMemory } from './rule.ts';
import { memoryKey, startSource } from './source.ts';
import type { WatchedSensor } from './supervision.ts';
import type { ZoneState } from './zone-state.ts';
import { startZone } from './zone-state.ts';

export function startPanel(
  plan: PanelPlan,
  nowMs: number,
  memories: ReadonlyMap<string, IdleMemory>,
): Panel {
  const silences = new Map(plan.sensors.map((each) => [each.sensor, each.silentAfterMs]));
  const configured = (zone: ZonePlan): ZoneState => {
    const sensors = new Set(zone.sources.map((source) => source.sensor));
    const watched = [...sensors].map((sensor): WatchedSensor => {
      const silentAfterMs = silences.get(sensor) ?? silentAfter(BOARD_CADENCE_MS);
      return { sensor, silentAfterMs, sinceMs: nowMs };
    });
    const sources = zone.sources.map((source) =>
      startSource(source, nowMs, memories.get(memoryKey(source.sensor, source.channel)) ?? null),
    );
    return startZone(zone, sources, watched, nowMs);
  };
  const zones = plan.zones.map(configured);
  return {
    plan,
    zones,
    routes: routesOf(zones),
    system: { faults: NO_FAULTS, supervisory: NO_SUPERVISORY, acknowledged: false },
    duty: NO_DUTY,
    commands: startCommands(nowMs),
    memories,
    nextDueMs: nowMs,
  };
}
