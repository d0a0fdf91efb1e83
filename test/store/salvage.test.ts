/** A damaged database: what stands on intact pages comes back, the rest is in the ledger. */
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JournalEvent } from '../../src/domain/event.ts';
import { LANES } from '../../src/domain/event.ts';
import { rowOf } from '../../src/store/codec.ts';
import { databasePath, openDatabase, type Sqlite } from '../../src/store/database.ts';
import type { FromWriter, Group, OpenedStore } from '../../src/store/messages.ts';
import { Queries } from '../../src/store/queries.ts';
import { salvage } from '../../src/store/salvage.ts';
import { PageFile } from '../../src/store/salvage-pages.ts';
import { recordsIn } from '../../src/store/salvage-records.ts';
import { savedFrom } from '../../src/store/salvage-rows.ts';
import { SCHEMA_VERSION } from '../../src/store/schema.ts';
import { Writer } from '../../src/store/writer.ts';
import { events, reading, seededRandom, stamperFor, standing, temporaryFolder } from './support.ts';
import { read, world } from './world.ts';

const PAGE = 4096;
const EMPTY: Group = { events: [], telemetry: [], cursors: [], keyed: [], gaps: [] };

interface Site {
  readonly path: string;
  readonly events: readonly JournalEvent[];
  readonly telemetry: number;
}

/** A database with a bit of everything: rows of all lengths, some over many pages. */
function makeSite(directory: string, leaveLog = false): Site {
  const db = openDatabase(directory);
  const queries = new Queries(db);
  const stamper = stamperFor();
  const all: JournalEvent[] = [];
  for (let round = 0; round < 60; round += 1) {
    const group = LANES.flatMap((lane) =>
      events(stamper, lane, 1 + (round % 3), 'e'.repeat(round === 30 ? 20_000 : round * 9)),
    );
    all.push(...group);
    queries.commit({
      ...EMPTY,
      events: group.map(rowOf),
      telemetry: Array.from({ length: 40 }, (_, index) => reading(round * 40 + index)),
      cursors: [
        { broker: 'a', lane: 'alarm', seq: round },
        { broker: 'b', lane: 'telemetry', seq: round * 10 },
      ],
      keyed: [{ kind: 'calibration', key: `array-${round}`, value: 'c'.repeat(900) }],
      gaps:
        round % 20 === 0
          ? [{ lane: 'fault', firstSeq: 9000 + round, lastSeq: 9000 + round, reason: 'memoryFull' }]
          : [],
    });
  }
  if (leaveLog) {
    const log = readFileSync(`${databasePath(directory)}-wal`);
    const main = readFileSync(databasePath(directory));
    db.close();
    writeFileSync(databasePath(directory), main);
    writeFileSync(`${databasePath(directory)}-wal`, log);
  } else db.close();
  return { path: databasePath(directory), events: all, telemetry: 60 * 40 };
}

const run = (db: Sqlite, path: string, limitMs = 60_000) =>
  salvage(db, { path, alarms: [], held: [], nowMs: () => 0, limitMs, thorough: true });

const jsons = (db: Sqlite): readonly string[] =>
  db.prepare<[], string>('SELECT json FROM event ORDER BY lane, seq').pluck().all();

const cells = (db: Sqlite, sql: string): readonly unknown[] => db.prepare(sql).raw().all();

