/** The true record of what was wrong with what, and when: the excuses that invariants accept. */
import type { SimClock } from './sim-clock.ts';

/** A room, `appliance` (and everything in it), `broker` or `disk`. */
export type Subject = string;

interface Trouble {
  readonly subject: Subject;
  readonly fromMs: number;
  toMs: number;
}

export class TroubleLog {
  readonly #troubles: Trouble[] = [];
  readonly #clock: SimClock;

  constructor(clock: SimClock) {
    this.#clock = clock;
  }

  /** Something goes wrong for `forMs` from now. */
  note(subject: Subject, forMs: number): void {
    const fromMs = this.#clock.monotonicMs();
    this.#troubles.push({ subject, fromMs, toMs: fromMs + forMs });
  }

  /** Whether nothing was wrong with any of the subjects in that time. */
  calm(subjects: readonly Subject[], fromMs: number, toMs: number): boolean {
    return !this.#troubles.some(
      (trouble) =>
        subjects.includes(trouble.subject) && trouble.fromMs <= toMs && trouble.toMs >= fromMs,
    );
  }
}
