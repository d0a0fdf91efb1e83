/**
 * The chain of custody of every alarm that has not reached everybody yet. Pure but for its own
 * notes: times come in, what is due goes out; `custody-desk.ts` does something about it.
 */
import type { AlarmRef, CustodyEntry, CustodyStage } from './domain/custody.ts';
import { CUSTODY_STAGES } from './domain/custody.ts';
import type { JournalEvent } from './domain/event.ts';
import type { ZoneId } from './domain/units.ts';

/** Alarms that are followed at a time; the oldest is given up for a new one, and told as such. */
export const MAX_OPEN = 256;
/** The pause between two repeats of an alarm doubles up to this. */
const MAX_REPEAT_MS = 3_600_000;

/** One alarm on its way; as JSON it is what survives a restart. */
export interface OpenAlarm extends AlarmRef {
  readonly zoneName: string;
  readonly bootId: string;
  readonly atMs: number;
  readonly stages: readonly CustodyEntry[];
  /** When it is sent again, or escalated; null: nobody is waited for. */
  readonly dueMs: number | null;
  /** How long was waited for that. */
  readonly waitMs: number;
  /** It has been sent again once: a confirmation may get lost as well. */
  readonly asked: boolean;
  readonly escalated: boolean;
}

export interface Moment {
  readonly nowMs: number;
  readonly wall: string;
}

export interface BookOptions {
  readonly bootId: string;
  /** A central server must confirm within this time; null: none does. */
  readonly withinMs: number | null;
  /** Whether there is a broker that events go to. */
  readonly hasBroker: boolean;
}

/** What became of alarms by one piece of news. */
export interface Changes {
  readonly changed: readonly OpenAlarm[];
  /** Nothing more is expected of these; they are no longer in the book. */
  readonly closed: readonly OpenAlarm[];
}

export class CustodyBook {
  readonly #options: BookOptions;
  readonly #open = new Map<string, OpenAlarm>();

  constructor(options: BookOptions) {
    this.#options = options;
  }

  get open(): readonly OpenAlarm[] {
    return [...this.#open.values()];
  }

  /** Alarms that were escalated and that nobody has taken since. */
  get escalated(): readonly OpenAlarm[] {
    return this.open.filter((alarm) => alarm.escalated && !isTaken(alarm));
  }

  /** Follows an alarm from here; one that is known stays as it is. */
  begin(event: JournalEvent & { readonly type: 'alarm' }, { nowMs, wall }: Moment): Changes {
    const { id, seq, bootId, monotonicMs } = event;
    if (this.#open.has(id)) return NOTHING;
    const { zone, zoneName } = event.data;
    const { withinMs } = this.#options;
    const own = bootId === this.#options.bootId;
    const output: CustodyEntry = {
      stage: 'output',
      afterMs: own ? Math.max(0, nowMs - monotonicMs) : null,
      wall,
    };
    const alarm: OpenAlarm = {
      ...{ id, seq, zone, zoneName, bootId },
      atMs: monotonicMs,
      stages: [{ stage: 'detected', afterMs: 0, wall: event.wall }, output],
      dueMs: withinMs === null ? null : nowMs + withinMs / 2,
      waitMs: (withinMs ?? 0) / 2,
      asked: false,
      escalated: false,
    };
    this.#open.set(id, alarm);
    const oldest = this.#open.size > MAX_OPEN ? this.#open.values().next().value : undefined;
    if (oldest === undefined) return { changed: [alarm], closed: [] };
    this.#open.delete(oldest.id);
    return { changed: [alarm], closed: [oldest] };
  }

  /** Takes back what an earlier run knew: its times are not ours, so waiting starts anew. */
  restore(alarm: OpenAlarm, nowMs: number): void {
    const waits = this.#options.withinMs !== null && !isTaken(alarm);
    this.#open.set(alarm.id, { ...alarm, dueMs: waits ? nowMs + alarm.waitMs : null });
  }

  /** The journal holds everything up to this number of the alarm lane. */
  stored(upToSeq: number, moment: Moment): Changes {
    return this.#reach('stored', ({ seq }) => seq <= upToSeq, moment);
  }

  broker(seq: number, by: string, moment: Moment): Changes {
    return this.#reach('broker', (alarm) => alarm.seq === seq, moment, by);
  }

  /** A broker had taken everything up to this number before the start. */
  brokerBefore(upToSeq: number, by: string, moment: Moment): Changes {
    return this.#reach('broker', (alarm) => alarm.seq <= upToSeq, moment, by);
  }

  central(ids: readonly string[], by: string, moment: Moment): Changes {
    const known = new Set(ids);
    return this.#reach('central', ({ id }) => known.has(id), moment, by);
  }

  /** Somebody acknowledged or reset these zones. */
  operator(zones: readonly ZoneId[], by: string, moment: Moment): Changes {
    return this.#reach('operator', ({ zone }) => zones.includes(zone), moment, by);
  }

  /**
   * Alarms that are to be sent again now. After half of the time for the first time: what was lost
   * may have been the confirmation. Escalated from when all of it is over, and again after longer
   * and longer pauses.
   */
  due(nowMs: number): readonly OpenAlarm[] {
    const late = this.open.filter(({ dueMs }) => dueMs !== null && dueMs <= nowMs);
    for (const alarm of late) {
      const { asked } = alarm;
      const waitMs = asked ? Math.min(alarm.waitMs * 2, MAX_REPEAT_MS) : alarm.waitMs;
      const dueMs = nowMs + waitMs;
      this.#open.set(alarm.id, { ...alarm, asked: true, escalated: asked, waitMs, dueMs });
    }
    return late;
  }

  get nextDueMs(): number | null {
    const times = this.open.flatMap(({ dueMs }) => dueMs ?? []);
    return times.length === 0 ? null : Math.min(...times);
  }

  /** Whether everybody that is expected to has had it. */
  isComplete({ stages }: OpenAlarm): boolean {
    const { withinMs, hasBroker } = this.#options;
    return CUSTODY_STAGES.every((stage) => {
      if (stage === 'central' && withinMs === null) return true;
      if (stage === 'broker' && !hasBroker) return true;
      return stages.some((one) => one.stage === stage);
    });
  }

  #reach(
    stage: CustodyStage,
    concerns: (alarm: OpenAlarm) => boolean,
    { nowMs, wall }: Moment,
    by?: string,
  ): Changes {
    const changed: OpenAlarm[] = [];
    const closed: OpenAlarm[] = [];
    for (const alarm of this.#open.values()) {
      if (!concerns(alarm) || has(alarm, stage)) continue;
      const own = alarm.bootId === this.#options.bootId;
      const afterMs = own ? Math.max(0, nowMs - alarm.atMs) : null;
      const entry = { stage, afterMs, wall, ...(by === undefined ? {} : { by }) };
      const next = { ...alarm, stages: [...alarm.stages, entry] };
      // A centre that is expected to confirm is asked again until it does, but not so loudly.
      const settled = has(next, 'central') ? { ...next, dueMs: null } : next;
      if (this.isComplete(settled)) {
        this.#open.delete(alarm.id);
        closed.push(settled);
      } else {
        this.#open.set(alarm.id, settled);
        changed.push(settled);
      }
    }
    return { changed, closed };
  }
}

const NOTHING: Changes = { changed: [], closed: [] };

function has({ stages }: OpenAlarm, stage: CustodyStage): boolean {
  return stages.some((one) => one.stage === stage);
}

/** Somebody has it: a central server, or a person here. */
export function isTaken(alarm: OpenAlarm): boolean {
  return has(alarm, 'central') || has(alarm, 'operator');
}
