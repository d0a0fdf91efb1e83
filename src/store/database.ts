/**
 * Opens the SQLite file so that a commit means what it says; the only file that imports
 * better-sqlite3. What cannot be trusted is set aside, never deleted and never written to.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import type { WriterTrouble } from './messages.ts';
import { ADDED_COLUMNS, ADDED_TABLES, MIGRATIONS, SCHEMA_VERSION } from './schema.ts';

export type Sqlite = Database.Database;

export const DATABASE_NAME = 'journal.db';
/** Newest sets of files that stay beside the first one, which holds the longest history. */
const KEPT_SET_ASIDE = 3;
const BUSY_TIMEOUT_MS = 2000;
/** Pages (of 4 KiB) in the write-ahead log before SQLite folds it back into the database. */
const WAL_AUTOCHECKPOINT_PAGES = 1000;
/** The write-ahead log is cut to this size after it was folded back. */
const WAL_SIZE_LIMIT_BYTES = 8 * 1024 * 1024;
/** Pages kept in memory: a long backlog is read once, in order, and would only fill 16 MB here. */
const CACHE_KIBIBYTES = 2048;
/** Value of `PRAGMA synchronous` that syncs the log at every commit. */
const SYNCHRONOUS_FULL = 2;
const SIDE_FILES = ['', '-wal', '-shm'] as const;

/** The database exists but is not what this release can work with. */
export class UnusableDatabase extends Error {}

export function databasePath(directory: string): string {
  return join(directory, DATABASE_NAME);
}

/**
 * Opens or creates the database in `directory`.
 * @throws UnusableDatabase when it is damaged, empty, a directory, or from a newer release; any
 * other error means that it may be sound but cannot be used now (see `troubleOf`).
 */
export function openDatabase(directory: string): Sqlite {
  mkdirSync(directory, { recursive: true });
  const path = databasePath(directory);
  refuseOddFile(path);
  const db = new Database(path, { timeout: BUSY_TIMEOUT_MS });
  try {
    prepare(db);
    return db;
  } catch (error) {
    db.close();
    throw troubleOf(error) === 'corrupt' ? new UnusableDatabase(textOf(error)) : error;
  }
}

/** A file of no length is no new database: something has cut off the one that was there. */
function refuseOddFile(path: string): void {
  if (!existsSync(path)) return;
  const stat = statSync(path);
  if (!stat.isFile()) throw new UnusableDatabase(`${path} is no regular file`);
  if (stat.size === 0) throw new UnusableDatabase(`${path} has been cut to no length`);
}

function prepare(db: Sqlite): void {
  const version = db.pragma('user_version', { simple: true });
  if (typeof version !== 'number') throw new UnusableDatabase('no version number');
  if (version > SCHEMA_VERSION) {
    throw new UnusableDatabase(
      `written by a newer release: schema ${version}, this release knows ${SCHEMA_VERSION}`,
    );
  }
  // Only a database without tables takes it; then pruning can give room back to the disk.
  if (version === 0) db.pragma('auto_vacuum = INCREMENTAL');
  configure(db);
  migrate(db, version);
  addWhatIsMissing(db);
}

/**
 * A reopened WAL database starts with synchronous=NORMAL, because better-sqlite3 is compiled so:
 * commits that were acknowledged could be undone by a power cut. Hence on every open, and checked.
 */
function configure(db: Sqlite): void {
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('foreign_keys = ON');
  db.pragma(`journal_size_limit = ${WAL_SIZE_LIMIT_BYTES}`);
  db.pragma(`wal_autocheckpoint = ${WAL_AUTOCHECKPOINT_PAGES}`);
  db.pragma(`cache_size = -${CACHE_KIBIBYTES}`);
  const mode = db.pragma('journal_mode', { simple: true });
  const synchronous = db.pragma('synchronous', { simple: true });
  if (mode !== 'wal' || synchronous !== SYNCHRONOUS_FULL) {
    throw new Error(
      `the file system does not carry durable commits: journal_mode ${String(mode)}, ` +
        `synchronous ${String(synchronous)}`,
    );
  }
}

