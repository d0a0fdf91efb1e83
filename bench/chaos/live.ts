/** Looks at the database of a running appliance, as any other reader may. */
import type { JournalEvent } from '../../src/domain/event.ts';
import { databasePath, openReadOnly } from '../../src/store/database.ts';

export interface LiveJournal {
  readonly events: readonly JournalEvent[];
  /** Of SQLite's own check; empty when the database is sound. */
  readonly damage: readonly string[];
}

/** @throws when it cannot be opened or read: that is a finding. */
export function lookAtLive(stateFolder: string): LiveJournal {
  const db = openReadOnly(databasePath(stateFolder));
  try {
    const rows = db.prepare('SELECT json FROM event ORDER BY id').pluck().all() as string[];
    return { events: rows.map((json) => JSON.parse(json) as JournalEvent), damage: checked(db) };
  } finally {
    db.close();
  }
}

/** SQLite's check alone. @throws as `lookAtLive`. */
export function damageOf(stateFolder: string): readonly string[] {
  const db = openReadOnly(databasePath(stateFolder));
  try {
    return checked(db);
  } finally {
    db.close();
  }
}

function checked(db: ReturnType<typeof openReadOnly>): readonly string[] {
  const rows = db.pragma('quick_check') as { readonly quick_check: string }[];
  return rows.map((row) => row.quick_check).filter((text) => text !== 'ok');
}
