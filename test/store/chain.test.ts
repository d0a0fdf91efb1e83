/** The hash chain as the writer keeps it, and databases that pass between two releases. */
import { describe, expect, it } from 'vitest';
import { type Lane, LANES } from '../../src/domain/event.ts';
import { genesisHash, linkHash } from '../../src/store/chain.ts';
import { rowOf } from '../../src/store/codec.ts';
import { databasePath, openDatabase, type Sqlite } from '../../src/store/database.ts';
import type { EventRow } from '../../src/store/messages.ts';
import { ADDED_COLUMNS } from '../../src/store/schema.ts';
import { madeByPrevious, previousRelease } from './previous-release.ts';
import { EMPTY, retentionBench, rowsAt } from './retention-world.ts';
import { events, stamperFor, temporaryFolder } from './support.ts';
import { readFresh, world } from './world.ts';

/** Walks a lane from its anchor; the first number whose hash is not what it should be, or null. */
function firstBreak(db: Sqlite, lane: Lane): number | null {
  const anchor = db
    .prepare<[string], { seq: number; hash: string }>('SELECT seq, hash FROM anchor WHERE lane = ?')
    .get(lane);
  let hash = anchor?.hash ?? genesisHash(lane);
  const rows = db
    .prepare<[string, number], EventRow & { hash: string }>(
      'SELECT seq, json, hash FROM event WHERE lane = ? AND seq > ? ORDER BY seq',
    )
    .all(lane, anchor?.seq ?? 0);
  for (const row of rows) {
    hash = linkHash(hash, row.json);
    if (row.hash !== hash) return row.seq;
  }
  return null;
}

function rows(count: number, lane: Lane = 'alarm', text = 'x', from = 0): EventRow[] {
  const lastSeq = { alarm: from, fault: from, operator: from, system: from };
  const stamper = stamperFor(lastSeq, null, undefined, from * 4 + LANES.indexOf(lane) + 1);
  return events(stamper, lane, count, text).map(rowOf);
}

describe('the hash chain', () => {
  it('covers every event at its commit, and tells where it ends', () => {
    const bench = retentionBench();
    bench.queries.commit({ ...EMPTY, events: rows(5) });
    bench.queries.commit({ ...EMPTY, events: [...rows(3, 'system'), ...rows(2, 'alarm', 'y', 5)] });
    expect(firstBreak(bench.db, 'alarm')).toBeNull();
    expect(firstBreak(bench.db, 'system')).toBeNull();
    const { heads } = bench.queries.chain;
    expect(heads).toMatchObject({ alarm: { seq: 7 }, system: { seq: 3 } });
    bench.db.prepare(`UPDATE event SET json = replace(json, 'x', 'z') WHERE seq = 4`).run();
    expect(firstBreak(bench.db, 'alarm')).toBe(4);
  });

  it('is not broken by a clash, by an event that comes again, or by a commit that fails', () => {
    const bench = retentionBench();
    const mine = rows(4);
    bench.queries.commit({ ...EMPTY, events: mine });
    const rival = events(stamperFor(undefined, null, undefined, 9), 'alarm', 2).map(rowOf);
    bench.queries.commit({ ...EMPTY, events: [...mine.slice(1, 3), ...rival] });
    const bad = { ...rowsAt(0, 1)[0]!, value: Number.NaN };
    const more = rows(2, 'alarm', 'y', 4);
    expect(() => bench.queries.commit({ ...EMPTY, events: more, telemetry: [bad] })).toThrow();
    expect(bench.queries.chain.heads.alarm?.seq).toBe(4);
    bench.queries.commit({ ...EMPTY, events: more });
    expect(firstBreak(bench.db, 'alarm')).toBeNull();
    expect(bench.queries.chain.heads.alarm?.seq).toBe(6);
  });

  it('takes an event that comes late in its place; heads below it stay provable', () => {
    const bench = retentionBench();
    const all = rows(9);
    bench.queries.commit({ ...EMPTY, events: all.slice(0, 3) });
    const early = bench.queries.chain.heads.alarm;
    bench.queries.commit({ ...EMPTY, events: all.slice(4) });
    bench.queries.commit({ ...EMPTY, events: all.slice(3, 4) });
    expect(bench.queries.chain.heads.alarm).toEqual(early);
    bench.settle();
    expect(firstBreak(bench.db, 'alarm')).toBeNull();
    expect(bench.queries.chain.heads.alarm?.seq).toBe(9);
    const third = bench.db.prepare(`SELECT hash FROM event WHERE seq = 3`).pluck().get();
    expect(third).toBe(early?.hash);
  });

  it('sorts a group that is out of order', () => {
    const bench = retentionBench();
    bench.queries.commit({ ...EMPTY, events: rows(5).reverse() });
    expect(firstBreak(bench.db, 'alarm')).toBeNull();
    expect(bench.queries.chain.isBehind).toBe(false);
  });

  it('goes on where it ended after a restart, and through pruning', async () => {
    const w = await world();
    const stamper = stamperFor();
    w.store.journal.append(events(stamper, 'alarm', 5));
    await w.clock.advance(10);
    const told = w.receipts.at(-1)?.heads?.alarm;
    expect(told?.seq).toBe(5);
    const later = await readFresh(w);
    expect(later.store.recovered.chainHeads.alarm).toEqual(told);
    later.store.journal.append(events(stamper, 'fault', 1));
    await later.clock.advance(10);
    // Only what moved is news.
    expect(Object.keys(later.receipts.at(-1)?.heads ?? {})).toEqual(['fault']);
    later.writer.crash('over');
  });
});

