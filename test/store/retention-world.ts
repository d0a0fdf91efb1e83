/** A database with its upkeep, driven slice by slice, and the reader's accounts of it. */
import type { Gap, TelemetryRow } from '../../src/domain/ports.ts';
import { openDatabase, type Sqlite } from '../../src/store/database.ts';
import type { CursorLane, Group, Tended, TendRequest } from '../../src/store/messages.ts';
import { Queries } from '../../src/store/queries.ts';
import { DEFAULT_RETENTION, type RetentionLimits } from '../../src/store/retention-limits.ts';
import { Tender } from '../../src/store/tender.ts';
import { isoFromWallMs } from '../../src/store/wall-time.ts';
import { temporaryMemoryFolder } from './support.ts';

export const EMPTY: Group = { events: [], telemetry: [], cursors: [], keyed: [], gaps: [] };
export const START_MS = 1_790_000_000_000;

export interface Bench {
  readonly db: Sqlite;
  readonly queries: Queries;
  readonly tender: Tender;
  tend(over?: Partial<RetentionLimits>, brokers?: readonly string[], wallMs?: number): Tended;
  /** Slices until nothing is left to do. */
  settle(over?: Partial<RetentionLimits>, brokers?: readonly string[], wallMs?: number): Tended;
  advance(broker: string, lane: CursorLane, seq: number): void;
}

export function retentionBench(directory = temporaryMemoryFolder()): Bench {
  const db = openDatabase(directory);
  const queries = new Queries(db);
  const { chain, ledger, handedOut } = queries;
  const tender = new Tender({ db, directory, chain, ledger, handedOut });
  const request = (
    over: Partial<RetentionLimits>,
    brokers: readonly string[],
    wallMs: number,
  ): TendRequest => ({ limits: { ...DEFAULT_RETENTION, ...over }, brokers, wallMs });
  return {
    db,
    queries,
    tender,
    tend: (over = {}, brokers = ['a'], wallMs = START_MS) =>
      tender.tend(request(over, brokers, wallMs)),
    settle(over = {}, brokers = ['a'], wallMs = START_MS) {
      let tended = tender.tend(request(over, brokers, wallMs));
      while (tended.more) tended = tender.tend(request(over, brokers, wallMs));
      return tended;
    },
    advance: (broker, lane, seq) => {
      queries.commit({ ...EMPTY, cursors: [{ broker, lane, seq }] });
    },
  };
}

/** One reading per channel at a second of virtual time. */
export function rowsAt(second: number, channels: number, count = 3): TelemetryRow[] {
  return Array.from({ length: channels }, (_, channel) => ({
    sensor: `board-${channel}`,
    channel: 'adc1',
    wall: isoFromWallMs(START_MS + second * 1000),
    monotonicMs: second * 1000,
    value: second,
    min: second - channel,
    max: second + channel,
    count,
    unit: 'percent',
  }));
}

/** What a broker gets from a position on, as an uplink reads it: gaps and rows. */
export interface Delivered {
  readonly rows: readonly (TelemetryRow & { readonly row: number })[];
  readonly gaps: readonly Gap[];
}

export function drained(bench: Bench, broker: string, after: number): Delivered {
  const { queries } = bench;
  const gaps = queries.ledger.after(broker, 100_000);
  const rows: (TelemetryRow & { readonly row: number })[] = [];
  for (;;) {
    const afterRow = rows.at(-1)?.row ?? after;
    const page = queries.answer({ what: 'telemetry', afterRow, limit: 64 }) as Delivered['rows'];
    if (page.length === 0) break;
    rows.push(...page);
  }
  const last = rows.at(-1);
  if (last !== undefined) bench.advance(broker, 'telemetry', last.row);
  return { rows, gaps };
}

/** Readings that arrived, and those that a gap says are gone for ever. */
export function accounts({ rows, gaps }: Delivered): { delivered: number; gone: number } {
  const lost = gaps.filter(({ lane, reason }) => lane === 'telemetry' && reason !== 'thinned');
  return {
    delivered: rows.reduce((sum, { count }) => sum + count, 0),
    gone: lost.reduce((sum, { readings = 0 }) => sum + readings, 0),
  };
}

/** Numbers in a range that neither arrived nor stand in a gap. */
export function unaccounted({ rows, gaps }: Delivered, from: number, to: number): number[] {
  const known = new Set(rows.map(({ row }) => row));
  const ranges = gaps.filter(({ lane }) => lane === 'telemetry');
  const missing: number[] = [];
  for (let row = from; row <= to; row += 1) {
    const inGap = ranges.some(({ firstSeq, lastSeq }) => firstSeq <= row && row <= lastSeq);
    if (!known.has(row) && !inGap) missing.push(row);
  }
  return missing;
}
