/** What a killed appliance left behind, read before the next one starts. */
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JournalEvent } from '../../src/domain/event.ts';
import { DATABASE_NAME, openDatabase, type Sqlite } from '../../src/store/database.ts';
import { readFrames } from '../../src/store/ring-frames.ts';

export interface Left {
  /** Ids of events in the alarm ring: decided, whether durable or not. */
  readonly inRing: readonly string[];
  /** Ids of events in the journal: durable. */
  readonly inJournal: ReadonlySet<string>;
  /** The newest alarm of each zone in either, as wall time in ms. */
  readonly alarmedAtMs: ReadonlyMap<string, number>;
}

/** @param ringFile of the killed run; @param stateFolder with its database. */
export function evidenceOf(ringFile: string, stateFolder: string): Left {
  const inRing = existsSync(ringFile) ? readFrames(readFileSync(ringFile)).events : [];
  const inJournal = journalOf(stateFolder);
  const alarmedAtMs = new Map<string, number>();
  for (const event of [...inJournal, ...inRing]) {
    if (event.lane !== 'alarm' || event.type !== 'alarm') continue;
    alarmedAtMs.set(event.data.zone, Date.parse(event.wall));
  }
  return {
    inRing: inRing.map(({ id }) => id),
    inJournal: new Set(inJournal.map(({ id }) => id)),
    alarmedAtMs,
  };
}

function journalOf(stateFolder: string): readonly JournalEvent[] {
  return lookAtJournal(stateFolder, (db) => {
    const rows = db.prepare('SELECT json FROM event ORDER BY id').pluck().all() as string[];
    return rows.map((json) => JSON.parse(json) as JournalEvent);
  });
}

/**
 * At a copy, because looking at a database with a write-ahead log changes it. Nobody may have it
 * open meanwhile.
 * @throws when it cannot be copied or opened.
 */
export function lookAtJournal<T>(stateFolder: string, look: (db: Sqlite) => T): T {
  const copy = mkdtempSync(join(tmpdir(), 'embereye-kill-look-'));
  try {
    for (const side of ['', '-wal']) {
      const from = join(stateFolder, DATABASE_NAME + side);
      if (existsSync(from)) copyFileSync(from, join(copy, DATABASE_NAME + side));
    }
    const db = openDatabase(copy);
    try {
      return look(db);
    } finally {
      db.close();
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** Where in the life of its newest event a kill fell. */
export const PHASES = [
  'beforeDecision',
  'outputToCommit',
  'commitToPuback',
  'brokerAway',
  'afterPuback',
] as const;
export type Phase = (typeof PHASES)[number];

/**
 * Judged afterwards, from what was left behind alone.
 * @param acknowledged events whose PUBACK had reached the appliance.
 * @param crossingUnderWay a board had sent smoke that no event tells of yet.
 */
export function phaseOf(
  { inRing, inJournal }: Left,
  acknowledged: ReadonlySet<string>,
  brokerUp: boolean,
  crossingUnderWay: boolean,
): Phase {
  if (inRing.some((id) => !inJournal.has(id))) return 'outputToCommit';
  if ([...inJournal].some((id) => !acknowledged.has(id))) {
    return brokerUp ? 'commitToPuback' : 'brokerAway';
  }
  return crossingUnderWay ? 'beforeDecision' : 'afterPuback';
}
