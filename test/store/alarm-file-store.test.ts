/** The alarm file beside a real database: what is told, what comes back, what a full disk does. */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { ALARM_FILE_NAMES, AlarmFile } from '../../src/store/alarm-file.ts';
import { rowOf } from '../../src/store/codec.ts';
import { databasePath, openDatabase } from '../../src/store/database.ts';
import { events, stamperFor, standing, temporaryFolder } from './support.ts';
import { read, readFresh, world } from './world.ts';

function inFile(directory: string): readonly number[] {
  const file = new AlarmFile(directory, () => 0);
  const seqs = file.open().records.map(({ event }) => event.seq);
  file.close();
  return seqs;
}

function dropFromDatabase(directory: string, where: string): void {
  const db = openDatabase(directory);
  db.exec(`DELETE FROM event WHERE ${where}`);
  db.close();
}

describe('reconciliation at the start', () => {
  it('puts alarms that the database lost back, with their ids and numbers', async () => {
    const w = await world();
    const alarms = events(stamperFor(), 'alarm', 6);
    w.store.journal.append(alarms);
    await w.clock.advance(10);
    w.writer.crash('power cut');
    dropFromDatabase(w.directory, 'seq > 4');
    const later = await world(w.directory);
    expect(await read(later, 'alarm')).toEqual([1, 2, 3, 4, 5, 6]);
    expect(later.store.recovered.lastSeq.alarm).toBe(6);
    expect(later.troubles.map(({ kind, raised }) => `${kind} ${String(raised)}`)).toEqual([
      'alarmsRestored true',
      'alarmsRestored false',
    ]);
    const rows = later.store.journal.readAfter('alarm', 4, 10);
    await later.clock.advance(1);
    expect((await rows).map(({ id }) => id)).toEqual(alarms.slice(4).map(({ id }) => id));
    expect((await readFresh(later)).troubles).toEqual([]);
  });

  it('brings alarms back where the whole database is gone', async () => {
    const w = await world();
    w.store.journal.append(events(stamperFor(), 'alarm', 3));
    await w.clock.advance(10);
    w.writer.crash('power cut');
    for (const side of ['', '-wal', '-shm'])
      rmSync(databasePath(w.directory) + side, { force: true });
    expect(await read(await world(w.directory), 'alarm')).toEqual([1, 2, 3]);
  });

  it('does not bring back what was deleted on purpose', async () => {
    const w = await world();
    w.store.journal.append(events(stamperFor(), 'alarm', 5));
    await w.clock.advance(10);
    w.writer.crash('power cut');
    const db = openDatabase(w.directory);
    db.exec(`INSERT OR REPLACE INTO anchor SELECT lane, seq, hash FROM event WHERE seq = 3`);
    db.exec('DELETE FROM event WHERE seq <= 3');
    db.close();
    expect(await read(await world(w.directory), 'alarm')).toEqual([4, 5]);
  });

  it('leaves alone what only the database has', async () => {
    const w = await world();
    w.store.journal.append(events(stamperFor(), 'alarm', 3));
    await w.clock.advance(10);
    w.writer.crash('power cut');
    for (const name of ALARM_FILE_NAMES) rmSync(join(w.directory, name));
    const later = await world(w.directory);
    expect([await read(later, 'alarm'), later.troubles]).toEqual([[1, 2, 3], []]);
  });
});

