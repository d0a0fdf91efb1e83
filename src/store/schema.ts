/**
 * The database's shape, forward only: each entry takes a database one version up and is never
 * edited once released. `user_version` counts the entries that have been applied. A later release
 * only adds tables and columns with defaults, so that the previous release can still read.
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

/** The tables that `quick_check` visits one by one, so that commits get their turn in between. */
export const TABLES = ['event', 'clash', 'cursor', 'telemetry', 'gap', 'keyed'] as const;
export type Table = (typeof TABLES)[number];
