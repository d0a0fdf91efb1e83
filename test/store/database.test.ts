import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  DATABASE_NAME,
  databasePath,
  openDatabase,
  setAsideDatabase,
  troubleOf,
  UnusableDatabase,
} from '../../src/store/database.ts';
import type { FromWriter, Group, OpenedStore } from '../../src/store/messages.ts';
import { numberingAfter, NO_FLOOR } from '../../src/store/numbering.ts';
import { Queries } from '../../src/store/queries.ts';
import { rowOf } from '../../src/store/codec.ts';
import { SCHEMA_VERSION } from '../../src/store/schema.ts';
import { Writer } from '../../src/store/writer.ts';
import { events, reading, stamperFor, temporaryFolder } from './support.ts';

const EMPTY: Group = { events: [], telemetry: [], cursors: [], keyed: [], gaps: [] };

function pragmas(directory: string): Record<string, unknown> {
  const db = openDatabase(directory);
  const names = ['journal_mode', 'synchronous', 'foreign_keys', 'busy_timeout', 'user_version'];
  const found = names.map((name) => [name, db.pragma(name, { simple: true })] as const);
  db.close();
  return Object.fromEntries(found);
}

function openWriter(directory: string) {
  const replies: FromWriter[] = [];
  const writer = new Writer(
    (reply) => replies.push(reply),
    () => 0,
  );
  const open = { kind: 'open', directory, stamp: '42', telemetryFloor: 0 } as const;
  writer.handle({ ...open, setAside: null });
  return { writer, replies, open };
}

function opened(replies: readonly FromWriter[]): OpenedStore {
  const reply = replies.findLast(({ kind }) => kind === 'opened');
  if (reply?.kind !== 'opened') throw new Error(JSON.stringify(replies));
  return reply.store;
}

describe('openDatabase', () => {
  it('commits durably on the first and on every later open', () => {
    const directory = temporaryFolder();
    const expected = {
      journal_mode: 'wal',
      synchronous: 2,
      foreign_keys: 1,
      busy_timeout: 2000,
      user_version: SCHEMA_VERSION,
    };
    expect(pragmas(directory)).toEqual(expected);
    expect(pragmas(directory)).toEqual(expected);
    expect(pragmas(directory)).toEqual(expected);
  });

  it('bounds the write-ahead log', () => {
    const db = openDatabase(temporaryFolder());
    expect(db.pragma('wal_autocheckpoint', { simple: true })).toBe(1000);
    expect(db.pragma('journal_size_limit', { simple: true })).toBe(8 * 1024 * 1024);
    db.close();
  });

  it('refuses what it cannot trust, and does not touch it', () => {
    const cases: Record<string, (path: string) => void> = {
      garbage: (path) => writeFileSync(path, 'no database at all '.repeat(100)),
      'no length': (path) => writeFileSync(path, ''),
      'a folder': (path) => mkdirSync(path),
    };
    for (const [name, make] of Object.entries(cases)) {
      const directory = temporaryFolder();
      make(databasePath(directory));
      expect(() => openDatabase(directory), name).toThrow(UnusableDatabase);
      expect(readdirSync(directory), name).toEqual([DATABASE_NAME]);
    }
  });

  it('refuses a database of a newer release', () => {
    const directory = temporaryFolder();
    const db = openDatabase(directory);
    db.pragma(`user_version = ${SCHEMA_VERSION + 1}`);
    db.close();
    const before = readFileSync(databasePath(directory));
    expect(() => openDatabase(directory)).toThrow(/newer release: schema \d+/);
    expect(readFileSync(databasePath(directory)).equals(before)).toBe(true);
  });

  it('does not take a folder that cannot be used for a damaged database', () => {
    const place = join(temporaryFolder(), 'file');
    writeFileSync(place, '');
    try {
      openDatabase(join(place, 'state'));
      expect.unreachable();
    } catch (error) {
      expect(troubleOf(error)).toBe('unavailable');
    }
  });

  it('sorts errors by what helps', () => {
    const coded = (code: string): Error => Object.assign(new Error(code), { code });
    expect(troubleOf(coded('SQLITE_FULL'))).toBe('full');
    expect(troubleOf(coded('ENOSPC'))).toBe('full');
    expect(troubleOf(coded('SQLITE_CORRUPT_VTAB'))).toBe('corrupt');
    expect(troubleOf(coded('SQLITE_NOTADB'))).toBe('corrupt');
    expect(troubleOf(coded('SQLITE_IOERR_FSYNC'))).toBe('unavailable');
    expect(troubleOf(coded('SQLITE_CANTOPEN'))).toBe('unavailable');
    expect(troubleOf(coded('SQLITE_READONLY'))).toBe('unavailable');
    expect(troubleOf('text')).toBe('unavailable');
  });

  it('renames a database with its side files, never over another, and keeps the first and three more', () => {
    const directory = temporaryFolder();
    const names: string[] = [];
    for (let round = 0; round < 7; round += 1) {
      for (const side of ['', '-wal', '-shm']) {
        writeFileSync(databasePath(directory) + side, `${side} ${round}`);
      }
      names.push(setAsideDatabase(directory, round < 2 ? '100' : `10${round}`));
    }
    expect(new Set(names).size).toBe(7);
    const left = readdirSync(directory);
    expect(left.length).toBe(4 * 3);
    expect(readFileSync(names[0]!, 'utf8')).toBe(' 0');
    expect(readFileSync(`${names[6]}-wal`, 'utf8')).toBe('-wal 6');
  });
});

