/**
 * The requests of one session that wait for the broker's answer, and those that wait for room. All
 * share one time limit, so one timer is enough.
 *
 * They stand in slots that are used again. A `Set` would make a new table for every hundred of
 * them; the engine links each to the next, and once one has grown old, it and all that it ever held
 * stay in memory until the next full collection: tens of megabytes in a drain
 * (`npm run bench drain`).
 */
import type { Cancel, Clock } from '../domain/ports.ts';
import type { OutgoingMessage, PublishResult, SubscribeResult } from './link.ts';
import type { Session, SessionEnd } from './transport.ts';

export interface RequestTableOptions {
  readonly answerTimeoutMs: number;
  /** Overflow policy `reject`: the caller gets `notSent`. */
  readonly maxWaiting: number;
}

export interface RequestTableEvents {
  /** The oldest request has had no answer in time. Called once; `end` should follow. */
  onExpired(): void;
  /** Nothing is unanswered or waiting any more. */
  onEmpty(): void;
}

/** Classes for the reason that `Entry` of `lane-queue.ts` has. */
abstract class Request {
  deadlineMs = Infinity;
  /** Index of its slot while it is unanswered; -1 otherwise. */
  slot = -1;
  abstract send(session: Session, answered: () => void): void;
  abstract fail(end: SessionEnd, expired: boolean): void;
}

class Publication extends Request {
  readonly #message: OutgoingMessage;
  readonly #settle: (result: PublishResult) => void;

  constructor(message: OutgoingMessage, settle: (result: PublishResult) => void) {
    super();
    this.#message = message;
    this.#settle = settle;
  }

  override send(session: Session, answered: () => void): void {
    session.publish(this.#message, (answer) => {
      answered();
      this.#settle(answer);
    });
  }

  override fail({ reason, byPeer }: SessionEnd, expired: boolean): void {
    this.#settle(expired ? { kind: 'timedOut' } : { kind: 'connectionLost', reason, byPeer });
  }
}

class Subscription extends Request {
  readonly #filter: string;
  readonly #options: { readonly retained: boolean };
  readonly #settle: (result: SubscribeResult) => void;

  constructor(
    filter: string,
    options: { readonly retained: boolean },
    settle: (result: SubscribeResult) => void,
  ) {
    super();
    this.#filter = filter;
    this.#options = options;
    this.#settle = settle;
  }

  override send(session: Session, answered: () => void): void {
    session.subscribe(this.#filter, this.#options, (result) => {
      answered();
      this.#settle(result);
    });
  }

  override fail({ reason }: SessionEnd): void {
    this.#settle({ kind: 'failed', reason });
  }
}

export class RequestTable {
  readonly #clock: Clock;
  readonly #options: RequestTableOptions;
  readonly #events: RequestTableEvents;
  readonly #slots: (Request | null)[] = [];
  readonly #freeSlots: number[] = [];
  #waiting: Request[] = [];
  #session: Session | null = null;
  #room = 0;
  #onAnswer: () => void = () => undefined;
  #cancelTimer: Cancel | null = null;

  constructor(clock: Clock, options: RequestTableOptions, events: RequestTableEvents) {
    this.#clock = clock;
    this.#options = options;
    this.#events = events;
  }

  get isEmpty(): boolean {
    return this.#unanswered === 0 && this.#waiting.length === 0;
  }

  /** @param room how many publications may be unanswered at a time, at least 1. */
  begin(session: Session, room: number, onAnswer: () => void): void {
    this.#session = session;
    this.#room = Math.max(1, room);
    this.#onAnswer = onAnswer;
  }

  publish(message: OutgoingMessage): Promise<PublishResult> {
    if (this.#waiting.length >= this.#options.maxWaiting) {
      return Promise.resolve({ kind: 'notSent', reason: 'too many messages are waiting' });
    }
    return new Promise((resolve) => this.#enqueue(new Publication(message, resolve)));
  }

  subscribe(filter: string, options: { readonly retained: boolean }): Promise<SubscribeResult> {
    return new Promise((resolve) => this.#enqueue(new Subscription(filter, options, resolve)));
  }

  /** Settles everything: the session is over. */
  end(end: SessionEnd): void {
    this.#session = null;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const nowMs = this.#clock.monotonicMs();
    const unanswered = this.#slots.filter((request) => request !== null);
    const requests = [...unanswered.sort((a, b) => a.deadlineMs - b.deadlineMs), ...this.#waiting];
    for (const request of unanswered) this.#free(request);
    this.#waiting = [];
    for (const request of requests) request.fail(end, request.deadlineMs <= nowMs);
  }

  #enqueue(request: Request): void {
    if (this.#unanswered < this.#room && this.#waiting.length === 0) this.#send(request);
    else this.#waiting.push(request);
  }

  #send(request: Request): void {
    const session = this.#session;
    if (session === null) return;
    request.deadlineMs = this.#clock.monotonicMs() + this.#options.answerTimeoutMs;
    request.slot = this.#freeSlots.pop() ?? this.#slots.length;
    this.#slots[request.slot] = request;
    this.#arm();
    request.send(session, () => this.#answered(request));
  }

  #answered(request: Request): void {
    // An answer of an ended session, or a second answer, finds nothing here.
    if (request.slot < 0) return;
    this.#free(request);
    this.#onAnswer();
    const next = this.#waiting.shift();
    if (next !== undefined) this.#send(next);
    else if (this.isEmpty) this.#events.onEmpty();
  }

  get #unanswered(): number {
    return this.#slots.length - this.#freeSlots.length;
  }

  #free(request: Request): void {
    this.#slots[request.slot] = null;
    this.#freeSlots.push(request.slot);
    request.slot = -1;
  }

  /** The timer is re-armed when it fires, not at each answer: answers come in thousands. */
  #arm(): void {
    if (this.#cancelTimer !== null) return;
    const earliestMs = this.#earliestMs();
    if (earliestMs === Infinity) return;
    const waitMs = Math.max(0, earliestMs - this.#clock.monotonicMs());
    this.#cancelTimer = this.#clock.after(waitMs, () => {
      this.#cancelTimer = null;
      if (this.#earliestMs() <= this.#clock.monotonicMs()) this.#events.onExpired();
      else this.#arm();
    });
  }

  #earliestMs(): number {
    let earliestMs = Infinity;
    for (const request of this.#slots) {
      if (request !== null) earliestMs = Math.min(earliestMs, request.deadlineMs);
    }
    return earliestMs;
  }
}
