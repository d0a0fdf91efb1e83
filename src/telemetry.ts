/** Thins readings: one row per channel and period, with the extremes of the whole period. */
import type { EvidenceWindow } from './domain/evidence.ts';
import type { TelemetryRow } from './domain/ports.ts';

interface Aggregate {
  readonly sensor: string;
  readonly channel: string;
  readonly unit: string;
  last: number;
  min: number;
  max: number;
  count: number;
}

export class TelemetryThinner {
  readonly #periodMs: number;
  readonly #digital: ReadonlySet<string>;
  readonly #aggregates = new Map<string, Aggregate>();
  #sinceMs: number;

  /**
   * @param periodMs one row per channel and this long
   * @param digital channels that are 0 or 1, as `sensor/channel`
   */
  constructor(periodMs: number, nowMs: number, digital: ReadonlySet<string> = new Set()) {
    this.#periodMs = periodMs;
    this.#sinceMs = nowMs;
    this.#digital = digital;
  }

  add(windows: readonly EvidenceWindow[]): void {
    for (const window of windows) {
      if (window.kind === 'level') {
        const { sensor, channel } = window;
        const isState = channel === 'DIO' || this.#digital.has(`${sensor}/${channel}`);
        const unit = isState ? 'state' : 'percentFullScale';
        this.#merge(window, unit, window.last, window.min, window.max, window.count);
      } else if (window.kind === 'thermal') {
        const { last, coolest, worst, frames } = window;
        const low = coolest.maxCelsius;
        this.#merge(window, 'celsius', last.maxCelsius, low, worst.maxCelsius, frames);
      }
    }
  }

  /** A reading that is no evidence of any zone: the appliance's own temperature and the like. */
  addReading(sensor: string, channel: string, value: number, unit: string): void {
    this.#merge({ sensor, channel }, unit, value, value, value, 1);
  }

  /** The rows of a finished period, or none while it lasts. */
  due(nowMs: number, wallTime: () => string): readonly TelemetryRow[] {
    if (nowMs - this.#sinceMs < this.#periodMs || this.#aggregates.size === 0) return [];
    this.#sinceMs = nowMs;
    const wall = wallTime();
    const rows = [...this.#aggregates.values()].map(
      ({ sensor, channel, unit, last, min, max, count }) => ({
        sensor,
        channel,
        unit,
        wall,
        monotonicMs: nowMs,
        value: last,
        min,
        max,
        count,
      }),
    );
    this.#aggregates.clear();
    return rows;
  }

  #merge(
    source: { readonly sensor: string; readonly channel: string },
    unit: string,
    last: number,
    min: number,
    max: number,
    count: number,
  ): void {
    const key = `${source.sensor}/${source.channel}`;
    const found = this.#aggregates.get(key);
    if (found === undefined) {
      const { sensor, channel } = source;
      this.#aggregates.set(key, { sensor, channel, unit, last, min, max, count });
      return;
    }
    found.last = last;
    found.min = Math.min(found.min, min);
    found.max = Math.max(found.max, max);
    found.count += count;
  }
}
