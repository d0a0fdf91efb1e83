/** One region that is followed: its samples for the model, its history for the signs. */
import type { FireSigns } from '../domain/evidence.ts';
import type { Region } from './thermal-region.ts';
import { CAPACITY, MIN_SPACING_MS, NO_SIGNS, SignHistory } from './thermal-signs.ts';
import type { RecentPictures } from './track-before.ts';
import type { RegionSample, RegionTrack } from './track.ts';

const SAMPLES_MS = 33_000;
/** Signs hardly change faster, and are what costs most about a region. */
const SIGNS_EVERY_MS = 240;

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Reused: after `begin` it is another track. */
export class TrackRecord implements RegionTrack {
  id = 0;
  firstAtMs = 0;
  frames = 0;
  readonly samples: Writable<RegionSample>[] = [];
  /** Whether it is followed at all, and where it was when it was last seen. */
  alive = false;
  area = 0;
  lastSeenMs = 0;
  peakCelsius = 0;
  areaPixels = 0;
  row = 0;
  column = 0;
  spread = 0;
  readonly #history = new SignHistory();
  readonly #columns: number;
  readonly #before: RecentPictures;
  #peakAt = 0;
  #spare: Writable<RegionSample> | null = null;
  #signs: FireSigns = NO_SIGNS;
  #speed: number | null = null;
  #signsAtMs = -Infinity;

  /**
   * @param columns of the picture.
   * @param before what places showed before regions appeared there.
   */
  constructor(columns: number, before: RecentPictures) {
    this.#columns = columns;
    this.#before = before;
  }

  /** Starts a new track with a region that none of the others is. */
  begin(id: number, region: Region, atMs: number): void {
    this.id = id;
    this.firstAtMs = atMs;
    this.frames = 0;
    this.samples.length = 0;
    this.alive = true;
    this.area = region.area;
    this.#signs = NO_SIGNS;
    this.#speed = null;
    this.#signsAtMs = -Infinity;
    this.#history.clear();
    const row = (region.peakAt / this.#columns) | 0;
    const column = region.peakAt % this.#columns;
    this.#before.around(region.peakAt, atMs, (beforeMs, celsius) => {
      this.#history.addBefore(beforeMs, celsius, row, column);
    });
  }

  /** Takes note of where it is in this frame. */
  see(region: Region, atMs: number): void {
    this.frames += 1;
    this.lastSeenMs = atMs;
    this.#peakAt = region.peakAt;
    this.peakCelsius = region.peakCelsius;
    this.areaPixels = region.areaPixels;
    this.row = region.row;
    this.column = region.column;
    this.spread = region.spreadRows + region.spreadColumns;
  }

  /** Takes what it is in this frame for what it is judged by. */
  remember(region: Region, atMs: number, medianCelsius: number): void {
    const peakRow = (region.peakAt / this.#columns) | 0;
    this.#history.add(atMs, region, peakRow, region.peakAt % this.#columns);
    this.#sample(region, atMs, medianCelsius);
  }

  /** Signs so far; computed a few times a second. */
  signs(): FireSigns {
    this.#judge();
    return this.#signs;
  }

  /** Pixels per second; null until a second has been seen. */
  speed(): number | null {
    this.#judge();
    return this.#speed;
  }

  #judge(): void {
    if (this.lastSeenMs - this.#signsAtMs < SIGNS_EVERY_MS) return;
    this.#signs = this.#history.signs(this.#before.levelAround(this.#peakAt));
    this.#speed = this.#history.speed();
    this.#signsAtMs = this.lastSeenMs;
  }

  #sample(region: Region, atMs: number, medianCelsius: number): void {
    const { samples } = this;
    const last = samples.at(-1);
    if (last !== undefined && atMs - last.atMs < MIN_SPACING_MS) {
      if (region.peakCelsius > last.peakCelsius) write(last, region, last.atMs, medianCelsius);
      return;
    }
    const sample = this.#spare ?? emptySample();
    this.#spare = null;
    write(sample, region, atMs, medianCelsius);
    samples.push(sample);
    const oldestMs = atMs - SAMPLES_MS;
    while (samples.length > CAPACITY || (samples[0]?.atMs ?? atMs) < oldestMs) {
      this.#spare = samples.shift() ?? null;
    }
  }
}

function write(
  sample: Writable<RegionSample>,
  region: Region,
  atMs: number,
  medianCelsius: number,
): void {
  sample.atMs = atMs;
  sample.peakCelsius = region.peakCelsius;
  sample.meanCelsius = region.meanCelsius;
  sample.medianCelsius = medianCelsius;
  sample.behindCelsius = region.behindCelsius;
  sample.areaPixels = region.areaPixels;
  sample.corePixels = region.corePixels;
  sample.excess = region.excess;
  sample.row = region.row;
  sample.column = region.column;
  sample.spreadRows = region.spreadRows;
  sample.spreadColumns = region.spreadColumns;
  sample.touchesEdge = region.touchesEdge;
}

function emptySample(): Writable<RegionSample> {
  return {
    atMs: 0,
    peakCelsius: 0,
    meanCelsius: 0,
    medianCelsius: 0,
    behindCelsius: 0,
    areaPixels: 0,
    corePixels: 0,
    excess: 0,
    row: 0,
    column: 0,
    spreadRows: 0,
    spreadColumns: 0,
    touchesEdge: false,
  };
}
