/**
 * Rows of numbers about single channels, the newest ones of each: readings between two steps, what
 * was seen in a picture, what a model thought. They are plain numbers, so that keeping them makes
 * no work for the garbage collector.
 */
import type {
  EvidenceWindow,
  LevelWindow,
  OpinionWindow,
  ThermalEvidence,
} from '../../domain/evidence.ts';
import type { SensorId } from '../../domain/units.ts';

/** The columns of each kind of row; all begin with a monotonic time in ms. */
export const ROW_COLUMNS = {
  level: ['firstAtMs', 'lastAtMs', 'first', 'last', 'min', 'max', 'count'],
  evidence: [
    ...['atMs', 'maxCelsius', 'medianCelsius', 'calibrated', 'rejectedPixels'],
    ...['peakCelsius', 'meanCelsius', 'areaPixels', 'row', 'column', 'track', 'trackedFrames'],
    ...['trackedMs', 'aboveBackgroundCelsius'],
    ...['riseCelsiusPerMinute', 'growthPixelsPerMinute', 'flickerCelsius'],
  ],
  opinion: ['atMs', 'track', 'fire', 'overheating', 'warmBody', 'hotObject', 'other'],
} as const;
export type RowKind = keyof typeof ROW_COLUMNS;

/** Readings of a channel within this time become one row, as in the bank between two steps. */
const MERGE_MS = 100;
const FIRST_ROWS = 16;
const NUMBER_BYTES = 8;

/** Rows of one channel, numbered from 0 since the start. */
export class RowRing {
  readonly kind: RowKind;
  readonly sensor: SensorId;
  readonly channel: string;
  readonly width: number;
  first = 0;
  next = 0;
  #values: Float64Array;

  constructor(kind: RowKind, sensor: SensorId, channel: string) {
    this.kind = kind;
    this.sensor = sensor;
    this.channel = channel;
    this.width = ROW_COLUMNS[kind].length;
    this.#values = new Float64Array(FIRST_ROWS * this.width);
  }

  get capacity(): number {
    return this.#values.length / this.width;
  }

  get bytes(): number {
    return this.#values.length * NUMBER_BYTES;
  }

  get(number: number, column: number): number {
    return this.#values[(number % this.capacity) * this.width + column] ?? NaN;
  }

  set(number: number, column: number, value: number): void {
    this.#values[(number % this.capacity) * this.width + column] = value;
  }

  /** Number of a new row, over the oldest one where the ring is full. */
  push(): number {
    if (this.next - this.first === this.capacity) this.first += 1;
    this.next += 1;
    return this.next - 1;
  }

  get isFull(): boolean {
    return this.next - this.first === this.capacity;
  }

