/**
 * Reads a database that was set aside, table by table through SQLite: from the first row on, and
 * from the last row back where something is in between that cannot be read. Never writes to it.
 */
import type { Sqlite } from './database.ts';
import { openReadOnly } from './database.ts';
import { type Saved, savedFrom, type SavedTable } from './salvage-rows.ts';
import type { Raw } from './salvage-records.ts';
import { LANES } from '../domain/event.ts';
import type { Heads } from './messages.ts';

/** `damaged`: rows may be missing; `late`: the time for it was over. */
export type Reading = 'whole' | 'damaged' | 'late';

interface Shape {
  /** What to order by: unique, and indexed. */
  readonly key: string;
  /** As `Raw`: the column that is the row number itself is null, as in a record. */
  readonly columns: readonly string[];
  readonly numbers: readonly string[];
  /** Columns that a database of an older release lacks. */
  readonly added: readonly string[];
}

const SHAPES: Readonly<Record<SavedTable, Shape>> = {
  cursor: { key: 'broker, lane', columns: ['broker', 'lane', 'seq'], numbers: ['seq'], added: [] },
  keyed: { key: 'kind, key', columns: ['kind', 'key', 'value'], numbers: [], added: [] },
  anchor: { key: 'lane', columns: ['lane', 'seq', 'hash'], numbers: ['seq'], added: [] },
  mark: { key: 'name', columns: ['name', 'seq'], numbers: ['seq'], added: [] },
  sqlite_sequence: { key: 'rowid', columns: ['name', 'seq'], numbers: ['seq'], added: [] },
  gap: {
    key: 'rowid',
    columns: ['NULL', 'lane', 'first_seq', 'last_seq', 'reason', 'readings', 'had'],
    numbers: ['NULL', 'first_seq', 'last_seq', 'readings'],
    added: ['readings', 'had'],
  },
  clash: {
    key: 'rowid',
    columns: ['NULL', 'lane', 'seq', 'id', 'json'],
    numbers: ['NULL', 'seq'],
    added: [],
  },
  event: {
    key: 'rowid',
    columns: ['lane', 'seq', 'id', 'type', 'wall', 'json', 'hash'],
    numbers: ['seq'],
    added: ['hash'],
  },
  telemetry: {
    key: 'rowid',
    columns: [
      ...['NULL', 'sensor', 'channel', 'wall', 'monotonic_ms', 'value', 'min', 'max', 'count'],
      ...['unit', 'tier'],
    ],
    numbers: ['NULL', 'monotonic_ms', 'value', 'min', 'max', 'count', 'tier'],
    added: ['tier'],
  },
};

/** In the order of their worth, should the time not be enough for all. */
export const SALVAGED_TABLES = [
  ...['cursor', 'anchor', 'mark', 'keyed', 'gap', 'sqlite_sequence', 'clash', 'event', 'telemetry'],
] as readonly SavedTable[];

export class SalvageSource {
  readonly #db: Sqlite | null;

  /** A file that SQLite does not open at all gives nothing here. */
  constructor(path: string) {
    this.#db = openedOrNull(path);
  }

  /**
   * Hands every row that can be read to `take`, which answers whether there is time for more.
   * @throws only what `take` throws.
   */
  read(table: SavedTable, take: (saved: Saved) => boolean): Reading {
    const columns = this.#columnsOf(table);
    if (columns === null) return 'damaged';
    if (columns.length === 0) return 'whole';
    const whole = this.#pass(table, columns, 'ASC', take);
    if (whole !== 'damaged') return whole;
    return this.#pass(table, columns, 'DESC', take) === 'late' ? 'late' : 'damaged';
  }

  /** Highest number of each lane by the index alone; null where it cannot be read. */
  heads(): Heads | null {
    try {
      const head = this.#db
        ?.prepare<[string], number | null>('SELECT MAX(seq) FROM event WHERE lane = ?')
        .pluck();
      if (head === undefined) return null;
      const found = LANES.map((lane) => [lane, head.get(lane) ?? 0] as const);
      // One entry for each lane, by construction.
      return Object.fromEntries(found) as Heads;
    } catch {
      // Unreadable is an answer here.
      return null;
    }
  }

  close(): void {
    this.#db?.close();
  }

  /** Null: nobody can tell; empty: there is no such table. */
  #columnsOf(table: SavedTable): readonly string[] | null {
    try {
      const names = this.#db
        ?.prepare<[string], string>('SELECT name FROM pragma_table_info(?)')
        .pluck()
        .all(table);
      if (names === undefined) return null;
      if (names.length === 0) return [];
      return SHAPES[table].columns.filter((column) => column === 'NULL' || names.includes(column));
    } catch {
      return null;
    }
  }

  #pass(
    table: SavedTable,
    columns: readonly string[],
    order: 'ASC' | 'DESC',
    take: (saved: Saved) => boolean,
  ): Reading {
    const { key, numbers } = SHAPES[table];
    const isNumbered = key === 'rowid';
    const wanted = columns.map((one) => (numbers.includes(one) ? one : `CAST(${one} AS BLOB)`));
    const by = key.split(', ').map((column) => `${column} ${order}`);
    const sql = `SELECT ${isNumbered ? 'rowid, ' : ''}${wanted.join(', ')} FROM ${table}
      ORDER BY ${by.join(', ')}`;
    let strange = false;
    const rows = this.#rows(sql);
    for (;;) {
      // Errors of reading are damage; what `take` throws is trouble of the new database.
      const next = nextOf(rows);
      if (next === null) return 'damaged';
      if (next.done === true) return strange ? 'damaged' : 'whole';
      const rowid = isNumbered ? Number(next.value[0]) : null;
      const values = isNumbered ? next.value.slice(1) : next.value;
      const saved = savedFrom({ rowid, values });
      if (saved?.table !== table) strange = true;
      else if (!take(saved)) return endOf(rows);
    }
  }

  #rows(sql: string): IterableIterator<Raw[]> | null {
    try {
      return this.#db?.prepare<[], Raw[]>(sql).raw().iterate() ?? null;
    } catch {
      return null;
    }
  }
}

function openedOrNull(path: string): Sqlite | null {
  try {
    return openReadOnly(path);
  } catch {
    return null;
  }
}

function nextOf(rows: IterableIterator<Raw[]> | null): IteratorResult<Raw[]> | null {
  try {
    return rows?.next() ?? null;
  } catch {
    return null;
  }
}

function endOf(rows: IterableIterator<Raw[]> | null): Reading {
  rows?.return?.();
  return 'late';
}
