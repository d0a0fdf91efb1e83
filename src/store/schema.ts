/**
 * The database's shape, forward only: each entry of `MIGRATIONS` takes a database one version up
 * and is never edited once released. `user_version` counts them, and only what an older release
 * could not work with is one. Everything else is an addition: a table, or a column with a default,
 * applied at every open where it is missing. An older release opens such a database and works;
 * what it leaves out (a hash, a tier) the next open by this release makes up for.
 */
const FIRST = `
CREATE TABLE event (
  lane TEXT NOT NULL,
  seq  INTEGER NOT NULL,
  id   TEXT NOT NULL UNIQUE,
  type TEXT NOT NULL,
  wall TEXT NOT NULL,
  json TEXT NOT NULL,
  PRIMARY KEY (lane, seq)
);

-- An event that claims a number which another event already holds. Numbers are promises to
-- readers: neither event is renumbered, and neither is thrown away.
CREATE TABLE clash (
  row  INTEGER PRIMARY KEY AUTOINCREMENT,
  lane TEXT NOT NULL,
  seq  INTEGER NOT NULL,
  id   TEXT NOT NULL UNIQUE,
  json TEXT NOT NULL
);

CREATE TABLE cursor (
  broker TEXT NOT NULL,
  lane   TEXT NOT NULL,
  seq    INTEGER NOT NULL,
  PRIMARY KEY (broker, lane)
) WITHOUT ROWID;

CREATE TABLE telemetry (
  row          INTEGER PRIMARY KEY AUTOINCREMENT,
  sensor       TEXT NOT NULL,
  channel      TEXT NOT NULL,
  wall         TEXT NOT NULL,
  monotonic_ms REAL NOT NULL,
  value        REAL NOT NULL,
  min          REAL NOT NULL,
  max          REAL NOT NULL,
  count        INTEGER NOT NULL,
  unit         TEXT NOT NULL
);

CREATE TABLE gap (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  lane      TEXT NOT NULL,
  first_seq INTEGER NOT NULL,
  last_seq  INTEGER NOT NULL,
  reason    TEXT NOT NULL
);

CREATE TABLE keyed (
  kind  TEXT NOT NULL,
  key   TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (kind, key)
) WITHOUT ROWID;
`;

export const MIGRATIONS: readonly string[] = [FIRST];

/** The newest version this release knows. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/** A column that a released database may lack. */
export interface AddedColumn {
  readonly table: string;
  readonly column: string;
  /** Type and default: what rows of an older release hold. */
  readonly as: string;
}

export const ADDED_COLUMNS: readonly AddedColumn[] = [
  // Link of the lane's hash chain, in hex; '' is not linked yet (`chain-keeper.ts`).
  { table: 'event', column: 'hash', as: `TEXT NOT NULL DEFAULT ''` },
  // How often the row was merged with its neighbours: 0, 1 (10 s) or 2 (1 min).
  { table: 'telemetry', column: 'tier', as: 'INTEGER NOT NULL DEFAULT 0' },
  // Readings that the range stood for; NULL where nobody counted.
  { table: 'gap', column: 'readings', as: 'INTEGER' },
  // Brokers that had all of it before, as ',a,b,': they are not told.
  { table: 'gap', column: 'had', as: `TEXT NOT NULL DEFAULT ''` },
];

export const ADDED_TABLES = `
-- The last event of each lane that is no longer in the table: where the chain of the rest begins.
CREATE TABLE IF NOT EXISTS anchor (
  lane TEXT PRIMARY KEY,
  seq  INTEGER NOT NULL,
  hash TEXT NOT NULL
) WITHOUT ROWID;

-- How far the upkeep has come, by name.
CREATE TABLE IF NOT EXISTS mark (
  name TEXT PRIMARY KEY,
  seq  INTEGER NOT NULL
) WITHOUT ROWID;
`;

/** The tables that `quick_check` visits one by one, so that commits get their turn in between. */
export const TABLES = [
  'event',
  'clash',
  'cursor',
  'telemetry',
  'gap',
  'keyed',
  'anchor',
  'mark',
] as const;
export type Table = (typeof TABLES)[number];
