/**
 * Where drivers leave evidence between two steps. Adding is the hot path of a flood, so handles are
 * looked up once per connection and channel, and an addition allocates nothing.
 */
import type {
  EvidenceWindow,
  LevelWindow,
  NoDataReason,
  NoDataWindow,
  OpinionWindow,
  ThermalEvidence,
  ThermalWindow,
} from './evidence.ts';
import { THERMAL_CHANNEL } from './evidence.ts';
import type { Opinion } from './opinion.ts';
import type { SensorId } from './units.ts';

interface Drainable {
  drain(into: EvidenceWindow[]): void;
}

/** First, last, min, max and count of one channel: a crossing in any single value survives. */
export class LevelAccumulator implements Drainable {
  readonly #sensor: SensorId;
  readonly #channel: string;
  readonly #dirty: Drainable[];
  #first = 0;
  #last = 0;
  #min = 0;
  #max = 0;
  #count = 0;
  #firstAtMs = 0;
  #lastAtMs = 0;

  constructor(sensor: SensorId, channel: string, dirty: Drainable[]) {
    this.#sensor = sensor;
    this.#channel = channel;
    this.#dirty = dirty;
  }

  /** @param value percent of full scale, or 0/1 for a digital channel; must be finite. */
  add(value: number, atMs: number): void {
    if (this.#count === 0) {
      this.#dirty.push(this);
      this.#first = value;
      this.#min = value;
      this.#max = value;
      this.#firstAtMs = atMs;
    } else if (value < this.#min) {
      this.#min = value;
    } else if (value > this.#max) {
      this.#max = value;
    }
    this.#last = value;
    this.#lastAtMs = atMs;
    this.#count += 1;
  }

  drain(into: EvidenceWindow[]): void {
    const window: LevelWindow = {
      kind: 'level',
      sensor: this.#sensor,
      channel: this.#channel,
      first: this.#first,
      last: this.#last,
      min: this.#min,
      max: this.#max,
      count: this.#count,
      firstAtMs: this.#firstAtMs,
      lastAtMs: this.#lastAtMs,
    };
    this.#count = 0;
    into.push(window);
  }
}

/** The newest frame of an array, and the hottest and coolest since the last step. */
export class ThermalAccumulator implements Drainable {
  readonly #sensor: SensorId;
  readonly #channel: string;
  readonly #dirty: Drainable[];
  #frames = 0;
  #firstAtMs = 0;
  #last: ThermalEvidence | null = null;
  #worst: ThermalEvidence | null = null;
  #coolest: ThermalEvidence | null = null;

  constructor(sensor: SensorId, channel: string, dirty: Drainable[]) {
    this.#sensor = sensor;
    this.#channel = channel;
    this.#dirty = dirty;
  }

  add(evidence: ThermalEvidence): void {
    if (this.#frames === 0) {
      this.#dirty.push(this);
      this.#firstAtMs = evidence.atMs;
      this.#worst = evidence;
      this.#coolest = evidence;
    } else {
      if (this.#worst === null || evidence.maxCelsius > this.#worst.maxCelsius) {
        this.#worst = evidence;
      }
      if (this.#coolest === null || evidence.maxCelsius < this.#coolest.maxCelsius) {
        this.#coolest = evidence;
      }
    }
    this.#last = evidence;
    this.#frames += 1;
  }

  drain(into: EvidenceWindow[]): void {
    if (this.#last === null || this.#worst === null || this.#coolest === null) return;
    const window: ThermalWindow = {
      kind: 'thermal',
      sensor: this.#sensor,
      channel: this.#channel,
      frames: this.#frames,
      firstAtMs: this.#firstAtMs,
      last: this.#last,
      worst: this.#worst,
      coolest: this.#coolest,
    };
    this.#frames = 0;
    into.push(window);
  }
}

class NoDataAccumulator implements Drainable {
  readonly #sensor: SensorId;
  readonly #channel: string;
  readonly #reason: NoDataReason;
  readonly #dirty: Drainable[];
  #detail = '';
  #count = 0;
  #lastAtMs = 0;

  constructor(sensor: SensorId, channel: string, reason: NoDataReason, dirty: Drainable[]) {
    this.#sensor = sensor;
    this.#channel = channel;
    this.#reason = reason;
    this.#dirty = dirty;
  }

