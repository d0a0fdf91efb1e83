/**
 * What people, and the clock, make of the outputs: sensors and lines that are disabled, the delay
 * that an alarm waits before it sounds, and the lease of maintenance. Facts of the whole appliance,
 * independent of the zones' own; every one of them ends by itself.
 *
 *                  first automatic alarm             its time, a call point, a second zone,
 *                                                    an alarm again after a reset, `sound`
 *   (nothing) ---------------------------> delayed -----------------------------------> sounds
 *                                            | every alarm is reset
 *                                            +--------------------> (nothing)
 */
import type { DomainEvent } from '../domain/event.ts';
import type { SensorId } from '../domain/units.ts';
import type { DelayedOutput, DelayedRole, OutputRole } from '../domain/view.ts';
import { DELAYED_ROLES } from '../domain/view.ts';

/** What the configuration says about it. */
export interface DutyPlan {
  /** Longest lease of maintenance; it may be renewed. */
  readonly maxMaintenanceMs: number;
  /** The wired output lines. */
  readonly outputs: readonly OutputPlan[];
  /** How long each role waits after an automatic alarm; 0: not at all. */
  readonly delaysMs: Readonly<Record<DelayedRole, number>>;
}

export interface OutputPlan {
  readonly id: string;
  readonly role: OutputRole;
}

export interface Duty {
  /** Siren, strobe and alarm relay are held off until then; null: they are not. */
  readonly maintenanceUntilMs: number | null;
  /** When the alarm came whose outputs wait; null: nothing waits. */
  readonly delaySinceMs: number | null;
  /** How much of the delay the journal has been told the end of. */
  readonly delayToldMs: number;
  /** They do not vote until then. */
  readonly sensors: readonly { readonly sensor: SensorId; readonly untilMs: number }[];
  /** Lines that are not driven until then. */
  readonly outputs: readonly {
    readonly output: string;
    readonly role: OutputRole;
    readonly untilMs: number;
  }[];
}

export const NO_DUTY: Duty = {
  maintenanceUntilMs: null,
  delaySinceMs: null,
  delayToldMs: 0,
  sensors: [],
  outputs: [],
};

/** The longest delay of any role; 0: nothing is ever delayed. */
export function longestDelayMs({ delaysMs }: DutyPlan): number {
  return Math.max(...DELAYED_ROLES.map((role) => delaysMs[role]));
}

/** How long even the first of the wired alarm outputs waits; 0 where one does not, or none is. */
export function shortestDelayMs({ delaysMs, outputs }: DutyPlan): number {
  const roles = DELAYED_ROLES.filter((role) => outputs.some((output) => output.role === role));
  return roles.length === 0 ? 0 : Math.min(...roles.map((role) => delaysMs[role]));
}

/** Until when a role waits; null where it does not. */
export function soundsAtMs(
  duty: Duty,
  plan: DutyPlan,
  role: DelayedRole,
  nowMs: number,
): number | null {
  if (duty.delaySinceMs === null) return null;
  const atMs = duty.delaySinceMs + plan.delaysMs[role];
  return nowMs < atMs ? atMs : null;
}

/** Whether the lease runs. By the time alone, so that a late step does not lengthen it. */
export function isMaintained({ maintenanceUntilMs }: Duty, nowMs: number): boolean {
  return maintenanceUntilMs !== null && nowMs < maintenanceUntilMs;
}

/** Whether a role must not warn now, though there is an alarm. */
export function isHeldOff(duty: Duty, plan: DutyPlan, role: DelayedRole, nowMs: number): boolean {
  return isMaintained(duty, nowMs) || soundsAtMs(duty, plan, role, nowMs) !== null;
}

/** The roles that wait now. */
export function delayedNow(duty: Duty, plan: DutyPlan, nowMs: number): readonly DelayedOutput[] {
  return DELAYED_ROLES.flatMap((role) => {
    const atMs = soundsAtMs(duty, plan, role, nowMs);
    return atMs === null ? [] : [{ role, soundsAtMs: atMs }];
  });
}

/** When something of it ends by itself; Infinity when nothing does. */
export function dutyDueMs(duty: Duty, plan: DutyPlan): number {
  let dueMs = duty.maintenanceUntilMs ?? Infinity;
  if (duty.delaySinceMs !== null) {
    dueMs = Math.min(dueMs, duty.delaySinceMs + longestDelayMs(plan));
    for (const role of DELAYED_ROLES) {
      const delayMs = plan.delaysMs[role];
      if (delayMs > duty.delayToldMs) dueMs = Math.min(dueMs, duty.delaySinceMs + delayMs);
    }
  }
  for (const { untilMs } of duty.sensors) dueMs = Math.min(dueMs, untilMs);
  for (const { untilMs } of duty.outputs) dueMs = Math.min(dueMs, untilMs);
  return dueMs;
}

/** Marks what was decided while maintenance held the outputs off. */
export function markMaintenance(event: DomainEvent): DomainEvent {
  if (event.type === 'alarm') {
    const explanation = { ...event.data.explanation, maintenance: true };
    return { ...event, data: { ...event.data, explanation } };
  }
  if (event.type === 'preAlarm') {
    const explanation = { ...event.data.explanation, maintenance: true };
    return { ...event, data: { ...event.data, explanation } };
  }
  return event;
}
