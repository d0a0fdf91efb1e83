/**
 * Whether the broker really holds what we published for whoever asks later: it must hand our own
 * retained message back. Each new one comes back by itself, as to any subscriber; that it is kept
 * is seen by subscribing again, upon which a broker sends the kept copy (MQTT 5, 3.8.4; 3.1.1,
 * 3.8.4-3). What is lost or changed is published again, ever more seldom, and never in a loop.
 */
import type { Cancel, Clock, Log } from '../domain/ports.ts';
import type { SubscribeResult } from './link.ts';

export interface EchoOptions {
  /** Time from acknowledgement or subscription to the copy that must come. */
  readonly echoWithinMs: number;
  /** Time between two looks at what the broker keeps while nothing else happens. */
  readonly echoCheckMs: number;
}

export interface EchoDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly topic: string;
  /** Asks for the kept copy, and for every later one. */
  readonly subscribe: () => Promise<SubscribeResult>;
  /** Publishes it again; `published` follows. */
  readonly publishAgain: () => void;
  /** Why others cannot rely on this topic, with the remedy; null: they can. Told on each change. */
  readonly onTrouble: (detail: string | null) => void;
}

/** Looks in vain before it is told; until then the broker may just have been restarted. */
const MISSES_BEFORE_TROUBLE = 3;
/** Between the first two corrections; doubles up to the time between two looks. */
const CORRECTION_PAUSE_MS = 10_000;

export class EchoWatch {
  readonly #options: EchoOptions;
  readonly #deps: EchoDeps;
  #connected = false;
  /** Counts connections, so that answers of an earlier one are nobody's. */
  #round = 0;
  #expected: string | null = null;
  /** The kept copy is asked for; a live one does not answer that. */
  #asking = false;
  /** Something else stands there, or nothing came. */
  #misses = 0;
  #foreign = false;
  /** What is expected came back: sometimes before its acknowledgement. */
  #isBack = false;
  /** We may not read the topic, so that nothing can be missed. */
  #blind = false;
  #correctNotBeforeMs = -Infinity;
  #deadline: Cancel | null = null;
  #nextLook: Cancel | null = null;
  #trouble: string | null = null;

  constructor(options: EchoOptions, deps: EchoDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** After the first message of a connection was handed over: the broker answers in order. */
  connected(): void {
    this.#connected = true;
    this.#round += 1;
    this.#misses = 0;
    void this.#look();
  }

  disconnected(): void {
    this.#connected = false;
    this.#cancel();
    this.#nextLook?.();
    this.#nextLook = null;
  }

  /** Handed to the network; what is heard from here on should be this. */
  sent(payload: string): void {
    this.#expected = payload;
    this.#foreign = false;
    this.#isBack = false;
    const wasAsking = this.#asking;
    // Deadline and question were about the one before: ask again when this one has settled.
    this.#cancel();
    if (wasAsking) this.#lookAfter(CORRECTION_PAUSE_MS);
  }

  /** The broker has acknowledged it, which some do without keeping or passing it on. */
  acknowledged(): void {
    if (this.#connected && !this.#blind && !this.#isBack) this.#expectSoon();
  }

  refused(reason: string): void {
    this.#cancel();
    const { topic } = this.#deps;
    this.#tell(`the broker refuses ${topic}: ${reason}: let this appliance write there`);
  }

  heard(payload: Uint8Array, retained: boolean): void {
    if (!this.#connected || this.#expected === null) return;
    if (Buffer.from(payload).toString() !== this.#expected) {
      // It may be the one before, still on its way to us: only what stays wrong is wrong.
      this.#foreign = true;
      this.#isBack = false;
      this.#expectSoon();
      return;
    }
    this.#foreign = false;
    this.#isBack = true;
    if (retained) {
      this.#misses = 0;
      this.#tell(null);
    } else if (this.#trouble !== null) this.#lookAfter(this.#options.echoWithinMs);
    if (!this.#asking || retained) this.#cancel();
  }

  async #look(): Promise<void> {
    const round = this.#round;
    this.#lookAfter(this.#options.echoCheckMs);
    this.#asking = true;
    const result = await this.#deps.subscribe();
    if (round !== this.#round || !this.#connected) return;
    this.#blind = result.kind !== 'subscribed';
    if (result.kind === 'subscribed') {
      this.#expectIfAsking();
      return;
    }
    this.#cancel();
    const { topic } = this.#deps;
    const remedy = 'let this appliance read its own topic: nobody else notices when it is lost';
    this.#tell(`the broker does not let us look at ${topic}: ${result.reason}: ${remedy}`);
  }

  #lookAfter(waitMs: number): void {
    this.#nextLook?.();
    this.#nextLook = this.#deps.clock.after(waitMs, () => {
      this.#nextLook = null;
      void this.#look();
    });
  }

  /** The copy often comes before the answer to the subscription. */
  #expectIfAsking(): void {
    if (this.#asking) this.#expectSoon();
  }

  #expectSoon(): void {
    this.#deadline ??= this.#deps.clock.after(this.#options.echoWithinMs, () => this.#missed());
  }

  #missed(): void {
    this.#deadline = null;
    const { clock, log, topic, publishAgain } = this.#deps;
    const waitMs = this.#correctNotBeforeMs - clock.monotonicMs();
    if (waitMs > 0) {
      this.#deadline = clock.after(waitMs, () => this.#missed());
      return;
    }
    this.#asking = false;
    this.#misses += 1;
    const doubled = CORRECTION_PAUSE_MS * 2 ** (this.#misses - 1);
    const pauseMs = Math.min(doubled, this.#options.echoCheckMs);
    this.#correctNotBeforeMs = clock.monotonicMs() + pauseMs;
    const found = this.#foreign ? 'something else stands there' : 'nothing came back';
    log('warn', 'the broker does not hold what was published; it is published again', {
      ...{ topic, found, misses: this.#misses },
    });
    if (this.#misses >= MISSES_BEFORE_TROUBLE) this.#tell(this.#words());
    publishAgain();
    // Whether it is kept now shows only when asked; in trouble at the slow rhythm.
    this.#lookAfter(this.#trouble === null ? pauseMs : this.#options.echoCheckMs);
  }

  #words(): string {
    const { topic } = this.#deps;
    if (this.#foreign) {
      return (
        `somebody else writes to ${topic}: find another appliance with this device id, or a ` +
        `program that may write there`
      );
    }
    return (
      `the broker acknowledges ${topic} and does not hand it back: allow this appliance to read ` +
      `and write it, and retained messages at the broker; until then others may see an old one`
    );
  }

  #tell(trouble: string | null): void {
    // What was found first is told until it is over: later findings are mostly its consequences.
    if ((trouble === null) === (this.#trouble === null)) return;
    this.#trouble = trouble;
    this.#deps.onTrouble(trouble);
  }

  #cancel(): void {
    this.#asking = false;
    this.#deadline?.();
    this.#deadline = null;
  }
}
