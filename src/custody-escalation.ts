/** What is done about an alarm that no central server confirms. */
import type { Core } from './core.ts';
import type { OpenAlarm } from './custody-book.ts';
import type { AlarmRef } from './domain/custody.ts';
import type { Cancel, Clock, Journal } from './domain/ports.ts';
import type { ZoneId } from './domain/units.ts';

/** What is needed of the core. */
export interface CustodyCore extends Pick<Core, 'fault' | 'brokers'> {
  readonly runtime: Pick<Core['runtime'], 'record'>;
  readonly uplinks: readonly Pick<Core['uplinks'][number], 'sendAgain'>[];
}

export interface EscalationParts {
  readonly clock: Clock;
  readonly journal: Pick<Journal, 'readAfter'>;
}

/** An alarm that a broker did not take when it was escalated is tried again after this. */
const RETRY_MS = 5000;

export class Escalation {
  /** Brokers that get only what was escalated. */
  readonly brokers: readonly string[];
  readonly #parts: EscalationParts;
  readonly #open: () => readonly OpenAlarm[];
  /** Ids of alarms that such a broker has not taken yet, by broker. */
  readonly #owed = new Map<string, Set<string>>();
  readonly #faulty = new Set<ZoneId>();
  #core: CustodyCore | null = null;
  #cancel: Cancel | null = null;
  #stopped = false;

  /** @param open the alarms that not everybody has had yet. */
  constructor(
    parts: EscalationParts,
    brokers: readonly string[],
    open: () => readonly OpenAlarm[],
  ) {
    this.#parts = parts;
    this.brokers = brokers;
    this.#open = open;
  }

  start(core: CustodyCore): void {
    this.#core = core;
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel?.();
  }

  /** One fault a zone while an escalated alarm of it is in nobody's hands. */
  show(escalated: readonly OpenAlarm[]): void {
    const core = this.#core;
    if (core === null) return;
    const silent = new Map(escalated.map((alarm) => [alarm.zone, alarm]));
    for (const [zone, { zoneName, id }] of silent) {
      if (this.#faulty.has(zone)) continue;
      this.#faulty.add(zone);
      const detail =
        `no central server has confirmed the alarm of ${zoneName} (event ${id}): ` +
        'tell the people there by other means, and check the central application';
      core.fault({ fault: 'centralSilent', subject: `alarm:${zone}`, raised: true, detail });
    }
    for (const zone of this.#faulty) {
      if (silent.has(zone)) continue;
      this.#faulty.delete(zone);
      const detail = 'somebody has the alarm';
      core.fault({ fault: 'centralSilent', subject: `alarm:${zone}`, raised: false, detail });
    }
  }

  /** The brokers of escalation get this alarm, however long it takes them. */
  owe({ id }: AlarmRef): void {
    for (const broker of this.brokers) {
      const owed = this.#owed.get(broker) ?? new Set();
      this.#owed.set(broker, owed.add(id));
    }
    this.#payLater(0);
  }

  /** @returns whether there are such brokers and all of them took it. */
  async sendAgain({ id, seq }: AlarmRef, brokers: readonly string[]): Promise<boolean> {
    const [event] = await this.#parts.journal.readAfter('alarm', seq - 1, 1);
    const core = this.#core;
    if (event?.id !== id || core === null || this.#stopped) return false;
    const uplinks = core.uplinks.filter((_, i) => brokers.includes(core.brokers[i] ?? ''));
    const results = await Promise.all(uplinks.map((uplink) => uplink.sendAgain(event)));
    return results.length > 0 && results.every(({ kind }) => kind === 'acknowledged');
  }

  #payLater(waitMs: number): void {
    if (this.#stopped || this.brokers.length === 0) return;
    this.#cancel ??= this.#parts.clock.after(waitMs, () => {
      void this.#pay().then((settled) => {
        this.#cancel = null;
        if (!settled) this.#payLater(RETRY_MS);
      });
    });
  }

  /** @returns whether nothing is owed any more. */
  async #pay(): Promise<boolean> {
    const open = new Map(this.#open().map((alarm) => [alarm.id, alarm]));
    for (const [broker, owed] of this.#owed) {
      for (const id of [...owed]) {
        const alarm = open.get(id);
        // Everybody has had it meanwhile, or it goes out now; else it stays owed.
        if (alarm === undefined || (await this.sendAgain(alarm, [broker]))) owed.delete(id);
      }
    }
    return [...this.#owed.values()].every(({ size }) => size === 0);
  }
}
