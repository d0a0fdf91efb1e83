/** Looks at every step and every line, and compares with the ledger and with the true world. */
import { conditionOf, type Panel } from '../../src/alarm/panel.ts';
import type { JournalEvent } from '../../src/domain/event.ts';
import type { DelayedRole, OutputLevels } from '../../src/domain/view.ts';
import type { SimulatedGpio } from '../../src/hal/simulated-gpio.ts';
import type { StepReport } from '../../src/runtime.ts';
import type { Scoreboard } from './invariants.ts';
import { DutyWatch } from './duty-watch.ts';
import type { Ledger } from './ledger.ts';
import type { Operator } from './operator.ts';
import type { Room } from './room.ts';
import { CHIP, LINES } from './site.ts';
import type { TroubleLog } from './trouble.ts';

/** Longest way from a person's wish to its effect: a broker's answer and a step. */
const WISH_MS = 30_000;
/** Evidence of a fire that is out stays fresh for a while. */
const AFTERGLOW_MS = 30_000;
/** Silence counts for this long before it is a fault, and restorations are held back. */
const FAULT_MEMORY_MS = 100_000;

export interface WatchDeps {
  readonly nowMs: () => number;
  readonly score: Scoreboard;
  readonly ledger: Ledger;
  readonly gpio: SimulatedGpio;
  readonly troubles: TroubleLog;
  readonly rooms: readonly Room[];
  readonly operator: () => Operator;
}

export interface Transition {
  readonly atMs: number;
  readonly line: string;
  readonly active: boolean;
}

export class Watch {
  readonly transitions: Transition[] = [];
  /** When a calibrated frame of each room last came out of the radiometry. */
  readonly lastFrameMs = new Map<string, number>();
  /** When the siren was first heard for the alarm that a zone is in. */
  readonly soundedMs = new Map<string, number>();
  /** When a walk test of each zone last told an activation. */
  readonly walkTestToldMs = new Map<string, number>();
  readonly #deps: WatchDeps;
  readonly #duty: DutyWatch;
  readonly #levels = new Map<string, boolean>();
  readonly #executed = new Map<string, number>();
  #lastStepMs: number | null = null;

  constructor(deps: WatchDeps) {
    this.#deps = deps;
    const isActive = (role: keyof typeof LINES): boolean => this.#isActive(role);
    this.#duty = new DutyWatch({ ...deps, isActive });
  }

  /** A process begins or ends: there are no steps in between. */
  pause(): void {
    this.#lastStepMs = null;
    this.#duty.pause();
  }

