/** What the store does about disks that are full, slow, failing or damaged. */
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEFAULT_PENDING_LIMITS } from '../../src/store/pending.ts';
import { events, reading, stamperFor, standing, temporaryFolder, without } from './support.ts';
import { read, readFresh, seqs, world } from './world.ts';

describe('group commit', () => {
  it('makes one transaction of everything that arrives while one is under way', async () => {
    const w = await world();
    w.delayMs = 10;
    const stamper = stamperFor();
    for (let index = 0; index < 50; index += 1) w.store.journal.append(events(stamper, 'alarm', 2));
    await w.clock.advance(100);
    expect(w.written.length).toBe(2);
    expect(w.receipts.map((receipt) => receipt.events)).toEqual([2, 98]);
    w.delayMs = 0;
    expect(await read(w, 'alarm')).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  });

  it('commits an event at once and lets telemetry and cursors wait for company', async () => {
    const w = await world();
    w.store.journal.appendTelemetry([reading(1)]);
    w.store.journal.advance('a', 'alarm', 1);
    await w.clock.advance(499);
    expect(w.written.length).toBe(0);
    await w.clock.advance(1);
    expect(w.written.length).toBe(1);
    w.store.journal.appendTelemetry([reading(2)]);
    w.store.journal.append(events(stamperFor(), 'alarm', 1));
    await w.clock.advance(0);
    expect(w.written.length).toBe(2);
    expect(w.store.stats()).toMatchObject({ events: 0, telemetryRows: 0, othersWaiting: 0 });
  });

  it('puts alarms in front of a backlog of other lanes', async () => {
    const w = await world();
    w.delayMs = 10;
    const stamper = stamperFor();
    w.store.journal.append(events(stamper, 'system', 5000));
    w.store.journal.append(events(stamper, 'alarm', 1));
    await w.clock.advance(20);
    const alarmed = w.receipts.findIndex(({ committed }) => committed.alarm === 1);
    expect(alarmed).toBe(1);
    await w.clock.advance(200);
    expect(w.receipts.at(-1)?.committed).toEqual({ system: 5000 });
  });
});

