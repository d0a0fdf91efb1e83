/** What the appliance has promised so far, kept outside of it: the memory that no kill touches. */
import type { JournalEvent, Lane } from '../../src/domain/event.ts';
import type { CommitReceipt } from '../../src/domain/ports.ts';
import { Duty } from './duty.ts';

export interface Promised {
  readonly event: JournalEvent;
  /** A receipt said that it is on disk. */
  durable: boolean;
  /** The broker has it. */
  told: boolean;
  /** It was neither when a kill came. */
  wasAtRisk: boolean;
}

interface Latched {
  readonly sinceMs: number;
  silenced: boolean;
}

export class Ledger {
  readonly promised = new Map<string, Promised>();
  readonly latched = new Map<string, Latched>();
  readonly duty = new Duty();
  /** Zones that were silenced when the newest alarm came. */
  silencedAtNewestAlarm = 0;
  readonly #bySeq = new Map<string, Promised>();
  readonly #toBeDurable: Record<Lane, Promised[]> = emptyLanes();
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /**
   * The ring has taken these: from now on a kill may not lose them.
   * @returns what they contradict: numbers and ids that stood for something else before.
   */
  remembered(events: readonly JournalEvent[]): readonly string[] {
    const clashes: string[] = [];
    for (const event of events) {
      const number = `${event.lane}/${event.seq}`;
      if (this.#bySeq.has(number)) clashes.push(`${number} is given to a second event`);
      if (this.promised.has(event.id)) clashes.push(`id ${event.id} is given to ${number} too`);
      const entry = { event, durable: false, told: false, wasAtRisk: false };
      this.promised.set(event.id, entry);
      this.#bySeq.set(number, entry);
      this.#toBeDurable[event.lane].push(entry);
      this.#apply(event, this.#nowMs());
      this.duty.apply(event, this.#nowMs(), this.latched.size);
    }
    return clashes;
  }

  acknowledged({ committed }: CommitReceipt): void {
    for (const [lane, seq] of Object.entries(committed) as [Lane, number][]) {
      const waiting = this.#toBeDurable[lane];
      while (waiting[0] !== undefined && waiting[0].event.seq <= seq) {
        waiting.shift()!.durable = true;
      }
    }
  }

  told(id: string): void {
    const entry = this.promised.get(id);
    if (entry !== undefined) entry.told = true;
  }

  /** Events that only the ring knows. */
  get atRisk(): readonly Promised[] {
    return [...this.promised.values()].filter(({ durable }) => !durable);
  }

  killed(): void {
    for (const entry of this.atRisk) entry.wasAtRisk = true;
  }

  /** The power was cut: what was only in the ring may be gone, with its number. */
  cut(): void {
    for (const entry of this.atRisk) {
      if (entry.told) continue;
      this.promised.delete(entry.event.id);
      this.#bySeq.delete(`${entry.event.lane}/${entry.event.seq}`);
    }
    for (const lane of Object.keys(this.#toBeDurable) as Lane[]) {
      this.#toBeDurable[lane] = this.#toBeDurable[lane].filter(({ told }) => told);
    }
    this.latched.clear();
    for (const { event } of this.promised.values()) this.#apply(event, this.#nowMs());
  }

  /** After a cut more may have survived than was promised. */
  adopt(zones: readonly { readonly id: string; readonly silenced: boolean }[]): void {
    for (const { id, silenced } of zones) {
      const known = this.latched.get(id);
      if (known === undefined) this.latched.set(id, { sinceMs: this.#nowMs(), silenced });
      else known.silenced = silenced;
    }
  }

  get siren(): boolean {
    return [...this.latched.values()].some(({ silenced }) => !silenced);
  }

  #apply(event: JournalEvent, nowMs: number): void {
    if (event.lane === 'alarm' && event.type === 'alarm') {
      const all = [...this.latched.values()];
      this.silencedAtNewestAlarm = all.filter(({ silenced }) => silenced).length;
      for (const each of all) each.silenced = false;
      this.latched.set(event.data.zone, { sinceMs: nowMs, silenced: false });
    } else if (event.lane === 'alarm' && event.type === 'alarmReset') {
      this.latched.delete(event.data.zone);
    } else if (event.lane === 'operator' && event.type === 'silenced') {
      for (const zone of event.data.zones) {
        const latched = this.latched.get(zone);
        if (latched !== undefined) latched.silenced = true;
      }
    } else if (event.type === 'soundRequested' || event.type === 'maintenanceEnded') {
      for (const latched of this.latched.values()) latched.silenced = false;
    }
  }
}

function emptyLanes(): Record<Lane, Promised[]> {
  return { alarm: [], fault: [], operator: [], system: [] };
}
