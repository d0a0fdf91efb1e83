import { describe, expect, it } from 'vitest';
import { LANES } from '../../src/domain/event.ts';
import type { ChainHead } from '../../src/domain/ports.ts';
import { linkHash } from '../../src/store/chain.ts';
import { rowOf } from '../../src/store/codec.ts';
import { openDatabase, type Sqlite } from '../../src/store/database.ts';
import { Queries } from '../../src/store/queries.ts';
import { verifyLane } from '../../src/store/verify.ts';
import { events, stamperFor, temporaryFolder } from './support.ts';

const EMPTY = { events: [], telemetry: [], cursors: [], keyed: [], gaps: [] };

function made(count = 30): { readonly db: Sqlite; readonly head: ChainHead } {
  const db = openDatabase(temporaryFolder());
  const queries = new Queries(db);
  const stamper = stamperFor();
  for (const lane of LANES) {
    queries.commit({ ...EMPTY, events: events(stamper, lane, count, 'text').map(rowOf) });
  }
  return { db, head: queries.chain.heads.alarm ?? { seq: 0, hash: '' } };
}

/** Links everything from a number on anew, as somebody would who knows how the chain is made. */
function relink(db: Sqlite, from: number): void {
  const rows = db
    .prepare<[], { seq: number; json: string }>(
      `SELECT seq, json FROM event WHERE lane = 'alarm' ORDER BY seq`,
    )
    .all();
  let hash = db
    .prepare<[number], string>(
      `SELECT hash FROM event WHERE lane = 'alarm' AND seq < ? ORDER BY seq DESC LIMIT 1`,
    )
    .pluck()
    .get(from);
  if (hash === undefined) throw new Error('relink from 2 on');
  const set = db.prepare(`UPDATE event SET hash = ? WHERE lane = 'alarm' AND seq = ?`);
  for (const { seq, json } of rows.filter((row) => row.seq >= from)) {
    hash = linkHash(hash, json);
    set.run(hash, seq);
  }
}

describe('an untouched journal', () => {
  it('is sound, and its head is proven', () => {
    const { db, head } = made();
    for (const lane of LANES) {
      expect(verifyLane(db, lane, null)).toMatchObject({
        ...{ events: 30, anchorSeq: 0, neverStored: 0, unlinked: 0, published: 'none' },
        break: null,
      });
    }
    const proof = verifyLane(db, 'alarm', head);
    expect([proof.published, proof.head, proof.break]).toEqual(['proven', head, null]);
    db.close();
  });

  it('is sound over more pages than one', () => {
    const { db, head } = made(4500);
    expect(verifyLane(db, 'alarm', head)).toMatchObject({ events: 4500, published: 'proven' });
    db.close();
  });

  it('proves an older head, one at the anchor, and says so of one before it', () => {
    const { db, head } = made();
    const hashOf = (seq: number): ChainHead => ({
      seq,
      hash:
        db
          .prepare<[number], string>(`SELECT hash FROM event WHERE lane = 'alarm' AND seq = ?`)
          .pluck()
          .get(seq) ?? '',
    });
    const heads = [4, 10, 20].map(hashOf);
    new Queries(db).chain.anchor('alarm', 10);
    db.exec(`DELETE FROM event WHERE lane = 'alarm' AND seq <= 10`);
    const found = [...heads, head].map((one) => verifyLane(db, 'alarm', one));
    expect(found.map(({ published }) => published)).toEqual([
      ...['pruned', 'proven', 'proven', 'proven'],
    ]);
    expect(found.every((proof) => proof.break === null && proof.anchorSeq === 10)).toBe(true);
    const wrong = verifyLane(db, 'alarm', { seq: 10, hash: 'a'.repeat(64) });
    expect(wrong.break).toMatchObject({ seq: 10, what: 'head' });
    db.close();
  });

  it('goes on over numbers that were never stored, and counts them', () => {
    const db = openDatabase(temporaryFolder());
    const queries = new Queries(db);
    const rows = events(stamperFor(), 'alarm', 10).map(rowOf);
    queries.commit({ ...EMPTY, events: rows.filter(({ seq }) => seq < 4 || seq > 7) });
    expect(verifyLane(db, 'alarm', null)).toMatchObject({ break: null, events: 6, neverStored: 4 });
    db.close();
  });

  it('counts what an older release left without a hash, and looks at its text', () => {
    const { db } = made();
    db.exec(`UPDATE event SET hash = '' WHERE lane = 'alarm' AND seq > 25`);
    expect(verifyLane(db, 'alarm', null)).toMatchObject({ break: null, events: 25, unlinked: 5 });
    db.exec(`UPDATE event SET json = '{}' WHERE lane = 'alarm' AND seq = 28`);
    expect(verifyLane(db, 'alarm', null).break).toMatchObject({ seq: 28, what: 'text' });
    db.close();
  });
});