  grow(): void {
    const { capacity, width } = this;
    const larger = new Float64Array(this.#values.length * 2);
    for (let number = this.first; number < this.next; number++) {
      const from = (number % capacity) * width;
      larger.set(this.#values.subarray(from, from + width), (number % (2 * capacity)) * width);
    }
    this.#values = larger;
  }

  /** First number that may still change: a row of readings is merged with those that follow. */
  settledEnd(nowMs: number): number {
    const newest = this.next - 1;
    const open = this.kind === 'level' && newest >= this.first;
    return open && nowMs - this.get(newest, 0) < MERGE_MS ? newest : this.next;
  }
}

export class RowMemory {
  readonly #maxBytes: number;
  readonly #historyMs: number;
  readonly #rings = new Map<SensorId, Map<string, RowRing>[]>();
  readonly #all: RowRing[] = [];
  #bytes = 0;

  constructor(maxBytes: number, historyMs: number) {
    this.#maxBytes = maxBytes;
    this.#historyMs = historyMs;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get rings(): readonly RowRing[] {
    return this.#all;
  }

  /** Takes what a step looked at; what has no numbers is passed over. */
  add(windows: readonly EvidenceWindow[]): void {
    for (const window of windows) {
      if (window.kind === 'level') this.#level(window);
      else if (window.kind === 'opinion') this.#opinion(window);
      else if (window.kind === 'thermal') {
        const ring = this.#ring('evidence', window.sensor, window.channel);
        if (ring === null) continue;
        if (window.worst.atMs < window.last.atMs) this.#evidence(ring, window.worst);
        this.#evidence(ring, window.last);
      }
    }
  }

  #level(window: LevelWindow): void {
    const ring = this.#ring('level', window.sensor, window.channel);
    if (ring === null) return;
    const newest = ring.next - 1;
    if (newest >= ring.first && window.firstAtMs - ring.get(newest, 0) < MERGE_MS) {
      ring.set(newest, 1, window.lastAtMs);
      ring.set(newest, 3, window.last);
      ring.set(newest, 4, Math.min(ring.get(newest, 4), window.min));
      ring.set(newest, 5, Math.max(ring.get(newest, 5), window.max));
      ring.set(newest, 6, ring.get(newest, 6) + window.count);
      return;
    }
    const row = this.#row(ring, window.firstAtMs);
    ring.set(row, 1, window.lastAtMs);
    ring.set(row, 2, window.first);
    ring.set(row, 3, window.last);
    ring.set(row, 4, window.min);
    ring.set(row, 5, window.max);
    ring.set(row, 6, window.count);
  }

  #evidence(ring: RowRing, evidence: ThermalEvidence): void {
    const { hottest, signs } = evidence;
    const row = this.#row(ring, evidence.atMs);
    ring.set(row, 1, evidence.maxCelsius);
    ring.set(row, 2, evidence.medianCelsius);
    ring.set(row, 3, evidence.calibrated ? 1 : 0);
    ring.set(row, 4, evidence.rejectedPixels);
    ring.set(row, 5, hottest?.peakCelsius ?? NaN);
    ring.set(row, 6, hottest?.meanCelsius ?? NaN);
    ring.set(row, 7, hottest?.areaPixels ?? NaN);
    ring.set(row, 8, hottest?.row ?? NaN);
    ring.set(row, 9, hottest?.column ?? NaN);
    ring.set(row, 10, hottest?.track ?? NaN);
    ring.set(row, 11, hottest?.trackedFrames ?? NaN);
    ring.set(row, 12, hottest?.trackedMs ?? NaN);
    ring.set(row, 13, hottest?.aboveBackgroundCelsius ?? NaN);
    ring.set(row, 14, signs.riseCelsiusPerMinute ?? NaN);
    ring.set(row, 15, signs.growthPixelsPerMinute ?? NaN);
    ring.set(row, 16, signs.flickerCelsius ?? NaN);
  }

  #opinion({ sensor, channel, atMs, track, opinion }: OpinionWindow): void {
    const ring = this.#ring('opinion', sensor, channel);
    if (ring === null) return;
    const row = this.#row(ring, atMs);
    ring.set(row, 1, track);
    ring.set(row, 2, opinion.fire);
    ring.set(row, 3, opinion.overheating);
    ring.set(row, 4, opinion.warmBody);
    ring.set(row, 5, opinion.hotObject);
    ring.set(row, 6, opinion.other);
  }

  /** Makes room by growing while the oldest row is still wanted and the memory allows it. */
  #row(ring: RowRing, atMs: number): number {
    if (ring.isFull && atMs - ring.get(ring.first, 0) <= this.#historyMs) {
      if (this.#bytes + ring.bytes <= this.#maxBytes && ring.bytes <= this.#largestRing()) {
        this.#bytes += ring.bytes;
        ring.grow();
      }
    }
    const row = ring.push();
    ring.set(row, 0, atMs);
    return row;
  }

  /** No channel takes more than a sixteenth of the memory: a flood must leave room for others. */
  #largestRing(): number {
    return this.#maxBytes / 32;
  }

  /** Null where the memory has no room for another channel. */
  #ring(kind: RowKind, sensor: SensorId, channel: string): RowRing | null {
    let kinds = this.#rings.get(sensor);
    if (kinds === undefined) {
      kinds = [new Map(), new Map(), new Map()];
      this.#rings.set(sensor, kinds);
    }
    const channels = kinds[KIND_PLACE[kind]];
    if (channels === undefined) return null;
    const known = channels.get(channel);
    if (known !== undefined) return known;
    const ring = new RowRing(kind, sensor, channel);
    if (this.#bytes + ring.bytes > this.#maxBytes) return null;
    this.#bytes += ring.bytes;
    channels.set(channel, ring);
    this.#all.push(ring);
    return ring;
  }
}

const KIND_PLACE: Readonly<Record<RowKind, number>> = { level: 0, evidence: 1, opinion: 2 };
