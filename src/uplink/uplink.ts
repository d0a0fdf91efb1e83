/**
 * The appliance towards one broker: events out of the journal, status and state, commands in.
 * Knows no MQTT. Nothing here is waited for by the alarm path: the step only calls `committed`
 * and `stateChanged`, which return at once whatever the network does.
 */
import { type JournalEvent, type Lane, LANES } from '../domain/event.ts';
import type { Cancel, CommitReceipt } from '../domain/ports.ts';
import { Announcer } from './announcer.ts';
import { CommandDesk } from './command-desk.ts';
import { KeyRing } from './command-keys.ts';
import { CommandMemory } from './command-memory.ts';
import { newCounters, type UplinkCounters } from './counters.ts';
import { Delivery } from './delivery.ts';
import type { AsideState } from './lane.ts';
import { type LaneName, readCursors } from './lane-source.ts';
import { makeLanes } from './lanes.ts';
import type {
  Connected,
  IncomingMessage,
  LinkState,
  OutgoingMessage,
  PublishResult,
} from './link.ts';
import { eventMessage, isTopicRoot, type Topics, topicsOf } from './payload.ts';
import { Presence } from './presence.ts';
import { Reachability } from './reachability.ts';
import { Standing } from './standing.ts';
import { Subscriptions } from './subscriptions.ts';
import type { UplinkDeps, UplinkOptions } from './uplink-options.ts';

export { DEFAULT_UPLINK_OPTIONS } from './uplink-options.ts';
export type { Subscriber, UplinkDeps, UplinkOptions } from './uplink-options.ts';

export class Uplink {
  readonly #options: UplinkOptions;
  readonly #deps: UplinkDeps;
  readonly #topics: Topics;
  readonly #counters = newCounters();
  readonly #delivery: Delivery;
  readonly #presence: Presence;
  readonly #subscriptions: Subscriptions;
  readonly #desk: CommandDesk;
  readonly #reachability: Reachability;
  readonly #standing: Standing;
  readonly #announcer: Announcer | null;
  #stopped: Promise<void> | null = null;
  #connections = 0;
  #cancelRetry: Cancel = () => undefined;