function migrate(db: Sqlite, version: number): void {
  if (version === SCHEMA_VERSION) return;
  const pending = MIGRATIONS.slice(version);
  db.transaction(() => {
    for (const sql of pending) db.exec(sql);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  }).immediate();
}

/** Idempotent, and a matter of microseconds where nothing is missing. */
function addWhatIsMissing(db: Sqlite): void {
  const exists = db
    .prepare<[string, string], number>('SELECT 1 FROM pragma_table_info(?) WHERE name = ?')
    .pluck();
  const missing = ADDED_COLUMNS.filter(
    ({ table, column }) => exists.get(table, column) === undefined,
  );
  const hasTables = ['anchor', 'mark'].every((table) => exists.get(table, 'seq') !== undefined);
  if (missing.length === 0 && hasTables) return;
  db.transaction(() => {
    for (const { table, column, as } of missing) {
      db.exec(`ALTER TABLE ${table} ADD COLUMN ${column} ${as}`);
    }
    db.exec(ADDED_TABLES);
  }).immediate();
}

/**
 * Renames the database and its side files to `.bad-<stamp>`, so that it can be examined.
 * @param announce told the new path before anything is renamed.
 * @returns the new path.
 * @throws the file system's error when renaming is not possible.
 */
export function setAsideDatabase(
  directory: string,
  stamp: string,
  announce: (target: string) => void = () => undefined,
): string {
  const path = databasePath(directory);
  let target = `${path}.bad-${stamp}`;
  for (let copy = 2; existsSync(target); copy += 1) target = `${path}.bad-${stamp}-${copy}`;
  announce(target);
  for (const side of SIDE_FILES) {
    if (existsSync(path + side)) renameSync(path + side, target + side);
  }
  removeSurplus(directory);
  return target;
}

/** A card that damages a database at every start must not fill up with them. */
function removeSurplus(directory: string): void {
  const prefix = `${DATABASE_NAME}.bad-`;
  const sets = readdirSync(directory)
    .filter((name) => name.startsWith(prefix) && !/-(wal|shm)$/.test(name))
    .sort();
  for (const name of sets.slice(1).slice(0, -KEPT_SET_ASIDE)) {
    for (const side of SIDE_FILES) {
      rmSync(join(directory, name + side), { recursive: true, force: true });
    }
  }
}

/** Opens a database that was set aside, only to look; throws when even that fails. */
export function openReadOnly(path: string): Sqlite {
  return new Database(path, { readonly: true, fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
}

/** Opens a copy of our own to finish it: one file, without a log beside it. */
export function openCopy(path: string): Sqlite {
  const db = new Database(path, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  db.pragma('journal_mode = DELETE');
  return db;
}

/**
 * Copies a database while others write to it, as it is at one moment: after the first few pages
 * the rest goes in one step, because every write of another process would begin it anew.
 * @throws (as a rejection) SQLite's error; the target is then not whole.
 */
export async function copyDatabase(db: Sqlite, target: string): Promise<void> {
  await db.backup(target, { progress: ({ totalPages }) => totalPages + 1 });
}

/**
 * Sorts an error by what helps: `full` wants room, `corrupt` a new database, `unavailable` time.
 * An I/O error is not damage: the card may be back in a second, and its history with it.
 */
export function troubleOf(error: unknown): WriterTrouble {
  if (error instanceof UnusableDatabase) return 'corrupt';
  const code = codeOf(error);
  if (code.startsWith('SQLITE_FULL') || code === 'ENOSPC' || code === 'EDQUOT') return 'full';
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) return 'corrupt';
  // A table or column that is missing: this file was never ours, or is no longer whole.
  if (code === 'SQLITE_ERROR') return 'corrupt';
  return 'unavailable';
}

export function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = codeOf(error);
  return code === '' || error.message.includes(code) ? error.message : `${code}: ${error.message}`;
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
