/** What is given up when the store is full or old, in which order, and that all is accounted for. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LANES } from '../../src/domain/event.ts';
import type { Lane } from '../../src/domain/event.ts';
import { rowOf } from '../../src/store/codec.ts';
import { freeRanges } from '../../src/store/free-ranges.ts';
import { isoFromWallMs } from '../../src/store/wall-time.ts';
import {
  accounts,
  type Bench,
  drained,
  EMPTY,
  retentionBench,
  rowsAt,
  START_MS,
  unaccounted,
} from './retention-world.ts';
import { events, stamperFor, without } from './support.ts';

const count = (bench: Bench, table: string): number =>
  bench.db.prepare<[], number>(`SELECT COUNT(*) FROM ${table}`).pluck().get() ?? 0;
const seqsOf = (bench: Bench, lane: Lane): number[] =>
  bench.db.prepare<[string], number>('SELECT seq FROM event WHERE lane = ?').pluck().all(lane);

/** So many seconds of readings. */
function play(bench: Bench, seconds: number, channels = 5, from = 0): number {
  const rounds = Array.from({ length: seconds }, (_, i) => rowsAt(from + i, channels));
  bench.queries.commit({ ...EMPTY, telemetry: rounds.flat() });
  return seconds * channels * 3;
}

function fillLanes(bench: Bench, each: number, text = 'x'.repeat(400)): void {
  const stamper = stamperFor();
  for (const lane of LANES) {
    const rows = events(stamper, lane, each, text).map(rowOf);
    bench.queries.commit({ ...EMPTY, events: rows });
  }
}

describe('free ranges', () => {
  it('holds back what a reader was handed, and cuts at every position', () => {
    expect(freeRanges([], [], 100)).toEqual([{ after: 0, upTo: 100 }]);
    expect(freeRanges([40], [], 100)).toEqual([
      { after: 0, upTo: 40 },
      { after: 40, upTo: 100 },
    ]);
    expect(freeRanges([40], [60], 100)).toEqual([
      { after: 0, upTo: 40 },
      { after: 60, upTo: 100 },
    ]);
    // Reader b has been away since row 10 with a page up to 20; reader a is at 80.
    expect(freeRanges([80, 10], [20, 90], 100)).toEqual([
      { after: 0, upTo: 10 },
      { after: 20, upTo: 80 },
      { after: 90, upTo: 100 },
    ]);
    expect(freeRanges([500], [], 100)).toEqual([{ after: 0, upTo: 100 }]);
  });

  it('never holds a row above a position up to where its reader was handed rows', () => {
    const row = fc.integer({ min: 0, max: 50 });
    fc.assert(
      fc.property(fc.array(row, { maxLength: 4 }), fc.array(row, { maxLength: 4 }), (at, ends) => {
        for (const { after, upTo } of freeRanges(at, ends, 50)) {
          expect(after).toBeLessThan(upTo);
          for (const position of at) {
            expect(position > after && position < upTo).toBe(false);
            const next = Math.min(50, ...at.filter((other) => other > position));
            const end = Math.max(0, ...ends.filter((one) => one > position && one <= next));
            expect(after < end && after >= position && upTo > position).toBe(false);
          }
        }
      }),
    );
  });
});

