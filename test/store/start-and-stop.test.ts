/** Starts without a database, a writer that dies, reconciliation with the ring, and closing. */
import { mkdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { databasePath } from '../../src/store/database.ts';
import { openStore } from '../../src/store/journal-client.ts';
import { eventsToRecover } from '../../src/store/numbering.ts';
import type { StartWriter } from '../../src/store/writer-link.ts';
import {
  events,
  ManualClock,
  reading,
  settlePromises,
  stamperFor,
  standing,
  temporaryFolder,
} from './support.ts';
import { read, readFresh, seqs, world } from './world.ts';

describe('a lost writer', () => {
  it('is started again, and gets again what it had not confirmed', async () => {
    const w = await world();
    const stamper = stamperFor();
    w.delayMs = 50;
    w.store.journal.append(events(stamper, 'alarm', 2));
    await w.clock.advance(10);
    w.store.journal.append(events(stamper, 'alarm', 1));
    w.writer.crash('segmentation fault');
    expect(standing(w.troubles)).toEqual(['storeUnavailable']);
    await w.clock.advance(2000);
    expect(standing(w.troubles)).toEqual([]);
    expect(w.store.stats()).toMatchObject({ writerRestarts: 1, events: 0 });
    w.delayMs = 0;
    expect(await read(await readFresh(w), 'alarm')).toEqual([1, 2, 3]);
  });

  it('pauses longer and longer between starts, and lets no read hang for ever', async () => {
    let starts = 0;
    const dying: StartWriter = (link) => {
      starts += 1;
      queueMicrotask(() => link.onExit('no such file'));
      return { post: () => undefined, terminate: () => undefined };
    };
    const clock = new ManualClock();
    const opening = openStore({
      directory: temporaryFolder(),
      startWriter: dying,
      clock,
      log: () => undefined,
      onTrouble: () => undefined,
    });
    await clock.advance(600_000);
    const { journal, recovered } = await opening;
    expect(starts).toBeGreaterThan(10);
    expect(starts).toBeLessThan(40);
    expect(recovered.problems[0]?.detail).toContain('no such file');
    expect(await journal.readAfter('alarm', 0, 10)).toEqual([]);
    expect(await journal.telemetryCursor('a')).toBe(0);
  });
});

describe('a start without a database', () => {
  it('goes on in memory, numbers without reuse, and catches up when the disk is back', async () => {
    const directory = temporaryFolder();
    const place = join(directory, 'state');
    writeFileSync(place, 'a file where the folder should be');
    const w = await world(place);
    expect(w.store.recovered.problems.map(({ kind }) => kind).sort()).toEqual([
      'alarmFileFailed',
      'storeUnavailable',
    ]);
    expect(w.store.stats().mode).toBe('memory');
    const base = w.store.recovered.lastSeq.alarm;
    expect(base).toBe(1_700_000_000);
    const stamper = stamperFor(w.store.recovered.lastSeq, w.store.recovered.lastId);
    w.store.journal.append(events(stamper, 'alarm', 2));
    w.store.keyed.put('address', '10.0.0.1', 'hall');
    await settlePromises();
    expect(w.receipts.length).toBeGreaterThan(0);
    const position = w.store.journal.cursors('a');
    await w.clock.advance(12_000);
    expect((await position).alarm).toBe(base);
    expect(seqs(await w.store.journal.readAfter('alarm', base, 10))).toEqual([base + 1, base + 2]);
    expect(await w.store.keyed.loadAll('address')).toEqual(new Map([['10.0.0.1', 'hall']]));
    w.store.journal.advance('a', 'alarm', base + 1);
    unlinkSync(place);
    mkdirSync(place);
    await w.clock.advance(60_000);
    expect(standing(w.troubles)).toEqual([]);
    const later = await readFresh({ ...w, directory: place });
    expect(await read(later, 'alarm')).toEqual([base + 1, base + 2]);
    const cursors = later.store.journal.cursors('a');
    const gaps = later.store.journal.readGaps('a', 10);
    await later.clock.advance(1);
    // What was told without a database is not believed: it might have held more.
    expect((await cursors).alarm).toBe(0);
    expect((await gaps)[0]).toMatchObject({ lane: 'alarm', firstSeq: 1, lastSeq: base });
  });

  it('skips nothing of a database that opens after the deadline', async () => {
    const directory = temporaryFolder();
    const before = await world(directory);
    before.store.journal.append(events(stamperFor(before.store.recovered.lastSeq), 'alarm', 3));
    before.store.journal.advance('a', 'alarm', 1);
    await before.clock.advance(1000);
    const closed = before.store.journal.close();
    await before.clock.advance(10_000);
    await closed;
    const late = await world(directory, {}, 8000);
    expect(late.store.recovered.problems[0]?.detail).toBe('not open after 3000 ms');
    const jumped = late.store.recovered.lastSeq.alarm;
    expect(jumped).toBeGreaterThan(1e9);
    const position = late.store.journal.cursors('a');
    late.store.journal.append(events(stamperFor(late.store.recovered.lastSeq), 'alarm', 1));
    await late.clock.advance(7000);
    late.delayMs = 0;
    await late.clock.advance(20_000);
    expect((await position).alarm).toBe(1);
    const [read, gaps] = [
      late.store.journal.readAfter('alarm', 1, 10),
      late.store.journal.readGaps('a', 10),
    ];
    await late.clock.advance(1);
    expect(seqs(await read)).toEqual([2, 3, jumped + 1]);
    expect((await gaps).filter(({ lane }) => lane === 'alarm')).toMatchObject([
      { firstSeq: 4, lastSeq: jumped, reason: 'storeUnreadable' },
    ]);
  });

  it('goes back for what a database holds that readers went on without', async () => {
    const directory = temporaryFolder();
    const before = await world(directory);
    before.store.journal.append(events(stamperFor(before.store.recovered.lastSeq), 'alarm', 3));
    before.store.journal.advance('a', 'alarm', 1);
    await before.clock.advance(1000);
    const closed = before.store.journal.close();
    await before.clock.advance(10_000);
    await closed;
    const late = await world(directory, {}, 40_000);
    const { journal, recovered } = late.store;
    const jumped = recovered.lastSeq.alarm;
    const blind = journal.cursors('a');
    await late.clock.advance(15_000);
    expect((await blind).alarm).toBe(jumped);
    journal.append(events(stamperFor(recovered.lastSeq), 'alarm', 2));
    expect(await read(late, 'alarm', jumped)).toEqual([jumped + 1, jumped + 2]);
    // Delivered from memory: that must not be stored as the position.
    journal.advance('a', 'alarm', jumped + 2);
    expect(late.receipts.filter(({ rewound }) => rewound !== undefined)).toEqual([]);
    late.delayMs = 0;
    await late.clock.advance(60_000);
    const told = late.receipts.flatMap(({ rewound }) => rewound ?? []);
    expect(told).toEqual(['a']);
    const position = journal.cursors('a');
    await late.clock.advance(1);
    expect((await position).alarm).toBe(1);
    expect(await read(late, 'alarm', 1)).toEqual([2, 3, jumped + 1, jumped + 2]);
    journal.advance('a', 'alarm', jumped + 2);
    await late.clock.advance(5000);
    const fresh = await readFresh(late);
    const stored = fresh.store.journal.cursors('a');
    await fresh.clock.advance(1);
    expect((await stored).alarm).toBe(jumped + 2);
  });

  it('tells once of a lane that is found behind at each start', async () => {
    const directory = temporaryFolder();
    const gap = { lane: 'operator', firstSeq: 1, lastSeq: 7, reason: 'storeBehind' } as const;
    for (let start = 0; start < 3; start += 1) {
      const w = await world(directory);
      w.store.journal.recordGap(gap);
      await w.clock.advance(1000);
      const gaps = w.store.journal.readGaps('a', 10);
      await w.clock.advance(1);
      expect(await gaps).toMatchObject([gap]);
      const closed = w.store.journal.close();
      await w.clock.advance(10_000);
      await closed;
    }
  });

  it('does not wait longer than its deadline for a disk that hangs', async () => {
    const w = await world(temporaryFolder(), {}, 20_000);
    expect(w.store.stats().mode).toBe('memory');
    expect(w.store.recovered.problems[0]?.detail).toBe('not open after 3000 ms');
    w.delayMs = 0;
    const stamper = stamperFor(w.store.recovered.lastSeq);
    w.store.journal.append(events(stamper, 'alarm', 1));
    await w.clock.advance(30_000);
    expect(w.store.stats()).toMatchObject({ mode: 'durable', events: 0 });
    expect(standing(w.troubles)).toEqual([]);
  });

  it('joins a database that opens late without a clash', async () => {
    const directory = temporaryFolder();
    const first = await world(directory);
    first.store.journal.append(events(stamperFor(), 'alarm', 3));
    await first.clock.advance(10);
    first.writer.crash('power cut');
    const w = await world(directory, {}, 20_000);
    const base = w.store.recovered.lastSeq.alarm;
    w.store.journal.append(events(stamperFor(w.store.recovered.lastSeq), 'alarm', 2));
    await w.clock.advance(60_000);
    w.delayMs = 0;
    expect(await read(w, 'alarm')).toEqual([1, 2, 3, base + 1, base + 2]);
    expect(standing(w.troubles)).toEqual([]);
  });

  it('tells of a database that it had to set aside', async () => {
    const directory = temporaryFolder();
    writeFileSync(databasePath(directory), 'garbage');
    const w = await world(directory);
    expect(w.store.recovered.problems).toMatchObject([{ kind: 'storeCorrupt' }]);
    expect(w.store.recovered.problems[0]?.detail).toContain('.bad-');
    expect(w.store.stats().mode).toBe('durable');
  });
});

describe('reconciliation with the ring', () => {
  it('adds what the store lacks, once', async () => {
    const directory = temporaryFolder();
    const first = await world(directory);
    const decided = [...events(stamperFor(), 'alarm', 5)];
    first.store.journal.append(decided.slice(0, 3));
    await first.clock.advance(10);
    first.writer.crash('kill -9');
    for (let start = 0; start < 2; start += 1) {
      const w = await world(directory);
      const missing = eventsToRecover(decided, w.store.recovered.stored);
      expect(seqs(missing)).toEqual(start === 0 ? [4, 5] : []);
      w.store.journal.append(decided);
      await w.clock.advance(10);
      expect(await read(w, 'alarm')).toEqual([1, 2, 3, 4, 5]);
      expect(standing(w.troubles)).toEqual([]);
      w.writer.crash('kill -9');
    }
  });
});

describe('closing', () => {
  it('commits what waits, then refuses more', async () => {
    const w = await world();
    w.store.journal.appendTelemetry([reading(1)]);
    w.store.journal.advance('a', 'fault', 4);
    const closed = w.store.journal.close();
    await w.clock.advance(10);
    await closed;
    w.store.journal.append(events(stamperFor(), 'alarm', 1));
    expect(w.store.stats()).toMatchObject({ events: 0, telemetryRows: 0, othersWaiting: 0 });
    const later = await world(w.directory);
    const rows = later.store.journal.readTelemetry(0, 10);
    await later.clock.advance(1);
    expect((await rows).length).toBe(1);
  });

  it('does not wait for ever for a disk that hangs', async () => {
    const w = await world();
    w.delayMs = 1e9;
    w.store.journal.append(events(stamperFor(), 'alarm', 1));
    let closed = false;
    void w.store.journal.close().then(() => (closed = true));
    await w.clock.advance(7999);
    expect(closed).toBe(false);
    await w.clock.advance(1);
    expect(closed).toBe(true);
    rmSync(w.directory, { recursive: true });
  });
});
