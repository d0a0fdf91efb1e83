/**
 * Follows alarms to the people: notes who has had them, sends them again while no central server
 * confirms, and escalates (`centralSilent`, outputs of the role `escalation`, brokers that get
 * nothing else) when the configured time is over. Nothing of an alarm waits for any of this.
 */
import type { Config } from './config-schema.ts';
import type { CoreHooks } from './core.ts';
import type { Changes, OpenAlarm } from './custody-book.ts';
import { CustodyBook, isTaken } from './custody-book.ts';
import type { CustodyCore } from './custody-escalation.ts';
import { Escalation } from './custody-escalation.ts';
import { readOpenAlarm } from './custody-record.ts';
import type { AlarmRef } from './domain/custody.ts';
import type { JournalEvent } from './domain/event.ts';
import type { Cancel, Clock, Journal, KeyedStore, Log } from './domain/ports.ts';
import { readAck } from './uplink/ack.ts';
import type { IncomingMessage } from './uplink/link.ts';
import type { Subscriber } from './uplink/uplink-options.ts';

export interface CustodyParts {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Log;
  readonly bootId: string;
  /** The present wall time as ISO 8601 in UTC. */
  readonly wallTime: () => string;
  readonly keyed: KeyedStore;
  readonly journal: Pick<Journal, 'readAfter' | 'cursors'>;
  /** Highest number of the alarm lane that was durable at the start. */
  readonly storedAlarms: number;
  /** Names of the brokers that events go to, the embedded one included. */
  readonly brokers: readonly string[];
  /** Seconds from the decision to the confirmation of a central server. */
  readonly observeCentral: (seconds: number) => void;
}

export interface CustodyCounters {
  escalations: number;
  /** Alarms sent again because nobody had confirmed them. */
  repeats: number;
  confirmed: number;
  /** Confirmed ids that belong to no open alarm: others of our events, or repeats. */
  unknown: number;
  malformed: number;
}

export class CustodyDesk {
  readonly counters: CustodyCounters = {
    escalations: 0,
    repeats: 0,
    confirmed: 0,
    unknown: 0,
    malformed: 0,
  };
  readonly #parts: CustodyParts;
  readonly #book: CustodyBook;
  readonly #escalation: Escalation;
  #core: CustodyCore | null = null;
  #cancel: Cancel = () => undefined;
  #stopped = false;

