/**
 * Decides what goes to the broker next. One window of unanswered messages is shared by all lanes:
 *
 * 1. alarms, without rate limit, old ones too; a part of the window is kept free for them;
 * 2. live events: faults, operator, system, gaps; then live telemetry;
 * 3. the backlog in the same order, at a bounded rate.
 *
 * The window bounds messages, and for all but alarms also their bytes: what the broker has not
 * taken yet lies in buffers on the way to it, and an alarm comes behind it there. After a lost
 * connection everything unanswered is sent again from the cursors.
 */
import type { Cancel, Clock, Log } from '../domain/ports.ts';
import type { UplinkCounters } from './counters.ts';
import type { AsideState, Head, LaneFeed } from './lane.ts';
import type { LaneName } from './lane-source.ts';
import type { OutgoingMessage, PublishResult } from './link.ts';
import type { Parcel } from './parcel.ts';
import { TokenBucket } from './token-bucket.ts';

export interface DeliveryOptions {
  /** Unanswered messages of all lanes together. */
  readonly window: number;
  /** Unanswered bytes after which only alarms are sent, however much room the window has. */
  readonly windowBytes: number;
  /** Part of the window that only alarms may use. */
  readonly alarmReserve: number;
  /** Backlog messages per second, alarms excepted; Infinity: as fast as the broker answers. */
  readonly backlogPerSecond: number;
  /** How often lanes that nobody announces (telemetry, gaps) are looked at. */
  readonly pollMs: number;
}

export interface DeliveryDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly counters: UplinkCounters;
  readonly publish: (message: OutgoingMessage) => Promise<PublishResult>;
  /** The broker has acknowledged one item; time from sending to acknowledgement. */
  readonly onAckLatency: (lane: LaneName, latencyMs: number, seq: number) => void;
  /** A lane was found refused as such, or is accepted again. */
  readonly onHeld: (lane: LaneName, held: boolean) => void;
  /** Something was set aside in a lane where nothing was, or nothing is any more. */
  readonly onAside: (lane: LaneName, aside: AsideState) => void;
}

/** Wait after the link took nothing: it is full, not gone. */
const REFUSED_BY_LINK_RETRY_MS = 100;

