/**
 * Where readers stand, as told in this run: the database lags behind, or is not there yet. A reader
 * that had to begin without it is *blind*: it goes on above what the database may hold, and nothing
 * that it tells replaces the stored position until the database is open.
 */
import type { Lane } from '../domain/event.ts';
import type { Cursors } from '../domain/ports.ts';
import { perLane } from './codec.ts';
import type { CursorLane, CursorRow, Heads } from './messages.ts';

export class Positions {
  readonly #told = new Map<string, number>();
  readonly #blind = new Set<string>();

  /** @returns whether the position is to be stored now. */
  advance(broker: string, lane: CursorLane, seq: number): boolean {
    this.#told.set(keyOf(broker, lane), seq);
    return lane === 'gap' || !this.#blind.has(broker);
  }

  /** As told in this run; 0 where nothing was. */
  told(broker: string, lane: CursorLane): number {
    return this.#told.get(keyOf(broker, lane)) ?? 0;
  }

  /**
   * Where the lanes of a broker go on.
   * @param rows stored positions; null while there is no database.
   * @param heads of the lanes: nothing below them can be read without it.
   */
  cursors(broker: string, rows: readonly CursorRow[] | null, heads: Heads): Cursors {
    if (rows !== null) return perLane((lane) => this.#known(broker, lane, rows));
    return perLane((lane: Lane) => {
      const told = this.#told.get(keyOf(broker, lane));
      if (told === undefined) this.#blind.add(broker);
      return told ?? heads[lane];
    });
  }

  /** The telemetry row of a broker, as `cursors`. */
  telemetry(broker: string, rows: readonly CursorRow[] | null): number {
    return this.#known(broker, 'telemetry', rows ?? []);
  }

  /**
   * The database can be asked. @returns the brokers that began without it, each once: what they
   * told is forgotten, so that the stored position counts and they read everything above it.
   */
  sighted(): readonly string[] {
    const brokers = [...this.#blind];
    this.#blind.clear();
    const gap = `\n${'gap' satisfies CursorLane}`;
    for (const key of this.#told.keys()) {
      const isTheirs = brokers.some((broker) => key.startsWith(`${broker}\n`));
      if (isTheirs && !key.endsWith(gap)) this.#told.delete(key);
    }
    return brokers;
  }

  get hasBlind(): boolean {
    return this.#blind.size > 0;
  }

  #known(broker: string, lane: CursorLane, rows: readonly CursorRow[]): number {
    const stored = rows.find((row) => row.lane === lane)?.seq ?? 0;
    return Math.max(this.told(broker, lane), stored);
  }
}

const keyOf = (broker: string, lane: CursorLane): string => `${broker}\n${lane}`;
