/**
 * `embereye load`: many clients send what boards send, and the appliance's own metrics say what
 * became of it. What this process offers is only the other half of the picture.
 */
import { writeFile } from 'node:fs/promises';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { LoadClient, type LoadPlan } from './load-client.ts';
import { readMetrics, type Sample } from './load-metrics.ts';
import {
  compare,
  type LoadReport,
  type Offered,
  type Processed,
  processedPackets,
  reportLines,
} from './load-report.ts';
import { buildTraffic, drawSeed, type TrafficKind } from './load-traffic.ts';
import type { BoardCommandIo, Endpoint } from './simulate-board-io.ts';

export interface LoadOptions extends Endpoint {
  readonly clients: number;
  /** Per client; one of `packets` and `durationSeconds` must be given, the first to end counts. */
  readonly packets?: number | null;
  readonly durationSeconds?: number | null;
  /** Packets per second of each client; 0 is flat out. */
  readonly rate?: number;
  /** Frames and readings in turn. */
  readonly includeFrames?: boolean;
  readonly framesOnly?: boolean;
  /** The appliance's metrics page; null reports the offered side alone. */
  readonly metricsUrl?: string | null;
  /** When the appliance's count stands still for so long, what is missing is lost. Default 5. */
  readonly stillSeconds?: number;
  /** The report as JSON goes here too. */
  readonly statsFile?: string | null;
  readonly seed?: string;
  readonly json?: boolean;
}

/** For calibrations to be taken in before the clock starts. */
const SETTLE_MS = 500;
const POLL_MS = 100;

/**
 * Runs the test. `EXIT.ok` when nothing was lost and no connection failed, `EXIT.failed` when
 * something was, `EXIT.unavailable` when the board port or the metrics cannot be reached.
 */
export async function runLoad(options: LoadOptions, io: BoardCommandIo): Promise<ExitCode> {
  const problem = problemOf(options);
  if (problem !== null) {
    io.err(problem);
    return EXIT.usage;
  }
  const seed = options.seed ?? drawSeed(io.random);
  const kind = kindOf(options);
  const clients = Array.from(
    { length: options.clients },
    (_, i) => new LoadClient(buildTraffic(kind, seed, i), options, io.clock),
  );
  try {
    await Promise.all(clients.map((client) => client.open()));
    const unreachable = clients.find(({ offer }) => offer.error !== null)?.offer.error ?? null;
    if (unreachable !== null) throw new Error(`${options.host}:${options.port}: ${unreachable}`);
    await pause(io, SETTLE_MS);
    const report = await measure(options, seed, clients, io);
    if (options.json === true) io.out(JSON.stringify(report));
    else for (const line of reportLines(report)) io.out(line);
    if (options.statsFile) await writeFile(options.statsFile, `${JSON.stringify(report)}\n`);
    const whole = report.failures.length === 0 && (report.server?.lost ?? 0) === 0;
    return whole ? EXIT.ok : EXIT.failed;
  } catch (error) {
    io.err(error instanceof Error ? error.message : String(error));
    return EXIT.unavailable;
  } finally {
    for (const client of clients) client.close();
  }
}

function problemOf(options: LoadOptions): string | null {
  const { clients, packets = null, durationSeconds = null, rate = 0 } = options;
  if (!Number.isInteger(clients) || clients < 1 || clients > 10_000) {
    return `--clients: ${clients} is not a whole number from 1 to 10000`;
  }
  if (packets === null && durationSeconds === null) return 'give --packets or --duration';
  if (packets !== null && !(Number.isInteger(packets) && packets > 0)) {
    return `--packets: ${packets} is not a whole number above 0`;
  }
  if (durationSeconds !== null && !(durationSeconds > 0)) {
    return `--duration: ${durationSeconds} is not above 0 seconds`;
  }
  if (!(rate >= 0)) return `--rate: ${rate} is not 0 or above`;
  if (options.framesOnly === true && options.includeFrames === true) {
    return '--frames-only and --include-frames exclude each other';
  }
  return null;
}

function kindOf(options: LoadOptions): TrafficKind {
  if (options.framesOnly === true) return 'frames';
  return options.includeFrames === true ? 'mixed' : 'sensor';
}

async function measure(
  options: LoadOptions,
  seed: string,
  clients: readonly LoadClient[],
  io: BoardCommandIo,
): Promise<LoadReport> {
  const { packets = null, durationSeconds = null, rate = 0, metricsUrl = null } = options;
  const plan: LoadPlan = {
    packets,
    durationMs: durationSeconds === null ? null : durationSeconds * 1000,
    rate,
  };
  const before = metricsUrl === null ? null : await readMetrics(metricsUrl, io.clock);
  const startMs = io.clock.monotonicMs();
  const stopAll = (): void => {
    for (const client of clients) client.stop();
  };
  io.signal.addEventListener('abort', stopAll);
  await Promise.all(clients.map((client) => client.run(plan)));
  io.signal.removeEventListener('abort', stopAll);
  const offered = offeredBy(clients, (io.clock.monotonicMs() - startMs) / 1000);
  const server =
    metricsUrl === null || before === null
      ? null
      : await drained(options, metricsUrl, before, offered, startMs, io);
  const failures = clients.flatMap(({ offer }, i) =>
    offer.error === null ? [] : [`client ${i + 1}: ${offer.error}`],
  );
  return { seed, offered, server, failures };
}

function offeredBy(clients: readonly LoadClient[], seconds: number): Offered {
  const sum = (field: 'packets' | 'frames' | 'bytes'): number =>
    clients.reduce((all, { offer }) => all + offer[field], 0);
  return {
    clients: clients.length,
    packets: sum('packets'),
    frames: sum('frames'),
    bytes: sum('bytes'),
    seconds,
    packetsPerSecond: sum('packets') / seconds,
    framesPerSecond: sum('frames') / seconds,
  };
}

/** Reads the metrics until everything is processed, or nothing moves any more. */
async function drained(
  options: LoadOptions,
  url: string,
  before: readonly Sample[],
  offered: Offered,
  startMs: number,
  io: BoardCommandIo,
): Promise<Processed> {
  const stillMs = (options.stillSeconds ?? 5) * 1000;
  const target = processedPackets(before) + offered.packets;
  let after = await readMetrics(url, io.clock);
  let movedMs = io.clock.monotonicMs();
  while (processedPackets(after) < target && io.clock.monotonicMs() - movedMs < stillMs) {
    await pause(io, POLL_MS);
    const next = await readMetrics(url, io.clock);
    if (processedPackets(next) !== processedPackets(after)) movedMs = io.clock.monotonicMs();
    after = next;
  }
  // Decisions follow the count of packets by at most one step.
  const processedSeconds = (movedMs - startMs) / 1000;
  await pause(io, POLL_MS);
  after = await readMetrics(url, io.clock);
  return compare(before, after, offered, processedSeconds);
}

function pause(io: BoardCommandIo, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    io.clock.after(delayMs, resolve);
  });
}
