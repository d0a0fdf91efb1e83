/**
 * The appliance as a Sparkplug B edge node, over a link of its own. Births, values and events keep
 * one order; events come from the journal and count as delivered only when the broker has taken
 * them, so QoS 1 is used throughout, where Sparkplug itself asks for 0.
 */
import { LANES } from '../../domain/event.ts';
import type { Cancel, Clock, CommitReceipt, Journal, Log } from '../../domain/ports.ts';
import type { FaultNotice } from '../../domain/step.ts';
import { newCounters, type UplinkCounters } from '../counters.ts';
import { Delivery } from '../delivery.ts';
import { readCursors } from '../lane-source.ts';
import type { IncomingMessage, Link, LinkState, OutgoingMessage, PublishResult } from '../link.ts';
import type { Identity, StateSnapshot } from '../payload.ts';
import { Reachability } from '../reachability.ts';
import type { Remembered } from '../remembered.ts';
import { DEFAULT_UPLINK_OPTIONS } from '../uplink-options.ts';
import { changesDue } from './changes.ts';
import { decodeSparkplug } from './encode.ts';
import { asideFault, heldFault } from './faults.ts';
import { sparkplugLanes } from './lanes.ts';
import { fixedReadings, type NodeFacts, nodeReadings, REBIRTH } from './metrics.ts';
import { type SessionOptions, SparkplugSession, sparkplugTopic } from './session.ts';
import { within } from './within.ts';

export interface SparkplugOptions extends SessionOptions {
  /** Name of the positions in the journal, in faults and in metrics. */
  readonly name: string;
  readonly identity: Identity;
  readonly facts: Omit<NodeFacts, 'bootId'>;
  /** Changed values are sent this often. */
  readonly valueMs: number;
}

export interface SparkplugDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly journal: Journal;
  readonly link: Link;
  /** Of the kind `sparkplug`. */
  readonly remembered: Remembered;
  readonly state: () => StateSnapshot;
  readonly onFault: (notice: FaultNotice) => void;
}

/** A change of the panel is worth telling sooner than values that drift. */
const TELL_CHANGE_AFTER_MS = 200;
/** Whoever asks for births again and again gets them this often. */
const REBIRTH_EVERY_MS = 1000;
const BD_SEQ_KEY = 'bdSeq';
/** Readings are not delivered here: none of them waits for this broker. */
const ALL_ROWS = Number.MAX_SAFE_INTEGER;

export class SparkplugNode {
  readonly #options: SparkplugOptions;
  readonly #deps: SparkplugDeps;
  readonly #counters = newCounters();
  readonly #session: SparkplugSession;
  readonly #delivery: Delivery;
  readonly #reachability: Reachability;
  #connected: { readonly receiveMaximum: number } | null = null;
  /** Counts births: what is left of an older one ends by itself. */
  #birth = 0;
  #alive = false;
  #birthNotBeforeMs = -Infinity;
  #cancelBirth: Cancel | null = null;
  #cancelValues: Cancel = () => undefined;
  #cancelChange: Cancel | null = null;
  #cancelRetry: Cancel = () => undefined;
  #stopped: Promise<void> | null = null;

