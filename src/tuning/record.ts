/** What the appliance itself decided when it recorded, and whether the replay decides the same. */
import type { JournalEvent } from '../domain/event.ts';
import { isoFromWallMs } from '../store/wall-time.ts';
import type { Ledger } from './ledger.ts';

/** The appliance steps when something comes and each 100 ms; the replay on a grid of its own. */
const SAME_MS = 1_000;
/** Differences that are told one by one. */
export const DIFFERENCES_TOLD = 20;
/** A reset so soon after an alarm, without a new one, says that there was no fire. */
const SOON_MS = 5 * 60_000;
const QUIET_MS = 10 * 60_000;

/** One alarm of the record. */
export interface RecordedAlarm {
  readonly zone: string;
  readonly startMs: number;
  /** Null: no reset is recorded. */
  endMs: number | null;
  readonly reason: string;
  /** What a person's reset says of it, where no label does. */
  presumed: 'fire' | 'nuisance';
}

export interface Reproduction {
  /** Alarms and pre-alarms of the record, and those that the replay has as well. */
  readonly recorded: Readonly<Record<Decided, number>>;
  readonly reproduced: Readonly<Record<Decided, number>>;
  /** Of the replay, where the record has none though the zone was not in alarm. */
  readonly added: Readonly<Record<Decided, number>>;
  readonly differences: readonly string[];
}

type Decided = 'alarm' | 'preAlarm';

interface Entry {
  readonly type: Decided;
  readonly zone: string;
  readonly atMs: number;
  readonly reason: string;
}

export class Recorded {
  readonly alarms: RecordedAlarm[] = [];
  readonly #entries: Entry[] = [];
  /** When a zone stood in alarm; an open one ends never. */
  readonly #latched: { readonly zone: string; readonly fromMs: number; toMs: number }[] = [];
  readonly #open = new Map<string, RecordedAlarm>();
  /** Alarms that came again behind a reset. */
  readonly #again = new Set<RecordedAlarm>();
  /** Stretches without decisions of their own, such as plain recordings. */
  readonly #silent: { readonly fromMs: number; readonly toMs: number }[] = [];
  readonly #seen = new Set<string>();

  /** @param wallMs when it happened, by the recorder's clock */
  note(event: JournalEvent, wallMs: number): void {
    // An incident that two files hold is one.
    if (this.#seen.has(event.id)) return;
    if (event.type === 'started') {
      for (const zone of event.data.restoredAlarms) this.#latch(zone, wallMs);
    } else if (event.type === 'preAlarm') {
      this.#seen.add(event.id);
      this.#add('preAlarm', event.data.zone, wallMs, event.data.explanation.summary);
    } else if (event.type === 'alarm') {
      this.#seen.add(event.id);
      const { zone, explanation } = event.data;
      this.#add('alarm', zone, wallMs, explanation.summary);
      this.#latch(zone, wallMs);
      this.#alarm(zone, wallMs, explanation.summary);
    } else if (event.type === 'alarmReset') {
      this.#reset(event.data.zone, wallMs);
    }
  }

  /** The replay of this time has no record of decisions beside it. */
  withoutRecord(fromMs: number, toMs: number): void {
    this.#silent.push({ fromMs, toMs });
  }

  /** Compares what the present configuration gave in the replay; call it once, at the end. */
  compare({ decided }: Pick<Ledger, 'decided'>): Reproduction {
    const [recorded, reproduced, added] = [count(), count(), count()];
    const differences: { readonly atMs: number; readonly text: string }[] = [];
    const left = new Map<string, (typeof decided)[number][]>();
    for (const one of decided) {
      const key = `${one.type} ${one.zone}`;
      const mine = left.get(key);
      if (mine === undefined) left.set(key, [one]);
      else mine.push(one);
    }
    for (const { type, zone, atMs, reason } of this.#entries) {
      recorded[type] += 1;
      const mine = left.get(`${type} ${zone}`) ?? [];
      const found = mine.findIndex((one) => Math.abs(one.atMs - atMs) <= SAME_MS);
      if (found >= 0) {
        mine.splice(found, 1);
        reproduced[type] += 1;
      } else differences.push({ atMs, text: `${type} in ${zone} is recorded (${reason})` });
    }
    for (const { type, zone, atMs } of [...left.values()].flat()) {
      if (this.#isExcused(zone, atMs)) continue;
      added[type] += 1;
      differences.push({ atMs, text: `${type} in ${zone} is not recorded` });
    }
    differences.sort((a, b) => a.atMs - b.atMs);
    return { recorded, reproduced, added, differences: differences.map(textOf) };
  }

  #add(type: Decided, zone: string, atMs: number, reason: string): void {
    this.#entries.push({ type, zone, atMs, reason });
  }

  #latch(zone: string, fromMs: number): void {
    this.#latched.push({ zone, fromMs, toMs: Infinity });
  }

  #alarm(zone: string, startMs: number, reason: string): void {
    const open = this.#open.get(zone);
    const last = open ?? this.alarms.findLast((alarm) => alarm.zone === zone);
    if (last !== undefined && startMs - (last.endMs ?? startMs) < QUIET_MS) {
      // It came again: nobody who resets it once more makes a nuisance of it.
      this.#again.add(last);
      last.presumed = 'fire';
      last.endMs = null;
      this.#open.set(zone, last);
      return;
    }
    const alarm: RecordedAlarm = { zone, startMs, endMs: null, reason, presumed: 'fire' };
    this.alarms.push(alarm);
    this.#open.set(zone, alarm);
  }

  #reset(zone: string, atMs: number): void {
    for (const one of this.#latched) {
      if (one.zone === zone && one.toMs === Infinity) one.toMs = atMs;
    }
    const open = this.#open.get(zone);
    if (open === undefined) return;
    const soon = !this.#again.has(open) && atMs - open.startMs <= SOON_MS;
    open.endMs = atMs;
    if (soon) open.presumed = 'nuisance';
    this.#open.delete(zone);
  }

  #isExcused(zone: string, atMs: number): boolean {
    const inside = (one: { readonly fromMs: number; readonly toMs: number }) =>
      atMs >= one.fromMs - SAME_MS && atMs <= one.toMs + SAME_MS;
    return (
      this.#silent.some(inside) || this.#latched.some((one) => one.zone === zone && inside(one))
    );
  }
}

function count(): Record<Decided, number> {
  return { alarm: 0, preAlarm: 0 };
}

function textOf({ atMs, text }: { readonly atMs: number; readonly text: string }): string {
  return `${isoFromWallMs(atMs)}: ${text}`;
}
