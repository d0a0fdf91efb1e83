/**
 * The panel under way from one step to the next: zones are copied when they change and only then,
 * so a step costs what it touches. Lives within one `stepPanel` call.
 */
import type { CommandOutcome } from '../domain/command.ts';
import type { DomainEvent, Explanation } from '../domain/event.ts';
import type { ZoneId } from '../domain/units.ts';
import type { FactInput, Outbox, Register } from './facts.ts';
import { raise, restore, settle, settleDueMs } from './facts.ts';
import type { CommandMemory } from './commands.ts';
import type { Duty } from './duty.ts';
import { dutyDueMs, markMaintenance } from './duty.ts';
import { endDueDuties, followAlarms } from './duty-turns.ts';
import type { PanelPlan } from './plan.ts';
import type { IdleMemory } from './rule.ts';
import type { Routes } from './routes.ts';
import { routesOf } from './routes.ts';
import { decide } from './zone.ts';
import type { ZoneState } from './zone-state.ts';
import { decisionDueMs, isAtRest } from './zone-state.ts';
import { supervise, supervisionDueMs } from './supervision.ts';

export interface SystemState {
  readonly faults: Register;
  readonly supervisory: Register;
  readonly acknowledged: boolean;
}

/** Everything the panel knows. Immutable. */
export interface Panel {
  readonly plan: PanelPlan;
  readonly zones: readonly ZoneState[];
  readonly routes: Routes;
  readonly system: SystemState;
  readonly duty: Duty;
  readonly commands: CommandMemory;
  /** Learnt idles from before a restart of channels not heard since, by `memoryKey`. */
  readonly memories: ReadonlyMap<string, IdleMemory>;
  /** No zone has anything to do by itself before this time. */
  readonly nextDueMs: number;
}

export class Draft implements Outbox {
  readonly plan: PanelPlan;
  readonly nowMs: number;
  readonly events: DomainEvent[] = [];
  readonly outcomes: CommandOutcome[] = [];
  newAlarm = false;
  system: SystemState;
  duty: Duty;
  commands: CommandMemory;
  #routes: Routes;
  #zones: readonly ZoneState[];
  #own: ZoneState[] | null = null;
  readonly #touched = new Set<number>();
  readonly #before: Panel;

  constructor(panel: Panel, nowMs: number) {
    this.plan = panel.plan;
    this.nowMs = nowMs;
    this.system = panel.system;
    this.duty = panel.duty;
    this.commands = panel.commands;
    this.#routes = panel.routes;
    this.#zones = panel.zones;
    this.#before = panel;
  }

  get memories(): ReadonlyMap<string, IdleMemory> {
    return this.#before.memories;
  }

  get zones(): readonly ZoneState[] {
    return this.#zones;
  }

  get routes(): Routes {
    return this.#routes;
  }

  /** Index of a zone, or -1. */
  indexOf(zone: ZoneId): number {
    return this.#zones.findIndex((other) => other.plan.id === zone);
  }

  /** Changes one zone; it is decided at the end of the step. */
  change(index: number, how: (zone: ZoneState) => ZoneState): void {
    const zone = this.#zones[index];
    if (zone === undefined) return;
    this.#touched.add(index);
    const next = how(zone);
    if (next !== zone) this.#write()[index] = next;
  }

  /** Adds a zone at the end. */
  add(zone: ZoneState): number {
    const index = this.#write().push(zone) - 1;
    this.#touched.add(index);
    this.reroute();
    return index;
  }

  /** Must follow every change of which channels a zone listens to. */
  reroute(): void {
    this.#routes = routesOf(this.#zones);
  }

  raiseInSystem(register: 'faults' | 'supervisory', input: FactInput): void {
    const before = this.system[register];
    const after = raise(before, input, this.nowMs, this);
    if (after === before) return;
    const isNew = after.active.length > before.active.length;
    const acknowledged = this.system.acknowledged && !isNew;
    this.system = { ...this.system, [register]: after, acknowledged };
  }

  restoreInSystem(register: 'faults' | 'supervisory', fault: string, subject: string): void {
    const before = this.system[register];
    const after = restore(before, fault, subject, this.nowMs, this);
    if (after !== before) this.system = { ...this.system, [register]: after };
  }

