/** Questions to the database that wait out short troubles instead of answering with nothing. */
import type { Answers, Query } from './messages.ts';
import type { WriterSession } from './writer-session.ts';

export class Reader {
  readonly #session: WriterSession;
  readonly #givenUp: (what: Query['what']) => boolean;
  readonly #onNews: () => void;
  #waiters: (() => void)[] = [];
  #told = false;

  /**
   * @param givenUp tells that waiting is of no use: the database was given up or closed.
   * @param onNews called when reading again may give more than before.
   */
  constructor(
    session: WriterSession,
    givenUp: (what: Query['what']) => boolean,
    onNews: () => void,
  ) {
    this.#session = session;
    this.#givenUp = givenUp;
    this.#onNews = onNews;
  }

  /** Rows, or null once the database has been given up; an empty answer is a real one. */
  async ask<Q extends Query>(query: Q): Promise<Answers[Q['what']] | null> {
    while (!this.#givenUp(query.what)) {
      const rows = await this.#session.request(query);
      if (rows !== null) return rows;
      if (!this.#givenUp(query.what)) await this.nextChange();
    }
    return null;
  }

  /** Resolves at the next `changed`. */
  nextChange(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Whoever waits looks again. */
  changed(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }

  /** Tells readers after the present call, never from within an append. */
  tellNews(): void {
    if (this.#told) return;
    this.#told = true;
    queueMicrotask(() => {
      this.#told = false;
      this.#onNews();
    });
  }
}
