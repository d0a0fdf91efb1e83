/** What a restart leaves of a panel: the snapshot alone, and a snapshot of before with the events. */
import type { Panel, StepResult } from '../../src/alarm/panel.ts';
import { outputsOf, restorePanel, toSnapshot } from '../../src/alarm/panel.ts';
import { Stamper } from './make.ts';
import type { Exercised } from './walk-invariants.ts';
import { must } from './walk-invariants.ts';

/** The wall clock of `Stamper`: synchronised, and no time passes in a restart. */
const WALL_MS = Date.parse('2024-01-01T00:00:00.000Z');
const NO_LANES = { alarm: 0, fault: 0, operator: 0, system: 0 };

/** What must survive. */
function remembered({ zones, duty }: Panel, nowMs: number, isOfZones: (id: string) => boolean) {
  const left = (untilMs: number | null) => untilMs && untilMs - nowMs;
  return JSON.stringify([
    zones
      .filter(({ plan }) => isOfZones(plan.id))
      .map((zone) => [
        zone.plan.id,
        zone.alarm !== null,
        zone.alarm !== null && zone.acknowledged,
        zone.silenced,
        left(zone.disabledUntilMs),
        zone.test && left(zone.test.untilMs),
        zone.muted,
      ]),
    left(duty.maintenanceUntilMs),
    left(duty.delaySinceMs),
    duty.sensors.map(({ sensor, untilMs }) => [sensor, untilMs - nowMs]),
    duty.outputs.map(({ output, untilMs }) => [output, untilMs - nowMs]),
  ]);
}

export function checkRestart(
  before: Panel,
  { panel, events }: StepResult,
  nowMs: number,
  exercised: Exercised,
): void {
  const snapshot: unknown = JSON.parse(JSON.stringify(toSnapshot(panel, nowMs, NO_LANES, WALL_MS)));
  const again = restorePanel(panel.plan, snapshot, [], nowMs, WALL_MS);
  // A zone that was made for a call point of no zone is only kept for as long as it is in alarm.
  const isKept = (id: string) =>
    panel.plan.zones.some((zone) => zone.id === id) ||
    panel.zones.some(({ plan, alarm }) => plan.id === id && alarm !== null);
  const is = remembered(panel, nowMs, isKept);
  must({ exercised }, 'nothing in a snapshot is unreadable', again.problems.length === 0);
  must(
    { exercised },
    'a restart keeps what it must',
    remembered(again.panel, nowMs, isKept) === is,
  );
  const levels = outputsOf(panel, nowMs);
  const after = outputsOf(again.panel, nowMs);
  const same =
    levels.siren === after.siren &&
    levels.strobe === after.strobe &&
    levels.alarmRelay === after.alarmRelay;
  must({ exercised }, 'the outputs are right at once after a restart', same);
  const blind = restorePanel(panel.plan, snapshot, [], nowMs, null);
  const dark = outputsOf(blind.panel, nowMs);
  const noLess = (!levels.siren || dark.siren) && (!levels.strobe || dark.strobe);
  must({ exercised }, 'without a clock a restart warns no less', noLess);
  if (events.length === 0) return;
  const old: unknown = JSON.parse(JSON.stringify(toSnapshot(before, nowMs, NO_LANES, WALL_MS)));
  const told = new Stamper().stamp(events);
  const replayed = restorePanel(panel.plan, old, told, nowMs, WALL_MS);
  const what = 'the events after a snapshot bring back the rest';
  if (remembered(replayed.panel, nowMs, isKept) !== is) {
    const was = remembered(replayed.panel, nowMs, isKept);
    throw new Error(`broken: ${what}: ${was} instead of ${is}`);
  }
  must({ exercised }, what, true);
}
