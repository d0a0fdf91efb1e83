/** `embereye journal` on real files: of an appliance that runs, of one that does not, of copies. */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rowOf } from '../../src/store/codec.ts';
import { databasePath, openDatabase, type Sqlite } from '../../src/store/database.ts';
import { Queries } from '../../src/store/queries.ts';
import { events, stamperFor } from '../store/support.ts';
import { embereye } from './processes.ts';

const EMPTY = { events: [], telemetry: [], cursors: [], keyed: [], gaps: [] };
const TROUBLE = 'one, "two"\nthree';

describe('embereye journal', () => {
  const folder = mkdtempSync(join(tmpdir(), 'embereye-journal-'));
  const state = join(folder, 'state');
  const file = (name: string): string => join(folder, name);
  const here = ['--directory', state];
  let writer: Sqlite;
  let queries: Queries;
  const stamper = stamperFor();

  beforeAll(() => {
    // Stays open, as the writer of an appliance that runs.
    writer = openDatabase(state);
    queries = new Queries(writer);
    for (const lane of ['alarm', 'fault', 'system'] as const) {
      const text = lane === 'fault' ? TROUBLE : '=HYPERLINK("http://x")';
      queries.commit({ ...EMPTY, events: events(stamper, lane, 40, text).map(rowOf) });
    }
  });
  afterAll(() => {
    writer.close();
    rmSync(folder, { recursive: true });
  });

  it('proves the journal of an appliance that is writing, against the heads it tells', async () => {
    const info = await embereye(['journal', 'info', ...here]);
    expect(info.code).toBe(0);
    expect(info.out).toContain('alarm: 40 events, 1 to 40');
    const heads = [...info.out.matchAll(/--head (\S+)/g)].flatMap(([, head]) => [
      '--head',
      head ?? '',
    ]);
    expect(heads.length).toBe(6);
    queries.commit({ ...EMPTY, events: events(stamper, 'alarm', 1).map(rowOf) });
    const proof = await embereye(['journal', 'verify', ...here, ...heads]);
    expect([proof.code, proof.err]).toEqual([0, '']);
    expect(proof.out).toContain('alarm: 41 events sound up to 41; the published head is proven');
    expect(proof.out).toContain('operator: no events');
  });

  it('names the first break of a copy that was tampered with, with exit code 1', async () => {
    const copy = file('tampered.db');
    expect((await embereye(['journal', 'backup', ...here, '--out', copy])).code).toBe(0);
    const db = openDatabaseFile(copy);
    db.exec(`DELETE FROM event WHERE lane = 'fault' AND seq = 12`);
    db.close();
    const proof = await embereye(['journal', 'verify', '--directory', copy, '--json']);
    expect(proof.code).toBe(1);
    const lanes = proof.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { lane: string; break: object | null });
    expect(lanes.find(({ lane }) => lane === 'fault')?.break).toMatchObject({
      seq: 12,
      what: 'missing',
    });
    expect(lanes.filter((one) => one.break !== null).length).toBe(1);
    const wrong = await embereye([
      'journal',
      'verify',
      ...here,
      '--head',
      `alarm:3:${'0'.repeat(64)}`,
    ]);
    expect([wrong.code, wrong.out.includes('alarm: BROKEN at 3 (head)')]).toEqual([1, true]);
    const usage = await embereye(['journal', 'verify', ...here, '--head', 'alarm:x']);
    expect([usage.code, usage.err.includes('LANE:SEQ:HASH')]).toEqual([2, true]);
  });

  it('exports every event as it was written, oldest first, and by filters', async () => {
    const all = await embereye(['journal', 'export', ...here]);
    expect(all.code).toBe(0);
    const lines = all.out.trim().split('\n');
    const stored = writer.prepare<[], string>('SELECT json FROM event ORDER BY id').pluck().all();
    expect(lines).toEqual(stored);
    const some = async (...filter: readonly string[]): Promise<number> => {
      const { code, out } = await embereye(['journal', 'export', ...here, ...filter]);
      expect(code).toBe(0);
      return out.trim() === '' ? 0 : out.trim().split('\n').length;
    };
    expect(await some('--lane', 'fault')).toBe(40);
    expect(await some('--lane', 'fault', '--lane', 'system')).toBe(80);
    expect(await some('--type', 'faultRaised', '--after-seq', '30')).toBe(10);
    expect(await some('--zone', 'hall')).toBe(41);
    expect(await some('--zone', 'nowhere')).toBe(0);
    expect(await some('--since', '2999-01-01')).toBe(0);
    expect(await some('--until', '2999-01-01')).toBe(stored.length);
    const wrong = await embereye(['journal', 'export', ...here, '--since', 'yesterday']);
    expect([wrong.code, wrong.err.includes('write a time such as')]).toEqual([2, true]);
  });

  it('writes CSV that reads back, with nothing in it that a spreadsheet would run', async () => {
    const out = file('events.csv');
    const { code } = await embereye([
      'journal',
      'export',
      ...here,
      '--format',
      'csv',
      '--out',
      out,
    ]);
    expect(code).toBe(0);
    const rows = parseCsv(readFileSync(out, 'utf8'));
    const total = writer.prepare<[], number>('SELECT COUNT(*) FROM event').pluck().get() ?? 0;
    expect(rows.length).toBe(total + 1);
    const [head = []] = rows;
    expect(head).toContain('monotonicMs');
    for (const row of rows) {
      expect(row.length).toBe(head.length);
      for (const cell of row) expect(cell).not.toMatch(/^[=+\-@\t\r]/);
    }
    const faults = rows.filter(([lane]) => lane === 'fault');
    const data = JSON.parse(faults[0]?.at(-1) ?? '') as { detail: string };
    expect(data.detail).toBe(TROUBLE);
    const again = await embereye(['journal', 'export', ...here, '--out', out]);
    expect([again.code, again.err.includes('EEXIST')]).toEqual([4, true]);
    expect(readFileSync(out, 'utf8').startsWith('lane,')).toBe(true);
  });

  it('copies the journal while it is written to; the copy stands by itself', async () => {
    const out = file('copy.db');
    const { code, out: text } = await embereye(['journal', 'backup', ...here, '--out', out]);
    expect([code, text.includes('checked')]).toEqual([0, true]);
    expect(readdirSync(folder).filter((name) => name.startsWith('copy.db'))).toEqual(['copy.db']);
    const proof = await embereye(['journal', 'verify', '--directory', out]);
    expect(proof.code).toBe(0);
    const before = readFileSync(out);
    const refused = await embereye(['journal', 'backup', ...here, '--out', out]);
    expect([refused.code, refused.err.includes('--force')]).toEqual([3, true]);
    expect(readFileSync(out).equals(before)).toBe(true);
    expect((await embereye(['journal', 'backup', ...here, '--out', out, '--force'])).code).toBe(0);
    const self = ['journal', 'backup', ...here, '--out', databasePath(state), '--force'];
    expect((await embereye(self)).code).toBe(3);
    // An appliance starts with it as with its own.
    const other = join(folder, 'other');
    mkdirSync(other);
    copyFileSync(out, databasePath(other));
    openDatabase(other).close();
    expect((await embereye(['journal', 'verify', '--directory', other])).code).toBe(0);
  });

  it('says what is wrong with a place that holds no journal', async () => {
    const none = await embereye(['journal', 'verify', '--directory', file('nowhere')]);
    expect([none.code, none.err.includes('no journal is there')]).toEqual([4, true]);
    writeFileSync(file('noise.db'), 'no database '.repeat(1000));
    for (const name of ['info', 'verify', 'export']) {
      const noise = await embereye(['journal', name, '--directory', file('noise.db')]);
      expect([noise.code, noise.err.includes('damaged')], name).toEqual([3, true]);
    }
    const config = await embereye(['journal', 'info', '--config', file('absent.yaml')]);
    expect(config.code).toBe(3);
  });

  it.skipIf(!mayMount())('a full target is a clear error, leaves nothing (mounts)', async () => {
    const disk = file('disk');
    mkdirSync(disk);
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk]);
    try {
      const { code, err } = await embereye([
        'journal',
        'backup',
        ...here,
        '--out',
        join(disk, 'b.db'),
      ]);
      expect([code, err.includes('nothing was left behind')]).toEqual([4, true]);
      expect(readdirSync(disk)).toEqual([]);
      writeFileSync(join(disk, 'ballast'), Buffer.alloc(60 * 1024));
      const csv = join(disk, 'e.csv');
      const args = ['--format', 'csv', '--out', csv];
      const exported = await embereye(['journal', 'export', ...here, ...args]);
      expect([exported.code, existsSync(csv)]).toEqual([4, false]);
    } finally {
      spawnSync('umount', ['-l', disk]);
    }
  });
});

function openDatabaseFile(path: string): Sqlite {
  const folder = mkdtempSync(join(tmpdir(), 'embereye-journal-open-'));
  copyFileSync(path, databasePath(folder));
  const db = openDatabase(folder);
  const close = db.close.bind(db);
  db.close = () => {
    close();
    copyFileSync(databasePath(folder), path);
    rmSync(folder, { recursive: true });
    return db;
  };
  return db;
}

function mayMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'embereye-mount-'));
  const done = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', folder]).status === 0;
  if (done) spawnSync('umount', [folder]);
  rmSync(folder, { recursive: true });
  return done;
}

/** RFC 4180, strictly: quotes only around whole cells, lines end with CR LF. */
function parseCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  const cell = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)/gy;
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex;
    const match = cell.exec(text);
    if (match === null) throw new Error(`no CSV at ${at}: ${text.slice(at, at + 80)}`);
    const [, raw = '', end] = match;
    row.push(raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw);
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