describe('a full disk', () => {
  it('loses nothing, is told once, and lets readers have alarms meanwhile', async () => {
    const w = await world();
    const stamper = stamperFor();
    w.store.journal.append(events(stamper, 'alarm', 2));
    await w.clock.advance(1);
    w.fail = 'full';
    w.receipts.length = 0;
    w.store.journal.append(events(stamper, 'alarm', 2));
    await w.clock.advance(1);
    w.store.journal.append(events(stamper, 'alarm', 1));
    await w.clock.advance(60_000);
    expect(standing(w.troubles)).toEqual(['storeFull']);
    expect(w.troubles.length).toBe(1);
    expect(await read(w, 'alarm')).toEqual([1, 2]);
    expect(await read(w, 'alarm', 2)).toEqual([3, 4, 5]);
    // News for readers, but nothing that the ring could take for durable.
    expect(w.receipts.length).toBeGreaterThan(0);
    expect(w.receipts.every(({ committed }) => Object.keys(committed).length === 0)).toBe(true);
    w.fail = null;
    await w.clock.advance(40_000);
    expect(standing(w.troubles)).toEqual([]);
    expect(w.receipts.findLast(({ events: n }) => n > 0)?.committed).toEqual({ alarm: 5 });
    expect(w.store.stats()).toMatchObject({ events: 0, mode: 'durable' });
    expect(await read(await readFresh(w), 'alarm')).toEqual([1, 2, 3, 4, 5]);
  });

  it('keeps memory bounded: telemetry and lesser lanes go first, alarms last, all counted', async () => {
    const pending = { ...DEFAULT_PENDING_LIMITS, events: 100, telemetryRows: 10, gaps: 20 };
    const w = await world(temporaryFolder(), { pending });
    const stamper = stamperFor();
    w.fail = 'full';
    w.store.journal.append(events(stamper, 'system', 1));
    await w.clock.advance(1);
    w.store.journal.appendTelemetry(Array.from({ length: 25 }, (_, index) => reading(index)));
    w.store.journal.append(events(stamper, 'alarm', 60));
    w.store.journal.append(events(stamper, 'system', 50));
    w.store.journal.append(events(stamper, 'fault', 30));
    w.store.journal.append(events(stamper, 'alarm', 45));
    const stats = w.store.stats();
    expect(stats.droppedEvents).toEqual({ alarm: 5, fault: 30, operator: 0, system: 50 });
    expect(stats.droppedTelemetry).toBe(15);
    expect(stats.events).toBe(101);
    expect(standing(w.troubles)).toEqual(['storeFull', 'storeDropping']);
    w.fail = null;
    await w.clock.advance(40_000);
    expect(standing(w.troubles)).toEqual([]);
    expect(await read(w, 'alarm')).toEqual(Array.from({ length: 100 }, (_, i) => i + 6));
    const gaps = w.store.journal.readGaps('a', 100);
    await w.clock.advance(1);
    // Readings that were given up before they had numbers have got some, to be accounted for.
    expect(without('id', await gaps)).toEqual([
      { lane: 'telemetry', firstSeq: 1, lastSeq: 15, reason: 'memoryFull', readings: 45 },
      { lane: 'system', firstSeq: 2, lastSeq: 51, reason: 'memoryFull' },
      { lane: 'fault', firstSeq: 1, lastSeq: 30, reason: 'memoryFull' },
      { lane: 'alarm', firstSeq: 1, lastSeq: 5, reason: 'memoryFull' },
    ]);
  });

  it('bounds what waits by bytes as well', async () => {
    const pending = { ...DEFAULT_PENDING_LIMITS, eventBytes: 50_000 };
    const w = await world(temporaryFolder(), { pending });
    w.fail = 'full';
    w.store.journal.append(events(stamperFor(), 'system', 40, 'x'.repeat(5000)));
    expect(w.store.stats().eventBytes).toBeLessThanOrEqual(50_000);
    expect(w.store.stats().droppedEvents.system).toBeGreaterThan(0);
  });
});

describe('a slow disk', () => {
  it('is told while it lasts; readers wait, then are served from memory, then are back', async () => {
    const w = await world();
    const stamper = stamperFor();
    w.store.journal.append(events(stamper, 'alarm', 2));
    await w.clock.advance(1);
    w.delayMs = 100_000;
    w.store.journal.append(events(stamper, 'alarm', 2));
    w.delayMs = 0;
    await w.clock.advance(2000);
    expect(standing(w.troubles)).toEqual(['storeSlow']);
    let backlog: readonly number[] | null = null;
    void w.store.journal.readAfter('alarm', 1, 10).then((rows) => (backlog = seqs(rows)));
    await w.clock.advance(50_000);
    expect(backlog).toBeNull();
    await w.clock.advance(10_000);
    expect(w.store.stats().mode).toBe('memory');
    expect(backlog).toEqual([3, 4]);
    await w.clock.advance(200_000);
    expect(standing(w.troubles)).toEqual([]);
    expect(w.store.stats().mode).toBe('durable');
    expect(await read(w, 'alarm')).toEqual([1, 2, 3, 4]);
    const gaps = w.store.journal.readGaps('a', 10);
    await w.clock.advance(1000);
    expect(await gaps).toMatchObject([
      { lane: 'alarm', firstSeq: 2, lastSeq: 2, reason: 'storeUnreadable' },
    ]);
  });
});

