/**
 * Appliances on one network that watch each other, and carry alarms for one that has lost its
 * brokers. Everything here may fail without the alarm path noticing: it only tells.
 */
import type { Cancel, Clock, Log } from '../domain/ports.ts';
import type { FaultNotice } from '../domain/step.ts';
import { Carrier, type CarriedAlarm, type Undelivered } from './carrying.ts';
import type { LanAddress, LanPort } from './lan-port.ts';
import { NeighbourWatch, type PeerView } from './watch.ts';
import { readWord, type Word, writeWord } from './wire.ts';

export interface NeighbourOptions {
  readonly deviceId: string;
  readonly bootId: string;
  /** What stands before our topics. */
  readonly root: string;
  readonly peers: readonly (LanAddress & { readonly id: string })[];
  readonly helloMs: number;
  readonly silentMs: number;
}

export interface NeighbourDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly key: Uint8Array;
  /** The condition that our panel shows. */
  readonly condition: () => string;
  /** Whether one of our own brokers is connected. */
  readonly hasUplink: () => boolean;
  /** Alarms that no broker has taken, oldest first. */
  readonly undelivered: () => Promise<readonly Undelivered[]>;
  /** A neighbour has brought our alarm to a broker. */
  readonly onCarried: (id: string, by: string) => void;
  /** Publishes an alarm of a neighbour. @returns whether a broker took it. */
  readonly publish: (root: string, json: string) => Promise<boolean>;
  readonly onAlarm: (alarm: CarriedAlarm) => void;
  /** `neighbourSilent`, a supervisory condition; its subject is `neighbour:<id>`. */
  readonly onFault: (notice: FaultNotice) => void;
}

export interface NeighbourCounters {
  received: number;
  /** Datagrams without our key, for others, stale or repeated. */
  refused: number;
  sendErrors: number;
  /** Our alarms that a neighbour brought to a broker. */
  carriedByOthers: number;
  /** Alarms of neighbours that came here. */
  carriedForOthers: number;
}

/** Alarms handed over at a time: an outage must not become a flood. */
const AT_A_TIME = 8;

export class Neighbours {
  readonly counters: NeighbourCounters = {
    received: 0,
    refused: 0,
    sendErrors: 0,
    carriedByOthers: 0,
    carriedForOthers: 0,
  };
  readonly #options: NeighbourOptions;
  readonly #deps: NeighbourDeps;
  readonly #watch: NeighbourWatch;
  readonly #carrier: Carrier;
  readonly #silent = new Set<string>();
  #port: LanPort | null = null;
  #cancel: Cancel = () => undefined;
  #turn = 0;

  constructor(options: NeighbourOptions, deps: NeighbourDeps) {
    this.#options = options;
    this.#deps = deps;
    const peers = options.peers.map(({ id }) => id);
    this.#watch = new NeighbourWatch({ ...options, peers }, deps.clock.monotonicMs());
    this.#carrier = new Carrier({
      publish: deps.publish,
      answer: (to, id) => this.#say(to, (head) => ({ kind: 'carried', ...head, id })),
      onAlarm: (alarm) => {
        this.counters.carriedForOthers += 1;
        deps.onAlarm(alarm);
      },
    });
  }

  /** Speaks and listens from now on. @param port gives its datagrams to `heard`. */
  start(port: LanPort): void {
    this.#port = port;
    this.#beat();
  }

  async stop(): Promise<void> {
    this.#cancel();
    const port = this.#port;
    this.#port = null;
    await port?.close();
  }

  get peers(): readonly PeerView[] {
    return this.#watch.peers(this.#deps.clock.monotonicMs());
  }

  /** A datagram, whoever sent it. */
  heard(bytes: Uint8Array): void {
    this.counters.received += 1;
    const read = readWord(this.#deps.key, bytes);
    if (!read.ok || !this.#watch.take(read.word, this.#deps.clock.monotonicMs())) {
      this.counters.refused += 1;
      return;
    }
    this.#take(read.word);
  }

  /** A datagram could not be sent; silence of the neighbour will be the fault. */
  troubled(detail: string): void {
    this.counters.sendErrors += 1;
    if (this.counters.sendErrors === 1) {
      this.#deps.log('warn', 'a word to a neighbour could not be sent', { detail });
    }
  }

  #take(word: Word): void {
    if (word.kind === 'carried') {
      this.counters.carriedByOthers += 1;
      this.#deps.onCarried(word.id, word.from);
    } else if (word.kind === 'carry') {
      const refusal = this.#carrier.take(word);
      if (refusal === null) return;
      this.counters.refused += 1;
      this.#deps.log('warn', 'an alarm of a neighbour was not carried', {
        neighbour: word.from,
        reason: refusal,
      });
    }
  }

  #beat(): void {
    const { clock, condition, hasUplink } = this.#deps;
    const uplink = hasUplink();
    for (const { id } of this.#options.peers) {
      this.#say(id, (head) => ({ kind: 'hello', ...head, condition: condition(), uplink }));
    }
    this.#tellSilence();
    if (!uplink) void this.#handOver();
    this.#cancel = clock.after(this.#options.helloMs, () => this.#beat());
  }

  /** Asks one neighbour after the other, so that one that cannot deliver does not hold it up. */
  async #handOver(): Promise<void> {
    const waiting = await this.#deps.undelivered();
    const willing = this.peers.filter(({ uplink }) => uplink);
    const chosen = willing[this.#turn % Math.max(1, willing.length)];
    if (waiting.length === 0 || chosen === undefined) return;
    this.#turn += 1;
    const { root } = this.#options;
    for (const { json } of waiting.slice(0, AT_A_TIME)) {
      this.#say(chosen.id, (head) => ({ kind: 'carry', ...head, root, event: json }));
    }
  }

  #tellSilence(): void {
    const silent = new Set(this.#watch.silent(this.#deps.clock.monotonicMs()));
    for (const { id, host, port } of this.#options.peers) {
      const is = silent.has(id);
      if (is === this.#silent.has(id)) continue;
      if (is) this.#silent.add(id);
      else this.#silent.delete(id);
      const detail = is
        ? `nothing from ${id} at ${host}:${port}: look whether it runs, whether both have the ` +
          'same key file and name each other as peers, and whether UDP passes between them'
        : `${id} is heard again`;
      const subject = `neighbour:${id}`;
      this.#deps.onFault({
        ...{ fault: 'neighbourSilent', subject, raised: is, detail },
        supervisory: true,
      });
    }
  }

  #say(to: string, word: (head: ReturnType<NeighbourWatch['address']>) => Word): void {
    const peer = this.#options.peers.find(({ id }) => id === to);
    if (peer === undefined || this.#port === null) return;
    const head = this.#watch.address(to, this.#deps.clock.monotonicMs());
    this.#port.send(writeWord(this.#deps.key, word(head)), peer);
  }
}
