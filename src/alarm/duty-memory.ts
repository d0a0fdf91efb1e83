/**
 * The duty of outputs and sensors as it survives a restart. How long the appliance was away is
 * known only while its wall clock could be trusted before and after; `null` says that it is not
 * known. Then maintenance and delays are over, because a warning that comes early does no harm, and
 * disablements go on with what was left of them.
 */
import { isId, sensorId } from '../domain/units.ts';
import type { SensorId } from '../domain/units.ts';
import type { Duty, DutyPlan } from './duty.ts';

export interface DutyMemory {
  /** Time left; 0 where it is over and nobody was told yet. */
  readonly maintenanceForMs: number | null;
  /** Since the alarm whose outputs wait. */
  readonly delayAgeMs: number | null;
  readonly sensors: readonly { readonly sensor: SensorId; readonly forMs: number }[];
  readonly outputs: readonly { readonly output: string; readonly forMs: number }[];
}

export const NO_DUTY_MEMORY: DutyMemory = {
  maintenanceForMs: null,
  delayAgeMs: null,
  sensors: [],
  outputs: [],
};

export function rememberDuty(duty: Duty, nowMs: number): DutyMemory {
  const left = (untilMs: number): number => Math.max(0, untilMs - nowMs);
  const { maintenanceUntilMs, delaySinceMs, sensors, outputs } = duty;
  return {
    maintenanceForMs: maintenanceUntilMs === null ? null : left(maintenanceUntilMs),
    delayAgeMs: delaySinceMs === null ? null : Math.max(0, nowMs - delaySinceMs),
    sensors: sensors.map(({ sensor, untilMs }) => ({ sensor, forMs: left(untilMs) })),
    outputs: outputs.map(({ output, untilMs }) => ({ output, forMs: left(untilMs) })),
  };
}

/**
 * What is left of a disablement or test after `elapsedMs`; all of it where that is not known, and
 * nothing of what is no time.
 */
export function leftAfter(forMs: number, elapsedMs: number | null): number {
  return Number.isFinite(forMs) ? Math.max(0, forMs - (elapsedMs ?? 0)) : 0;
}

/** What is left of a lease of maintenance; nothing where the time that has gone is not known. */
export function leaseLeftAfter(forMs: number, elapsedMs: number | null): number {
  return elapsedMs === null ? 0 : leftAfter(forMs, elapsedMs);
}

/** The same `elapsedMs` later. */
export function ageDuty(memory: DutyMemory, elapsedMs: number | null): DutyMemory {
  const { maintenanceForMs, delayAgeMs } = memory;
  return {
    maintenanceForMs:
      maintenanceForMs === null ? null : leaseLeftAfter(maintenanceForMs, elapsedMs),
    delayAgeMs: delayAgeMs === null || elapsedMs === null ? null : delayAgeMs + elapsedMs,
    sensors: memory.sensors.map((each) => ({
      ...each,
      forMs: leftAfter(each.forMs, elapsedMs),
    })),
    outputs: memory.outputs.map((each) => ({
      ...each,
      forMs: leftAfter(each.forMs, elapsedMs),
    })),
  };
}

/** What is over ends, and is told, in the first step. No time is longer than the plan allows. */
export function recallDuty(memory: DutyMemory, plan: DutyRecallPlan, nowMs: number): Duty {
  const { maintenanceForMs, delayAgeMs } = memory;
  const until = (forMs: number): number => nowMs + Math.min(forMs, plan.maxDisableMs);
  return {
    maintenanceUntilMs:
      maintenanceForMs === null ? null : nowMs + Math.min(maintenanceForMs, plan.maxMaintenanceMs),
    delaySinceMs: delayAgeMs === null ? null : nowMs - delayAgeMs,
    // What ended in between shows in the state of the start.
    delayToldMs: delayAgeMs ?? 0,
    sensors: memory.sensors.map(({ sensor, forMs }) => ({ sensor, untilMs: until(forMs) })),
    // A line that is not wired any more has nothing to disable, and the fault relay never has.
    outputs: memory.outputs.flatMap(({ output, forMs }) => {
      const wired = plan.outputs.find(({ id, role }) => id === output && role !== 'faultRelay');
      return wired === undefined ? [] : [{ output, role: wired.role, untilMs: until(forMs) }];
    }),
  };
}

type DutyRecallPlan = DutyPlan & { readonly maxDisableMs: number };

/** Undefined when it cannot be read; a snapshot of before there was any has none. */
export function parseDuty(raw: unknown): DutyMemory | undefined {
  if (raw === undefined) return NO_DUTY_MEMORY;
  if (typeof raw !== 'object' || raw === null) return undefined;
  const fields = raw as Readonly<Record<string, unknown>>;
  const maintenanceForMs = parseTime(fields['maintenanceForMs']);
  const delayAgeMs = parseTime(fields['delayAgeMs']);
  const sensors = parseEntries(fields['sensors'], 'sensor');
  const outputs = parseEntries(fields['outputs'], 'output');
  if (maintenanceForMs === undefined || delayAgeMs === undefined) return undefined;
  if (sensors === undefined || outputs === undefined) return undefined;
  return {
    maintenanceForMs,
    delayAgeMs,
    sensors: sensors.map(({ name, forMs }) => ({ sensor: sensorId(name), forMs })),
    outputs: outputs.map(({ name, forMs }) => ({ output: name, forMs })),
  };
}

/** Null stays null; undefined when it cannot be read. */
function parseTime(raw: unknown): number | null | undefined {
  if (raw === null) return null;
  return typeof raw === 'number' && Number.isFinite(raw) && raw >= 0 ? raw : undefined;
}

const MOST_ENTRIES = 4_096;

function parseEntries(
  raw: unknown,
  key: 'sensor' | 'output',
): readonly { readonly name: string; readonly forMs: number }[] | undefined {
  if (!Array.isArray(raw) || raw.length > MOST_ENTRIES) return undefined;
  const entries: { name: string; forMs: number }[] = [];
  for (const entry of raw as readonly unknown[]) {
    if (typeof entry !== 'object' || entry === null) return undefined;
    const fields = entry as Readonly<Record<string, unknown>>;
    const name = fields[key];
    const forMs = parseTime(fields['forMs']);
    if (typeof name !== 'string' || !isId(name) || typeof forMs !== 'number') return undefined;
    entries.push({ name, forMs });
  }
  return entries;
}
