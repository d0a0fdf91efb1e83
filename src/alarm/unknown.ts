/**
 * Sensors that the configuration does not name: each gets its own zone with the default limits and
 * a supervisory condition, which ends when a person acknowledges the zone. Its channels are taken
 * up as they are first heard: ADC1 smoke, ADC2 analog flame, DIO or MPY30 digital flame, thermal.
 */
import type { Role } from '../domain/evidence.ts';
import { THERMAL_CHANNEL } from '../domain/evidence.ts';
import type { SensorNotice } from '../domain/step.ts';
import type { SensorId, ZoneId } from '../domain/units.ts';
import { idFromName, zoneId } from '../domain/units.ts';
import { channelSetup } from './channel-setup.ts';
import type { Draft } from './draft.ts';
import { freshnessOf, silentAfter } from './make-plan.ts';
import type { PanelPlan, SourcePlan, ZoneOrigin, ZonePlan } from './plan.ts';
import { DEFAULT_BUDGET_MS } from './plan.ts';
import { memoryKey, startSource } from './source.ts';
import { raiseInZone } from './supervision.ts';
import { startZone } from './zone-state.ts';

const CHANNELS: ReadonlyMap<string, Role> = new Map<string, Role>([
  ['ADC1', 'smoke'],
  ['ADC2', 'flame'],
  ['DIO', 'flameDigital'],
  ['MPY30', 'flameDigital'],
  [THERMAL_CHANNEL, 'thermal'],
]);

/** A zone that no configuration describes. */
export function bareZonePlan(
  plan: PanelPlan,
  id: ZoneId,
  name: string,
  origin: ZoneOrigin,
): ZonePlan {
  const { minSources, verificationMs, limits } = plan.unknown;
  return {
    id,
    name,
    origin,
    sources: [],
    minSources,
    verificationMs,
    weights: limits.weights,
    budgetMs: DEFAULT_BUDGET_MS,
  };
}

/** How a channel of an unknown sensor is judged; null when it is not one of the known names. */
export function unknownSource(
  plan: PanelPlan,
  sensor: SensorId,
  channel: string,
): SourcePlan | null {
  const role = CHANNELS.get(channel);
  if (role === undefined) return null;
  const { confirmations, confirmMs, cadenceMs, limits } = plan.unknown;
  return {
    sensor,
    channel,
    role,
    polarity: 'rising',
    weight: null,
    freshnessMs: freshnessOf(cadenceMs),
    confirmations,
    confirmMs,
    warmUpMs: 0,
    setup: channelSetup(role),
    limits,
    otherHours: null,
  };
}

/** Gives an unknown sensor its zone; a zone left over from before a restart is taken up again. */
export function welcome(draft: Draft, notice: Extract<SensorNotice, { kind: 'appeared' }>): void {
  const { sensor, address, announced } = notice;
  if (draft.routes.has(sensor)) return;
  const mine = draft.zones.filter((zone) => zone.plan.origin === 'unknown').length;
  if (mine >= draft.plan.unknown.maxSensors) {
    const detail = `more than ${mine} sensors are not in the configuration; add or remove them`;
    const fault = 'tooManyUnknownSensors';
    draft.raiseInSystem('faults', { fault, subject: 'panel', zone: null, detail });
    return;
  }
  const silentAfterMs = silentAfter(draft.plan.unknown.cadenceMs);
  const watched = [{ sensor, silentAfterMs, sinceMs: draft.nowMs }];
  const id = freeZoneId(draft, sensor);
  const name = announced === '' ? sensor : announced;
  const plan = bareZonePlan(draft.plan, id, name, 'unknown');
  let index = draft.indexOf(id);
  if (index < 0) {
    index = draft.add(startZone(plan, [], watched, draft.nowMs));
  } else {
    draft.change(index, (zone) => ({ ...zone, plan, watched, dueMs: draft.nowMs }));
    draft.reroute();
  }
  const data = { sensor, zone: id, address, announced };
  draft.events.push({ lane: 'system', type: 'sensorAppeared', data });
  draft.change(index, (zone) => {
    const detail = `not in the configuration; announced "${announced}" from ${address}`;
    const fact = { fault: 'unknownSensor', subject: sensor, zone: id, detail };
    return raiseInZone(zone, 'supervisory', fact, draft.nowMs, draft);
  });
}

/** Takes up a channel of an unknown sensor's zone when it is first heard. */
export function adopt(draft: Draft, index: number, sensor: SensorId, channel: string): void {
  const zone = draft.zones[index];
  if (zone === undefined || zone.plan.origin !== 'unknown') return;
  const plan = unknownSource(draft.plan, sensor, channel);
  if (plan === null) return;
  const memory = draft.memories.get(memoryKey(sensor, channel)) ?? null;
  const source = startSource(plan, draft.nowMs, memory);
  draft.change(index, (before) => ({
    ...before,
    sources: [...before.sources, source],
    dueMs: draft.nowMs,
  }));
  draft.reroute();
}

/** The sensor's own name, unless a configured zone bears it already. */
function freeZoneId(draft: Draft, sensor: SensorId): ZoneId {
  let id = zoneId(sensor);
  for (let turn = 2; isTaken(draft, id); turn += 1) {
    id = zoneId(idFromName(`${sensor.slice(0, 40)}-${turn}`));
  }
  return id;
}

function isTaken(draft: Draft, id: ZoneId): boolean {
  const zone = draft.zones[draft.indexOf(id)];
  return zone !== undefined && !(zone.plan.origin === 'orphan' && zone.watched.length === 0);
}