describe('while the database takes nothing', () => {
  it('a full disk: the alarm is in the file, is called that, and is committed later', async () => {
    const w = await world();
    const stamper = stamperFor();
    w.store.journal.append(events(stamper, 'alarm', 1));
    await w.clock.advance(10);
    w.receipts.length = 0;
    w.fail = 'full';
    w.store.journal.append(events(stamper, 'alarm', 2));
    await w.clock.advance(5);
    w.store.journal.append(events(stamper, 'alarm', 1));
    await w.clock.advance(5);
    // Durable in the file, and not committed: whoever waits for a commit goes on waiting.
    expect(w.receipts.every(({ committed }) => Object.keys(committed).length === 0)).toBe(true);
    expect(w.receipts.findLast((one) => one.alarmsInFile !== undefined)?.alarmsInFile).toBe(4);
    expect(inFile(w.directory)).toEqual([1, 2, 3, 4]);
    w.writer.crash('power cut');
    const later = await world(w.directory);
    expect(await read(later, 'alarm')).toEqual([1, 2, 3, 4]);
  });

  it('a database that cannot be opened: alarms go to the file alone', async () => {
    const directory = temporaryFolder();
    const elsewhere = join(directory, 'not-mounted-yet');
    symlinkSync(join(elsewhere, 'journal.db'), databasePath(directory));
    const w = await world(directory);
    expect(standing(w.troubles)).toEqual(['storeUnavailable']);
    const stamper = stamperFor(w.store.recovered.lastSeq, w.store.recovered.lastId);
    const alarms = [1, 2, 3].flatMap(() => {
      const decided = events(stamper, 'alarm', 150);
      w.store.journal.append(decided);
      return decided;
    });
    await w.clock.advance(10);
    expect(inFile(directory)).toEqual(alarms.map(({ seq }) => seq));
    w.writer.crash('power cut');
    mkdirSync(elsewhere);
    const later = await world(directory);
    expect(await read(later, 'alarm')).toEqual(alarms.map(({ seq }) => seq));
  });

  it('a file that cannot be written is told, and the commit goes on', async () => {
    const directory = temporaryFolder();
    mkdirSync(join(directory, ALARM_FILE_NAMES[0]));
    const w = await world(directory);
    w.store.journal.append(events(stamperFor(), 'alarm', 2));
    await w.clock.advance(10);
    expect(standing(w.troubles)).toEqual(['alarmFileFailed']);
    expect(w.troubles[0]?.detail).toMatch(/alarms\.0\.log: EISDIR.*database alone/);
    expect(await read(w, 'alarm')).toEqual([1, 2]);
    rmSync(join(directory, ALARM_FILE_NAMES[0]), { recursive: true });
    w.store.journal.append(
      events(stamperFor({ alarm: 2, fault: 0, operator: 0, system: 0 }), 'alarm', 1),
    );
    await w.clock.advance(10);
    expect(standing(w.troubles)).toEqual([]);
  });

  it('a write that was cut short is cut off and told once', async () => {
    const w = await world();
    w.store.journal.append(events(stamperFor(), 'alarm', 2));
    await w.clock.advance(10);
    w.writer.crash('power cut');
    const path = join(w.directory, ALARM_FILE_NAMES[0]);
    const bytes = readFileSync(path);
    const end = bytes.lastIndexOf('}') + 1;
    bytes.fill(0, end - 10, end);
    writeFileSync(path, bytes);
    const later = await world(w.directory);
    expect(later.troubles.map(({ kind, raised }) => [kind, raised])).toEqual([
      ['alarmFileTorn', true],
      ['alarmFileTorn', false],
    ]);
    expect((await readFresh(later)).troubles).toEqual([]);
  });
});

const mounted: string[] = [];
afterEach(() => {
  for (const path of mounted.splice(0)) spawnSync('umount', ['-l', path]);
});

/** A small file system of its own; null where this may not be done. */
function mountSmall(kind: 'tmpfs' | 'ext4'): string | null {
  const folder = temporaryFolder();
  const path = join(folder, 'disk');
  mkdirSync(path);
  const image = join(folder, 'image');
  let mount = ['-t', 'tmpfs', '-o', 'size=4M', 'tmpfs', path];
  if (kind === 'ext4') {
    writeFileSync(image, Buffer.alloc(8 * 1024 * 1024));
    if (spawnSync('mkfs.ext4', ['-q', '-m', '0', image]).status !== 0) return null;
    mount = ['-o', 'loop', image, path];
  }
  if (spawnSync('mount', mount).status !== 0) return null;
  mounted.push(path);
  return path;
}

for (const kind of ['tmpfs', 'ext4'] as const) {
  const probe = mountSmall(kind);
  for (const path of mounted.splice(0)) spawnSync('umount', ['-l', path]);
  describe.skipIf(probe === null)(`a full ${kind} (needs the right to mount)`, () => {
    it('has room for alarms: to the last byte of the reserve', () => {
      const disk = mountSmall(kind) ?? '';
      const directory = join(disk, 'state');
      const file = new AlarmFile(directory, () => 0);
      expect(file.open().failure).toBeNull();
      fill(join(disk, 'ballast'));
      expect(statfsSync(disk).bavail).toBe(0);
      const stamper = stamperFor();
      let bytes = 0;
      for (let round = 0; round < 10_000; round += 1) {
        const rows = events(stamper, 'alarm', 1, 'a'.repeat(900)).map(rowOf);
        if (file.append(rows).kind !== 'kept') break;
        bytes += rows[0]?.json.length ?? 0;
      }
      file.close();
      expect(bytes).toBeGreaterThan(1_400_000);
      expect(inFile(directory).length).toBe(stamper.lastSeq.alarm - 1);
    });
  });
}

/** Takes every byte that is left. */
function fill(path: string): void {
  for (const unit of ['64K', '4K', '512']) {
    spawnSync('dd', ['if=/dev/zero', `of=${path}-${unit}`, `bs=${unit}`, 'conv=fsync'], {});
  }
  expect(existsSync(`${path}-64K`)).toBe(true);
}