  /** Decides what was touched or is due, and returns the new panel. */
  finish(): Panel {
    const due = this.nowMs >= this.#before.nextDueMs;
    if (due) {
      endDueDuties(this);
      this.#touchDue();
    }
    for (const index of this.#touched) this.#conclude(index);
    followAlarms(this, this.#before);
    if (this.duty.maintenanceUntilMs !== null) this.#markMaintenance();
    if (this.newAlarm) this.liftSilence();
    let nextDueMs = due ? Infinity : this.#before.nextDueMs;
    if (due) {
      for (const zone of this.#zones) nextDueMs = Math.min(nextDueMs, zone.dueMs);
    } else {
      for (const index of this.#touched) {
        nextDueMs = Math.min(nextDueMs, this.#zones[index]?.dueMs ?? Infinity);
      }
    }
    const { faults, supervisory } = this.system;
    nextDueMs = Math.min(nextDueMs, settleDueMs(faults), settleDueMs(supervisory));
    nextDueMs = Math.min(nextDueMs, dutyDueMs(this.duty, this.plan));
    this.#dropEndedOrphans();
    return {
      plan: this.plan,
      zones: this.#zones,
      routes: this.#routes,
      system: this.system,
      duty: this.duty,
      commands: this.commands,
      memories: this.#before.memories,
      nextDueMs,
    };
  }

  #write(): ZoneState[] {
    if (this.#own === null) {
      this.#own = [...this.#zones];
      this.#zones = this.#own;
    }
    return this.#own;
  }

  #touchDue(): void {
    this.#zones.forEach((zone, index) => {
      if (this.nowMs >= zone.dueMs) this.#touched.add(index);
    });
    const faults = settle(this.system.faults, this.nowMs, this);
    const supervisory = settle(this.system.supervisory, this.nowMs, this);
    if (faults !== this.system.faults || supervisory !== this.system.supervisory) {
      this.system = { ...this.system, faults, supervisory };
    }
  }

  #conclude(index: number): void {
    const before = this.#zones[index];
    if (before === undefined) return;
    const { nowMs } = this;
    const due = nowMs >= before.dueMs;
    let zone = due ? supervise(expire(before, nowMs, this), nowMs, this) : before;
    zone = decide(zone, nowMs, this);
    if (due || !isAtRest(zone)) {
      const dueMs = Math.min(decisionDueMs(zone, nowMs), supervisionDueMs(zone));
      if (dueMs !== zone.dueMs) zone = { ...zone, dueMs };
    }
    if (zone !== before) this.#write()[index] = zone;
  }

  /** Whatever is in alarm sounds. */
  liftSilence(): void {
    this.#zones.forEach((zone, index) => {
      if (zone.silenced) this.#write()[index] = { ...zone, silenced: false };
    });
  }

  /** What was decided in this step says that the outputs are held off. */
  #markMaintenance(): void {
    this.events.forEach((event, index) => {
      this.events[index] = markMaintenance(event);
    });
    for (const index of this.#touched) {
      const zone = this.#zones[index];
      const before = this.#before.zones[index];
      if (zone === undefined) continue;
      const { alarm, preAlarm } = zone;
      const marked = {
        alarm: markNew(alarm, before?.alarm ?? null),
        preAlarm: markNew(preAlarm, before?.preAlarm ?? null),
      };
      if (marked.alarm === alarm && marked.preAlarm === preAlarm) continue;
      this.#write()[index] = { ...zone, ...marked };
    }
  }

  #dropEndedOrphans(): void {
    let any = false;
    for (const index of this.#touched) {
      const zone = this.#zones[index];
      if (zone !== undefined && isEndedOrphan(zone)) any = true;
    }
    if (!any) return;
    this.#zones = this.#zones.filter((zone) => !isEndedOrphan(zone));
    this.#own = null;
    this.reroute();
  }
}

/** Marks an explanation that is of this step. */
function markNew<T extends { readonly explanation: Explanation }>(
  now: T | null,
  before: T | null,
): T | null {
  if (now === null || now.explanation === before?.explanation) return now;
  return { ...now, explanation: { ...now.explanation, maintenance: true } };
}

/** An orphan has nothing left to show. */
function isEndedOrphan(zone: ZoneState): boolean {
  return (
    zone.plan.origin === 'orphan' &&
    zone.alarm === null &&
    zone.disabledUntilMs === null &&
    zone.test === null &&
    zone.callPoints.length === 0
  );
}

/** Ends disablement and walk test whose time is over. */
function expire(zone: ZoneState, nowMs: number, out: Outbox): ZoneState {
  let next = zone;
  if (next.disabledUntilMs !== null && nowMs >= next.disabledUntilMs) {
    next = endDisablement(next, 'timeout', out);
  }
  if (next.test !== null && nowMs >= next.test.untilMs) next = endTest(next, 'timeout', out);
  return next;
}

export function endDisablement(zone: ZoneState, origin: string, out: Outbox): ZoneState {
  if (zone.disabledUntilMs === null) return zone;
  const data = { zone: zone.plan.id, zoneName: zone.plan.name, origin };
  out.events.push({ lane: 'operator', type: 'enabled', data });
  return { ...zone, disabledUntilMs: null };
}

export function endTest(zone: ZoneState, origin: string, out: Outbox): ZoneState {
  if (zone.test === null) return zone;
  const data = { zone: zone.plan.id, zoneName: zone.plan.name, origin };
  out.events.push({ lane: 'operator', type: 'testEnded', data });
  return { ...zone, test: null };
}
