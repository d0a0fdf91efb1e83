/**
 * Thins readings: one row per channel and period, with the extremes of the whole period. Where that
 * would be more rows than the card should bear the period becomes 10 s, or a minute.
 */
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

/** How often rows are made. */
export interface TelemetryPace {
  readonly periodMs: number;
  readonly rowsPerSecond: number;
}

export function telemetryPace(state: {
  readonly telemetrySeconds: number;
  readonly telemetryRowsPerSecond: number;
}): TelemetryPace {
  const { telemetrySeconds, telemetryRowsPerSecond: rowsPerSecond } = state;
  return { periodMs: telemetrySeconds * 1000, rowsPerSecond };
}

/** Per period: boards that are gone are forgotten after some dozens of periods. */
const FORGETTING = 0.98;
/** Periods that a site with many channels falls back to: those of thinning in the store. */
const LONGER_MS = [10_000, 60_000] as const;

export class TelemetryThinner {
  readonly #pace: TelemetryPace;
  #periodMs: number;
  /** Most channels of one period lately: silence for one period does not shorten the next. */
  #channels = 0;
  readonly #digital: ReadonlySet<string>;
  readonly #aggregates = new Map<string, Aggregate>();
  #sinceMs: number;

  /**
   * @param pace one row per channel and this long, and how many rows that may be
   * @param digital channels that are 0 or 1, as `sensor/channel`
   */
  constructor(pace: TelemetryPace, nowMs: number, digital: ReadonlySet<string> = new Set()) {
    this.#pace = pace;
    this.#periodMs = pace.periodMs;
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
    this.#adapt(this.#aggregates.size);
    this.#aggregates.clear();
    return rows;
  }

  /** The shortest period whose rows the card bears. */
  #adapt(channels: number): void {
    const { periodMs, rowsPerSecond } = this.#pace;
    this.#channels = Math.max(channels, this.#channels * FORGETTING);
    const periods = [periodMs, ...LONGER_MS.filter((ms) => ms > periodMs)];
    const fits = (ms: number): boolean => this.#channels / (ms / 1000) <= rowsPerSecond;
    this.#periodMs = periods.find(fits) ?? periods.at(-1) ?? periodMs;
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
