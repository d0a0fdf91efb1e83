/**
 * Brings everything that can still be read out of a database that was set aside into the new one:
 * through SQLite where its trees are whole, and page by page where they are not. What is missing
 * after that stands in the gap ledger. Runs in the writer thread, within a time limit.
 */
import { LANES } from '../domain/event.ts';
import type { KnownAlarm } from './alarm-file.ts';
import { perLane } from './codec.ts';
import type { Sqlite } from './database.ts';
import { GapLedger } from './gap-ledger.ts';
import type { Heads } from './messages.ts';
import type { Held } from './numbering.ts';
import { headsOf } from './queries.ts';
import { recordMissingEvents, recordMissingTelemetry } from './salvage-gaps.ts';
import { PageFile } from './salvage-pages.ts';
import { recordsIn } from './salvage-records.ts';
import { type Saved, savedFrom, type SavedTable } from './salvage-rows.ts';
import { type Reading, SALVAGED_TABLES, SalvageSource } from './salvage-source.ts';
import { SalvageTarget } from './salvage-target.ts';

/**
 * A salvage ends after this time with what it has; the rest counts as missing. Readers wait as long
 * for their positions at a start (`positionPatienceMs`), so nothing undelivered is passed over.
 */
export const SALVAGE_LIMIT_MS = 12_000;
/** How often the time is looked at, in rows. */
const LOOK_EVERY_ROWS = 256;
const BIG_TABLES: readonly SavedTable[] = ['event', 'telemetry'];

export interface SalvageOptions {
  /** The database that was set aside. */
  readonly path: string;
  /** What the alarm file holds. */
  readonly alarms: readonly KnownAlarm[];
  /** What the ring holds and will append: not lost. */
  readonly held: readonly Held[];
  readonly nowMs: () => number;
  readonly limitMs?: number;
  /**
   * Reads page by page even where SQLite finds nothing wrong: a page that stands in another one's
   * place is a sound page. Not needed for a database that is only of a newer release.
   */
  readonly thorough: boolean;
}

export interface SalvageReport {
  readonly events: number;
  readonly telemetry: number;
  readonly cursors: number;
  readonly keyed: number;
  /** Alarms that came from the alarm file alone. */
  readonly alarms: number;
  readonly lostEvents: number;
  readonly lostTelemetry: number;
  /** Tables of which rows may be missing. */
  readonly damaged: readonly SavedTable[];
  /** The time was over before the end. */
  readonly late: boolean;
  readonly tookMs: number;
  /** Highest number of each lane that the database held; null where that cannot be known. */
  readonly heads: Heads | null;
  /** Up to here everything is there or in the ledger. */
  readonly accountedTo: Heads;
}

/** @throws when the new database cannot be written; what was put in stays in it. */
export function salvage(db: Sqlite, options: SalvageOptions): SalvageReport {
  const target = new SalvageTarget(db);
  try {
    return new Salvage(db, target, options).run();
  } finally {
    target.abandon();
  }
}

class Salvage {
  readonly #db: Sqlite;
  readonly #target: SalvageTarget;
  readonly #options: SalvageOptions;
  readonly #startMs: number;
  readonly #readings = new Map<SavedTable, Reading>();
  #rows = 0;
  #late = false;

  constructor(db: Sqlite, target: SalvageTarget, options: SalvageOptions) {
    this.#db = db;
    this.#target = target;
    this.#options = options;
    this.#startMs = options.nowMs();
  }