  add(detail: string, atMs: number): void {
    if (this.#count === 0) this.#dirty.push(this);
    this.#detail = detail;
    this.#lastAtMs = atMs;
    this.#count += 1;
  }

  drain(into: EvidenceWindow[]): void {
    const window: NoDataWindow = {
      kind: 'noData',
      sensor: this.#sensor,
      channel: this.#channel,
      reason: this.#reason,
      detail: this.#detail,
      count: this.#count,
      lastAtMs: this.#lastAtMs,
    };
    this.#count = 0;
    into.push(window);
  }
}

class OpinionSlot implements Drainable {
  readonly #dirty: Drainable[];
  #newest: OpinionWindow | null = null;

  constructor(dirty: Drainable[]) {
    this.#dirty = dirty;
  }

  put(window: OpinionWindow): void {
    if (this.#newest === null) this.#dirty.push(this);
    this.#newest = window;
  }

  drain(into: EvidenceWindow[]): void {
    if (this.#newest === null) return;
    into.push(this.#newest);
    this.#newest = null;
  }
}

export class EvidenceBank {
  readonly #dirty: Drainable[] = [];
  readonly #levels = new Map<string, LevelAccumulator>();
  readonly #thermals = new Map<string, ThermalAccumulator>();
  readonly #opinions = new Map<string, OpinionSlot>();
  readonly #areas = new Map<SensorId, readonly string[]>();
  readonly #noData = new Map<string, NoDataAccumulator>();

  /** The accumulator of one analog or digital channel; keep it, do not look it up per packet. */
  level(sensor: SensorId, channel: string): LevelAccumulator {
    const key = `${sensor}/${channel}`;
    let found = this.#levels.get(key);
    if (found === undefined) {
      found = new LevelAccumulator(sensor, channel, this.#dirty);
      this.#levels.set(key, found);
    }
    return found;
  }

  /** The accumulator of one thermal array, or of a named area of its picture. */
  thermal(sensor: SensorId, channel: string = THERMAL_CHANNEL): ThermalAccumulator {
    const key = `${sensor}/${channel}`;
    let found = this.#thermals.get(key);
    if (found === undefined) {
      found = new ThermalAccumulator(sensor, channel, this.#dirty);
      this.#thermals.set(key, found);
    }
    return found;
  }

  /** Names the channels of the areas of a picture: what makes it no data makes them no data. */
  declareAreas(sensor: SensorId, channels: readonly string[]): void {
    this.#areas.set(sensor, channels);
  }

  /** What a model thinks of a region; the newest since the last step counts. */
  opinion(sensor: SensorId, channel: string, track: number, opinion: Opinion, atMs: number): void {
    const key = `${sensor}/${channel}`;
    let slot = this.#opinions.get(key);
    if (slot === undefined) {
      slot = new OpinionSlot(this.#dirty);
      this.#opinions.set(key, slot);
    }
    slot.put({ kind: 'opinion', sensor, channel, atMs, track, opinion });
  }

  /** A source reported something that cannot be believed; of a picture, so do its areas. */
  noData(
    sensor: SensorId,
    channel: string,
    reason: NoDataReason,
    detail: string,
    atMs: number,
  ): void {
    this.noDataOf(sensor, channel, reason, detail, atMs);
    if (channel !== THERMAL_CHANNEL) return;
    for (const area of this.#areas.get(sensor) ?? []) {
      this.noDataOf(sensor, area, reason, detail, atMs);
    }
  }

  /** As `noData`, of this channel alone: where a picture's areas are judged one by one. */
  noDataOf(
    sensor: SensorId,
    channel: string,
    reason: NoDataReason,
    detail: string,
    atMs: number,
  ): void {
    const key = `${sensor}/${channel}/${reason}`;
    let found = this.#noData.get(key);
    if (found === undefined) {
      found = new NoDataAccumulator(sensor, channel, reason, this.#dirty);
      this.#noData.set(key, found);
    }
    found.add(detail, atMs);
  }

  /** Whether a step would see anything. */
  get isEmpty(): boolean {
    return this.#dirty.length === 0;
  }

  /** All windows since the last call, in the order in which channels first spoke. */
  drain(): readonly EvidenceWindow[] {
    if (this.#dirty.length === 0) return [];
    const windows: EvidenceWindow[] = [];
    for (const source of this.#dirty) source.drain(windows);
    this.#dirty.length = 0;
    return windows;
  }
}
