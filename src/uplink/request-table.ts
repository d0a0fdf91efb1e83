/**
 * The requests of one session that wait for the broker's answer, oldest first, and those that
 * wait for room. All share one time limit, so the oldest expires first and one timer is enough.
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

interface Request {
  readonly send: (session: Session, answered: () => void) => void;
  readonly fail: (end: SessionEnd, expired: boolean) => void;
  deadlineMs: number;
}

export class RequestTable {
  readonly #clock: Clock;
  readonly #options: RequestTableOptions;
  readonly #events: RequestTableEvents;
  readonly #unanswered = new Set<Request>();
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
    return this.#unanswered.size === 0 && this.#waiting.length === 0;
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
    return new Promise((resolve) =>
      this.#enqueue({
        deadlineMs: Infinity,
        send: (session, answered) =>
          session.publish(message, (answer) => {
            answered();
            resolve(answer);
          }),
        fail: (end, expired) =>
          resolve(
            expired
              ? { kind: 'timedOut' }
              : { kind: 'connectionLost', reason: end.reason, byPeer: end.byPeer },
          ),
      }),
    );
  }

  subscribe(filter: string, options: { readonly retained: boolean }): Promise<SubscribeResult> {
    return new Promise((resolve) =>
      this.#enqueue({
        deadlineMs: Infinity,
        send: (session, answered) =>
          session.subscribe(filter, options, (result) => {
            answered();
            resolve(result);
          }),
        fail: (end) => resolve({ kind: 'failed', reason: end.reason }),
      }),
    );
  }

  /** Settles everything: the session is over. */
  end(end: SessionEnd): void {
    this.#session = null;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    const nowMs = this.#clock.monotonicMs();
    const requests = [...this.#unanswered, ...this.#waiting];
    this.#unanswered.clear();
    this.#waiting = [];
    for (const request of requests) request.fail(end, request.deadlineMs <= nowMs);
  }

  #enqueue(request: Request): void {
    if (this.#unanswered.size < this.#room && this.#waiting.length === 0) this.#send(request);
    else this.#waiting.push(request);
  }

  #send(request: Request): void {
    const session = this.#session;
    if (session === null) return;
    request.deadlineMs = this.#clock.monotonicMs() + this.#options.answerTimeoutMs;
    this.#unanswered.add(request);
    this.#arm();
    request.send(session, () => this.#answered(request));
  }

  #answered(request: Request): void {
    // An answer of an ended session, or a second answer, finds nothing here.
    if (!this.#unanswered.delete(request)) return;
    this.#onAnswer();
    const next = this.#waiting.shift();
    if (next !== undefined) this.#send(next);
    else if (this.isEmpty) this.#events.onEmpty();
  }

  /** The timer is re-armed when it fires, not at each answer: answers come in thousands. */
  #arm(): void {
    if (this.#cancelTimer !== null) return;
    const oldest = this.#unanswered.values().next();
    if (oldest.done === true) return;
    const waitMs = Math.max(0, oldest.value.deadlineMs - this.#clock.monotonicMs());
    this.#cancelTimer = this.#clock.after(waitMs, () => {
      this.#cancelTimer = null;
      const first = this.#unanswered.values().next();
      if (first.done === true) return;
      if (first.value.deadlineMs <= this.#clock.monotonicMs()) this.#events.onExpired();
      else this.#arm();
    });
  }
}
