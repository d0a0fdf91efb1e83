/** What is done when the writer fails, as the table in `committer.ts` says; not for full disks. */
import type { CommitWatch } from './commit-watch.ts';
import type { WriterTrouble } from './messages.ts';
import type { Reader } from './reader.ts';
import { brokenText, type TroubleBoard } from './troubles.ts';
import type { WriterSession } from './writer-session.ts';

export interface SetbackParts {
  readonly session: WriterSession;
  readonly watch: CommitWatch;
  readonly reader: Reader;
  readonly troubles: TroubleBoard;
  /** The database has been given up already: there is no patience left to lose. */
  readonly isMemory: () => boolean;
  /** A commit found no room. */
  readonly onNoRoom: () => void;
}

export class Setbacks {
  readonly #parts: SetbackParts;
  /** Databases found damaged since the last commit. */
  #damages = 0;

  constructor(parts: SetbackParts) {
    this.#parts = parts;
  }

  /** A commit worked. */
  over(): void {
    this.#damages = 0;
  }

  writeFailed(trouble: WriterTrouble, detail: string): void {
    if (trouble === 'corrupt') {
      this.damaged(detail);
      return;
    }
    this.unusable(trouble, detail);
    if (trouble === 'unavailable') this.#parts.session.reopenLater(null);
    else this.#parts.onNoRoom();
  }

  readFailed(trouble: WriterTrouble, detail: string): void {
    if (trouble === 'corrupt') {
      this.damaged(detail);
      return;
    }
    this.unusable(trouble, detail);
    this.#parts.session.reopenLater(null);
  }

  damaged(detail: string): void {
    const { watch, session } = this.#parts;
    watch.failed();
    this.#damages += 1;
    // A disk that damages every database must not be given a new one without a pause.
    if (this.#damages === 1) session.reopen(detail);
    else session.reopenLater(detail);
  }

  /** A full disk can still be read; everything else wears out the patience of readers. */
  unusable(trouble: WriterTrouble, detail: string): void {
    const { watch, troubles, session, reader, isMemory } = this.#parts;
    const full = trouble === 'full';
    watch.failed();
    troubles.raise(full ? 'storeFull' : 'storeUnavailable', brokenText(full, detail));
    if (!isMemory() && !(full && session.ready)) watch.losePatience();
    reader.tellNews();
  }
}
