/**
 * Attempts that were refused, by the panel or before it, as events for the journal. Anybody who may
 * send anything can make them, so they are bounded: ten at once, then one in ten seconds; what is
 * left out in between is told as a number with the next one. Each way in has its own measure, so
 * that a flood from the network hides nothing of what people try on the machine itself.
 */
import type { DomainEvent } from './domain/event.ts';
import type { Clock } from './domain/ports.ts';

/** Who tried what, from where, and why it was refused. */
export interface RefusedAttempt {
  readonly origin: string;
  readonly requestId: string;
  readonly command: string;
  /** One of `COMMAND_ERRORS`. */
  readonly error: string;
  readonly detail: string;
}

const BURST = 10;
const REFILL_MS = 10_000;
/** What origins begin with; anything else counts together. */
const WAYS_IN = ['mqtt:', 'cli:', 'input:'] as const;

interface Measure {
  tokens: number;
  filledAtMs: number;
  leftOut: number;
}

export class Refusals {
  readonly #clock: Clock;
  readonly #measures = new Map<string, Measure>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Null where there have been too many of late. */
  event(attempt: RefusedAttempt): DomainEvent | null {
    const nowMs = this.#clock.monotonicMs();
    const measure = this.#measureOf(attempt.origin, nowMs);
    const gained = (nowMs - measure.filledAtMs) / REFILL_MS;
    measure.tokens = Math.min(BURST, measure.tokens + gained);
    measure.filledAtMs = nowMs;
    if (measure.tokens < 1) {
      measure.leftOut += 1;
      return null;
    }
    measure.tokens -= 1;
    const more = measure.leftOut === 0 ? '' : ` (${measure.leftOut} more refused before it)`;
    measure.leftOut = 0;
    const detail = `${attempt.detail}${more}`;
    return { lane: 'operator', type: 'commandRefused', data: { ...attempt, detail } };
  }

  #measureOf(origin: string, nowMs: number): Measure {
    const way = WAYS_IN.find((each) => origin.startsWith(each)) ?? '';
    const known = this.#measures.get(way);
    if (known !== undefined) return known;
    const fresh: Measure = { tokens: BURST, filledAtMs: nowMs, leftOut: 0 };
    this.#measures.set(way, fresh);
    return fresh;
  }
}
