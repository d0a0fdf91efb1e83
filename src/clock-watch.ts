/**
 * Journals how the monotonic time of this run maps to the time of day: when the clock becomes
 * known, when it is lost, and when it is moved. Readers compute from that when something happened
 * that was stamped before the clock was right (docs/journal.md).
 */
import type { ClockQuality, DomainEvent } from './domain/event.ts';
import type { Cancel, Clock } from './domain/ports.ts';
import type { ClockState } from './hal/box/clock-state.ts';
import { isoFromWallMs } from './store/wall-time.ts';

/** The clock is looked at this often. */
export const CLOCK_POLL_MS = 1000;
/** A mapping that is off by more than this is told anew. */
export const CLOCK_STEP_MS = 500;
/** Steps that follow one another sooner are told together. */
export const CLOCK_STEPS_APART_MS = 10_000;

export interface ClockWatchOptions {
  readonly clock: Clock;
  readonly clockState: () => ClockState;
  readonly bootId: string;
  readonly record: (event: DomainEvent) => void;
}

type Reason = Extract<DomainEvent, { type: 'clock' }>['data']['reason'];

export class ClockWatch {
  readonly #options: ClockWatchOptions;
  /** Wall time less monotonic time, as it was told last. */
  #offsetMs = 0;
  #quality: ClockQuality = 'unsynchronised';
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #cancel: Cancel | null = null;

  constructor(options: ClockWatchOptions) {
    this.#options = options;
  }

  /** A clock that is right already is told at once, so that every run has a mapping. */
  start(): void {
    const { clock } = this.#options;
    this.#offsetMs = clock.wallMs() - clock.monotonicMs();
    this.#look();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  #look(): void {
    const { clock, clockState } = this.#options;
    const monotonicMs = clock.monotonicMs();
    const wallMs = clock.wallMs();
    const quality = clockState() === 'synchronised' ? 'synchronised' : 'unsynchronised';
    const steppedByMs = wallMs - monotonicMs - this.#offsetMs;
    const hasStepped =
      Math.abs(steppedByMs) > CLOCK_STEP_MS && monotonicMs - this.#toldAtMs >= CLOCK_STEPS_APART_MS;
    if (quality !== this.#quality) {
      const reason = quality === 'synchronised' ? 'known' : 'lost';
      this.#journal(reason, { monotonicMs, wallMs, steppedByMs, quality });
    } else if (hasStepped) this.#journal('stepped', { monotonicMs, wallMs, steppedByMs, quality });
    this.#cancel = clock.after(CLOCK_POLL_MS, () => this.#look());
  }

  #journal(
    reason: Reason,
    now: {
      readonly monotonicMs: number;
      readonly wallMs: number;
      readonly steppedByMs: number;
      readonly quality: ClockQuality;
    },
  ): void {
    const { bootId, record } = this.#options;
    const { monotonicMs, wallMs, quality } = now;
    record({
      lane: 'system',
      type: 'clock',
      data: {
        reason,
        bootId,
        monotonicMs: toMicroseconds(monotonicMs),
        wall: isoFromWallMs(wallMs),
        steppedByMs: Math.round(now.steppedByMs),
        qualityBefore: this.#quality,
        qualityAfter: quality,
        source: quality === 'synchronised' ? 'timeService' : null,
      },
    });
    this.#offsetMs = wallMs - monotonicMs;
    this.#quality = quality;
    this.#toldAtMs = monotonicMs;
  }
}

/** As events are stamped. */
function toMicroseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** The watch of an appliance whose core steps already. */
export function startClockWatch(options: ClockWatchOptions): ClockWatch {
  const watch = new ClockWatch(options);
  watch.start();
  return watch;
}
