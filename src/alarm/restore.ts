/**
 * Builds the panel after a restart: the snapshot, then every journalled event that is newer than
 * it, so that a kill between a decision and its snapshot loses nothing. Outputs are right at once.
 *
 * A latched alarm of a zone that the new configuration does not have keeps its zone, as an `orphan`
 * without sensors: it is shown and drives the outputs until a person resets it, then it is gone.
 */
import type { JournalEvent } from '../domain/event.ts';
import type { ZoneId } from '../domain/units.ts';
import { keepAnswer } from './commands.ts';
import type { Panel } from './draft.ts';
import { recallDuty } from './duty-memory.ts';
import type { Fact, Register } from './facts.ts';
import { silentAfter } from './make-plan.ts';
import type { PanelPlan } from './plan.ts';
import { replay } from './replay.ts';
import { routesOf } from './routes.ts';
import type { PanelSnapshot, SeenMemory, ZoneMemory } from './snapshot.ts';
import { parseSnapshot } from './snapshot-parse.ts';
import { startPanel } from './start.ts';
import { bareZonePlan } from './unknown.ts';
import type { ZoneState } from './zone-state.ts';
import { startZone } from './zone-state.ts';

export interface RestoredPanel {
  readonly panel: Panel;
  readonly restoredAlarms: readonly ZoneId[];
  /** What could not be read; the panel starts all the same. */
  readonly problems: readonly string[];
}

/**
 * @param snapshot parsed JSON of `toSnapshot`, anything at all, or null where there is none.
 * @param eventsSince journalled events, at least all that are newer than the snapshot, any order.
 * @param wallMs the wall clock, where it can be trusted; null where it cannot.
 */
export function restorePanel(
  plan: PanelPlan,
  snapshot: unknown,
  eventsSince: readonly JournalEvent[],
  nowMs: number,
  wallMs: number | null = null,
): RestoredPanel {
  const parsed = parseSnapshot(snapshot);
  const { memory, problems } = replay(parsed.snapshot, eventsSince, wallMs);
  const idles = new Map(memory.idles.map(({ source, ...idle }) => [source, idle]));
  const fresh = startPanel(plan, nowMs, idles);
  const zones = [...fresh.zones];
  addUnknown(zones, plan, memory.unknown, nowMs);
  for (const zone of memory.zones) recallZone(zones, plan, zone, nowMs);
  const system = { ...fresh.system };
  for (const fact of memory.supervisory) {
    const index = zones.findIndex((zone) => zone.plan.id === fact.zone);
    const zone = zones[index];
    if (zone === undefined) {
      system.supervisory = withFact(system.supervisory, { ...fact, zone: null }, nowMs);
    } else {
      zones[index] = { ...zone, supervisory: withFact(zone.supervisory, fact, nowMs) };
    }
  }
  let { commands } = fresh;
  for (const { ageMs, ...answer } of memory.answered) {
    commands = keepAnswer(commands, { ...answer, atMs: nowMs - ageMs });
  }
  const duty = recallDuty(memory.duty, plan, nowMs);
  const disabled = duty.sensors.map(({ sensor }) => sensor);
  zones.forEach((zone, index) => {
    const muted = zone.watched.map(({ sensor }) => sensor).filter((id) => disabled.includes(id));
    if (muted.length > 0) zones[index] = { ...zone, muted };
  });
  const panel = { ...fresh, zones, routes: routesOf(zones), system, commands, duty };
  const restoredAlarms = zones.filter((zone) => zone.alarm !== null).map((zone) => zone.plan.id);
  return { panel, restoredAlarms, problems: [...parsed.problems, ...problems] };
}

/** Unknown sensors keep their zone; they are supervised once they are heard again. */
function addUnknown(
  zones: ZoneState[],
  plan: PanelPlan,
  unknown: PanelSnapshot['unknown'],
  nowMs: number,
): void {
  const known = new Set<string>(plan.sensors.map((sensor) => sensor.sensor));
  for (const { sensor, zone, name } of unknown) {
    const taken = zones.some((other) => other.plan.id === zone);
    if (known.has(sensor) || taken || zones.length >= MOST_ZONES) continue;
    known.add(sensor);
    const silentAfterMs = silentAfter(plan.unknown.cadenceMs);
    const watched = [{ sensor, silentAfterMs, sinceMs: null }];
    zones.push(startZone(bareZonePlan(plan, zone, name, 'unknown'), [], watched, nowMs));
  }
}

/** Bounds what a corrupt snapshot can make; far above any appliance. */
const MOST_ZONES = 4_096;

function recallZone(zones: ZoneState[], plan: PanelPlan, memory: ZoneMemory, nowMs: number): void {
  let index = zones.findIndex((zone) => zone.plan.id === memory.id);
  if (index < 0) {
    // Without an alarm there is nothing that a zone without sensors could show.
    if (memory.alarm === null || zones.length >= MOST_ZONES) return;
    const orphan = bareZonePlan(plan, memory.id, memory.name, 'orphan');
    index = zones.push(startZone(orphan, [], [], nowMs)) - 1;
  }
  const zone = zones[index];
  if (zone === undefined) return;
  const { alarm, disabledForMs, testForMs } = memory;
  const disabledMs = disabledForMs === null ? null : Math.min(disabledForMs, plan.maxDisableMs);
  const testMs = testForMs === null ? null : Math.min(testForMs, plan.maxTestMs);
  zones[index] = {
    ...zone,
    alarm: alarm && {
      sinceMs: nowMs - alarm.ageMs,
      explanation: alarm.explanation,
      callPoints: alarm.callPoints,
    },
    acknowledged: memory.acknowledged,
    silenced: alarm !== null && memory.silenced,
    disabledUntilMs: disabledMs === null ? null : nowMs + disabledMs,
    test:
      testMs === null ? null : { untilMs: nowMs + testMs, active: false, activatedAtMs: -Infinity },
  };
}

/** Announced before the restart, so without an event. */
function withFact(register: Register, memory: SeenMemory, nowMs: number): Register {
  const fact: Fact = { ...memory, sinceMs: nowMs, restoreAtMs: null, episode: 0 };
  return { ...register, active: [...register.active, fact] };
}
