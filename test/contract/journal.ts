/** What every journal and keyed store must do, whatever is behind it. */
import { describe, expect, it } from 'vitest';
import type { CommitReceipt, Journal, KeyedStore } from '../../src/domain/ports.ts';
import { events, reading, stamperFor, without } from '../store/support.ts';

export interface JournalBackend {
  readonly name: string;
  /** An empty one. */
  open(): Promise<OpenJournal>;
}

export interface OpenJournal {
  readonly journal: Journal;
  readonly keyed: KeyedStore;
  /** Resolves when what was appended so far can be read. */
  readonly settled: () => Promise<void>;
  /** The same store after a clean stop and a new start; itself where nothing outlives it. */
  readonly again: () => Promise<OpenJournal>;
}

export function journalContract(backend: JournalBackend): void {
  describe(`journal contract: ${backend.name}`, () => {
    it('reads events of a lane in order, after a number, up to a limit', async () => {
      const { journal, settled, again } = await backend.open();
      const stamper = stamperFor();
      const alarms = events(stamper, 'alarm', 5, 'Brand in der Küche "öl" 🔥');
      const faults = events(stamper, 'fault', 3);
      journal.append([...alarms.slice(0, 2), ...faults]);
      journal.append(alarms.slice(2));
      await settled();
      expect(await journal.readAfter('alarm', 0, 100)).toEqual(alarms);
      expect(await journal.readAfter('alarm', 2, 2)).toEqual(alarms.slice(2, 4));
      expect(await journal.readAfter('fault', 1, 100)).toEqual(faults.slice(1));
      expect(await journal.readAfter('operator', 0, 100)).toEqual([]);
      await journal.close();
      const later = await again();
      expect(await later.journal.readAfter('alarm', 0, 100)).toEqual(alarms);
      await later.journal.close();
    });

    it('gives texts that are the events, byte for byte, in pages bounded in bytes', async () => {
      const { journal, settled } = await backend.open();
      const alarms = events(stamperFor(), 'alarm', 5, 'Brand in der Küche "öl" 🔥');
      journal.append(alarms);
      await settled();
      const page = await journal.readTexts('alarm', 1, 100, 1_000_000);
      expect(page.last).toBe(true);
      expect(page.texts.map(({ json }) => json)).toEqual(
        alarms.slice(1).map((event) => JSON.stringify(event)),
      );
      for (const [index, { seq, bootId, monotonicMs, wall }] of page.texts.entries()) {
        expect(alarms[index + 1]).toMatchObject({ seq, bootId, monotonicMs, wall });
      }
      const short = await journal.readTexts('alarm', 0, 100, 1);
      expect(short).toMatchObject({ texts: [{ seq: 1 }], last: false });
      expect(await journal.readTexts('alarm', 0, 2, 1_000_000)).toMatchObject({ last: false });
      expect(await journal.readTexts('alarm', 5, 2, 1)).toEqual({ texts: [], last: true });
      await journal.close();
    });

    it('recognises an event that is appended again, and never rewrites one', async () => {
      const { journal, settled } = await backend.open();
      const alarms = events(stamperFor(), 'alarm', 2, 'first');
      const [rival] = events(stamperFor(undefined, null, undefined, 2), 'alarm', 1, 'rival');
      journal.append(alarms);
      await settled();
      journal.append([...alarms, rival!]);
      await settled();
      expect(await journal.readAfter('alarm', 0, 100)).toEqual(alarms);
      await journal.close();
    });

    it('tells each commit with the highest number per lane', async () => {
      const { journal, settled } = await backend.open();
      const receipts: CommitReceipt[] = [];
      journal.onCommit((receipt) => receipts.push(receipt));
      const stamper = stamperFor();
      journal.append([...events(stamper, 'alarm', 3), ...events(stamper, 'system', 1)]);
      await settled();
      journal.append(events(stamper, 'alarm', 1));
      await settled();
      const seen = receipts.filter(({ events: count }) => count > 0);
      expect(seen.map(({ committed }) => committed)).toEqual([
        { alarm: 3, system: 1 },
        { alarm: 4 },
      ]);
      expect(seen.map(({ events: count }) => count)).toEqual([4, 1]);
      await journal.close();
    });

    it('keeps a cursor per broker and lane, and moves it only forward', async () => {
      const { journal, again } = await backend.open();
      expect(await journal.cursors('a')).toEqual({ alarm: 0, fault: 0, operator: 0, system: 0 });
      journal.advance('a', 'alarm', 7);
      journal.advance('a', 'alarm', 5);
      journal.advance('a', 'telemetry', 9);
      journal.advance('b', 'alarm', 2);
      expect((await journal.cursors('a')).alarm).toBe(7);
      await journal.close();
      const reopened = await again();
      const later = reopened.journal;
      expect(await later.cursors('a')).toEqual({ alarm: 7, fault: 0, operator: 0, system: 0 });
      expect((await later.cursors('b')).alarm).toBe(2);
      expect(await later.telemetryCursor('a')).toBe(9);
      expect(await later.telemetryCursor('b')).toBe(0);
      later.advance('a', 'alarm', 6);
      expect((await later.cursors('a')).alarm).toBe(7);
      await later.close();
      const last = (await reopened.again()).journal;
      expect((await last.cursors('a')).alarm).toBe(7);
      await last.close();
    });

    it('keeps telemetry in order, under numbers that only grow', async () => {
      const { journal, settled } = await backend.open();
      journal.appendTelemetry([reading(1), reading(2)]);
      journal.appendTelemetry([reading(3)]);
      await settled();
      const rows = await journal.readTelemetry(0, 100);
      expect(without('row', rows)).toEqual([1, 2, 3].map(reading));
      expect(rows.map(({ row }) => row)).toEqual([1, 2, 3]);
      expect((await journal.readTelemetry(1, 1)).map(({ value }) => value)).toEqual([2]);
      await journal.close();
    });

    it('hands out gap records once per broker', async () => {
      const { journal, settled, again } = await backend.open();
      journal.recordGap({ lane: 'alarm', firstSeq: 3, lastSeq: 5, reason: 'quarantined' });
      journal.recordGap({ lane: 'telemetry', firstSeq: 1, lastSeq: 90, reason: 'thinned' });
      await settled();
      const gaps = await journal.readGaps('a', 10);
      expect(without('id', gaps)).toEqual([
        { lane: 'alarm', firstSeq: 3, lastSeq: 5, reason: 'quarantined' },
        { lane: 'telemetry', firstSeq: 1, lastSeq: 90, reason: 'thinned' },
      ]);
      journal.advance('a', 'gap', gaps[0]!.id);
      expect(await journal.readGaps('a', 10)).toEqual(gaps.slice(1));
      await journal.close();
      const later = (await again()).journal;
      expect(await later.readGaps('a', 10)).toEqual(gaps.slice(1));
      expect(await later.readGaps('b', 1)).toEqual(gaps.slice(0, 1));
      await later.close();
    });

    it('keeps the newest value of each key until it is removed', async () => {
      const { journal, keyed, again } = await backend.open();
      keyed.put('calibration', 'abc', 'old');
      keyed.put('calibration', 'abc', 'new');
      keyed.put('calibration', 'gone', 'x');
      keyed.put('address', 'abc', 'elsewhere');
      keyed.remove('calibration', 'gone');
      expect(await keyed.loadAll('calibration')).toEqual(new Map([['abc', 'new']]));
      await journal.close();
      const later = await again();
      expect(await later.keyed.loadAll('calibration')).toEqual(new Map([['abc', 'new']]));
      expect(await later.keyed.loadAll('address')).toEqual(new Map([['abc', 'elsewhere']]));
      expect(await later.keyed.loadAll('sensorArray')).toEqual(new Map());
      await later.journal.close();
    });
  });
}