describe('a database of the previous release', () => {
  it('is opened, completed and linked in slices; its rows and numbers stay', async () => {
    const { db: fresh } = previousDatabase();
    previousRelease(fresh.db).append(rows(1200));
    previousRelease(fresh.db).measure(rowsAt(0, 3));
    previousRelease(fresh.db).gap({ lane: 'fault', firstSeq: 1, lastSeq: 2, reason: 'memoryFull' });
    fresh.db.close();
    const w = await world(fresh.directory);
    expect(w.store.recovered.stored.alarm).toBe(1200);
    await w.clock.advance(100);
    expect(w.store.recovered.chainHeads.alarm?.seq).toBe(1200);
    w.writer.crash('enough');
    const db = openDatabase(fresh.directory);
    expect(firstBreak(db, 'alarm')).toBeNull();
    expect(db.prepare('SELECT COUNT(*) FROM telemetry WHERE tier = 0').pluck().get()).toBe(3);
    expect(db.pragma('user_version', { simple: true })).toBe(1);
    db.close();
  });

  it('may go back to it and come again: what it left out is filled in', () => {
    const directory = temporaryFolder();
    const first = retentionBench(directory);
    for (const lane of LANES) first.queries.commit({ ...EMPTY, events: rows(20, lane) });
    first.queries.commit({ ...EMPTY, telemetry: rowsAt(0, 2) });
    first.advance('a', 'system', 20);
    first.settle({ maxBytes: 4096 });
    first.db.close();

    const { db } = { db: openDatabase(directory) };
    const previous = previousRelease(db);
    expect(previous.head('alarm')).toBe(20);
    expect(previous.eventsAfter('alarm', 0).length).toBe(20);
    expect(previous.gapsAfter('a').length).toBeGreaterThan(0);
    previous.append(rows(30, 'alarm', 'older', 20));
    previous.measure(rowsAt(1, 2));
    previous.gap({ lane: 'telemetry', firstSeq: 1, lastSeq: 1, reason: 'telemetryFull' });
    expect(previous.telemetryAfter(0).length).toBeGreaterThan(0);
    db.close();

    const again = retentionBench(directory);
    expect(again.queries.chain.isBehind).toBe(true);
    expect(again.queries.chain.heads.alarm?.seq).toBe(20);
    again.queries.commit({ ...EMPTY, events: rows(1, 'alarm', 'new', 50) });
    again.settle();
    expect(firstBreak(again.db, 'alarm')).toBeNull();
    expect(again.queries.chain.heads.alarm?.seq).toBe(51);
    again.db.close();
  });

  it('gets every addition once, and opens quickly when nothing is missing', () => {
    const { db: fresh } = previousDatabase();
    fresh.db.close();
    for (let round = 0; round < 3; round += 1) {
      const db = openDatabase(fresh.directory);
      for (const { table, column } of ADDED_COLUMNS) {
        const names = db.prepare<[string], string>('SELECT name FROM pragma_table_info(?)').pluck();
        expect(names.all(table).filter((name) => name === column)).toEqual([column]);
      }
      db.close();
    }
  });
});

/** A file that only the former release has touched. */
function previousDatabase() {
  const directory = temporaryFolder();
  const template = openDatabase(directory);
  for (const { name } of template
    .prepare<[], { name: string }>(
      `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'`,
    )
    .all()) {
    template.exec(`DROP TABLE ${name}`);
  }
  madeByPrevious(template);
  expect(databasePath(directory)).toContain('journal.db');
  return { db: { db: template, directory } };
}