describe('thinning', () => {
  it('makes one row per channel and 10 s, with everything the ten have said', () => {
    const bench = retentionBench();
    play(bench, 25);
    bench.advance('a', 'telemetry', 0);
    bench.settle({ tenSecondsAfterMs: 0 }, [], START_MS + 3_600_000);
    const rows = drained(bench, 'a', 0).rows;
    expect(rows.filter(({ sensor }) => sensor === 'board-2')).toMatchObject([
      { value: 9, min: -2, max: 11, count: 30, monotonicMs: 9000 },
      { value: 19, min: 8, max: 21, count: 30 },
      // The newest period may still be filled.
      { value: 20, count: 3 },
      { value: 21, count: 3 },
      { value: 22, count: 3 },
      { value: 23, count: 3 },
      { value: 24, count: 3 },
    ]);
    expect(rows.map(({ row }) => row)).toEqual(
      [...rows.map(({ row }) => row)].sort((x, y) => x - y),
    );
  });

  it('goes on from 10 s to a minute, and leaves one entry in the ledger', () => {
    const bench = retentionBench();
    const made = play(bench, 300);
    bench.settle({ tenSecondsAfterMs: 0, oneMinuteAfterMs: 0 }, [], START_MS + 3_600_000);
    expect(count(bench, 'telemetry')).toBeLessThan(5 * 30);
    const delivered = drained(bench, 'a', 0);
    expect(accounts(delivered)).toEqual({ delivered: made, gone: 0 });
    expect(unaccounted(delivered, 1, 1500)).toEqual([]);
    expect(delivered.gaps).toMatchObject([{ reason: 'thinned', firstSeq: 1 }]);
    // Merged twice, counted once.
    expect(delivered.gaps[0]?.readings).toBeLessThanOrEqual(made);
  });

  it('does not touch what a reader has been handed but not acknowledged', () => {
    const bench = retentionBench();
    play(bench, 100);
    bench.advance('a', 'telemetry', 50);
    // The first look counts rows that may have been on their way when the last process ended.
    bench.settle({ tenSecondsAfterMs: 0 }, ['a'], START_MS + 3_600_000);
    expect(count(bench, 'telemetry')).toBe(5 + 450);
  });

  it('accounts for every reading and every number, whatever happens in which order', () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({ kind: fc.constant('play'), n: fc.integer({ min: 1, max: 90 }) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('thin'), n: fc.integer({ min: 0, max: 200 }) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ kind: fc.constant('relieve'), n: fc.integer({ min: 1, max: 8 }) }),
      },
      {
        weight: 3,
        arbitrary: fc.record({ kind: fc.constant('read'), n: fc.integer({ min: 1, max: 80 }) }),
      },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('gaps'), n: fc.constant(0) }) },
    );
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 30 }), (steps) => {
        const bench = retentionBench();
        const got = new Map<number, number>();
        const gaps = new Map<number, ReturnType<typeof drained>['gaps'][number]>();
        let second = 0;
        let position = 0;
        // A reader that has acknowledged nothing is handed its first page before anything else.
        let page: ReturnType<typeof drained>['rows'] = [];
        const take = (limit: number): void => {
          for (const { row, count: readings } of page) {
            expect(got.has(row)).toBe(false);
            got.set(row, readings);
            position = row;
          }
          bench.advance('a', 'telemetry', position);
          const query = { what: 'telemetry', afterRow: position, limit } as const;
          page = bench.queries.answer(query) as typeof page;
        };
        const takeGaps = (): void => {
          for (const gap of bench.queries.ledger.after('a', 1000)) {
            gaps.set(gap.id, gap);
            bench.advance('a', 'gap', gap.id);
          }
        };
        let made = 0;
        for (const { kind, n } of steps) {
          if (kind === 'play') {
            made += play(bench, n, 3, second);
            second += n;
          } else if (kind === 'thin') {
            const over = { tenSecondsAfterMs: 1000 * n, oneMinuteAfterMs: 4000 * n, sliceRows: 40 };
            bench.settle(over, ['a'], START_MS + second * 1000);
          } else if (kind === 'relieve') {
            for (let i = 0; i < n; i += 1) bench.tend({ maxBytes: 4096, sliceRows: 40 });
          } else if (kind === 'read') take(n);
          else takeGaps();
        }
        do take(64);
        while (page.length > 0);
        takeGaps();
        const gone = [...gaps.values()].filter(({ reason }) => reason !== 'thinned');
        const lost = gone.reduce((sum, { readings = 0 }) => sum + readings, 0);
        const delivered = [...got.values()].reduce((sum, readings) => sum + readings, 0);
        expect(delivered + lost).toBe(made);
        const rows = [...got.keys()].map((row) => ({ ...rowsAt(0, 1)[0]!, row }));
        const all = { rows, gaps: [...gaps.values()] };
        expect(unaccounted(all, 1, second * 3)).toEqual([]);
        bench.db.close();
      }),
      { numRuns: 40 },
    );
  });
});

