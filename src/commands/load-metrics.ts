/** The appliance's own figures: its metrics page, read before and after the load. */
import { get } from 'node:http';
import type { Clock } from '../domain/ports.ts';

/** Names on the metrics page that the load test depends on. */
export const METRIC = {
  /** By `kind`: packets taken in and understood. */
  packets: 'embereye_ingest_packets_total',
  kindSensor: 'sensor',
  kindFrame: 'frame',
  /** Packets whose readings reached the panel. */
  decidedPackets: 'embereye_decided_packets_total',
  /** Frames decoded with a calibration that reached the panel. */
  decidedFrames: 'embereye_frames_decided_total',
  errors: 'embereye_ingest_errors_total',
  dropped: 'embereye_ingest_dropped_total',
  /** From the last byte of a packet to the decision made with it. */
  decisionSeconds: 'embereye_decision_seconds',
} as const;

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LARGEST_PAGE_BYTES = 8 * 1024 * 1024;
const PAGE_WITHIN_MS = 10_000;
const SAMPLE_LINE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/** Reads Prometheus text (exposition format 0.0.4); lines that are no samples are passed over. */
export function parseMetrics(text: string): readonly Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split('\n')) {
    const match = SAMPLE_LINE.exec(line);
    if (match === null) continue;
    const [, name = '', labelText = '', valueText = ''] = match;
    const labels: Record<string, string> = {};
    for (const [, key = '', value = ''] of labelText.matchAll(LABEL)) labels[key] = value;
    samples.push({ name, labels, value: valueText === '+Inf' ? Infinity : Number(valueText) });
  }
  return samples;
}

/** Sum over all samples of `name` that carry all `labels`; 0 where there are none. */
export function total(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number {
  let sum = 0;
  for (const sample of samples) {
    if (sample.name !== name) continue;
    const fits = Object.entries(labels).every(([key, value]) => sample.labels[key] === value);
    if (fits) sum += sample.value;
  }
  return sum;
}

/** What each label set of `name` has grown by, largest first, without those that have not. */
export function growth(
  before: readonly Sample[],
  after: readonly Sample[],
  name: string,
): Readonly<Record<string, number>> {
  const grown = after
    .filter((sample) => sample.name === name)
    .map((sample) => {
      const label = Object.values(sample.labels).join(' ') || 'all';
      return [label, sample.value - total(before, name, sample.labels)] as const;
    })
    .filter(([, by]) => by > 0)
    .sort((left, right) => right[1] - left[1]);
  return Object.fromEntries(grown);
}

/**
 * The value below which `share` (0..1) of what a histogram took in between two readings lies,
 * linear within its bucket; the last finite bound for what lies beyond it. null when it took in
 * nothing.
 */
export function quantile(
  before: readonly Sample[],
  after: readonly Sample[],
  name: string,
  share: number,
): number | null {
  const buckets = bucketsOf(after, name).map(([bound, count]) => {
    const earlier = bucketsOf(before, name).find(([other]) => other === bound);
    return [bound, count - (earlier?.[1] ?? 0)] as const;
  });
  const all = buckets.at(-1)?.[1] ?? 0;
  if (all <= 0) return null;
  let lowerBound = 0;
  let below = 0;
  for (const [bound, count] of buckets) {
    if (count >= share * all) {
      if (bound === Infinity) return lowerBound;
      const inside = count - below;
      const part = inside > 0 ? (share * all - below) / inside : 1;
      return lowerBound + part * (bound - lowerBound);
    }
    lowerBound = bound;
    below = count;
  }
  return lowerBound;
}

/** Cumulative counts by upper bound, rising, summed over all other labels. */
function bucketsOf(
  samples: readonly Sample[],
  name: string,
): readonly (readonly [number, number])[] {
  const counts = new Map<number, number>();
  for (const sample of samples) {
    if (sample.name !== `${name}_bucket`) continue;
    const text = sample.labels['le'] ?? '';
    const bound = text === '+Inf' ? Infinity : Number(text);
    counts.set(bound, (counts.get(bound) ?? 0) + sample.value);
  }
  return [...counts].sort((left, right) => left[0] - right[0]);
}

/** Fetches the page. Rejects with a message that names the address and what went wrong. */
export function readMetrics(url: string, clock: Clock): Promise<readonly Sample[]> {
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => reject(new Error(`metrics at ${url}: ${why}`));
    const request = get(url, { agent: false }, (response) => {
      if (response.statusCode !== 200) {
        fail(`answered ${response.statusCode ?? 'nothing'}`);
        request.destroy();
        return;
      }
      const parts: Buffer[] = [];
      let length = 0;
      response.on('data', (part: Buffer) => {
        parts.push(part);
        length += part.length;
        if (length > LARGEST_PAGE_BYTES) request.destroy(new Error('the page is too long'));
      });
      response.on('error', (error) => fail(error.message));
      response.on('end', () => resolve(parseMetrics(Buffer.concat(parts).toString('utf8'))));
    });
    const cancel = clock.after(PAGE_WITHIN_MS, () =>
      request.destroy(new Error(`no answer within ${PAGE_WITHIN_MS} ms`)),
    );
    request.on('error', (error) => fail(error.message));
    request.on('close', cancel);
  });
}
