/** Looks at each step for what people may hold off or switch off, and for what may never wait. */
import type { JournalEvent } from '../../src/domain/event.ts';
import { DELAYED_ROLES, type DelayedRole } from '../../src/domain/view.ts';
import type { StepReport } from '../../src/runtime.ts';
import type { Scoreboard } from './invariants.ts';
import type { Ledger } from './ledger.ts';
import { HELD_BACK_SECONDS } from './site.ts';

export interface DutyWatchDeps {
  readonly score: Scoreboard;
  readonly ledger: Ledger;
  readonly isActive: (role: DelayedRole | 'faultRelay') => boolean;
}

/** Two ticks, in which a step sees that the time is over. */
const LATE_MS = 200;

export class DutyWatch {
  readonly #deps: DutyWatchDeps;
  /** Since when each zone has had evidence for an alarm without giving it. */
  readonly #waitingSinceMs = new Map<string, number>();

  constructor(deps: DutyWatchDeps) {
    this.#deps = deps;
  }

  /** A restart begins every verification anew. */
  pause(): void {
    this.#waitingSinceMs.clear();
  }

  /** After the lines have followed. */
  step({ events, panel }: StepReport, nowMs: number): void {
    for (const event of events) this.#event(event, nowMs);
    for (const zone of panel.zones) this.#heldBack(zone, nowMs);
    const { ledger } = this.#deps;
    if (ledger.latched.size === 0 || ledger.duty.isBlurred(nowMs)) return;
    this.#maintenance(nowMs);
    this.#override(nowMs);
    this.#disabledLines(nowMs);
  }

  #maintenance(nowMs: number): void {
    const { score, ledger, isActive } = this.#deps;
    if (!ledger.duty.isMaintained(nowMs)) return;
    const roles = [...DELAYED_ROLES, 'faultRelay'] as const;
    const active = roles.filter(isActive);
    const detail = (): string => `${active.join()} in maintenance`;
    score.expect('maintenanceHolds', active.length === 0, detail);
  }

  #override(nowMs: number): void {
    const { score, ledger, isActive } = this.#deps;
    const { duty } = ledger;
    const by = duty.overriddenBy;
    duty.overriddenBy = null;
    if (by === null || duty.isMaintained(nowMs)) return;
    const quiet = DELAYED_ROLES.filter(
      (role) => !isActive(role) && !duty.isOutputDisabled(role.toLowerCase(), nowMs),
    );
    score.expect('overrideSounds', quiet.length === 0, () => `${by}: ${quiet.join()} waits on`);
  }

  #disabledLines(nowMs: number): void {
    const { score, ledger, isActive } = this.#deps;
    for (const role of DELAYED_ROLES) {
      if (!ledger.duty.isOutputDisabled(role.toLowerCase(), nowMs)) continue;
      const detail = (): string => `${role} is driven, though it is disabled`;
      score.expect('disabledRests', !isActive(role), detail);
    }
  }

  #event(event: JournalEvent, nowMs: number): void {
    if (event.type !== 'alarm') return;
    const { score, ledger } = this.#deps;
    const { duty } = ledger;
    const { zone, explanation } = event.data;
    const isOff = (map: ReadonlyMap<string, number>, id: string): boolean =>
      nowMs + LATE_MS < (map.get(id) ?? -Infinity);
    const who = explanation.votes.filter(({ sensor }) => isOff(duty.sensors, sensor));
    const isAnyOff = [...duty.sensors.values(), ...duty.zones.values()].some((ms) => nowMs < ms);
    const detail = (): string => `${zone} alarms by ${who.map(({ sensor }) => sensor).join()}`;
    if (isAnyOff)
      score.expect('disabledRests', who.length === 0 && !isOff(duty.zones, zone), detail);
    const tested = (): string => `${zone} alarms under walk test`;
    const isAnyTested = [...duty.tests.values()].some((ms) => nowMs < ms);
    if (isAnyTested) score.expect('walkTestTells', !isOff(duty.tests, zone), tested);
  }

  #heldBack({ plan, verification, alarm }: StepReport['panel']['zones'][number], nowMs: number) {
    const isWaiting = alarm === null && verification !== null && verification.lapsedAtMs === null;
    if (!isWaiting) {
      this.#waitingSinceMs.delete(plan.id);
      return;
    }
    const sinceMs = this.#waitingSinceMs.get(plan.id) ?? nowMs;
    this.#waitingSinceMs.set(plan.id, sinceMs);
    if (verification.heldBack === null) return;
    const boundMs = Math.max(HELD_BACK_SECONDS * 1000, plan.verificationMs) + LATE_MS;
    const waitsMs = nowMs - sinceMs;
    const detail = (): string => `${plan.id} is held back for ${waitsMs} ms`;
    this.#deps.score.expect('heldBackInBound', waitsMs <= boundMs, detail);
  }
}