describe('a full store', () => {
  it('gives up in the order that is promised, and an undelivered alarm never', () => {
    const bench = retentionBench();
    fillLanes(bench, 600);
    play(bench, 200);
    bench.advance('a', 'alarm', 300);
    bench.advance('a', 'system', 300);
    bench.advance('a', 'telemetry', 100);
    const order: string[] = [];
    const note = (what: string): void => {
      if (order.at(-1) !== what) order.push(what);
    };
    const before = { ...left(bench) };
    for (let slice = 0; slice < 400; slice += 1) {
      const tended = bench.tend({ maxBytes: 4096, sliceRows: 200 });
      const now = left(bench);
      if (tended.thinned > 0) note('thinned');
      if (tended.droppedTelemetry > 0) note('telemetry');
      for (const lane of LANES) if (now[lane] < before[lane]) note(lane);
      Object.assign(before, now);
      if (!tended.more) break;
    }
    expect(order).toEqual([
      'thinned',
      'telemetry',
      'system',
      'alarm',
      'system',
      'operator',
      'fault',
    ]);
    expect(seqsOf(bench, 'alarm')).toEqual(Array.from({ length: 300 }, (_, i) => i + 301));
    // The newest of each lane stays: the numbering of an older release depends on it.
    for (const lane of ['system', 'operator', 'fault'] as const) {
      expect(seqsOf(bench, lane)).toEqual([600]);
    }
    const gaps = bench.queries.ledger.after('a', 1000).filter(({ lane }) => lane !== 'telemetry');
    expect(without('id', gaps)).toEqual([
      { lane: 'system', firstSeq: 301, lastSeq: 599, reason: 'eventsFull' },
      { lane: 'operator', firstSeq: 1, lastSeq: 599, reason: 'eventsFull' },
      { lane: 'fault', firstSeq: 1, lastSeq: 599, reason: 'eventsFull' },
    ]);
    // A broker that comes new is told of what the others had.
    const news = bench.queries.ledger.after('new', 1000);
    expect(news.map(({ lane, reason }) => `${lane} ${reason}`)).toContain('alarm delivered');
  });

  it('counts only brokers that are configured, and everything as delivered where there is none', () => {
    const bench = retentionBench();
    fillLanes(bench, 100);
    bench.advance('former', 'alarm', 3);
    bench.settle({ maxBytes: 4096 }, []);
    for (const lane of LANES) expect(seqsOf(bench, lane)).toEqual([100]);
  });

  it('moves the anchor of the chain with what it prunes', () => {
    const bench = retentionBench();
    fillLanes(bench, 100);
    const hash = bench.db
      .prepare<[], string>(`SELECT hash FROM event WHERE lane = 'alarm' AND seq = 40`)
      .pluck()
      .get();
    bench.advance('a', 'alarm', 40);
    bench.settle({ maxBytes: 4096 });
    expect(bench.db.prepare(`SELECT * FROM anchor WHERE lane = 'alarm'`).get()).toEqual({
      lane: 'alarm',
      seq: 40,
      hash,
    });
  });

  it('stays within its bound and gives pages back when the bound is lowered', () => {
    const bench = retentionBench();
    const maxBytes = 400_000;
    for (let minute = 0; minute < 60; minute += 1) {
      play(bench, 60, 10, minute * 60);
      const { use } = bench.settle({ maxBytes });
      expect(use.fileBytes).toBeLessThan(maxBytes + 200_000);
    }
    fillLanes(bench, 3000);
    const { fileBytes } = bench.tend({ maxBytes: 2 ** 30 }).use;
    expect(fileBytes).toBeGreaterThan(2 ** 22);
    expect(bench.settle({ maxBytes: 2 ** 20 }, []).use.fileBytes).toBeLessThan(2 ** 21 + 2 ** 19);
  });

  it('lets delivered events go by age, but never the newest thousand', () => {
    const bench = retentionBench();
    fillLanes(bench, 1200, 'x');
    for (const lane of LANES) bench.advance('a', lane, 1150);
    bench.settle({ keepEventsMs: 1000 }, ['a'], 4e12);
    for (const lane of LANES) expect(seqsOf(bench, lane)[0]).toBe(201);
    bench.settle({ keepTelemetryMs: 1000 }, ['a'], 4e12);
  });

  it('drops readings that are too old, and says so', () => {
    const bench = retentionBench();
    play(bench, 100);
    bench.settle({ keepTelemetryMs: 1000 }, [], START_MS + 50_000);
    const { rows, gaps } = drained(bench, 'a', 0);
    expect(rows[0]?.wall).toBe(isoFromWallMs(START_MS + 49_000));
    expect(gaps).toMatchObject([
      { firstSeq: 1, lastSeq: 245, reason: 'telemetryOld', readings: 735 },
    ]);
  });
});

function left(bench: Bench): Record<Lane, number> {
  const size = (lane: Lane): number => seqsOf(bench, lane).length;
  return {
    alarm: size('alarm'),
    fault: size('fault'),
    operator: size('operator'),
    system: size('system'),
  };
}