interface Choice {
  readonly lane: LaneFeed;
  readonly head: Head;
}

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #deps: DeliveryDeps;
  readonly #bucket: TokenBucket;
  #lanes: readonly LaneFeed[] = [];
  readonly #committedSeq = new Map<LaneName, number>();
  #window = 0;
  #inFlight = 0;
  #bytesInFlight = 0;
  /** Messages of the uplink itself (status, state, responses). */
  #others = 0;
  /** The suspect that is in flight on its own, to learn whether it ends the connection. */
  #probe: { readonly parcel: Parcel; disturbed: boolean } | null = null;
  /** The broker has acknowledged something since it was connected: it works as such. */
  #proven = false;
  #pausedUntilMs = 0;
  #timer: { readonly atMs: number; readonly cancel: Cancel } | null = null;
  #cancelPoll: Cancel = () => undefined;
  #answering = false;
  #onIdle: (() => void) | null = null;

  constructor(options: DeliveryOptions, deps: DeliveryDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#bucket = new TokenBucket(options.backlogPerSecond, deps.clock.monotonicMs());
  }

  /** @param lanes alarm first, then in the order in which they are to be served. */
  begin(lanes: readonly LaneFeed[]): void {
    this.#lanes = lanes;
    for (const lane of lanes) lane.wake(this.#committedSeq.get(lane.name) ?? 0);
    this.pump();
  }

  connected(receiveMaximum: number): void {
    this.#window = Math.max(1, Math.min(this.#options.window, receiveMaximum));
    this.#proven = false;
    this.#poll();
  }

  disconnected(): void {
    this.#window = 0;
    this.#cancelPoll();
    this.#timer?.cancel();
    this.#timer = null;
  }

  /** Items up to this number are durable; may be called before `begin`. */
  wake(lane: LaneName, upToSeq: number): void {
    this.#committedSeq.set(lane, upToSeq);
    const feed = this.#lanes.find(({ name }) => name === lane);
    if (feed === undefined) return;
    feed.wake(upToSeq);
    // Also while nothing is answered: an outage is when people look at it.
    this.#deps.counters.backlog[lane] = feed.backlog;
  }

  /** There may be news in any lane, for example events that are readable but not durable yet. */
  lookAgain(): void {
    for (const lane of this.#lanes) lane.wake();
    this.pump();
  }

  /** Publishes something that is no lane's: it does not count in the window, but is seen. */
  async publishOther(message: OutgoingMessage): Promise<PublishResult> {
    this.#disturb();
    this.#others += 1;
    const result = await this.#deps.publish(message);
    this.#others -= 1;
    if (result.kind === 'acknowledged') this.#proven = true;
    this.#answered();
    return result;
  }

  /** Resolves when nothing is left to deliver; immediately if so now. Never on a dead link. */
  whenIdle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve;
      this.pump();
    });
  }

  pump(): void {
    if (this.#window > 0) {
      for (let sent = true; sent;) sent = this.#sendOne();
      for (const lane of this.#lanes) lane.refill();
    }
    const isIdle = this.#lanes.length > 0 && this.#lanes.every((lane) => lane.isIdle);
    if (isIdle && this.#inFlight === 0) this.#onIdle?.();
  }

  #sendOne(): boolean {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs < this.#pausedUntilMs) {
      this.#pumpAt(this.#pausedUntilMs);
      return false;
    }
    const choice = this.#choose(nowMs);
    if (choice === null) return false;
    const parcel = choice.lane.take(choice.head, nowMs);
    if (parcel !== null) void this.#send(parcel, nowMs);
    return true;
  }

  #choose(nowMs: number): Choice | null {
    let backlog: Choice | null = null;
    for (const lane of this.#lanes) {
      const head = lane.head(nowMs);
      if (head === null) {
        const resumesAtMs = lane.resumesAtMs(nowMs);
        if (resumesAtMs !== null) this.#pumpAt(resumesAtMs);
        continue;
      }
      const choice = { lane, head };
      if (head.historical && lane.name !== 'alarm') backlog ??= choice;
      else return this.#mayGo(choice) ? choice : null;
    }
    if (backlog === null || !this.#mayGo(backlog)) return null;
    const waitMs = this.#bucket.take(nowMs);
    if (waitMs === 0) return backlog;
    this.#pumpAt(nowMs + waitMs);
    return null;
  }

  #mayGo({ lane, head }: Choice): boolean {
    const isAlarm = lane.name === 'alarm';
    // A small window (some brokers allow one message) is shared by all.
    const reserve = isAlarm ? 0 : Math.min(this.#options.alarmReserve, this.#window - 1);
    if (this.#inFlight >= this.#window - reserve) return false;
    if (!isAlarm && this.#bytesInFlight >= this.#options.windowBytes) return false;
    if (this.#probe !== null) return isAlarm && this.#probe.parcel.lane !== 'alarm';
    return !head.suspect || this.#inFlight + this.#others === 0;
  }

  async #send(parcel: Parcel, sentAtMs: number): Promise<void> {
    const { counters, clock } = this.#deps;
    this.#disturb();
    if (parcel.suspect) this.#probe = { parcel, disturbed: false };
    this.#inFlight += 1;
    this.#bytesInFlight += parcel.bytes;
    counters.published += 1;
    const result = await this.#deps.publish(parcel.message);
    this.#inFlight -= 1;
    this.#bytesInFlight -= parcel.bytes;
    const probe = this.#probe?.parcel === parcel ? this.#probe : null;
    if (probe !== null) this.#probe = null;
    const hangUp =
      result.kind === 'connectionLost' &&
      result.byPeer &&
      this.#proven &&
      probe !== null &&
      !probe.disturbed;
    parcel.settle(result, hangUp);
    if (result.kind === 'acknowledged') {
      this.#proven = true;
      this.#deps.onAckLatency(parcel.lane, clock.monotonicMs() - sentAtMs, parcel.seq);
    }
    if (result.kind === 'notSent') {
      this.#pausedUntilMs = clock.monotonicMs() + REFUSED_BY_LINK_RETRY_MS;
    }
    this.#answered();
  }

  #disturb(): void {
    if (this.#probe !== null) this.#probe.disturbed = true;
  }

  #poll(): void {
    this.#cancelPoll();
    for (const lane of this.#lanes) {
      if (lane.name === 'telemetry' || lane.name === 'gap') lane.wake();
    }
    this.#cancelPoll = this.#deps.clock.after(this.#options.pollMs, () => this.#poll());
    this.pump();
  }

  #pumpAt(atMs: number): void {
    if (this.#timer !== null && this.#timer.atMs <= atMs) return;
    this.#timer?.cancel();
    const waitMs = Math.max(0, atMs - this.#deps.clock.monotonicMs());
    const cancel = this.#deps.clock.after(waitMs, () => {
      this.#timer = null;
      this.pump();
    });
    this.#timer = { atMs, cancel };
  }

  /** Answers come in batches: one look around and one move of each cursor a batch is enough. */
  #answered(): void {
    if (this.#answering) return;
    this.#answering = true;
    queueMicrotask(() => {
      this.#answering = false;
      for (const lane of this.#lanes) {
        lane.flushCursor();
        this.#deps.counters.backlog[lane.name] = lane.backlog;
        this.#report(lane);
      }
      this.pump();
    });
  }

  #report(lane: LaneFeed): void {
    const { held, aside } = this.#deps.counters;
    if (held[lane.name] !== lane.isHeld) {
      held[lane.name] = lane.isHeld;
      this.#deps.onHeld(lane.name, lane.isHeld);
    }
    const state = lane.aside;
    const before = aside[lane.name];
    aside[lane.name] = state.count;
    if (before > 0 !== state.count > 0) this.#deps.onAside(lane.name, state);
  }
}