  run(): SalvageReport {
    const source = new SalvageSource(this.#options.path);
    let headsRead: Heads | null;
    try {
      for (const table of SALVAGED_TABLES) {
        this.#readings.set(
          table,
          source.read(table, (saved) => this.#take(saved)),
        );
      }
      headsRead = source.heads();
    } finally {
      source.close();
    }
    const { thorough } = this.#options;
    const unread = SALVAGED_TABLES.filter((table) => this.#readings.get(table) !== 'whole');
    const found = new Map(SALVAGED_TABLES.map((table) => [table, this.#target.saved(table)]));
    const wanted = thorough ? SALVAGED_TABLES : unread;
    if (wanted.length > 0 && !this.#late) this.#carve(wanted);
    this.#target.flush();
    const damaged = SALVAGED_TABLES.filter(
      (table) => unread.includes(table) || this.#target.saved(table) !== found.get(table),
    );
    const alarms = this.#target.addAlarms(this.#options.alarms);
    this.#target.raiseSequences();
    return { alarms, ...this.#account(damaged, headsRead), ...this.#counts(damaged) };
  }

  #take(saved: Saved): boolean {
    this.#target.put(saved);
    this.#rows += 1;
    return this.#rows % LOOK_EVERY_ROWS !== 0 || this.#hasTime();
  }

  #hasTime(): boolean {
    const { nowMs, limitMs = SALVAGE_LIMIT_MS } = this.#options;
    if (nowMs() - this.#startMs > limitMs) this.#late = true;
    return !this.#late;
  }

  /** Page by page: small tables first, because they tell what of the big ones was deleted. */
  #carve(tables: readonly SavedTable[]): void {
    let file: PageFile;
    try {
      file = new PageFile(this.#options.path);
    } catch {
      // A folder, or a file that cannot be opened: there is nothing to be had.
      return;
    }
    try {
      const small = tables.filter((table) => !BIG_TABLES.includes(table));
      const big = tables.filter((table) => BIG_TABLES.includes(table));
      if (small.length > 0) this.#carvePages(file, small, () => true);
      if (big.length > 0) this.#carvePages(file, big, this.#notDeleted(file));
    } finally {
      file.close();
    }
  }

  #carvePages(
    file: PageFile,
    tables: readonly SavedTable[],
    live: (saved: Saved) => boolean,
  ): void {
    const free = file.freePages();
    for (let page = 1; page <= file.count; page += 1) {
      if (free.has(page)) continue;
      for (const record of recordsIn(file, page)) {
        const saved = savedFrom(record);
        if (saved === null || !tables.includes(saved.table) || !live(saved)) continue;
        if (!this.#take(saved)) return;
      }
      if (page % LOOK_EVERY_ROWS === 0 && !this.#hasTime()) return;
    }
  }

  /** Where nobody can tell which pages are free, deleted rows are known by anchor and ledger. */
  #notDeleted(file: PageFile): (saved: Saved) => boolean {
    this.#target.flush();
    const anchors = new Map(
      this.#db
        .prepare<[], { lane: string; seq: number }>('SELECT lane, seq FROM anchor')
        .all()
        .map(({ lane, seq }) => [lane, seq]),
    );
    const isGone = this.#db
      .prepare<[number, number], number>(
        `SELECT 1 FROM gap WHERE lane = 'telemetry' AND first_seq <= ? AND last_seq >= ? LIMIT 1`,
      )
      .pluck();
    const freeIsKnown = file.freePages().size > 0;
    return (saved) => {
      if (saved.table === 'event') return saved.row.seq > (anchors.get(saved.row.lane) ?? 0);
      if (saved.table !== 'telemetry' || freeIsKnown) return true;
      return isGone.get(saved.row.row, saved.row.row) === undefined;
    };
  }

  #account(
    damaged: readonly SavedTable[],
    headsRead: Heads | null,
  ): Pick<SalvageReport, 'heads' | 'accountedTo' | 'lostEvents' | 'lostTelemetry'> {
    const saved = headsOf(this.#db);
    const isSame = headsRead !== null && LANES.every((lane) => headsRead[lane] === saved[lane]);
    const isWhole = !damaged.includes('event') && isSame;
    const heads = isWhole ? saved : knownHeads(headsRead, saved);
    const accountedTo = heads ?? saved;
    const ledger = new GapLedger(this.#db);
    const { thorough, held } = this.#options;
    const lostEvents =
      isWhole && !thorough ? 0 : recordMissingEvents(this.#db, ledger, accountedTo, held);
    const lostTelemetry =
      damaged.includes('telemetry') || thorough
        ? recordMissingTelemetry(this.#db, ledger, this.#lastTelemetryRow())
        : 0;
    return { heads, accountedTo, lostEvents, lostTelemetry };
  }

  #lastTelemetryRow(): number {
    const sql = `SELECT seq FROM sqlite_sequence WHERE name = 'telemetry'`;
    return this.#db.prepare<[], number>(sql).pluck().get() ?? 0;
  }

  #counts(damaged: readonly SavedTable[]) {
    const { nowMs } = this.#options;
    return {
      events: this.#target.saved('event'),
      telemetry: this.#target.saved('telemetry'),
      cursors: this.#target.saved('cursor'),
      keyed: this.#target.saved('keyed'),
      damaged,
      late: this.#late,
      tookMs: nowMs() - this.#startMs,
    };
  }
}

/** The index's word counts only where no saved row says more. */
function knownHeads(read: Heads | null, saved: Heads): Heads | null {
  if (read === null || LANES.some((lane) => read[lane] < saved[lane])) return null;
  return perLane((lane) => read[lane]);
}
