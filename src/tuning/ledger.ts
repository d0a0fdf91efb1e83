/** What one configuration decided, per zone and day, and each of its alarms as one episode. */
import type { DomainEvent } from '../domain/event.ts';

/** An alarm again so soon after a reset is the same one. */
const SAME_ALARM_MS = 60_000;

/** One alarm from its beginning to the reset that found its cause gone. */
export interface Episode {
  readonly zone: string;
  /** Wall times where they are known, else times of the replay. */
  readonly startMs: number;
  endMs: number;
  /** Why, in the words of the panel. */
  readonly reason: string;
}

export interface Tally {
  alarms: number;
  preAlarms: number;
  preAlarmMs: number;
  faults: number;
}

export const NO_TALLY: Readonly<Tally> = { alarms: 0, preAlarms: 0, preAlarmMs: 0, faults: 0 };

/** Zone of faults that belong to none. */
export const APPLIANCE = '(appliance)';

export interface LedgerOptions {
  /** Name of the day of a moment of the replay. */
  readonly dayAt: (nowMs: number) => string;
  /** Wall time of a moment of the replay, or that moment where it is unknown. */
  readonly wallAt: (nowMs: number) => number;
  /** Whether what a fault is about is recorded at all: silence of a sensor that is not is none. */
  readonly isRecorded: (subject: string) => boolean;
}

interface Open {
  readonly episode: Episode;
  /** When it was reset; null while it stands. */
  resetMs: number | null;
}

export class Ledger {
  readonly episodes: Episode[] = [];
  /** Zone, then day. */
  readonly tallies = new Map<string, Map<string, Tally>>();
  /** Times of pre-alarms and alarms by zone, resets of the replay's own apart. */
  readonly decided: { readonly type: 'alarm' | 'preAlarm'; zone: string; atMs: number }[] = [];
  /** Faults by name. */
  readonly faults = new Map<string, number>();
  readonly #options: LedgerOptions;
  readonly #open = new Map<string, Open>();
  readonly #preAlarms = new Map<string, number>();

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  note(event: DomainEvent, nowMs: number): void {
    switch (event.type) {
      case 'alarm':
        this.#alarm(event.data.zone, event.data.explanation.summary, nowMs);
        return;
      case 'alarmReset': {
        const open = this.#open.get(event.data.zone);
        if (open !== undefined) open.resetMs = nowMs;
        return;
      }
      case 'preAlarm':
        this.#preAlarms.set(event.data.zone, nowMs);
        this.#tally(event.data.zone, nowMs).preAlarms += 1;
        this.#decide('preAlarm', event.data.zone, nowMs);
        return;
      case 'preAlarmEnded':
        this.#endPreAlarm(event.data.zone, nowMs);
        return;
      case 'faultRaised': {
        const { fault, subject, zone } = event.data;
        if (!this.#options.isRecorded(subject)) return;
        this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
        this.#tally(zone ?? APPLIANCE, nowMs).faults += 1;
        return;
      }
      default:
    }
  }

  /** Nothing is known of what follows: whatever stands ends here. */
  close(nowMs: number): void {
    for (const [zone, open] of this.#open) this.#end(zone, open, open.resetMs ?? nowMs);
    for (const zone of [...this.#preAlarms.keys()]) this.#endPreAlarm(zone, nowMs);
  }

  #alarm(zone: string, reason: string, nowMs: number): void {
    const open = this.#open.get(zone);
    this.#decide('alarm', zone, nowMs);
    if (open !== undefined) {
      if (open.resetMs === null || nowMs - open.resetMs < SAME_ALARM_MS) {
        open.resetMs = null;
        return;
      }
      this.#end(zone, open, open.resetMs);
    }
    const startMs = this.#options.wallAt(nowMs);
    const episode = { zone, startMs, endMs: startMs, reason };
    this.episodes.push(episode);
    this.#open.set(zone, { episode, resetMs: null });
    this.#tally(zone, nowMs).alarms += 1;
  }

  #end(zone: string, { episode }: Open, nowMs: number): void {
    episode.endMs = Math.max(episode.startMs, this.#options.wallAt(nowMs));
    this.#open.delete(zone);
  }

  #endPreAlarm(zone: string, nowMs: number): void {
    const sinceMs = this.#preAlarms.get(zone);
    if (sinceMs === undefined) return;
    this.#preAlarms.delete(zone);
    // Of the day on which it began.
    this.#tally(zone, sinceMs).preAlarmMs += nowMs - sinceMs;
  }

  #decide(type: 'alarm' | 'preAlarm', zone: string, nowMs: number): void {
    this.decided.push({ type, zone, atMs: this.#options.wallAt(nowMs) });
  }

  #tally(zone: string, nowMs: number): Tally {
    const day = this.#options.dayAt(nowMs);
    const days = this.tallies.get(zone) ?? new Map<string, Tally>();
    this.tallies.set(zone, days);
    const tally = days.get(day) ?? { ...NO_TALLY };
    days.set(day, tally);
    return tally;
  }
}