  /** @throws RangeError when `options.root` is no topic root. */
  constructor(options: UplinkOptions, deps: UplinkDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#topics = topicsOf(options.root);
    const { clock, log, wallTime, onAckLatency } = deps;
    const counters = this.#counters;
    this.#delivery = new Delivery(options, {
      clock,
      log,
      counters,
      onAckLatency,
      publish: (message) => this.#publish(message),
      onHeld: (lane, held) => this.#laneHeld(lane, held),
      onAside: (lane, aside) => this.#setAside(lane, aside),
    });
    const publish = (message: OutgoingMessage) => this.#delivery.publishOther(message);
    const shared = { clock, log, counters, publish, topics: this.#topics };
    const { identity, birth } = options;
    const { link, onFault } = deps;
    this.#standing = new Standing({ clock, link, counters, onFault, broker: options.broker });
    this.#subscriptions = new Subscriptions({
      ...{ clock, log, retryMs: options.refusedRetryMs },
      subscribe: (filter, wish) => deps.link.subscribe(filter, wish),
      onRefused: (detail) => this.#standing.subscriptions(detail),
    });
    this.#presence = new Presence(options, {
      ...{ ...shared, identity, birth, wallTime, snapshot: deps.state },
      subscribe: (filter) => link.subscribe(filter, { retained: true }),
      onNotEchoed: (what, detail) => this.#standing.notEchoed(what, detail),
    });
    this.#reachability = new Reachability(clock, options.unreachableAfterMs, (raised, detail) =>
      this.#fault('brokerUnreachable', this.#subject(), raised, detail),
    );
    const { announcements } = deps;
    this.#announcer = announcements ? new Announcer({ log, announcements, publish }) : null;
    const { snapshot, configure, update, memory, keys } = deps.commands ?? {
      memory: new CommandMemory(clock),
      keys: new KeyRing([], clock, deps.onFault),
    };
    this.#desk = new CommandDesk(options.commands, {
      ...{ ...shared, identity, memory, keys },
      broker: options.broker,
      services: {
        snapshot: (request) => {
          snapshot?.(request);
          this.#presence.stateChanged();
        },
        configure: configure ?? null,
        update: update ?? null,
      },
      isClockRight: () => deps.state().clockQuality === 'synchronised',
      submit: deps.submit,
      onRefused: deps.onRefused,
    });
  }

  /** Live numbers; read, never written, by others. */
  get counters(): Readonly<UplinkCounters> {
    return this.#counters;
  }

  /** Connects and delivers from now on, for ever. Call once; returns at once. */
  start(): void {
    this.#reachability.lost('not connected yet');
    this.#standing.start();
    this.#deps.announcements?.start();
    this.#deps.link.open({
      onState: (state) => this.#onState(state),
      onMessage: (message) => this.#onMessage(message),
      will: (connection) => this.#presence.will(connection),
    });
    if (this.#options.delivers) void this.#openLanes();
  }

  /** For each receipt of the journal; one that names no lane: readable, though not committed. */
  committed(receipt: CommitReceipt): void {
    if (receipt.rewound?.includes(this.#options.broker) === true) void this.#openLanes();
    if (Object.keys(receipt.committed).length === 0) {
      this.#delivery.lookAgain();
      return;
    }
    for (const lane of LANES) {
      const seq = receipt.committed[lane];
      if (seq !== undefined) this.#delivery.wake(lane, seq);
    }
    this.#delivery.pump();
  }

  /** Publishes an event that may have been delivered before; its id tells readers so. */
  sendAgain(event: JournalEvent): Promise<PublishResult> {
    return this.#delivery.publishOther(eventMessage(this.#topics, event, true));
  }

  /** Publishes an event of another appliance under that one's topics. */
  async publishFor(root: string, lane: Lane, payload: string): Promise<PublishResult> {
    if (!isTopicRoot(root)) return { kind: 'rejected', reason: `"${root}" is no topic root` };
    const topic = topicsOf(root).event(lane);
    return this.#delivery.publishOther({ topic, payload, retain: false });
  }

  /** The panel changed: a new snapshot is due. */
  stateChanged(): void {
    this.#presence.stateChanged();
  }

  /** What is announced at the broker has changed, or somebody wants to hear it again. */
  announce(): void {
    if (this.#counters.connected) this.#announcer?.announce();
  }

  /**
   * Delivers what is waiting for up to half of the time, says `offline` with the reason, and
   * closes the link. What is not delivered stays in the journal. Never rejects.
   */
  stop(reason: string, deadlineMs: number): Promise<void> {
    this.#stopped ??= this.#stop(reason, deadlineMs);
    return this.#stopped;
  }

  async #stop(reason: string, deadlineMs: number): Promise<void> {
    const { clock, link } = this.#deps;
    const startedMs = clock.monotonicMs();
    this.#reachability.stop();
    this.#standing.stop();
    this.#deps.announcements?.stop();
    this.#cancelRetry();
    if (this.#counters.connected) {
      if (this.#options.delivers) {
        await this.#within(deadlineMs / 2, this.#delivery.whenIdle());
      }
      const farewell = this.#presence.goodbye(reason);
      this.#delivery.disconnected();
      await this.#within(deadlineMs / 4, farewell);
    }
    this.#delivery.disconnected();
    await link.close(Math.max(1, deadlineMs - (clock.monotonicMs() - startedMs)));
  }

  #within(deadlineMs: number, done: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#deps.clock.after(deadlineMs, resolve);
      void done.then(() => {
        cancel();
        resolve();
      });
    });
  }

  #onState(state: LinkState): void {
    if (state.kind === 'connected') {
      this.#onConnected(state);
      return;
    }
    this.#counters.connected = false;
    this.#counters.protocol = null;
    this.#presence.disconnected();
    this.#delivery.disconnected();
    this.#standing.disconnected(state);
    this.#subscriptions.disconnected();
    if (state.retryInMs !== null) this.#reachability.lost(state.reason);
  }

  #onConnected(state: Connected): void {
    this.#connections += 1;
    this.#counters.connected = true;
    this.#counters.protocol = state.protocol;
    this.#counters.reconnects = this.#connections - 1;
    this.#standing.connected(state);
    this.#presence.connected(state.connection);
    const commands = { filter: this.#topics.commands, retained: false };
    this.#subscriptions.connected([commands, ...(this.#deps.subscribers ?? [])]);
    this.#announcer?.announce();
    this.#delivery.connected(state.receiveMaximum);
  }

  /** A broker is there for us once it has answered: some take a connection and then nothing. */
  async #publish(message: OutgoingMessage): Promise<PublishResult> {
    const result = await this.#deps.link.publish(message);
    const { kind } = result;
    const isAnswer = kind === 'acknowledged' || kind === 'rejected';
    if (isAnswer && this.#counters.connected) this.#reachability.restored();
    return result;
  }

  #onMessage(message: IncomingMessage): void {
    if (this.#stopped !== null) return;
    if (this.#presence.onMessage(message)) return;
    const prefix = `${this.#topics.root}/command/`;
    if (message.topic.startsWith(prefix)) {
      void this.#desk.handle(message.topic.slice(prefix.length), message);
      return;
    }
    for (const subscriber of this.#deps.subscribers ?? []) {
      if (subscriber.matches(message.topic)) subscriber.onMessage(message);
    }
  }

  async #openLanes(): Promise<void> {
    const { journal, clock, log } = this.#deps;
    try {
      const cursors = await readCursors(journal, this.#options.broker);
      if (this.#stopped !== null) return;
      const lanes = makeLanes(this.#options, cursors, {
        ...{ journal, clock, log },
        topics: this.#topics,
        counters: this.#counters,
        onReady: () => this.#delivery.pump(),
      });
      this.#delivery.begin(lanes);
    } catch (error) {
      this.#counters.readErrors += 1;
      log('error', 'cannot read where the delivery to the broker stands', {
        broker: this.#options.broker,
        error: error instanceof Error ? error.message : String(error),
      });
      if (this.#stopped !== null) return;
      this.#cancelRetry = clock.after(this.#options.readRetryMs, () => void this.#openLanes());
    }
  }

  #laneHeld(lane: LaneName, held: boolean): void {
    const detail = held
      ? `the broker refuses everything on ${lane}: check its access rules and quotas`
      : 'the broker accepts the lane again';
    this.#fault('laneRefused', `${this.#subject()}:${lane}`, held, detail);
  }

  /** The others wait as well, each until it is taken. */
  #setAside(lane: LaneName, { count, seq, reason }: AsideState): void {
    const detail =
      count === 0
        ? 'the broker has taken every alarm'
        : `the broker does not take alarm ${seq}: ${reason}; it is kept and offered again: ` +
          'check the access rules and size limits of the broker';
    this.#fault('alarmQuarantined', `${this.#subject()}:${lane}`, count > 0, detail);
  }

  #subject(): string {
    return `uplink:${this.#options.broker}`;
  }

  #fault(fault: string, subject: string, raised: boolean, detail: string): void {
    this.#deps.onFault({ fault, subject, raised, detail });
  }
}