describe('tampering', () => {
  const edit = (where: string, set: string) => (db: Sqlite) =>
    db.exec(`UPDATE event SET ${set} WHERE lane = 'alarm' AND ${where}`);
  const CASES: Record<string, [(db: Sqlite) => unknown, { seq: number; what: string }]> = {
    'a word in the text': [
      edit('seq = 7', `json = replace(json, 'text', 'tent')`),
      { seq: 7, what: 'hash' },
    ],
    'a space in the text': [edit('seq = 7', `json = json || ' '`), { seq: 7, what: 'text' }],
    'the order of its fields': [
      edit(
        'seq = 7',
        `json = '{"id":"' || id || '",' || substr(replace(json, '"id":"' || id || '",', ''), 2)`,
      ),
      { seq: 7, what: 'hash' },
    ],
    'the time, in column and text alike': [
      edit(
        'seq = 7',
        `wall = '2020-01-01T00:00:00.000Z',
        json = replace(json, '"wall":"' || wall || '"', '"wall":"2020-01-01T00:00:00.000Z"')`,
      ),
      { seq: 7, what: 'hash' },
    ],
    'the time, in the column alone': [
      edit('seq = 7', `wall = '2020-01-01T00:00:00.000Z'`),
      { seq: 7, what: 'text' },
    ],
    'the type': [edit('seq = 7', `type = 'preAlarm'`), { seq: 7, what: 'text' }],
    'the id': [edit('seq = 7', `id = replace(id, '7', '6')`), { seq: 7, what: 'text' }],
    'its hash': [
      edit('seq = 7', `hash = replace(hash, substr(hash, 1, 4), 'ffff')`),
      { seq: 7, what: 'hash' },
    ],
    'its hash taken away': [edit('seq = 7', `hash = ''`), { seq: 8, what: 'hash' }],
    'an event removed': [
      (db) => db.exec(`DELETE FROM event WHERE lane = 'alarm' AND seq = 7`),
      { seq: 7, what: 'missing' },
    ],
    'the first events removed': [
      (db) => db.exec(`DELETE FROM event WHERE lane = 'alarm' AND seq < 5`),
      { seq: 1, what: 'missing' },
    ],
    'two events with their numbers changed over': [
      (db) =>
        db.exec(`UPDATE event SET seq = -seq WHERE lane = 'alarm' AND seq IN (7, 8);
                 UPDATE event SET seq = 15 + seq WHERE lane = 'alarm' AND seq < 0`),
      { seq: 7, what: 'text' },
    ],
    'the anchor moved': [
      (db) => db.exec(`INSERT INTO anchor VALUES ('alarm', 6, '${'a'.repeat(64)}')`),
      { seq: 7, what: 'hash' },
    ],
  };
  for (const [name, [tamper, expected]] of Object.entries(CASES)) {
    it(`${name}: the first break is named`, () => {
      const { db, head } = made();
      tamper(db);
      expect(verifyLane(db, 'alarm', null).break).toMatchObject(expected);
      const proof = verifyLane(db, 'alarm', head);
      expect([proof.break, proof.published]).toMatchObject([expected, 'broken']);
      expect(verifyLane(db, 'fault', null).break).toBeNull();
      db.close();
    });
  }

  it('of a cut end, or of events that were linked anew, only a published head tells', () => {
    const { db, head } = made();
    db.exec(`DELETE FROM event WHERE lane = 'alarm' AND seq > 25`);
    expect(verifyLane(db, 'alarm', null).break).toBeNull();
    expect(verifyLane(db, 'alarm', head).break).toMatchObject({ seq: 30, what: 'missing' });
    db.close();
    const other = made();
    edit('seq = 7', `json = replace(json, 'text', 'tent')`)(other.db);
    relink(other.db, 7);
    expect(verifyLane(other.db, 'alarm', null).break).toBeNull();
    expect(verifyLane(other.db, 'alarm', other.head).break).toMatchObject({
      seq: 30,
      what: 'head',
    });
    other.db.close();
  });

  it('an event that was put in is named itself', () => {
    const db = openDatabase(temporaryFolder());
    const queries = new Queries(db);
    const rows = events(stamperFor(), 'alarm', 10).map(rowOf);
    queries.commit({ ...EMPTY, events: rows.filter(({ seq }) => seq !== 6) });
    const put = rows.find(({ seq }) => seq === 6);
    const before = db.prepare<[], string>(`SELECT hash FROM event WHERE seq = 5`).pluck().get();
    db.prepare(
      `INSERT INTO event (lane, seq, id, type, wall, json, hash)
       VALUES (@lane, @seq, @id, @type, @wall, @json, @hash)`,
    ).run({ ...put, hash: linkHash(before ?? '', put?.json ?? '') });
    expect(verifyLane(db, 'alarm', null).break).toMatchObject({ seq: 6, what: 'hash' });
    db.close();
  });

  it('a hole says what the ledger says of it', () => {
    const { db } = made();
    db.exec(`DELETE FROM event WHERE lane = 'alarm' AND seq BETWEEN 7 AND 9`);
    new Queries(db).ledger.add({ lane: 'alarm', firstSeq: 7, lastSeq: 9, reason: 'storeDamaged' });
    expect(verifyLane(db, 'alarm', null).break?.detail).toMatch(/7 to 9 are missing.*storeDamaged/);
    db.close();
  });
});
