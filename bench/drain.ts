/**
 * A backlog of a long outage to a real broker: the appliance's own uplink (store with its writer
 * thread, lanes, link) against bare MQTT.js that publishes the same bytes with the same window,
 * QoS 1. Both run in processes of their own and take turns, slice by slice, because the machine is
 * not the same from one second to the next; the ratio is the median of the slices. Alarms come up
 * meanwhile, once the old ones are through, and another process notes when it receives them.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasMosquitto, Mosquitto } from '../test/uplink/mosquitto.ts';
import { ended } from './appliance-process.ts';
import { WINDOW } from './drain/appliance-part.ts';
import { fillBacklog, laneCounts, ROOT } from './drain/backlog.ts';
import { PartProcess, type Sightings, type SliceOrder, type SliceReport } from './drain/talk.ts';
import type { Figure, Section } from './section.ts';
import { figure, latencyFigures, quantile, Skipped } from './section.ts';

const EVENTS = 1_000_000;
const SLICES = 5;
/** Filled beyond what is measured: a slice drains a little more while it stops. */
const SPARE = 1.02;
/** The first line of the appliance's program: see scripts/build.mjs. */
const APPLIANCE_ENGINE = ['--max-semi-space-size=2'];
const BROKER_LINES = [
  'allow_anonymous true',
  `max_inflight_messages ${WINDOW}`,
  'max_queued_messages 0',
];

interface Mode {
  /** Name of the delivery position: each mode drains the whole backlog. */
  readonly broker: string;
  readonly words: string;
  /** Somebody receives everything while it is published. */
  readonly beside: boolean;
}

const MODES: readonly Mode[] = [
  { broker: 'alone', words: 'nobody subscribed', beside: false },
  { broker: 'beside', words: 'a subscriber beside', beside: true },
];

