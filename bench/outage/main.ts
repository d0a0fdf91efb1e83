/**
 * `npm run proof:outage [-- --hours 24 --boards 100 --megabytes 64 --rows-per-second 10000]`: a day
 * without a broker, in virtual time, with the real store over a real file. Exit code 0: alarms
 * complete, every reading and number accounted for, bytes within their bound; 1: not so. With
 * `--costs`: what commits, slices of upkeep and rows cost.
 */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { configSchema } from '../../src/config-schema.ts';
import { retentionOf } from '../../src/config-store.ts';
import { LANES } from '../../src/domain/event.ts';
import { printCosts } from './store-cost.ts';
import { type OutageHour, type OutageResult, problemsOf, runOutage } from './outage.ts';

const MEGABYTE = 1024 * 1024;
/** What the file may be above its bound for a moment: one group of events and readings. */
const SLACK_BYTES = 2 * MEGABYTE;

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}

const COLUMNS = [
  ['hour', (hour: OutageHour) => String(hour.hour)],
  ['MB used', (hour: OutageHour) => megabytes(hour.usedBytes)],
  ['MB file', (hour: OutageHour) => megabytes(hour.fileBytes)],
  ['MB log', (hour: OutageHour) => megabytes(hour.walBytes)],
  ['readings made', (hour: OutageHour) => String(hour.readings)],
  ['rows merged', (hour: OutageHour) => String(hour.thinnedRows)],
  ['rows dropped', (hour: OutageHour) => String(hour.droppedRows)],
  ['events dropped', (hour: OutageHour) => String(hour.prunedEvents)],
  ['hours left', (hour: OutageHour) => hour.hoursLeft?.toFixed(1) ?? '-'],
] as const;

function row(cells: readonly string[]): string {
  return cells.map((cell, i) => cell.padStart(COLUMNS[i]?.[0].length ?? 0)).join('  ');
}

function report(result: OutageResult): void {
  const { made, centre } = result;
  for (const lane of LANES) {
    const gone = made[lane] - centre.events[lane];
    print(`${lane}: ${made[lane]} made, ${centre.events[lane]} arrived, ${gone} in gaps`);
  }
  print(
    `readings: ${made.readings} made, ${centre.readings} arrived in ${centre.rows} rows, ` +
      `${centre.readingsGone} in gaps as dropped`,
  );
  print(
    `gap records: ${centre.gaps.length}; troubles told: ${result.troubles.join(', ') || 'none'}`,
  );
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      hours: { type: 'string', default: '24' },
      boards: { type: 'string', default: '100' },
      megabytes: { type: 'string', default: '64' },
      'rows-per-second': { type: 'string', default: '10000' },
      costs: { type: 'boolean', default: false },
    },
  });
  if (values.costs) {
    printCosts();
    return 0;
  }
  const state = {
    maxMegabytes: Number(values.megabytes),
    minFreeMegabytes: 0,
    telemetryRowsPerSecond: Number(values['rows-per-second']),
  };
  const config = configSchema.parse({ state });
  const retention = retentionOf(config.state);
  const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
  const directory = mkdtempSync(join(base, 'embereye-outage-'));
  const startedMs = performance.now();
  print(`${values.hours} h, ${values.boards} boards, state.maxMegabytes ${values.megabytes}`);
  print(row(COLUMNS.map(([name]) => name)));
  try {
    const result = await runOutage({
      ...{ directory, retention, hours: Number(values.hours), boards: Number(values.boards) },
      rowsPerSecond: config.state.telemetryRowsPerSecond,
      stormEverySeconds: 3600,
      stormAlarms: 200,
      onHour: (hour) => print(row(COLUMNS.map(([, cell]) => cell(hour)))),
    });
    report(result);
    const bound = retention.maxBytes + retention.walBytes;
    const problems = problemsOf(result, bound, SLACK_BYTES);
    const most = `file at most ${megabytes(result.mostFileBytes)} MB`;
    print(
      `${most}, log at most ${megabytes(result.mostWalBytes)} MB, bound ${megabytes(bound)} MB`,
    );
    print(`${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
    for (const problem of problems) print(`FAILED: ${problem}`);
    if (problems.length === 0) print('passed: nothing is missing');
    return problems.length === 0 ? 0 : 1;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

process.exitCode = await main();
