/**
 * What the outputs are held off for, by the harness's own arithmetic: leases, delays, disablements
 * and walk tests count from the moment at which the appliance promised them, in world time. No kill
 * and no restart moves their ends.
 */
import type { Panel } from '../../src/alarm/panel.ts';
import type { JournalEvent } from '../../src/domain/event.ts';
import { DELAYED_ROLES, type DelayedRole } from '../../src/domain/view.ts';

type Delays = Record<DelayedRole, number>;

/** A step may be that late, and wall times are whole milliseconds. */
const BLUR_MS = 150;

export class Duty {
  maintenanceUntilMs: number | null = null;
  delaySinceMs: number | null = null;
  readonly delaysMs: Delays = { siren: 0, strobe: 0, alarmRelay: 0 };
  readonly outputs = new Map<string, number>();
  readonly sensors = new Map<string, number>();
  readonly zones = new Map<string, number>();
  readonly tests = new Map<string, number>();
  /** What has ended a delay before its time, since this was last set to null. */
  overriddenBy: string | null = null;

  /** Follows what the appliance has promised to remember. */
  apply(event: JournalEvent, nowMs: number, inAlarm: number): void {
    if (event.lane === 'alarm' && event.type === 'alarm') {
      if (event.data.explanation.votes.length === 0) this.#override('a call point');
      else if (inAlarm > 1) this.#override('a second zone');
    } else if (event.lane === 'alarm' && event.type === 'alarmReset') {
      if (inAlarm === 0) this.delaySinceMs = null;
    } else if (event.lane === 'system' && event.type === 'outputsDelayed') {
      this.delaySinceMs = nowMs;
    } else if (event.lane === 'operator') this.#order(event, nowMs);
  }

  #order(event: JournalEvent & { lane: 'operator' }, nowMs: number): void {
    switch (event.type) {
      case 'soundRequested':
        this.#override('the command sound');
        break;
      case 'maintenanceStarted':
        this.maintenanceUntilMs = nowMs + event.data.forMs;
        this.delaySinceMs = null;
        break;
      case 'maintenanceEnded':
        // Where it ended by itself it ends by our own arithmetic.
        if (event.data.origin !== 'timeout') this.maintenanceUntilMs = null;
        break;
      case 'outputDisabled':
        this.outputs.set(event.data.output, nowMs + event.data.forMs);
        break;
      case 'sensorDisabled':
        this.sensors.set(event.data.sensor, nowMs + event.data.forMs);
        break;
      case 'disabled':
        this.zones.set(event.data.zone, nowMs + event.data.forMs);
        break;
      case 'testStarted':
        this.tests.set(event.data.zone, nowMs + event.data.forMs);
        break;
      default:
        break;
    }
  }

  #override(by: string): void {
    if (this.delaySinceMs === null) return;
    this.delaySinceMs = null;
    this.overriddenBy = by;
  }

  isMaintained(nowMs: number): boolean {
    return this.maintenanceUntilMs !== null && nowMs < this.maintenanceUntilMs;
  }

  /** Whether a role must not warn now. */
  isHeldOff(role: DelayedRole, nowMs: number): boolean {
    if (this.isMaintained(nowMs)) return true;
    return this.delaySinceMs !== null && nowMs < this.delaySinceMs + this.delaysMs[role];
  }

  isOutputDisabled(output: string, nowMs: number): boolean {
    return nowMs < (this.outputs.get(output) ?? -Infinity);
  }

  /** Whether something ends just now, so that a step more or less decides. */
  isBlurred(nowMs: number): boolean {
    const ends = [this.maintenanceUntilMs, ...this.outputs.values()];
    const since = this.delaySinceMs;
    if (since !== null) ends.push(...DELAYED_ROLES.map((role) => since + this.delaysMs[role]));
    return ends.some((endMs) => endMs !== null && Math.abs(nowMs - endMs) < BLUR_MS);
  }

  /** After a power cut what was promised last may be gone: then what is there counts. */
  adopt({ duty, zones }: Panel, bootMs: number): void {
    const at = (ms: number | null): number | null => (ms === null ? null : bootMs + ms);
    this.maintenanceUntilMs = at(duty.maintenanceUntilMs);
    this.delaySinceMs = at(duty.delaySinceMs);
    const fill = (map: Map<string, number>, ends: readonly (readonly [string, number])[]): void => {
      map.clear();
      for (const [id, untilMs] of ends) map.set(id, bootMs + untilMs);
    };
    fill(
      this.outputs,
      duty.outputs.map(({ output, untilMs }) => [output, untilMs] as const),
    );
    fill(
      this.sensors,
      duty.sensors.map(({ sensor, untilMs }) => [sensor, untilMs] as const),
    );
    fill(
      this.zones,
      zones.flatMap(({ plan, disabledUntilMs: ms }) =>
        ms === null ? [] : [[plan.id, ms] as const],
      ),
    );
    fill(
      this.tests,
      zones.flatMap(({ plan, test }) => (test === null ? [] : [[plan.id, test.untilMs] as const])),
    );
  }
}