  private constructor(parts: CustodyParts) {
    this.#parts = parts;
    const { acknowledgement, brokers } = parts.config.uplink;
    const reserved = brokers.filter((one) => one.onlyEscalated).map(({ id }) => id);
    const seconds = acknowledgement.withinSeconds;
    this.#book = new CustodyBook({
      bootId: parts.bootId,
      withinMs: seconds === null ? null : seconds * 1000,
      hasBroker:
        parts.config.neighbours.enabled || parts.brokers.some((id) => !reserved.includes(id)),
    });
    this.#escalation = new Escalation(parts, reserved, () => this.#book.open);
  }

  /** @param held alarms that only the ring had: their custody may have been lost with the kill. */
  static async load(parts: CustodyParts, held: readonly JournalEvent[]): Promise<CustodyDesk> {
    const desk = new CustodyDesk(parts);
    const nowMs = parts.clock.monotonicMs();
    for (const [id, text] of await parts.keyed.loadAll('custody')) {
      const alarm = readOpenAlarm(text);
      if (alarm !== null) desk.#book.restore(alarm, nowMs);
      else {
        parts.log('error', 'the custody of an alarm cannot be read', { id });
        parts.keyed.remove('custody', id);
      }
    }
    for (const event of held) desk.#begin(event);
    return desk;
  }

  /** From here on it sends and escalates. Call it once the core has started. */
  start(core: CustodyCore): void {
    this.#core = core;
    this.#escalation.start(core);
    void this.#catchUp(this.#parts.storedAlarms);
    for (const alarm of this.#book.escalated) this.#escalation.owe(alarm);
    this.#escalation.show(this.#book.escalated);
    this.#arm();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancel();
    this.#escalation.stop();
  }

  /** Alarms that no broker has taken yet, oldest first. */
  get undelivered(): readonly AlarmRef[] {
    const waits = ({ stages }: OpenAlarm) => !stages.some(({ stage }) => stage === 'broker');
    return this.#book.open.filter(waits);
  }

  /** Somebody else has brought an alarm of ours to a broker. */
  carried(id: string, by: string): void {
    const alarm = this.#book.open.find((each) => each.id === id);
    if (alarm !== undefined) this.#note(this.#book.broker(alarm.seq, by, this.#now()));
  }

  get openAlarms(): number {
    return this.#book.open.length;
  }

  /** Listens to central servers at every broker. @param topic `<root>/ack`. */
  subscriber(topic: string): Subscriber {
    return {
      filter: topic,
      retained: false,
      matches: (each) => each === topic,
      onMessage: (message) => this.#onAck(message),
    };
  }

  /** The hooks with the desk's own added: it is told after them. */
  hooksAfter(hooks: CoreHooks): CoreHooks {
    return {
      ...hooks,
      onStep: (report) => {
        hooks.onStep?.(report);
        for (const event of report.events) this.#take(event);
      },
      onCommit: (receipt) => {
        hooks.onCommit?.(receipt);
        const { alarm } = receipt.committed;
        if (alarm !== undefined) this.#note(this.#book.stored(alarm, this.#now()));
      },
      onPublished: (latencyMs, broker, lane, seq) => {
        hooks.onPublished?.(latencyMs, broker, lane, seq);
        if (lane === 'alarm') this.#note(this.#book.broker(seq, broker, this.#now()));
      },
    };
  }

  /** What was reached before the start, but not noted any more. */
  async #catchUp(storedAlarms: number): Promise<void> {
    this.#note(this.#book.stored(storedAlarms, this.#now()));
    for (const broker of this.#ordinary()) {
      const { alarm } = await this.#parts.journal.cursors(broker);
      this.#note(this.#book.brokerBefore(alarm, broker, this.#now()));
    }
  }

  #take(event: JournalEvent): void {
    this.#begin(event);
    if (event.type === 'acknowledged' || event.type === 'resetRequested') {
      const { zones, origin } = event.data;
      this.#note(this.#book.operator(zones, origin, this.#now()));
    }
  }

  #begin(event: JournalEvent): void {
    if (event.type !== 'alarm') return;
    this.#note(this.#book.begin(event, this.#now()));
  }

  /** Keeps what changed, and says of what is finished who has had it. */
  #note({ changed, closed }: Changes): void {
    if (changed.length + closed.length === 0) return;
    const { keyed } = this.#parts;
    for (const alarm of changed) keyed.put('custody', alarm.id, JSON.stringify(alarm));
    for (const alarm of closed) {
      keyed.remove('custody', alarm.id);
      this.#core?.runtime.record({
        lane: 'system',
        type: 'custody',
        data: {
          zone: alarm.zone,
          zoneName: alarm.zoneName,
          alarm: refOf(alarm),
          stages: alarm.stages,
          complete: this.#book.isComplete(alarm),
        },
      });
    }
    this.#escalation.show(this.#book.escalated);
    this.#arm();
  }

  #onAck(message: IncomingMessage): void {
    const read = readAck(message);
    if (!read.ok) {
      this.counters.malformed += 1;
      // The first of many says it all: whoever floods us must not fill the log.
      if (this.counters.malformed === 1) {
        this.#parts.log('warn', 'a confirmation of a central server was not understood', {
          topic: message.topic,
          problem: read.error,
        });
      }
      return;
    }
    const { ids, by = 'unnamed' } = read.value;
    const open = new Map(this.#book.open.map((alarm) => [alarm.id, alarm]));
    const fresh = [...new Set(ids)].flatMap((id) => open.get(id) ?? []).filter(notConfirmed);
    this.counters.confirmed += fresh.length;
    this.counters.unknown += ids.length - fresh.length;
    if (fresh.length === 0) return;
    this.#core?.runtime.record({
      lane: 'operator',
      type: 'centrallyConfirmed',
      data: { origin: `mqtt:${by}`, alarms: fresh.map(refOf) },
    });
    const now = this.#now();
    for (const { bootId, atMs } of fresh) {
      if (bootId === this.#parts.bootId) this.#parts.observeCentral((now.nowMs - atMs) / 1000);
    }
    this.#note(this.#book.central(ids, by, now));
  }

  #arm(): void {
    this.#cancel();
    const dueMs = this.#book.nextDueMs;
    if (dueMs === null || this.#core === null || this.#stopped) return;
    const waitMs = Math.max(0, dueMs - this.#parts.clock.monotonicMs());
    this.#cancel = this.#parts.clock.after(waitMs, () => this.#overdue());
  }

  #overdue(): void {
    const late = this.#book.due(this.#parts.clock.monotonicMs());
    const fresh = late.filter((alarm) => alarm.asked && !alarm.escalated && !isTaken(alarm));
    if (fresh.length > 0) this.#escalate(fresh);
    for (const alarm of late) {
      this.counters.repeats += 1;
      void this.#escalation.sendAgain(alarm, this.#ordinary());
    }
    // What was escalated must be known after a restart.
    const ids = new Set(late.map(({ id }) => id));
    this.#note({ changed: this.#book.open.filter(({ id }) => ids.has(id)), closed: [] });
    // A timer may fire a little early: nothing is late then, and it is set again.
    this.#arm();
  }

  #escalate(alarms: readonly OpenAlarm[]): void {
    this.counters.escalations += alarms.length;
    const { withinSeconds } = this.#parts.config.uplink.acknowledgement;
    const afterMs = (withinSeconds ?? 0) * 1000;
    this.#core?.runtime.record({
      lane: 'system',
      type: 'escalated',
      data: { alarms: alarms.map(refOf), afterMs, brokers: this.#escalation.brokers },
    });
    for (const alarm of alarms) this.#escalation.owe(alarm);
  }

  #ordinary(): readonly string[] {
    return this.#parts.brokers.filter((id) => !this.#escalation.brokers.includes(id));
  }

  #now() {
    return { nowMs: this.#parts.clock.monotonicMs(), wall: this.#parts.wallTime() };
  }
}

function refOf({ id, seq, zone }: OpenAlarm): AlarmRef {
  return { id, seq, zone };
}

function notConfirmed({ stages }: OpenAlarm): boolean {
  return !stages.some(({ stage }) => stage === 'central');
}