  constructor(options: SparkplugOptions, deps: SparkplugDeps) {
    this.#options = options;
    this.#deps = deps;
    const { clock, log, remembered, onFault } = deps;
    const before = Number(remembered.get(BD_SEQ_KEY) ?? -1);
    this.#session = new SparkplugSession(options, Number.isInteger(before) ? before : -1);
    const subject = `uplink:${options.name}`;
    this.#delivery = new Delivery(DEFAULT_UPLINK_OPTIONS, {
      ...{ clock, log, counters: this.#counters },
      publish: (message) => this.#publish(message),
      onAckLatency: () => undefined,
      onHeld: (lane, held) => onFault(heldFault(subject, lane, held)),
      onAside: (lane, aside) => onFault(asideFault(subject, lane, aside)),
    });
    const { unreachableAfterMs } = DEFAULT_UPLINK_OPTIONS;
    this.#reachability = new Reachability(clock, unreachableAfterMs, (raised, detail) =>
      onFault({ fault: 'brokerUnreachable', subject, raised, detail }),
    );
  }

  /** Of its positions in the journal, in faults and in metrics. */
  get name(): string {
    return this.#options.name;
  }

  /** Live numbers; read, never written, by others. */
  get counters(): Readonly<UplinkCounters> {
    return this.#counters;
  }

  /** Connects and delivers from now on, for ever. Call once; returns at once. */
  start(): void {
    this.#reachability.lost('not connected yet');
    this.#deps.link.open({
      onState: (state) => this.#onState(state),
      onMessage: (message) => this.#onMessage(message),
      will: () => {
        const will = this.#session.nextWill(this.#deps.clock.wallMs());
        this.#deps.remembered.set(BD_SEQ_KEY, String(this.#session.bdSeq));
        return will;
      },
    });
    void this.#openLanes();
  }

  /** For each receipt of the journal; one that names no lane: there is something to read. */
  committed(receipt: CommitReceipt): void {
    for (const lane of LANES) {
      const seq = receipt.committed[lane];
      if (seq !== undefined) this.#delivery.wake(lane, seq);
    }
    if (Object.keys(receipt.committed).length === 0) this.#delivery.lookAgain();
    else this.#delivery.pump();
  }

  /** The panel changed. */
  stateChanged(): void {
    if (!this.#alive) return;
    this.#cancelChange ??= this.#deps.clock.after(TELL_CHANGE_AFTER_MS, () => {
      this.#cancelChange = null;
      void this.#sendChanges();
    });
  }

  /** Delivers what is waiting for up to half of the time, dies by its own hand, and closes. */
  stop(reason: string, deadlineMs: number): Promise<void> {
    this.#deps.log('debug', 'the Sparkplug node goes', { reason });
    this.#stopped ??= this.#stop(deadlineMs);
    return this.#stopped;
  }

  async #stop(deadlineMs: number): Promise<void> {
    const { clock, link } = this.#deps;
    const startedMs = clock.monotonicMs();
    this.#reachability.stop();
    this.#cancelRetry();
    if (this.#connected !== null) {
      if (this.#alive) await within(clock, deadlineMs / 2, this.#delivery.whenIdle());
      // After its death nothing of it may follow.
      this.#rest();
      const death = link.publish(this.#session.death(clock.wallMs()));
      await within(clock, deadlineMs / 4, death);
    }
    this.#rest();
    await link.close(Math.max(1, deadlineMs - (clock.monotonicMs() - startedMs)));
  }

  #onState(state: LinkState): void {
    if (state.kind === 'connected') {
      this.#connected = state;
      this.#counters.connected = true;
      this.#counters.protocol = state.protocol;
      this.#counters.reconnects = Math.max(0, state.connection - 1);
      this.#reachability.restored();
      void this.#subscribe();
      void this.#beBorn();
      return;
    }
    this.#connected = null;
    this.#counters.connected = false;
    this.#counters.protocol = null;
    this.#rest();
    if (state.retryInMs !== null) this.#reachability.lost(state.reason);
  }

  /** Sends nothing more until the next birth. */
  #rest(): void {
    this.#birth += 1;
    this.#alive = false;
    this.#delivery.disconnected();
    this.#cancelBirth?.();
    this.#cancelBirth = null;
    this.#cancelValues();
    this.#cancelChange?.();
    this.#cancelChange = null;
  }

  async #subscribe(): Promise<void> {
    const filter = sparkplugTopic(this.#options, 'NCMD');
    const result = await this.#deps.link.subscribe(filter, { retained: false });
    if (result.kind === 'subscribed') return;
    const { reason } = result;
    this.#deps.log('error', 'the broker did not accept a subscription', { filter, reason });
  }

  #onMessage(message: IncomingMessage): void {
    if (message.topic !== sparkplugTopic(this.#options, 'NCMD') || message.retained) return;
    const command = decodeSparkplug(message.payload);
    const wanted = command?.metrics.some(({ name, value }) => name === REBIRTH && value === true);
    if (wanted === true) this.#rebirthSoon();
    else this.#deps.log('warn', 'a Sparkplug command was not understood', { topic: message.topic });
  }

  #rebirthSoon(): void {
    if (this.#connected === null || this.#stopped !== null || this.#cancelBirth !== null) return;
    const waitMs = Math.max(0, this.#birthNotBeforeMs - this.#deps.clock.monotonicMs());
    this.#cancelBirth = this.#deps.clock.after(waitMs, () => {
      this.#cancelBirth = null;
      void this.#beBorn();
    });
  }

  /** All certificates, one after the other; then values and events. */
  async #beBorn(): Promise<void> {
    const connected = this.#connected;
    if (connected === null) return;
    this.#rest();
    const birth = this.#birth;
    const { clock, state } = this.#deps;
    const { identity, facts } = this.#options;
    this.#birthNotBeforeMs = clock.monotonicMs() + REBIRTH_EVERY_MS;
    const view = state();
    const node = [...fixedReadings({ ...facts, bootId: identity.bootId }), ...nodeReadings(view)];
    const isTaken = await this.#taken(this.#session.nodeBirth(node, clock.wallMs()));
    if (!isTaken || birth !== this.#birth) return;
    this.#alive = true;
    await this.#sendChanges();
    if (birth !== this.#birth) return;
    this.#delivery.connected(connected.receiveMaximum);
    this.#sendValuesLater();
  }

  #sendValuesLater(): void {
    this.#cancelValues = this.#deps.clock.after(this.#options.valueMs, () => {
      this.#sendValuesLater();
      void this.#sendChanges();
    });
  }

  /** What the host does not know yet of node and zones; zones that came and went. */
  async #sendChanges(): Promise<void> {
    const { clock, state } = this.#deps;
    const birth = this.#birth;
    const view = state();
    const due = changesDue(this.#session, view, () => clock.wallMs());
    // Each is numbered when its turn has come: events go in between.
    for (const make of due) {
      const message = make();
      if (message !== null && !(await this.#taken(message))) return;
      if (birth !== this.#birth) return;
    }
  }

  async #taken(message: OutgoingMessage): Promise<boolean> {
    return (await this.#delivery.publishOther(message)).kind === 'acknowledged';
  }

  /** A number that never reached the host would be missed: it gets new births instead. */
  async #publish(message: OutgoingMessage): Promise<PublishResult> {
    const result = await this.#deps.link.publish(message);
    if (result.kind === 'rejected' || result.kind === 'notSent') {
      this.#birthNotBeforeMs = this.#deps.clock.monotonicMs() + REBIRTH_EVERY_MS;
      this.#rebirthSoon();
    }
    return result;
  }

  async #openLanes(): Promise<void> {
    const { journal, clock, log } = this.#deps;
    const { name, identity } = this.#options;
    try {
      const cursors = await readCursors(journal, name);
      if (this.#stopped !== null) return;
      if (cursors.telemetry < ALL_ROWS) journal.advance(name, 'telemetry', ALL_ROWS);
      const lanes = sparkplugLanes(cursors, {
        ...{ clock, log, journal, counters: this.#counters, identity, name },
        session: this.#session,
        onReady: () => this.#delivery.pump(),
      });
      this.#delivery.begin(lanes);
    } catch (error) {
      this.#counters.readErrors += 1;
      log('error', 'cannot read where the delivery to Sparkplug stands', {
        error: error instanceof Error ? error.message : String(error),
      });
      const { readRetryMs } = DEFAULT_UPLINK_OPTIONS;
      if (this.#stopped !== null) return;
      this.#cancelRetry = clock.after(readRetryMs, () => void this.#openLanes());
    }
  }
}