describe('Writer', () => {
  it('sets a damaged database aside and goes on with a new one', () => {
    const directory = temporaryFolder();
    writeFileSync(databasePath(directory), 'garbage '.repeat(1000));
    const { writer, replies } = openWriter(directory);
    const { setAside, heads } = opened(replies);
    expect(setAside).toMatchObject({ heads: null, lastId: null });
    expect(setAside?.movedTo).toBe(`${databasePath(directory)}.bad-42`);
    expect(heads.alarm).toBe(0);
    const group = { ...EMPTY, events: events(stamperFor(), 'alarm', 1).map(rowOf) };
    writer.handle({ kind: 'write', number: 1, group });
    expect(replies.at(-1)).toMatchObject({ kind: 'committed', number: 1 });
  });

  it('knows the numbers of a database it set aside, if that can be read', () => {
    const directory = temporaryFolder();
    const alarms = events(stamperFor(), 'alarm', 3);
    const first = openWriter(directory);
    first.writer.handle({
      kind: 'write',
      number: 1,
      group: { ...EMPTY, events: alarms.map(rowOf) },
    });
    first.writer.handle({ ...first.open, setAside: 'it is damaged' });
    const store = opened(first.replies);
    // Nothing of it was damaged after all: everything was brought over.
    expect(store.heads.alarm).toBe(3);
    expect(store.setAside).toMatchObject({
      heads: { alarm: 3, fault: 0, operator: 0, system: 0 },
      lastId: alarms[2]?.id,
      salvaged: { events: 3, lostEvents: 0, damaged: [] },
    });
  });

  it('keeps an event whose number is taken, and says so once', () => {
    const { writer, replies, open } = openWriter(temporaryFolder());
    const mine = events(stamperFor(), 'alarm', 1).map(rowOf);
    const rival = events(stamperFor(undefined, null, undefined, 9), 'alarm', 1).map(rowOf);
    writer.handle({ kind: 'write', number: 1, group: { ...EMPTY, events: mine } });
    for (const number of [2, 3]) {
      writer.handle({ kind: 'write', number, group: { ...EMPTY, events: rival } });
    }
    const clashes = replies.map((reply) => (reply.kind === 'committed' ? reply.clashes : null));
    expect(clashes.slice(1)).toEqual([[], [{ lane: 'alarm', seq: 1, id: rival[0]!.id }], []]);
    writer.handle({ kind: 'close' });
    const db = openDatabase(open.directory);
    expect(db.prepare('SELECT json FROM clash').pluck().all()).toEqual([rival[0]!.json]);
    db.close();
  });

  it('commits all of a group or nothing', () => {
    const { writer, replies, open } = openWriter(temporaryFolder());
    const bad = { ...reading(2), value: Number.NaN };
    const group = {
      ...EMPTY,
      events: events(stamperFor(), 'alarm', 2).map(rowOf),
      telemetry: [reading(1), bad],
    };
    writer.handle({ kind: 'write', number: 1, group });
    expect(replies.at(-1)).toMatchObject({ kind: 'writeFailed', number: 1 });
    writer.handle({ kind: 'close' });
    const db = openDatabase(open.directory);
    expect(db.prepare('SELECT COUNT(*) FROM event').pluck().get()).toBe(0);
    expect(db.prepare('SELECT COUNT(*) FROM telemetry').pluck().get()).toBe(0);
    db.close();
  });

  it('answers what it is asked without a database with a failure', () => {
    const replies: FromWriter[] = [];
    const writer = new Writer(
      (reply) => replies.push(reply),
      () => 0,
    );
    writer.handle({ kind: 'write', number: 1, group: EMPTY });
    writer.handle({ kind: 'read', id: 1, query: { what: 'cursors', broker: 'a' } });
    writer.handle({ kind: 'close' });
    expect(replies.map(({ kind }) => kind)).toEqual(['writeFailed', 'readFailed', 'closed']);
  });

  it('finds damage in a page by quick_check', () => {
    const directory = temporaryFolder();
    const { writer, open } = openWriter(directory);
    const rows = events(stamperFor(), 'alarm', 400, 'y'.repeat(300)).map(rowOf);
    writer.handle({ kind: 'write', number: 1, group: { ...EMPTY, events: rows } });
    writer.handle({ kind: 'close' });
    const path = databasePath(directory);
    const bytes = readFileSync(path);
    // Events in the middle: opening looks at the first and the last ones itself.
    bytes.fill(0xa5, 40 * 4096, 44 * 4096);
    writeFileSync(path, bytes);
    const later = openWriter(open.directory);
    later.writer.handle({ kind: 'read', id: 1, query: { what: 'check', table: 'event' } });
    const reply = later.replies.at(-1);
    const damage = reply?.kind === 'answer' ? reply.rows.length : reply?.kind;
    expect(damage === 'readFailed' || Number(damage) > 0).toBe(true);
  });
});

