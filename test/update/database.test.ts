/**
 * After a roll-back the release before opens the database that the new one has written. What that
 * asks of a release: `user_version` as it was, and nothing taken away or renamed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { openDatabase } from '../../src/store/database.ts';
import { SCHEMA_VERSION } from '../../src/store/schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'embereye-database-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Tables and columns that the first release with updates works with. */
const RELEASED: Readonly<Record<string, readonly string[]>> = {
  event: ['lane', 'seq', 'id', 'type', 'wall', 'json'],
  clash: ['row', 'lane', 'seq', 'id', 'json'],
  cursor: ['broker', 'lane', 'seq'],
  telemetry: [
    ...['row', 'sensor', 'channel', 'wall', 'monotonic_ms'],
    ...['value', 'min', 'max', 'count', 'unit'],
  ],
  gap: ['id', 'lane', 'first_seq', 'last_seq', 'reason'],
  keyed: ['kind', 'key', 'value'],
};

it('a database of this release can be read and written by the one before', () => {
  const db = openDatabase(folder);
  try {
    expect(db.pragma('user_version', { simple: true })).toBe(SCHEMA_VERSION);
    // Raised, it needs a way back of its own: docs/updates.md, and rules.ts refuses the update.
    expect(SCHEMA_VERSION).toBe(1);
    for (const [table, columns] of Object.entries(RELEASED)) {
      const found = db.pragma(`table_info(${table})`) as {
        name: string;
        notnull: 0 | 1;
        pk: number;
        dflt_value: string | null;
      }[];
      expect(found.map(({ name }) => name)).toEqual(expect.arrayContaining([...columns]));
      // An older release leaves new columns out of what it writes.
      const needed = found.filter(
        ({ name, notnull, dflt_value }) =>
          notnull === 1 && dflt_value === null && !columns.includes(name),
      );
      expect(needed, table).toEqual([]);
      const values = columns.map((name) => (name === 'row' || name === 'id' ? '1' : `'1'`));
      db.exec(`INSERT INTO ${table} (${columns.join(', ')}) VALUES (${values.join(', ')})`);
      expect(db.prepare(`SELECT ${columns.join(', ')} FROM ${table}`).all()).toHaveLength(1);
    }
  } finally {
    db.close();
  }
  // And this release opens what the older one has written.
  const again = openDatabase(folder);
  expect(again.prepare('SELECT count(*) AS n FROM event').get()).toEqual({ n: 1 });
  again.close();
});
