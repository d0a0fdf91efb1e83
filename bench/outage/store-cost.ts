/**
 * What the hash chain costs a commit, how long a slice of upkeep takes, and bytes for each row; on
 * the disk that TMPDIR names: `npm run proof:outage -- --costs`.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Sqlite } from '../../src/store/database.ts';
import type { EventRow, Group } from '../../src/store/messages.ts';
import { Queries } from '../../src/store/queries.ts';
import { DEFAULT_RETENTION } from '../../src/store/retention-limits.ts';
import { Tender } from '../../src/store/tender.ts';
import { isoFromWallMs } from '../../src/store/wall-time.ts';

const EMPTY: Group = { events: [], telemetry: [], cursors: [], keyed: [], gaps: [] };
const START_MS = 1_790_000_000_000;
const EVENT_BYTES = 700;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function event(seq: number, lane: EventRow['lane'] = 'system'): EventRow {
  const wall = isoFromWallMs(START_MS + seq);
  const json = JSON.stringify({ seq, wall, text: 'x'.repeat(EVENT_BYTES - 60) });
  return { lane, seq, id: `${lane}-${String(seq).padStart(30, '0')}`, type: 'stopped', wall, json };
}

function telemetry(second: number, channels: number): Group['telemetry'] {
  const wall = isoFromWallMs(START_MS + second * 1000);
  return Array.from({ length: channels }, (_, i) => ({
    ...{ sensor: `board-${i % 100}`, channel: `ADC${Math.floor(i / 100)}`, wall },
    ...{ monotonicMs: second * 1000.25, value: 12.345 + i, min: 11.2, max: 13.9, count: 1 },
    unit: 'percentFullScale',
  }));
}

function sizeOf(db: Sqlite): number {
  const pages = Number(db.pragma('page_count', { simple: true }));
  const free = Number(db.pragma('freelist_count', { simple: true }));
  return (pages - free) * 4096;
}

/** Milliseconds of the processor for each commit of `size` events, with and without links. */
function commits(queries: Queries, linked: boolean, size: number, rounds: number, from: number) {
  const keeper = queries.chain;
  const hashFor = keeper.hashFor.bind(keeper);
  const stored = keeper.stored.bind(keeper);
  if (!linked) Object.assign(keeper, { hashFor: () => 'f'.repeat(64), stored: () => undefined });
  let seq = from;
  const times: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const events = Array.from({ length: size }, () => event((seq += 1)));
    const before = process.cpuUsage();
    queries.commit({ ...EMPTY, events });
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  Object.assign(keeper, { hashFor, stored });
  times.sort((a, b) => a - b);
  const at = (part: number): string => (times[Math.floor(times.length * part)] ?? 0).toFixed(2);
  const name = linked ? 'with the chain' : 'without it';
  print(`commit of ${size} events ${name}: median ${at(0.5)} ms, p99 ${at(0.99)} ms`);
  return seq;
}

export function printCosts(): void {
  const directory = mkdtempSync(join(tmpdir(), 'embereye-cost-'));
  try {
    const db = openDatabase(directory);
    const queries = new Queries(db);
    let seq = 0;
    for (const size of [1, 1000]) {
      for (let pair = 0; pair < 2; pair += 1) {
        seq = commits(queries, false, size, size === 1 ? 300 : 15, seq);
        seq = commits(queries, true, size, size === 1 ? 300 : 15, seq);
      }
    }
    print(`bytes for an event of ${EVENT_BYTES} bytes of text: ${(sizeOf(db) / seq).toFixed(0)}`);
    const before = sizeOf(db);
    const seconds = 1800;
    const channels = 700;
    for (let second = 0; second < seconds; second += 1) {
      queries.commit({ ...EMPTY, telemetry: telemetry(second, channels) });
    }
    const perRow = (sizeOf(db) - before) / (seconds * channels);
    print(`bytes for a reading: ${perRow.toFixed(1)}`);
    const perDay = (rows: number): string => ((perRow * rows * 86_400) / 1e9).toFixed(2);
    print(`100 boards, 700 channels: a row a second ${perDay(700)} GB a day, every 10 s`);
    print(`${perDay(70)} GB, every minute ${perDay(11.67)} GB; the log writes each row once more`);
    slices(db, queries, directory);
    db.close();
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Everything that upkeep does, timed slice by slice. */
function slices(db: Sqlite, queries: Queries, directory: string): void {
  const { chain, ledger, handedOut } = queries;
  const tender = new Tender({ db, directory, chain, ledger, handedOut });
  const times = new Map<string, number[]>();
  const limits = { ...DEFAULT_RETENTION, maxBytes: 4096 * 64 };
  for (;;) {
    // Of the processor: on a machine that does other things the clock says little.
    const before = process.cpuUsage();
    const done = tender.tend({ limits, brokers: [], wallMs: START_MS });
    const { user, system } = process.cpuUsage(before);
    const tookMs = (user + system) / 1000;
    const what =
      done.thinned > 0
        ? 'thinning'
        : done.droppedTelemetry > 0
          ? 'dropping readings'
          : done.droppedEvents > 0
            ? 'dropping events'
            : 'the rest';
    times.set(what, [...(times.get(what) ?? []), tookMs]);
    if (!done.more) break;
  }
  for (const [what, list] of times) {
    list.sort((a, b) => a - b);
    const at = (part: number): string =>
      (list[Math.floor((list.length - 1) * part)] ?? 0).toFixed(1);
    print(`slice, ${what}: ${list.length}, median ${at(0.5)} ms, p99 ${at(0.99)}, most ${at(1)}`);
  }
}
