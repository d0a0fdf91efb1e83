/** How long the store has kept its readers waiting: first a trouble, later given up. */
import type { Cancel, Clock } from '../domain/ports.ts';

export interface CommitWatchOptions {
  readonly clock: Clock;
  readonly slowCommitMs: number;
  readonly giveUpMs: number;
  /** A commit is under way for longer than `slowCommitMs`. */
  readonly onSlow: () => void;
  /** Nothing has worked for `giveUpMs`. */
  readonly onGiveUp: () => void;
}

export class CommitWatch {
  readonly #options: CommitWatchOptions;
  #cancelSlow: Cancel | null = null;
  #cancelGiveUp: Cancel | null = null;

  constructor(options: CommitWatchOptions) {
    this.#options = options;
  }

  /** A group was handed to the writer. */
  sent(): void {
    const { clock, slowCommitMs, onSlow } = this.#options;
    this.#cancelSlow ??= clock.after(slowCommitMs, () => {
      this.#cancelSlow = null;
      this.losePatience();
      onSlow();
    });
  }

  /** The group came back without success. */
  failed(): void {
    this.#cancelSlow?.();
    this.#cancelSlow = null;
  }

  /** Something fails that readers depend on; counts from the first time until `over`. */
  losePatience(): void {
    const { clock, giveUpMs, onGiveUp } = this.#options;
    this.#cancelGiveUp ??= clock.after(giveUpMs, () => {
      this.#cancelGiveUp = null;
      onGiveUp();
    });
  }

  /** The store works again, or is being closed. */
  over(): void {
    this.failed();
    this.#cancelGiveUp?.();
    this.#cancelGiveUp = null;
  }
}