describe('telemetry rows', () => {
  it('numbers rows above a floor', () => {
    const db = openDatabase(temporaryFolder());
    const queries = new Queries(db);
    queries.raiseTelemetryRow(5000);
    expect(queries.commit({ ...EMPTY, telemetry: [reading(1)] }).telemetryRow).toBe(5001);
    queries.raiseTelemetryRow(3);
    expect(queries.commit({ ...EMPTY, telemetry: [reading(1)] }).telemetryRow).toBe(5002);
    db.close();
  });
});

const NO_NEWS = { failure: null, damage: '', torn: '', restored: 0 };

describe('numberingAfter', () => {
  const heads = { alarm: 5, fault: 0, operator: 2, system: 9 };
  const none = { alarm: 0, fault: 0, operator: 0, system: 0 };
  const id = '018bcfe5-687b-7000-8000-000000000000';
  const store: OpenedStore = {
    heads,
    lastId: id,
    telemetryRow: 0,
    chainHeads: {},
    setAside: null,
    alarmFile: NO_NEWS,
  };

  it('goes on above store and floor', () => {
    const floor = { lastSeq: { ...none, alarm: 7 }, lastId: null };
    const numbering = numberingAfter(store, floor, 1e12);
    const lastSeq = { ...heads, alarm: 7 };
    // What another witness knows of, and the store does not hold, was lost with its newest commits.
    const gaps = [{ lane: 'alarm', firstSeq: 6, lastSeq: 7, reason: 'storeBehind' }];
    expect(numbering).toEqual({ lastSeq, lastId: id, readersStartAt: lastSeq, gaps });
  });

  it('takes nothing for lost that the ring still holds', () => {
    const floor = { lastSeq: { ...none, alarm: 8 }, lastId: null };
    const { gaps } = numberingAfter(store, floor, 1e12, [
      { lane: 'alarm', seq: 7 },
      { lane: 'alarm', seq: 8 },
    ]);
    expect(gaps).toEqual([{ lane: 'alarm', firstSeq: 6, lastSeq: 6, reason: 'storeBehind' }]);
  });

  it('goes on above a database that was set aside, and records the loss', () => {
    const salvaged = { failure: 'by order of the test', accountedTo: none };
    const setAside = { reason: 'x', movedTo: 'y', heads, lastId: id, salvaged };
    const fresh = { ...store, heads: none, lastId: null, setAside };
    const numbering = numberingAfter(fresh, NO_FLOOR, 1e12);
    expect(numbering.lastSeq).toEqual(heads);
    expect(numbering.lastId).toBe(id);
    expect(numbering.gaps).toEqual([
      { lane: 'alarm', firstSeq: 1, lastSeq: 5, reason: 'storeSetAside' },
      { lane: 'operator', firstSeq: 1, lastSeq: 2, reason: 'storeSetAside' },
      { lane: 'system', firstSeq: 1, lastSeq: 9, reason: 'storeSetAside' },
    ]);
  });

  it('reuses no number when nobody knows them', () => {
    const floor = { lastSeq: { ...none, alarm: 3e9 }, lastId: null };
    const salvaged = { failure: 'by order of the test', accountedTo: none };
    for (const unknown of [
      null,
      {
        ...store,
        heads: none,
        setAside: { reason: 'x', movedTo: 'y', heads: null, lastId: null, salvaged },
      },
    ]) {
      const { lastSeq, gaps } = numberingAfter(unknown, floor, 1.7e12);
      expect(lastSeq).toEqual({ alarm: 3e9 + 1, fault: 1.7e9, operator: 1.7e9, system: 1.7e9 });
      expect(gaps.map(({ reason }) => reason)).toEqual(Array(4).fill('storeUnreadable'));
    }
  });
});