describe('an I/O error', () => {
  it('opens the database again with growing pauses and loses nothing', async () => {
    const w = await world();
    const stamper = stamperFor();
    w.fail = 'unavailable';
    w.store.journal.append(events(stamper, 'fault', 3));
    await w.clock.advance(30_000);
    expect(standing(w.troubles)).toEqual(['storeUnavailable']);
    expect(w.written.length).toBeLessThan(12);
    w.fail = null;
    await w.clock.advance(30_000);
    expect(standing(w.troubles)).toEqual([]);
    expect(await read(await readFresh(w), 'fault')).toEqual([1, 2, 3]);
  });
});

describe('damage while running', () => {
  it('sets the database aside, commits what was under way to a new one, and owns up', async () => {
    const w = await world();
    const stamper = stamperFor();
    w.store.journal.append(events(stamper, 'alarm', 2));
    w.store.journal.appendTelemetry([reading(1), reading(2)]);
    await w.clock.advance(1000);
    w.fail = 'corrupt';
    w.store.journal.append(events(stamper, 'alarm', 1));
    await w.clock.advance(120_000);
    w.fail = null;
    await w.clock.advance(60_000);
    // A disk that damages every database gets a new one with growing pauses only.
    expect(w.written.length).toBeLessThan(18);
    expect(standing(w.troubles)).toEqual(['storeCorrupt']);
    expect(readdirSync(w.directory).some((name) => name.includes('.bad-'))).toBe(true);
    // None of its pages was damaged: what they held came over, and nothing is missing.
    expect(await read(w, 'alarm')).toEqual([1, 2, 3]);
    w.store.journal.appendTelemetry([reading(3)]);
    await w.clock.advance(1000);
    const telemetry = w.store.journal.readTelemetry(2, 10);
    const gaps = w.store.journal.readGaps('a', 10);
    await w.clock.advance(1);
    expect((await telemetry).map(({ row, value }) => [row, value])).toEqual([[3, 3]]);
    expect(await gaps).toEqual([]);
  });
});

describe('reading while something fails', () => {
  it('waits out the restart of the writer instead of answering with nothing', async () => {
    const w = await world();
    w.store.journal.append(events(stamperFor(), 'alarm', 3));
    w.store.journal.advance('a', 'alarm', 2);
    w.store.journal.advance('a', 'telemetry', 8);
    await w.clock.advance(1000);
    w.writer.crash('segmentation fault');
    const rows = w.store.journal.readAfter('alarm', 0, 10);
    const cursor = w.store.journal.telemetryCursor('a');
    await w.clock.advance(5000);
    expect(seqs(await rows)).toEqual([1, 2, 3]);
    expect(await cursor).toBe(8);
  });

  it('sets a database aside once, however many reads find the damage', async () => {
    const w = await world();
    w.store.journal.append(events(stamperFor(), 'alarm', 3));
    await w.clock.advance(10);
    w.failRead = 'corrupt';
    const reads = (['alarm', 'fault', 'system', 'operator'] as const).map((lane) =>
      w.store.journal.readAfter(lane, 0, 10),
    );
    w.clock.after(0, () => (w.failRead = null));
    await w.clock.advance(5000);
    const rows = (await Promise.all(reads)).map((events) => seqs(events));
    expect(rows).toEqual([[1, 2, 3], [], [], []]);
    expect(standing(w.troubles)).toEqual(['storeCorrupt']);
    const aside = readdirSync(w.directory).filter((name) => /\.bad-\d+$/.test(name));
    expect(aside.length).toBe(1);
  });

  it('opens the database again after an I/O error, and then answers', async () => {
    const w = await world();
    w.store.journal.append(events(stamperFor(), 'alarm', 3));
    await w.clock.advance(10);
    w.failRead = 'unavailable';
    const rows = w.store.journal.readAfter('alarm', 1, 10);
    await w.clock.advance(2000);
    expect(standing(w.troubles)).toEqual(['storeUnavailable']);
    w.failRead = null;
    await w.clock.advance(5000);
    expect(seqs(await rows)).toEqual([2, 3]);
    expect(standing(w.troubles)).toEqual([]);
  });
});
