/** Reads what the updater left for everybody, and remembers what of it the journal has. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { JournalEvent } from '../domain/event.ts';
import type { KeyedStore } from '../domain/ports.ts';
import { codeOf, Refused, wordsOf } from './refused.ts';
import type { HistoryEntry, UpdateState } from './state.ts';
import { HISTORY_LENGTH } from './state.ts';
import { parseState, STATE_FILE } from './state-file.ts';

export interface ReportParts {
  /** The updater's folder. */
  readonly directory: string;
  readonly keyed: Pick<KeyedStore, 'put'>;
  /** What `keyed` has under `TOLD`; left out: nothing was ever told. */
  readonly told: string | undefined;
  /**
   * Events of the last run that may not be in `keyed` yet: of the ring, and the newest of the
   * journal. Asked only where something seems untold.
   */
  readonly recentEvents: () => Promise<readonly JournalEvent[]>;
}

/** Key of the ids that are told. */
export const TOLD = 'told';
/** Ids of more than the history holds: none of it comes again. */
const MOST_IDS = 2 * HISTORY_LENGTH;

export class ReportReader {
  readonly #parts: ReportParts;
  #state: UpdateState | null = null;
  #seen = '';
  #told: readonly string[];
  /** Told in the step before: they are in the ring by now. */
  #unsaved = false;
  #hasLooked = false;

  constructor(parts: ReportParts) {
    this.#parts = parts;
    this.#told = idsOf(parts.told);
  }

  /** As it was last read; null: there is none. */
  get state(): UpdateState | null {
    return this.#state;
  }

  /** @returns why what is there cannot be used, or null. Never rejects. */
  async read(): Promise<string | null> {
    const path = join(this.#parts.directory, STATE_FILE);
    try {
      const { mtimeMs, size, ino } = await stat(path);
      const seen = `${mtimeMs} ${size} ${ino}`;
      if (seen === this.#seen) return null;
      this.#state = parseState(await readFile(path, 'utf8'), path);
      this.#seen = seen;
      return null;
    } catch (error) {
      this.#state = null;
      this.#seen = '';
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return null;
      return error instanceof Refused ? error.message : `${path}: ${wordsOf(error)}`;
    }
  }

  /** What the journal does not have yet; it counts as told from now on. */
  async untold(): Promise<readonly HistoryEntry[]> {
    const { keyed } = this.#parts;
    if (this.#unsaved) {
      // Only what a step has taken is in the ring: so this is saved one turn later.
      keyed.put('update', TOLD, JSON.stringify(this.#told));
      this.#unsaved = false;
    }
    const history = this.#state?.history ?? [];
    if (history.length === 0) return [];
    const isNew = ({ id }: HistoryEntry): boolean => !this.#told.includes(id);
    if (history.some(isNew) && !this.#hasLooked) await this.#look();
    const fresh = history.filter(isNew);
    if (fresh.length === 0) return [];
    this.#told = [...this.#told, ...fresh.map(({ id }) => id)].slice(-MOST_IDS);
    this.#unsaved = true;
    return fresh;
  }

  /** What a run before this one told and had no time to remember. */
  async #look(): Promise<void> {
    this.#hasLooked = true;
    const events = await this.#parts.recentEvents();
    const ids = events.flatMap((event) => (event.type === 'update' ? [event.data.update] : []));
    this.#told = [...this.#told, ...ids];
  }
}

function idsOf(text: string | undefined): readonly string[] {
  if (text === undefined) return [];
  try {
    const raw: unknown = JSON.parse(text);
    return Array.isArray(raw) ? raw.filter((id) => typeof id === 'string') : [];
  } catch {
    // The newest events of the journal still say what was told.
    return [];
  }
}
