/** What the journal's files cost: an alarm written twice, a salvage, a proof of the chain. */
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../src/clock.ts';
import type { EventRow, Group } from '../src/store/messages.ts';
import { AlarmFile } from '../src/store/alarm-file.ts';
import { databasePath, openDatabase } from '../src/store/database.ts';
import { Queries } from '../src/store/queries.ts';
import { salvage } from '../src/store/salvage.ts';
import { verifyLane } from '../src/store/verify.ts';
import { type Figure, figure, quantile, type Section } from './section.ts';

const COMMITS = 400;
const EVENTS = 200_000;
const TELEMETRY = 200_000;
const GROUP = 2000;
const PAGE_BYTES = 4096;
const EMPTY: Group = { events: [], telemetry: [], cursors: [], keyed: [], gaps: [] };
const clock = systemClock();

/** An event as the panel writes it, of a usual length. */
function row(lane: 'alarm' | 'system', seq: number): EventRow {
  const time = (1_790_000_000_000 + seq).toString(16).padStart(12, '0');
  const kind = lane === 'alarm' ? '0' : '1';
  const id = `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-${kind.repeat(12)}`;
  const type = 'alarmReset';
  const wall = '2026-11-22T08:15:30.250Z';
  const head = {
    schema: 1,
    deviceId: 'unit-1',
    bootId: '9f3c1a7e5b2d4860',
    monotonicMs: seq,
    wall,
  };
  const data = {
    zone: 'hall',
    zoneName: 'Hall of the bench',
    latchedForMs: seq,
    text: 'x'.repeat(400),
  };
  const event = { ...head, clockQuality: 'synchronised', lane, type, data, id, seq };
  return { lane, seq, id, type, wall, json: JSON.stringify(event) };
}

async function run(progress: (line: string) => void): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'embereye-bench-journal-'));
  try {
    progress(`${COMMITS} commits of one alarm, with and without the alarm file`);
    const commits = commitFigures(join(folder, 'commits'));
    progress(`a database of ${EVENTS} events and ${TELEMETRY} telemetry rows`);
    const path = makeLarge(join(folder, 'large'));
    const proof = verifyFigure(path);
    progress('salvage: undamaged, and with damaged pages');
    return await Promise.resolve([...commits, proof, ...salvageFigures(folder, path)]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function commitFigures(directory: string): readonly Figure[] {
  const db = openDatabase(directory);
  const queries = new Queries(db);
  const file = new AlarmFile(directory, () => 0);
  file.open();
  const alone: number[] = [];
  const both: number[] = [];
  const fileOnly: number[] = [];
  for (let seq = 1; seq <= COMMITS * 2; seq += 1) {
    const events = [row('alarm', seq)];
    const startMs = clock.monotonicMs();
    const withFile = seq % 2 === 0;
    if (withFile) {
      file.append(events);
      fileOnly.push(clock.monotonicMs() - startMs);
    }
    queries.commit({ ...EMPTY, events });
    if (withFile) file.stored(events);
    (withFile ? both : alone).push(clock.monotonicMs() - startMs);
  }
  file.close();
  db.close();
  return [
    figure('commit of an alarm, database alone, p50', quantile(alone, 0.5), 'ms'),
    figure('commit of an alarm, with the alarm file, p50', quantile(both, 0.5), 'ms'),
    figure('alarm file alone, p50', quantile(fileOnly, 0.5), 'ms'),
    figure('alarm file alone, p99', quantile(fileOnly, 0.99), 'ms'),
  ];
}

function makeLarge(directory: string): string {
  const db = openDatabase(directory);
  const queries = new Queries(db);
  for (let from = 1; from <= EVENTS; from += GROUP) {
    const numbers = Array.from({ length: GROUP }, (_, index) => from + index);
    queries.commit({
      ...EMPTY,
      events: numbers.map((seq) => row('system', seq)),
      telemetry: numbers.map((value) => ({
        ...{ sensor: 'board-1', channel: 'adc1', wall: '2026-11-22T08:15:30.250Z' },
        ...{ monotonicMs: value, value, min: value, max: value, count: 1, unit: 'percent' },
      })),
    });
  }
  db.close();
  return databasePath(directory);
}

function verifyFigure(path: string): Figure {
  const db = openDatabase(join(path, '..'));
  const startMs = clock.monotonicMs();
  const { events, break: found } = verifyLane(db, 'system', null);
  const seconds = (clock.monotonicMs() - startMs) / 1000;
  db.close();
  if (found !== null || events !== EVENTS) throw new Error(`the chain does not hold: ${events}`);
  return figure('verify', events / seconds, 'events/s');
}

function salvageFigures(folder: string, path: string): readonly Figure[] {
  const figures: Figure[] = [];
  for (const damaged of [false, true]) {
    const bad = join(folder, `bad-${String(damaged)}.db`);
    if (damaged) {
      const bytes = readFileSync(path);
      for (let page = 1000; page < bytes.length / PAGE_BYTES; page += 1000) {
        bytes.fill(0xa5, page * PAGE_BYTES, (page + 1) * PAGE_BYTES);
      }
      writeFileSync(bad, bytes);
      renameSync(path, `${path}.whole`);
    } else writeFileSync(bad, readFileSync(path));
    const db = openDatabase(join(folder, `new-${String(damaged)}`));
    const report = salvage(db, {
      ...{ path: bad, alarms: [], held: [], thorough: damaged },
      nowMs: () => clock.monotonicMs(),
    });
    db.close();
    const { events, telemetry, tookMs, late, lostEvents } = report;
    const note =
      `${events} events and ${telemetry} telemetry rows in ${(tookMs / 1000).toFixed(1)} s, ` +
      `${lostEvents} events lost${late ? ', cut short' : ''}`;
    const name = damaged ? 'salvage, every 1000th page damaged' : 'salvage, undamaged';
    figures.push(figure(name, ((events + telemetry) / tookMs) * 1000, 'rows/s', note));
    rmSync(bad);
  }
  return figures;
}

export const journalSection: Section = {
  name: 'journal',
  title: 'Journal: alarm file, salvage, proof',
  run,
};