describe('reading pages without their trees', () => {
  for (const leaveLog of [false, true]) {
    it(`finds every row ${leaveLog ? 'in the log as well' : 'of every table'}`, () => {
      const site = makeSite(temporaryFolder(), leaveLog);
      const file = new PageFile(site.path);
      const found = new Map<string, Set<string>>();
      const free = file.freePages();
      for (let page = 1; page <= file.count; page += 1) {
        if (free.has(page)) continue;
        for (const record of recordsIn(file, page)) {
          const saved = savedFrom(record);
          if (saved === null) continue;
          const rows = found.get(saved.table) ?? new Set();
          rows.add(JSON.stringify(saved.row));
          found.set(saved.table, rows);
        }
      }
      file.close();
      expect(found.get('event')?.size).toBe(site.events.length);
      expect(found.get('telemetry')?.size).toBe(site.telemetry);
      expect(found.get('keyed')?.size).toBe(60);
      expect(found.get('cursor')).toEqual(
        new Set([
          JSON.stringify({ broker: 'a', lane: 'alarm', seq: 59 }),
          JSON.stringify({ broker: 'b', lane: 'telemetry', seq: 590 }),
        ]),
      );
      expect(found.get('gap')?.size).toBe(3);
    });
  }

  it('ends on arbitrary bytes, and takes none of them for a row', () => {
    const path = join(temporaryFolder(), 'noise');
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 200, maxLength: 3 * PAGE }),
        fc.nat(2),
        (bytes, kind) => {
          const noise = Buffer.from(bytes);
          for (let at = 0; at < noise.length; at += PAGE) noise[at] = [0x0d, 0x0a, 0x02][kind] ?? 0;
          writeFileSync(path, noise);
          const file = new PageFile(path);
          for (let page = 0; page <= file.count + 1; page += 1) {
            for (const record of recordsIn(file, page)) expect(savedFrom(record)).toBeNull();
          }
          file.freePages();
          file.close();
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('salvage', () => {
  it('brings everything over where nothing is damaged: rows, numbers, chain, positions', () => {
    for (const leaveLog of [false, true]) {
      const site = makeSite(temporaryFolder(), leaveLog);
      const db = openDatabase(temporaryFolder());
      const report = run(db, site.path);
      expect(report).toMatchObject({
        events: site.events.length,
        telemetry: site.telemetry,
        ...{ cursors: 2, keyed: 60, lostEvents: 0, lostTelemetry: 0, damaged: [], late: false },
      });
      const old = openDatabase(join(site.path, '..'));
      for (const sql of [
        'SELECT rowid, * FROM event ORDER BY rowid',
        'SELECT * FROM telemetry ORDER BY row',
        'SELECT * FROM gap ORDER BY id',
        'SELECT * FROM cursor ORDER BY broker',
        'SELECT * FROM keyed ORDER BY key',
        'SELECT name, seq FROM sqlite_sequence ORDER BY name',
      ]) {
        expect(cells(db, sql), sql).toEqual(cells(old, sql));
      }
      old.close();
      db.close();
    }
  });

  it('random damage: every row on intact pages comes back, none twice, none invented', () => {
    const site = makeSite(temporaryFolder());
    const whole = readFileSync(site.path);
    const known = new Map(site.events.map((event) => [JSON.stringify(event), event]));
    const pages = whole.length / PAGE;
    const damage = fc.record({
      page: fc.nat(pages - 1),
      // Zeroes, a pattern, noise, a half page, another page of the same file.
      how: fc.constantFrom('zero', 'pattern', 'noise', 'half', 'other'),
      seed: fc.nat(1e9),
    });
    fc.assert(
      fc.property(fc.array(damage, { minLength: 1, maxLength: 8 }), (list) => {
        const bytes = Buffer.from(whole);
        for (const one of list) spoil(bytes, whole, one);
        const directory = temporaryFolder();
        const path = join(directory, 'bad.db');
        writeFileSync(path, bytes);
        const db = openDatabase(directory);
        const report = run(db, path);
        const back = jsons(db);
        expect(new Set(back).size).toBe(back.length);
        for (const json of back) expect(known.has(json), 'invented').toBe(true);
        const there = new Set(back);
        for (const json of intact(whole, new Set(list.map(({ page }) => page + 1)), site.path)) {
          expect(there.has(json), json.slice(0, 200) + json.slice(-60)).toBe(true);
        }
        const values = db.prepare<[], number>('SELECT value FROM telemetry').pluck().all();
        expect(new Set(values).size).toBe(values.length);
        for (const value of values)
          expect(Number.isInteger(value) && value < site.telemetry).toBe(true);
        expect(accountedFor(db, report.accountedTo), JSON.stringify(report)).toBe(true);
        db.close();
      }),
      { numRuns: 40 },
    );
  });

  it('a first page of zeroes, or a file cut in the middle: what is left comes back', () => {
    const site = makeSite(temporaryFolder());
    const whole = readFileSync(site.path);
    for (const [name, make] of [
      [
        'no first page',
        (path: string) =>
          writeFileSync(path, Buffer.concat([Buffer.alloc(PAGE), whole.subarray(PAGE)])),
      ],
      [
        'cut',
        (path: string) => {
          writeFileSync(path, whole);
          truncateSync(path, whole.length / 2);
        },
      ],
    ] as const) {
      const directory = temporaryFolder();
      const path = join(directory, 'bad.db');
      make(path);
      const db = openDatabase(directory);
      const report = run(db, path);
      expect(report.events, name).toBeGreaterThan(site.events.length / 4);
      if (name !== 'cut') expect(report.events).toBe(site.events.length);
      // Without its trees nobody knows the newest number: the numbering jumps.
      expect(report.heads).toBeNull();
      expect(accountedFor(db, report.accountedTo), name).toBe(true);
      db.close();
    }
  });

  it('ends in time, and what it did not come to counts as lost', () => {
    const site = makeSite(temporaryFolder());
    const db = openDatabase(temporaryFolder());
    let nowMs = 0;
    const report = salvage(db, {
      ...{ path: site.path, alarms: [], held: [], limitMs: 1, thorough: true },
      nowMs: () => (nowMs += 1),
    });
    expect(report.late).toBe(true);
    expect(report.cursors).toBe(2);
    expect(report.events).toBeLessThan(site.events.length);
    expect(report.events + report.lostEvents).toBe(site.events.length);
    db.close();
  });

  it('takes what is missing of the alarm lane from the alarm file, and the chain goes on', () => {
    const site = makeSite(temporaryFolder());
    const alarms = site.events
      .filter(({ lane }) => lane === 'alarm')
      .map((event) => ({ event, json: JSON.stringify(event) }));
    const old = openDatabase(join(site.path, '..'));
    const hashes = cells(old, `SELECT seq, hash FROM event WHERE lane = 'alarm' ORDER BY seq`);
    old.exec(`DELETE FROM event WHERE lane = 'alarm' AND seq BETWEEN 20 AND 40`);
    old.close();
    const db = openDatabase(temporaryFolder());
    const report = salvage(db, {
      path: site.path,
      alarms,
      held: [],
      nowMs: () => 0,
      thorough: false,
    });
    expect(report.alarms).toBe(21);
    expect(cells(db, `SELECT seq, hash FROM event WHERE lane = 'alarm' ORDER BY seq`)).toEqual(
      hashes,
    );
    db.close();
  });

  it('tells each broker of what it did not have, and nobody of what the ring holds', () => {
    const directory = temporaryFolder();
    const site = makeSite(directory);
    const held = [{ lane: 'alarm', seq: 100 } as const];
    const old = openDatabase(directory);
    old.exec(`DELETE FROM event WHERE lane = 'alarm' AND seq BETWEEN 50 AND 101`);
    old.close();
    const bytes = readFileSync(site.path);
    // Any damage in the table makes the holes count.
    spoil(bytes, bytes, { page: eventLeaf(site.path) - 1, how: 'zero', seed: 1 });
    writeFileSync(site.path, bytes);
    const db = openDatabase(temporaryFolder());
    salvage(db, { path: site.path, alarms: [], held, nowMs: () => 0, thorough: true });
    const gaps = db
      .prepare<[], { first_seq: number; last_seq: number; had: string }>(
        `SELECT first_seq, last_seq, had FROM gap
         WHERE lane = 'alarm' AND last_seq >= 50 ORDER BY first_seq`,
      )
      .all();
    expect(gaps).toContainEqual({ first_seq: 50, last_seq: 59, had: ',a,' });
    expect(gaps).toContainEqual({ first_seq: 60, last_seq: 99, had: '' });
    expect(gaps.some((gap) => gap.first_seq <= 100 && gap.last_seq >= 100)).toBe(false);
    db.close();
  });
});

describe('a start with a bad database', () => {
  const BAD: Record<string, (directory: string) => void> = {
    'pages of zeroes': (directory) => spoilFile(directory, 3),
    'no first page': (directory) => spoilFile(directory, 0),
    cut: (directory) => truncateSync(databasePath(directory), 10 * PAGE),
    'of no length': (directory) => truncateSync(databasePath(directory), 0),
    'a newer release': (directory) => {
      const db = openDatabase(directory);
      db.exec('CREATE TABLE later (x); ALTER TABLE event ADD COLUMN novel TEXT');
      db.pragma(`user_version = ${SCHEMA_VERSION + 1}`);
      db.close();
    },
  };
  for (const [name, spoilIt] of Object.entries(BAD)) {
    it(`${name}: the start succeeds, the alarms are there, later numbers are new`, async () => {
      const w = await world();
      const stamper = stamperFor();
      w.store.journal.append(events(stamper, 'alarm', 40));
      w.store.journal.append(events(stamper, 'system', 300, 's'.repeat(200)));
      w.store.journal.advance('a', 'alarm', 38);
      await w.clock.advance(1000);
      w.writer.crash('power cut');
      openDatabase(w.directory).close();
      spoilIt(w.directory);
      const later = await world(w.directory);
      const check = later.store.checkIntegrity();
      await later.clock.advance(2000);
      await check;

      expect(standing(later.troubles)).toEqual(['storeCorrupt']);
      expect(later.store.stats().mode).toBe('durable');
      expect((await read(later, 'alarm')).slice(0, 40)).toEqual(
        Array.from({ length: 40 }, (_, i) => i + 1),
      );
      expect(later.store.recovered.lastSeq.alarm).toBeGreaterThanOrEqual(40);
      if (name === 'a newer release') {
        expect(later.troubles[0]?.detail).toMatch(/newer release.*nothing is lost.*go back/);
        const cursors = later.store.journal.cursors('a');
        await later.clock.advance(1);
        expect((await cursors).alarm).toBe(38);
      }
      later.writer.crash('end of the test');
    });
  }

  it('a folder in its place', async () => {
    const directory = temporaryFolder();
    mkdirSync(databasePath(directory));
    const w = await world(directory);
    expect(standing(w.troubles)).toEqual(['storeCorrupt']);
    expect(w.store.stats().mode).toBe('durable');
  });

  it('a power cut in the middle of a salvage: the next start ends it', () => {
    const directory = temporaryFolder();
    const site = makeSite(directory);
    const first = openWriter(directory);
    first.writer.handle({ ...first.open, setAside: 'it is damaged' });
    const aside = opened(first.replies).setAside?.movedTo ?? '';
    first.writer.handle({ kind: 'close' });
    // As it would be after the renaming and before the first row.
    const db = openDatabase(directory);
    db.exec('DELETE FROM event; DELETE FROM telemetry; DELETE FROM cursor');
    db.close();
    writeFileSync(join(directory, 'salvage.todo'), `${aside.slice(directory.length + 1)}\n`);
    const second = openWriter(directory);
    expect(opened(second.replies).setAside).toMatchObject({
      movedTo: aside,
      salvaged: { events: site.events.length, cursors: 2 },
    });
    second.writer.handle({ kind: 'close' });
    expect(opened(openWriter(directory).replies).setAside).toBeNull();
  });
});

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

function spoilFile(directory: string, page: number): void {
  const bytes = readFileSync(databasePath(directory));
  bytes.fill(0, page * PAGE, (page + 1) * PAGE);
  writeFileSync(databasePath(directory), bytes);
}

interface Damage {
  readonly page: number;
  readonly how: string;
  readonly seed: number;
}

function spoil(bytes: Buffer, whole: Buffer, { page, how, seed }: Damage): void {
  const random = seededRandom(seed);
  const at = page * PAGE;
  if (how === 'zero') bytes.fill(0, at, at + PAGE);
  else if (how === 'pattern') bytes.fill(0xa5, at, at + PAGE);
  else if (how === 'half') bytes.fill(0, at, at + PAGE / 2);
  else if (how === 'other') {
    const from = (random.uint32() % (whole.length / PAGE)) * PAGE;
    whole.copy(bytes, at, from, from + PAGE);
  } else for (let index = 0; index < PAGE; index += 1) bytes[at + index] = random.uint32() & 0xff;
}

/** Events whose row, with all its overflow pages, stands on pages that were left alone. */
function intact(whole: Buffer, spoilt: ReadonlySet<number>, path: string): readonly string[] {
  const bytes = Buffer.from(whole);
  for (const page of spoilt) if (page > 1) bytes.fill(0, (page - 1) * PAGE, page * PAGE);
  const copy = `${path}.intact`;
  writeFileSync(copy, bytes);
  const file = new PageFile(copy);
  const found: string[] = [];
  for (let page = 1; page <= file.count; page += 1) {
    if (spoilt.has(page)) continue;
    for (const record of recordsIn(file, page)) {
      const saved = savedFrom(record);
      if (saved?.table === 'event') found.push(saved.row.json);
    }
  }
  file.close();
  return found;
}

/** A page that holds events. */
function eventLeaf(path: string): number {
  const file = new PageFile(path);
  let leaf = 0;
  for (let page = 2; page <= file.count && leaf === 0; page += 1) {
    if (recordsIn(file, page).some((record) => savedFrom(record)?.table === 'event')) leaf = page;
  }
  file.close();
  return leaf;
}

/** Every number of every lane up to its end is a row or in the ledger. */
function accountedFor(db: Sqlite, heads: Readonly<Record<string, number>>): boolean {
  return LANES.every((lane) => {
    const numbers = new Set(
      db.prepare<[string], number>('SELECT seq FROM event WHERE lane = ?').pluck().all(lane),
    );
    for (const { a, b } of db
      .prepare<[string], { a: number; b: number }>(
        'SELECT first_seq AS a, last_seq AS b FROM gap WHERE lane = ?',
      )
      .all(lane)) {
      for (let seq = a; seq <= b; seq += 1) numbers.add(seq);
    }
    return Array.from({ length: heads[lane] ?? 0 }, (_, i) => i + 1).every((seq) =>
      numbers.has(seq),
    );
  });
}
