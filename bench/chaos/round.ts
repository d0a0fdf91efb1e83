/** One round of a proof: the alarms in it, its fault, and what went wrong. */
import type { Random } from '../../src/domain/ports.ts';
import { pause } from '../kill/children.ts';
import { monotonicMs } from '../line-file.ts';
import { zoneNames } from '../kill/scene.ts';
import { outcomeOf } from './latency.ts';
import type { Moment } from './moment.ts';
import { momentOf } from './moment.ts';
import type { Blow, Crossed } from './probe.ts';
import type { LeftBehind, Stage } from './stage.ts';

/** Smoke that made an output, and the number of the alarm lane before it. */
export interface Crossing {
  readonly zone: string;
  readonly crossed: Crossed;
  readonly aboveSeq: number;
}

/** What every round adds to; one for the whole proof. */
export interface Tally {
  readonly crossings: Crossed[];
  readonly moments: Moment[];
  readonly startsMs: number[];
  /** What was exercised how often, in the kind's own words. */
  readonly exercised: Map<string, number>;
}

const OUTPUT_WITHIN_MS = 3000;
/** A fault beside an alarm is begun this late at most. */
const LATEST_FAULT_MS = 6;

export class Round {
  readonly number: number;
  readonly stage: Stage;
  readonly random: Random;
  readonly violations: string[] = [];
  /** What was done in it, in the kind's own words. */
  readonly notes: string[] = [];
  readonly crossings: Crossing[] = [];
  readonly #tally: Tally;
  readonly #free: string[];
  readonly #pending: { crossing: Crossing; faultMs: number; left: LeftBehind | null }[] = [];
  readonly #looks: (() => void)[] = [];

  constructor(number: number, stage: Stage, random: Random, tally: Tally) {
    this.number = number;
    this.stage = stage;
    this.random = random;
    this.#tally = tally;
    this.#free = [...zoneNames];
  }

  between(low: number, high: number): number {
    return low + (high - low) * this.random.next();
  }

  /** True in a share of the rounds. */
  chance(share: number): boolean {
    return this.random.next() < share;
  }

  note(what: string): void {
    this.notes.push(what);
    this.#tally.exercised.set(what, (this.#tally.exercised.get(what) ?? 0) + 1);
  }

  fail(what: string): void {
    this.violations.push(what);
  }

  /** A zone that has not alarmed in this round. */
  nextZone(): string {
    const at = this.random.uint32() % this.#free.length;
    return this.#free.splice(at, 1)[0] ?? 'z1';
  }

  /** Smoke in one more zone; judged at once as to its output, at the end of the round as to its event. */
  async cross(blow: Blow | null = null, zone = this.nextZone()): Promise<Crossing> {
    const { stage } = this;
    await stage.silence();
    const aboveSeq = stage.ledger.newestAlarm;
    const crossed = await stage.probe.cross(zone, stage.unit.pid, OUTPUT_WITHIN_MS, blow);
    const crossing = { zone, crossed, aboveSeq };
    if (crossed.refused !== null) {
      this.fail(`no crossing of ${zone}: ${crossed.refused}`);
      return crossing;
    }
    this.crossings.push(crossing);
    this.#tally.crossings.push(crossed);
    const outcome = outcomeOf(crossed);
    const killed = blow?.kill === stage.unit.pid && crossed.blewMs !== null;
    if (outcome === 'late' || (outcome === 'never' && !killed)) {
      const { sentMs, roseMs, blindMs, waitedMs } = crossed;
      const took = roseMs === null ? 'never' : `${(roseMs - sentMs).toFixed(1)} ms`;
      const stalls = `looker blind ${blindMs.toFixed(1)} ms, appliance kept ${waitedMs.toFixed(1)} ms`;
      this.fail(`output of ${zone}: ${took} (${stalls})`);
    }
    return crossing;
  }

  /**
   * One more alarm, and a fault that is begun now and falls beside it.
   * @param fault resolves when it has fallen.
   * @param withinMs the alarm comes within this time: the longer the fault takes, the longer.
   */
  async crossBeside(fault: () => void | Promise<void>, withinMs: number): Promise<Crossing> {
    await this.stage.silence();
    const smokeMs = this.between(0, withinMs);
    const beginMs = this.between(0, LATEST_FAULT_MS);
    const crossing = pause(smokeMs).then(() => this.cross());
    const fallen = pause(beginMs)
      .then(fault)
      .then(() => monotonicMs());
    const [crossed, faultMs] = await Promise.all([crossing, fallen]);
    this.moment(crossed, faultMs);
    return crossed;
  }

  /** A few alarms that nothing happens to. */
  async quiet(most: number): Promise<void> {
    for (let left = this.random.uint32() % (most + 1); left > 0; left -= 1) await this.cross();
  }

  /** Where the fault fell beside an alarm; the acknowledgement is known at the end of the round. */
  moment(crossing: Crossing, faultMs: number, left: LeftBehind | null = null): void {
    this.#pending.push({ crossing, faultMs, left });
  }

  /** Something to be looked at when everything has been delivered. */
  later(look: () => void): void {
    this.#looks.push(look);
  }

  /** Reads what a killed appliance left, and believes it. */
  collect(): LeftBehind {
    const left = this.stage.leftBehind();
    this.stage.ledger.know([...left.inRing, ...left.inJournal]);
    for (const text of left.damage) this.fail(`database after the kill: ${text}`);
    return left;
  }

  /** Starts again after an end; the latched alarms must sound again. */
  async restart(latched: boolean): Promise<void> {
    this.#tally.startsMs.push(await this.stage.start());
    if (latched && !this.stage.sirenOn) this.fail('the siren is silent after the restart');
  }

  /** Once everything is over: books the moments, and misses the events of outputs. */
  settle(): void {
    const { ledger, tap } = this.stage;
    for (const look of this.#looks) look();
    for (const { crossing, faultMs, left } of this.#pending.splice(0)) {
      const { zone, aboveSeq, crossed } = crossing;
      const alarm = ledger.alarmOf(zone, aboveSeq);
      const ackedMs = alarm === null ? null : (tap.acknowledgedAtMs.get(alarm.id) ?? null);
      const committed = left === null ? null : left.inJournal.some(({ id }) => id === alarm?.id);
      this.#tally.moments.push(momentOf({ roseMs: crossed.roseMs, faultMs, ackedMs, committed }));
    }
  }

  /** Zones whose siren was seen to rise and of whose alarm nobody knows. */
  untold(): readonly string[] {
    const { ledger } = this.stage;
    return this.crossings
      .filter(({ crossed }) => crossed.roseMs !== null)
      .filter(({ zone, aboveSeq }) => ledger.alarmOf(zone, aboveSeq) === null)
      .map(({ zone }) => `the siren rose for ${zone} and no alarm tells of it`);
  }

  /** A short time in which things happen of themselves. */
  async rest(lowMs: number, highMs: number): Promise<void> {
    await pause(this.between(lowMs, highMs));
  }
}
