/** All evidence of a proof: what the subscriber got, what the kills left behind, what was told. */
import type { JournalEvent } from '../../src/domain/event.ts';
import { readSubscriber } from '../kill/received.ts';
import type { Received } from '../kill/verdict.ts';
import type { Account, DeclaredGap, Known } from './account.ts';

interface Wire {
  readonly id: string;
  readonly historical?: boolean;
  readonly data?: { readonly zone?: string };
}

/** An event `alarm`, from wherever it is known. */
export interface AlarmSeen {
  readonly id: string;
  readonly seq: number;
  readonly zone: string;
}

export class Ledger {
  readonly #received: Received[] = [];
  readonly #gaps: DeclaredGap[] = [];
  readonly #decided = new Map<string, Known>();
  readonly #alarms = new Map<string, AlarmSeen>();
  readonly #historical = new Set<string>();
  readonly #types = new Map<string, number>();
  readonly destroyed = new Set<string>();
  readonly lostByBroker = new Set<string>();
  #newestAlarm = 0;

  /** Lines of the subscriber that it has not seen yet: `topic payload`. */
  hear(lines: readonly string[]): void {
    for (const line of lines) {
      const [topic = ''] = line.split(' ', 1);
      const text = line.slice(topic.length + 1);
      if (topic.endsWith('/gap')) this.#gaps.push(JSON.parse(text) as DeclaredGap);
      else if (topic.includes('/event/')) this.#event(line, text);
    }
  }

  /** Events found in ring or journal: decided, whatever happens next. */
  know(events: readonly JournalEvent[]): void {
    for (const event of events) {
      const { lane, seq, id } = event;
      // The first copy counts: later ones must not differ from it.
      if (this.#decided.has(id)) continue;
      this.#decided.set(id, { lane, seq, id, content: JSON.stringify(event) });
      if (event.type === 'alarm') this.#alarm({ id, seq, zone: event.data.zone });
    }
  }

  /** The highest number of the alarm lane that anybody has seen of an alarm. */
  get newestAlarm(): number {
    return this.#newestAlarm;
  }

  /** The first alarm of a zone above a number of its lane. */
  alarmOf(zone: string, aboveSeq: number): AlarmSeen | null {
    const found = [...this.#alarms.values()].filter(
      (alarm) => alarm.zone === zone && alarm.seq > aboveSeq,
    );
    return found.sort((a, b) => a.seq - b.seq)[0] ?? null;
  }

  wasHistorical(id: string): boolean {
    return this.#historical.has(id);
  }

  hasReceived(id: string): boolean {
    return this.#received.some((event) => event.id === id);
  }

  /** How often each type of event arrived, once for each id. */
  get types(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#types);
  }

  get gapReasons(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { reason } of this.#gaps) counts[reason] = (counts[reason] ?? 0) + 1;
    return counts;
  }

  account(acknowledged: ReadonlySet<string>): Account {
    const { destroyed, lostByBroker } = this;
    const decided = [...this.#decided.values()];
    const [received, gaps] = [this.#received, this.#gaps];
    return { received, gaps, decided, acknowledged, destroyed, lostByBroker };
  }

  #event(line: string, text: string): void {
    const { received } = readSubscriber([line]);
    const wire = JSON.parse(text) as Wire;
    if (wire.historical === true) this.#historical.add(wire.id);
    for (const event of received) {
      this.#received.push(event);
      if (event.type !== 'alarm') continue;
      this.#alarm({ id: event.id, seq: event.seq, zone: wire.data?.zone ?? '' });
    }
    for (const { type } of received) this.#types.set(type, (this.#types.get(type) ?? 0) + 1);
  }

  #alarm(alarm: AlarmSeen): void {
    this.#alarms.set(alarm.id, alarm);
    this.#newestAlarm = Math.max(this.#newestAlarm, alarm.seq);
  }
}
