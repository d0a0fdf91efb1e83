/**
 * The life of a service as others see it: the watchdog of the service manager and the guard of this
 * process get their beats from one verdict about step and outputs, and from nothing else. While the
 * appliance starts, stops or changes its configuration there is no verdict; then they get beats for
 * a bounded time.
 */
import type { Cancel, Clock } from '../domain/ports.ts';
import type { Verdict } from '../health-server.ts';
import type { Guard } from './guard.ts';
import type { Notifier } from './notify.ts';

/** How long a start or a change may take before it counts as hanging. */
export const TRANSITION_LIMIT_MS = 180_000;
/** Longest time between two looks. */
const LOOK_EVERY_MS = 1000;
/** A start says this often that it goes on, and for how long. */
const EXTEND_EVERY_MS = 5000;
const EXTEND_BY_MS = 20_000;

export interface PulseParts {
  readonly clock: Clock;
  readonly notifier: Notifier | null;
}

/** What an appliance that runs offers. */
export interface Watched {
  readonly health: () => Verdict;
  /** One line for people: what it is doing. */
  readonly status: () => string;
}

export class ServicePulse {
  readonly #parts: PulseParts;
  readonly #everyMs: number;
  #guard: Guard | null = null;
  #watched: Watched | null = null;
  #changingSinceMs: number;
  #extendedAtMs = -Infinity;
  #isReady = false;
  #isStopping = false;
  #status = '';
  #cancel: Cancel = () => undefined;

  /** Begins at once, in the state of a start. */
  constructor(parts: PulseParts) {
    this.#parts = parts;
    const third = (parts.notifier?.watchdogMs ?? Infinity) / 3;
    this.#everyMs = Math.min(LOOK_EVERY_MS, third);
    this.#changingSinceMs = parts.clock.monotonicMs();
    this.#look();
  }

  /** Who ends this process should it hang; null: nobody. */
  guardedBy(guard: Guard | null): void {
    this.#guard = guard;
  }

  /** Outputs are driven and the first step has ended; later calls do nothing. */
  stepped(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#parts.notifier?.ready('watching; the rest is starting');
  }

  /** From now on the verdict alone counts. */
  running(watched: Watched): void {
    this.#watched = watched;
    this.#beat(watched);
  }

  /** The appliance stops and starts again within this process. */
  changing(why: string): void {
    this.#withoutVerdict();
    this.#tell(`another configuration starts: ${why}`);
  }

  /** The appliance ends. */
  stopping(why: string): void {
    this.#withoutVerdict();
    this.#isStopping = true;
    this.#parts.notifier?.stopping(`stopping: ${why}`);
  }

  /** Nobody is told anything any more. */
  close(): void {
    this.#cancel();
    this.#parts.notifier?.close();
  }

  #withoutVerdict(): void {
    this.#watched = null;
    this.#changingSinceMs = this.#parts.clock.monotonicMs();
  }

  #look(): void {
    this.#cancel = this.#parts.clock.after(this.#everyMs, () => this.#look());
    if (this.#watched === null) this.#bridge();
    else this.#beat(this.#watched);
  }

  #bridge(): void {
    const { clock, notifier } = this.#parts;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#changingSinceMs >= TRANSITION_LIMIT_MS) return;
    this.#guard?.beat();
    if (this.#isReady && !this.#isStopping) notifier?.alive();
    else if (nowMs - this.#extendedAtMs >= EXTEND_EVERY_MS) {
      this.#extendedAtMs = nowMs;
      notifier?.extend(EXTEND_BY_MS);
    }
  }

  #beat({ health, status }: Watched): void {
    const { notifier } = this.#parts;
    const { ok, detail } = health();
    if (ok) {
      this.#guard?.beat();
      notifier?.alive();
      this.#tell(status());
      return;
    }
    const why = detail['stepping'] === false ? 'no step ended' : 'no output was written';
    this.#guard?.miss(why);
    this.#tell(`not well: ${why}`);
  }

  #tell(status: string): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#parts.notifier?.status(status);
  }
}
