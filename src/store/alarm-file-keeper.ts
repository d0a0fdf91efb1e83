/**
 * The alarm file in the hands of the writer: opened before the database, written before each
 * commit, and compared with the database once that is open.
 */
import { AlarmFile, type KnownAlarm } from './alarm-file.ts';
import { rowOf } from './codec.ts';
import { type Sqlite, troubleOf } from './database.ts';
import type { AlarmFileNews, EventRow, KeptAlarms, SetAside } from './messages.ts';
import type { Open } from './writer-open.ts';

/** Alarms that are put back in one transaction. */
const RECONCILE_ROWS = 500;

export class AlarmFileKeeper {
  #directory: string | null = null;
  #file: AlarmFile | null = null;
  #db: Sqlite | null = null;
  #records: readonly KnownAlarm[] = [];
  #news: AlarmFileNews = {
    failure: 'the alarm file is not open',
    damage: '',
    torn: '',
    restored: 0,
  };

  /** As found at the last opening; the alarms in it are the oldest first. */
  get records(): readonly KnownAlarm[] {
    return this.#records;
  }

  /** Opens the files of a folder, and reads them anew where they are open already. */
  open(directory: string): AlarmFileNews {
    this.close();
    this.#directory = directory;
    this.#file = new AlarmFile(directory, () => deliveredUpTo(this.#db));
    const { records, ...news } = this.#file.open();
    this.#records = records;
    this.#news = { ...news, restored: 0 };
    return this.#news;
  }

  /**
   * Puts alarms that the database lacks back into it, with their own id and number.
   * @throws when the database cannot be written.
   */
  reconcile({ db, queries, tender }: Open, setAside: SetAside | null): AlarmFileNews {
    this.#db = db;
    // Read anew, because a salvage has put alarms into the database meanwhile.
    const missing = lacking(db, this.#records).map(({ event, json }) => ({
      ...rowOf(event),
      json,
    }));
    for (let at = 0; at < missing.length; at += RECONCILE_ROWS) {
      const events = missing.slice(at, at + RECONCILE_ROWS);
      const group = { events, telemetry: [], cursors: [], keyed: [], gaps: [] };
      try {
        queries.commit(group);
      } catch (error) {
        if (troubleOf(error) !== 'full' || !tender.release()) throw error;
        queries.commit(group);
      }
    }
    this.#file?.stored(this.#records.map(({ event }) => event));
    const salvaged = setAside?.salvaged.failure === null ? setAside.salvaged.alarms : 0;
    this.#news = { ...this.#news, restored: missing.length + salvaged };
    const news = this.#news;
    // Told once: the next opening of the same files finds them as they should be.
    this.#news = { ...this.#news, damage: '', torn: '', restored: 0 };
    return news;
  }

  /** Makes alarms durable in the file, ahead of their commit. */
  keep(rows: readonly EventRow[]): KeptAlarms {
    const alarms = rows.filter(({ lane }) => lane === 'alarm');
    if (this.#file?.isOpen !== true) this.#openAgain();
    if (this.#file?.isOpen !== true) return { failure: this.#news.failure, isFull: false, upTo: 0 };
    const outcome = this.#file.append(alarms);
    const failure = outcome.kind === 'kept' ? null : outcome.detail;
    this.#news = { ...this.#news, failure: outcome.kind === 'failed' ? failure : null };
    const upTo = failure === null ? Math.max(0, ...alarms.map(({ seq }) => seq)) : 0;
    return { failure, isFull: outcome.kind === 'full', upTo };
  }

  /** Their commit is durable. */
  stored(rows: readonly EventRow[]): void {
    this.#file?.stored(rows);
  }

  /** Without this, what the database has would never give its place in the file back. */
  #openAgain(): void {
    if (this.#directory === null) return;
    this.open(this.#directory);
    if (this.#db === null) return;
    const missing = new Set(lacking(this.#db, this.#records));
    const stored = this.#records.filter((record) => !missing.has(record));
    this.#file?.stored(stored.map(({ event }) => event));
  }

  /** The database is about to be closed. */
  forgetDatabase(): void {
    this.#db = null;
  }

  close(): void {
    this.#file?.close();
    this.#file = null;
  }
}

/** The anchor stands for what was deleted on purpose: that does not come back. */
function lacking(db: Sqlite, records: readonly KnownAlarm[]): readonly KnownAlarm[] {
  if (records.length === 0) return [];
  const anchor = db
    .prepare<[], number>(`SELECT seq FROM anchor WHERE lane = 'alarm'`)
    .pluck()
    .get();
  const has = db
    .prepare<[string, string], number>(
      'SELECT 1 FROM event WHERE id = ? UNION ALL SELECT 1 FROM clash WHERE id = ?',
    )
    .pluck();
  return records.filter(
    ({ event: { id, seq } }) => seq > (anchor ?? 0) && has.get(id, id) === undefined,
  );
}

/** The lowest position of any broker: above it, somebody still waits. */
function deliveredUpTo(db: Sqlite | null): number {
  const sql = `SELECT MIN(seq) FROM cursor WHERE lane = 'alarm'`;
  return db?.prepare<[], number | null>(sql).pluck().get() ?? 0;
}
