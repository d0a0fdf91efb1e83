/** The panel of one configuration in virtual time, and what it decided. */
import type { Panel } from '../alarm/panel.ts';
import { createPanel, restorePanel, stepPanel, toSnapshot } from '../alarm/panel.ts';
import type { Config } from '../config-schema.ts';
import type { Command } from '../domain/command.ts';
import type { DomainEvent } from '../domain/event.ts';
import type { EvidenceWindow } from '../domain/evidence.ts';
import type { Hours, SensorNotice } from '../domain/step.ts';
import type { ZoneId } from '../domain/units.ts';
import type { Schedule } from '../hours.ts';
import { hoursAt, scheduleOf } from '../hours.ts';
import { panelPlanOf } from '../plan.ts';

/** The grid of the running appliance's own steps. */
const STEP_MS = 100;
const MINUTE_MS = 60_000;
/**
 * Nobody resets what only the replay has decided: an alarm is reset after this, and goes on at once
 * where its cause does. Otherwise one alarm would hide all that follow.
 */
export const RESET_AFTER_MS = 10 * MINUTE_MS;
/** A refused reset is tried again: the panel permits one a second. */
const RETRY_RESET_MS = 1_000;

/** What people did, and sensors that announced themselves. */
export interface SideInputs {
  readonly windows: readonly EvidenceWindow[];
  readonly notices: readonly SensorNotice[];
  readonly commands: readonly Command[];
}

const NOTHING: readonly never[] = [];

export interface SideOptions {
  readonly config: Config;
  /** Told of each event, in order. */
  readonly onEvent: (event: DomainEvent, nowMs: number) => void;
  /** Wall time of a virtual one; null while it is not known, or not to be trusted. */
  readonly wallAt: (nowMs: number) => number | null;
}

export class Side {
  readonly config: Config;
  readonly #options: SideOptions;
  readonly #plan: ReturnType<typeof panelPlanOf>;
  readonly #schedule: Schedule | null;
  readonly #latched = new Map<ZoneId, number>();
  #panel: Panel;
  #nowMs = 0;
  #requests = 0;
  #minute = Number.NaN;
  #hours: Hours = 'unknown';

  constructor(options: SideOptions) {
    this.#options = options;
    this.config = options.config;
    this.#plan = panelPlanOf(options.config);
    this.#schedule = options.config.hours === null ? null : scheduleOf(options.config.hours);
    this.#panel = createPanel(this.#plan, 0);
  }

  /** Zones, the configured ones and those of unknown sensors. */
  get zones(): readonly { readonly id: ZoneId; readonly name: string }[] {
    return this.#panel.zones.map(({ plan: { id, name } }) => ({ id, name }));
  }

  /** Behind a gap: learnt idles and disablements stay, alarms do not, every sensor is new. */
  restart(nowMs: number): void {
    const covered = { alarm: 0, fault: 0, operator: 0, system: 0 };
    const snapshot = toSnapshot(this.#panel, this.#nowMs, covered);
    // What is still there alarms again by itself; what is gone must not stand for the whole gap.
    const zones = snapshot.zones.map((zone) => ({ ...zone, alarm: null }));
    this.#panel = restorePanel(this.#plan, { ...snapshot, zones }, [], nowMs).panel;
    this.#latched.clear();
    this.#nowMs = nowMs;
  }

  /** As a panel that has never heard anything: for a recording that belongs to no other. */
  forget(nowMs: number): void {
    this.#panel = createPanel(this.#plan, nowMs);
    this.#latched.clear();
    this.#nowMs = nowMs;
  }

  /** Steps the panel at what it has due before the next input. */
  idleUntil(atMs: number): void {
    for (;;) {
      const wantedMs = Math.min(this.#panel.nextDueMs, this.#resetDueMs());
      const gridMs = Math.ceil(wantedMs / STEP_MS) * STEP_MS;
      const dueMs = Math.max(gridMs, (Math.floor(this.#nowMs / STEP_MS) + 1) * STEP_MS);
      if (!(dueMs < atMs)) return;
      this.step({ windows: NOTHING, notices: NOTHING, commands: this.#resets(dueMs) }, dueMs);
    }
  }

  step({ windows, notices, commands }: SideInputs, atMs: number): void {
    const nowMs = Math.max(atMs, this.#nowMs);
    this.#nowMs = nowMs;
    const requests = commands.map((command) => {
      this.#requests += 1;
      const requestId = String(this.#requests);
      return { command, requestId, origin: 'replay', level: 'installer' as const };
    });
    const inputs = {
      ...{ windows, notices, commands: requests, faults: NOTHING, signals: NOTHING },
      hours: this.#hoursAt(nowMs),
    };
    const { panel, events } = stepPanel(this.#panel, inputs, nowMs);
    this.#panel = panel;
    for (const event of events) {
      if (event.type === 'alarm') this.#latched.set(event.data.zone, nowMs);
      else if (event.type === 'alarmReset') this.#latched.delete(event.data.zone);
      this.#options.onEvent(event, nowMs);
    }
  }

  #resetDueMs(): number {
    let dueMs = Infinity;
    for (const sinceMs of this.#latched.values()) dueMs = Math.min(dueMs, sinceMs + RESET_AFTER_MS);
    return dueMs;
  }

  #resets(nowMs: number): readonly Command[] {
    if (nowMs < this.#resetDueMs()) return NOTHING;
    const commands: Command[] = [];
    for (const [zone, sinceMs] of this.#latched) {
      if (nowMs - sinceMs < RESET_AFTER_MS) continue;
      commands.push({ kind: 'reset', zone });
      this.#latched.set(zone, nowMs - RESET_AFTER_MS + RETRY_RESET_MS);
    }
    return commands;
  }

  #hoursAt(nowMs: number): Hours | null {
    if (this.#schedule === null) return null;
    const wallMs = this.#options.wallAt(nowMs);
    if (wallMs === null) return 'unknown';
    const minute = Math.floor(wallMs / MINUTE_MS);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#hours = hoursAt(minute * MINUTE_MS, this.#schedule);
    }
    return this.#hours;
  }
}