  step(report: StepReport): void {
    const { events, panel } = report;
    const { score } = this.#deps;
    const nowMs = this.#deps.nowMs();
    const sinceMs = nowMs - (this.#lastStepMs ?? nowMs);
    score.expect('stepsKeepPace', sinceMs <= 101, () => `${sinceMs} ms between two steps`);
    this.#lastStepMs = nowMs;
    for (const event of events) this.#event(event, nowMs);
    this.lines(nowMs);
    this.#compareLines(panel, events.length > 0, nowMs);
    this.#duty.step(report, nowMs);
    this.#hear(nowMs);
  }

  /** Right after a start: lines driven from memory alone. */
  restored(levels: OutputLevels): void {
    const { score, ledger } = this.#deps;
    const wanted = this.#warnings(this.#deps.nowMs());
    if (ledger.duty.isBlurred(this.#deps.nowMs())) return;
    for (const [role, active] of Object.entries(wanted) as ['siren', boolean][]) {
      const is = this.#isActive(role);
      const commanded = levels[role];
      const wrong = is !== active;
      const detail = (): string => `${role} is ${is}, ordered ${commanded}, was ${active} before`;
      if (active || wrong) score.expect('restartOutputs', !wrong, detail);
    }
  }

  panelRestored(panel: Panel, exactly: boolean): void {
    const { score, ledger } = this.#deps;
    const now = panel.zones.filter((zone) => zone.alarm !== null);
    const text = (zones: readonly { id: string; silenced: boolean }[]): string =>
      zones
        .map(({ id, silenced }) => `${id}${silenced ? ' (silenced)' : ''}`)
        .sort()
        .join(', ');
    const is = now.map(({ plan, silenced }) => ({ id: plan.id, silenced }));
    const was = [...ledger.latched].map(([id, { silenced }]) => ({
      id,
      silenced,
    }));
    const holds = exactly
      ? text(is) === text(was)
      : was.every(({ id }) => is.some((zone) => zone.id === id));
    const detail = (): string => `in alarm: "${text(is)}", before: "${text(was)}"`;
    if (was.length > 0 || !holds) score.expect('restartPanel', holds, detail);
    if (!exactly) {
      ledger.adopt(is);
      ledger.duty.adopt(panel, this.#deps.nowMs());
    }
  }

  /** Notes what has moved. */
  lines(nowMs: number): void {
    for (const line of Object.keys(LINES) as (keyof typeof LINES)[]) {
      const active = this.#isActive(line);
      if (this.#levels.get(line) === active) continue;
      this.#levels.set(line, active);
      this.transitions.push({ atMs: nowMs, line, active });
    }
  }

  #isActive(role: keyof typeof LINES): boolean {
    return this.#deps.gpio.level(CHIP, LINES[role]);
  }

  /** What each line has to show, for all that was promised. */
  #warnings(nowMs: number): Record<DelayedRole, boolean> {
    const { siren, latched, duty } = this.#deps.ledger;
    const shows = (role: DelayedRole, alarm: boolean): boolean =>
      alarm && !duty.isHeldOff(role, nowMs) && !duty.isOutputDisabled(role.toLowerCase(), nowMs);
    const alarm = latched.size > 0;
    return {
      siren: shows('siren', siren),
      strobe: shows('strobe', alarm),
      alarmRelay: shows('alarmRelay', alarm),
    };
  }

  #compareLines(panel: Panel, isNews: boolean, nowMs: number): void {
    const { score, ledger } = this.#deps;
    const { zones, system } = panel;
    const faultless =
      system.faults.active.length === 0 && zones.every((zone) => zone.faults.active.length === 0);
    const wanted = {
      ...this.#warnings(nowMs),
      faultRelay: faultless && !ledger.duty.isMaintained(nowMs),
    };
    let wrong = '';
    for (const [role, active] of Object.entries(wanted) as ['siren', boolean][]) {
      const isSound = this.#deps.troubles.calm([`output:${role.toLowerCase()}`], nowMs, nowMs);
      if (isSound && this.#isActive(role) !== active) wrong += ` ${role} should be ${active};`;
    }
    const isSure = !ledger.duty.isBlurred(nowMs);
    if (isSure && (isNews || wrong !== ''))
      score.expect('outputsFollow', wrong === '', () => wrong);
    const lost = [...ledger.latched.keys()].filter(
      (id) => !zones.some((zone) => zone.plan.id === id && zone.alarm !== null),
    );
    if (lost.length > 0) {
      score.expect(
        'latchHolds',
        false,
        () => `${lost.join()} not in alarm (${conditionOf(panel)})`,
      );
    }
  }

  #hear(nowMs: number): void {
    for (const zone of this.soundedMs.keys()) {
      if (!this.#deps.ledger.latched.has(zone)) this.soundedMs.delete(zone);
    }
    if (!this.#isActive('siren')) return;
    for (const [zone, { silenced }] of this.#deps.ledger.latched) {
      if (!silenced && !this.soundedMs.has(zone)) this.soundedMs.set(zone, nowMs);
    }
  }

  #event(event: JournalEvent, nowMs: number): void {
    switch (event.lane) {
      case 'alarm':
        this.#alarmEvent(event, nowMs);
        break;
      case 'fault':
        if (event.type === 'faultRaised') this.#faultRaised(event.data, nowMs);
        break;
      case 'operator':
        this.#operatorEvent(event);
        break;
      case 'system':
        if (event.type === 'verifying' && event.data.explanation.summary.startsWith('walk test')) {
          this.walkTestToldMs.set(event.data.zone, nowMs);
        }
        break;
    }
  }

  #alarmEvent(event: JournalEvent & { lane: 'alarm' }, nowMs: number): void {
    const { score, ledger, operator } = this.#deps;
    const { zone } = event.data;
    if (event.type === 'alarmReset') {
      const wasAsked = operator().askedWithin('reset', WISH_MS);
      score.expect('latchHolds', wasAsked, () => `${zone} was reset, and nobody asked for it`);
      return;
    }
    if (event.type === 'preAlarmEnded' || event.type === 'proof') return;
    const room = this.#deps.rooms.find(({ id }) => id === zone);
    const hasCause = room !== undefined && nowMs <= room.dangerUntilMs + AFTERGLOW_MS;
    const summary = event.data.explanation.summary;
    score.expect('noAlarmWithoutCause', hasCause, () => `${event.type} in ${zone}: ${summary}`);
    if (event.type !== 'alarm' || ledger.silencedAtNewestAlarm === 0) return;
    if (!this.#warnings(nowMs).siren) return;
    const sounds = this.#isActive('siren');
    score.expect('silenceYields', sounds, () => `${zone} alarms and the siren is silent`);
  }

  #faultRaised(
    { fault, subject, detail }: { fault: string; subject: string; detail: string },
    nowMs: number,
  ): void {
    const { troubles, score } = this.#deps;
    const room = subject.split('/')[0] ?? subject;
    const named = subject.startsWith('uplink:') ? 'broker' : subject === 'store' ? 'disk' : room;
    const fire = this.#deps.rooms.find(({ id }) => id === room)?.fires.at(-1);
    const isBlinded = fault === 'railStuck' && fire !== undefined && nowMs < fire.extinguishedMs;
    const sinceMs = nowMs - FAULT_MEMORY_MS;
    const calm = !isBlinded && troubles.calm([named, 'appliance'], sinceMs, nowMs);
    const text = (): string => `${fault} of ${subject}: ${detail}`;
    score.expect('noFaultWithoutCause', !calm, text);
  }

  #operatorEvent(event: JournalEvent & { lane: 'operator' }): void {
    if (event.type !== 'silenced' && event.type !== 'resetRequested') return;
    const { requestId, origin } = event.data;
    const times = (this.#executed.get(`${origin} ${requestId}`) ?? 0) + 1;
    this.#executed.set(`${origin} ${requestId}`, times);
    const detail = (): string => `${event.type} ${requestId} was carried out ${times} times`;
    this.#deps.score.expect('commandsAnswered', times === 1, detail);
  }
}