export const drainSection: Section = {
  name: 'drain',
  title: 'Drain of a backlog to mosquitto, against bare MQTT.js (QoS 1, same bytes, same window)',
  async run(progress, options): Promise<readonly Figure[]> {
    if (!hasMosquitto) throw new Skipped('mosquitto is not installed');
    const events = options.events ?? EVENTS;
    const directory = mkdtempSync(join(tmpdir(), 'embereye-drain-'));
    try {
      progress(`filling a journal with ${events} events`);
      await fillBacklog(directory, Math.ceil(events * SPARE), SLICES);
      const figures: Figure[] = [];
      for (const mode of MODES) figures.push(...(await runMode(mode, directory, events, progress)));
      return figures;
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
};

async function runMode(
  mode: Mode,
  directory: string,
  events: number,
  progress: (line: string) => void,
): Promise<readonly Figure[]> {
  const broker = new Mosquitto(BROKER_LINES);
  await broker.start();
  const setting = { directory, port: broker.port };
  const subscriber = mode.beside ? subscribe(broker.port) : null;
  const appliance = await PartProcess.start('appliance', setting, APPLIANCE_ENGINE);
  const watcher = await PartProcess.start('watcher', setting, []);
  const bare = await PartProcess.start('bare', setting, []);
  try {
    const memory = new Memory(appliance.pid);
    const rounds: Round[] = [];
    for (let slice = 0; slice < SLICES; slice += 1) {
      const oldAlarms = slice === 0 ? laneCounts(Math.ceil(events * SPARE)).alarm : 0;
      const size = Math.ceil(events / SLICES);
      const order: SliceOrder = { slice, events: size, oldAlarms, broker: mode.broker };
      const first = await bare.ask<SliceReport>(order);
      const ours = await appliance.ask<SliceReport>(order);
      rounds.push({ bare: first, ours });
      progress(`${mode.words}, slice ${slice + 1}: ${roundLine(first, ours)}`);
    }
    const seen = await watcher.ask<Sightings>(null);
    return modeFigures(mode, rounds, memory.growthMegabytes, seen);
  } finally {
    for (const part of [appliance, watcher, bare]) await part.stop();
    if (subscriber !== null) await ended(subscriber);
    await broker.remove();
  }
}

interface Round {
  readonly bare: SliceReport;
  readonly ours: SliceReport;
}

function modeFigures(
  mode: Mode,
  rounds: readonly Round[],
  growthMegabytes: number,
  seen: Sightings,
): readonly Figure[] {
  const ratios = rounds.map(({ bare, ours }) => (100 * rateOf(ours)) / rateOf(bare));
  const bareRates = rounds.map(({ bare }) => rateOf(bare));
  const ourRates = rounds.map(({ ours }) => rateOf(ours));
  const alarms = rounds.flatMap(({ ours }) => ours.alarms ?? []);
  const arrivals = new Map(seen);
  const events = rounds.reduce((sum, { ours }) => sum + ours.events, 0);
  const reconnects = rounds.reduce((sum, { ours }) => sum + (ours.reconnects ?? 0), 0);
  const { words } = mode;
  return [
    figure(`${words}: bare MQTT.js`, quantile(bareRates, 0.5), 'events/s', `window ${WINDOW}`),
    figure(`${words}: the appliance`, quantile(ourRates, 0.5), 'events/s', `${events} events`),
    figure(`${words}: ratio, median`, quantile(ratios, 0.5), '%', range(ratios)),
    figure(`${words}: growth of resident memory`, growthMegabytes, 'MB'),
    figure(`${words}: connections lost`, reconnects, ''),
    figure(`${words}: longest silence, bare`, silenceOf(rounds.map(({ bare }) => bare)), 'ms'),
    figure(`${words}: longest silence`, silenceOf(rounds.map(({ ours }) => ours)), 'ms'),
    ...latencyFigures(
      `${words}: alarm appended to PUBACK`,
      alarms.map(({ appendedMs, acknowledgedMs }) => acknowledgedMs - appendedMs),
    ),
    ...latencyFigures(
      `${words}: of this until it is durable`,
      alarms.map(({ appendedMs, committedMs }) => committedMs - appendedMs),
    ),
    ...latencyFigures(
      `${words}: alarm appended to another process`,
      alarms.flatMap(({ seq, appendedMs }) => {
        const atMs = arrivals.get(seq);
        return atMs === undefined ? [] : [atMs - appendedMs];
      }),
    ),
  ];
}

function silenceOf(reports: readonly SliceReport[]): number {
  return Math.max(...reports.map(({ silenceMs }) => silenceMs));
}

function rateOf({ events, elapsedMs }: SliceReport): number {
  return (1000 * events) / elapsedMs;
}

function range(values: readonly number[]): string {
  return `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)} %`;
}

function roundLine(bare: SliceReport, ours: SliceReport): string {
  const each = (report: SliceReport): string =>
    `${rateOf(report).toFixed(0)}/s (${((1000 * report.cpuMs) / report.events).toFixed(1)} us CPU)`;
  const ratio = (100 * rateOf(ours)) / rateOf(bare);
  return `bare ${each(bare)}, appliance ${each(ours)}: ${ratio.toFixed(0)} %`;
}

/** `mosquitto_sub`, which is C: what it receives costs the broker, and hardly anybody else. */
function subscribe(port: number): ChildProcess {
  const args = ['-p', String(port), '-V', '5', '-q', '1', '-t', `${ROOT}/#`, '-F', '%t'];
  return spawn('mosquitto_sub', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

/** How far a process has grown above what it had at first. */
class Memory {
  readonly #pid: number;
  readonly #startKilobytes: number;

  constructor(pid: number) {
    this.#pid = pid;
    // Starts the high-water mark anew (proc(5)).
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
    this.#startKilobytes = this.#field('VmRSS');
  }

  get growthMegabytes(): number {
    return (this.#field('VmHWM') - this.#startKilobytes) / 1024;
  }

  #field(name: string): number {
    const status = readFileSync(`/proc/${this.#pid}/status`, 'utf8');
    return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
  }
}
