/** The load test's result: what was offered beside what the appliance says it did with it. */
import { growth, METRIC, quantile, type Sample, total } from './load-metrics.ts';

export interface Offered {
  readonly clients: number;
  readonly packets: number;
  readonly frames: number;
  readonly bytes: number;
  /** From the first packet to the last byte leaving this process. */
  readonly seconds: number;
  readonly packetsPerSecond: number;
  readonly framesPerSecond: number;
}

export interface Processed {
  readonly packets: number;
  readonly sensorPackets: number;
  readonly frames: number;
  /** Offered and not processed when nothing moved any more. */
  readonly lost: number;
  readonly decidedPackets: number;
  readonly decidedFrames: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly dropped: Readonly<Record<string, number>>;
  /** From the first packet to the reading of the metrics that showed the last one. */
  readonly seconds: number;
  readonly packetsPerSecond: number;
  readonly framesPerSecond: number;
  /** From the last byte of a packet to the decision; null where the histogram took in nothing. */
  readonly latencyMs: Readonly<Record<'p50' | 'p90' | 'p99' | 'p999', number | null>>;
}

export interface LoadReport {
  readonly seed: string;
  readonly offered: Offered;
  /** null when no metrics address was given. */
  readonly server: Processed | null;
  /** Clients whose connection failed, with the reason. */
  readonly failures: readonly string[];
}

/** Packets of the kinds that a load test sends, as the appliance counts them. */
export function processedPackets(samples: readonly Sample[]): number {
  return (
    total(samples, METRIC.packets, { kind: METRIC.kindSensor }) +
    total(samples, METRIC.packets, { kind: METRIC.kindFrame })
  );
}

export function compare(
  before: readonly Sample[],
  after: readonly Sample[],
  offered: Offered,
  seconds: number,
): Processed {
  const delta = (name: string, labels: Readonly<Record<string, string>> = {}): number =>
    total(after, name, labels) - total(before, name, labels);
  const milliseconds = (share: number): number | null => {
    const value = quantile(before, after, METRIC.decisionSeconds, share);
    return value === null ? null : value * 1000;
  };
  const sensorPackets = delta(METRIC.packets, { kind: METRIC.kindSensor });
  const frames = delta(METRIC.packets, { kind: METRIC.kindFrame });
  const packets = sensorPackets + frames;
  return {
    packets,
    sensorPackets,
    frames,
    lost: offered.packets - packets,
    decidedPackets: delta(METRIC.decidedPackets),
    decidedFrames: delta(METRIC.decidedFrames),
    errors: growth(before, after, METRIC.errors),
    dropped: growth(before, after, METRIC.dropped),
    seconds,
    packetsPerSecond: packets / seconds,
    framesPerSecond: frames / seconds,
    latencyMs: {
      p50: milliseconds(0.5),
      p90: milliseconds(0.9),
      p99: milliseconds(0.99),
      p999: milliseconds(0.999),
    },
  };
}

/** For people: one line a figure, offered and processed side by side. */
export function reportLines(report: LoadReport): readonly string[] {
  const { offered, server } = report;
  const row = (name: string, sent: string, got: string): string =>
    `${name.padEnd(18)}${sent.padStart(16)}${got.padStart(16)}`;
  const number = (value: number | undefined): string =>
    value === undefined ? '-' : Math.round(value).toLocaleString('en-US');
  const lines = [
    row('', 'offered', 'processed'),
    row('packets', number(offered.packets), number(server?.packets)),
    row('frames', number(offered.frames), number(server?.frames)),
    row('seconds', offered.seconds.toFixed(2), server?.seconds.toFixed(2) ?? '-'),
    row('packets/s', number(offered.packetsPerSecond), number(server?.packetsPerSecond)),
    row('frames/s', number(offered.framesPerSecond), number(server?.framesPerSecond)),
    row('MB', (offered.bytes / 1e6).toFixed(1), '-'),
  ];
  if (server !== null) lines.push(...serverLines(server, number));
  for (const failure of report.failures) lines.push(`failed: ${failure}`);
  return lines;
}

function serverLines(server: Processed, number: (value: number) => string): readonly string[] {
  const counts = (by: Readonly<Record<string, number>>): string =>
    Object.entries(by)
      .map(([kind, count]) => `${kind} ${number(count)}`)
      .join(', ') || 'none';
  const latency = Object.entries(server.latencyMs)
    .map(([name, ms]) => `${name} ${ms === null ? '-' : `${ms.toFixed(3)} ms`}`)
    .join(', ');
  return [
    `lost: ${number(server.lost)}`,
    `decided: ${number(server.decidedPackets)} packets, ${number(server.decidedFrames)} frames`,
    `errors: ${counts(server.errors)}`,
    `dropped: ${counts(server.dropped)}`,
    `byte to decision: ${latency}`,
  ];
}
