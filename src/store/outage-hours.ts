/**
 * How long the brokers may stay away before something undelivered has to go: the room that is
 * left, over the rate of the last hours. Events count as they come; readings as they will be when
 * they have been thinned to one a minute, because that happens before any is dropped.
 */

/** Of an event beside its text: columns, two indexes, its hash. */
const EVENT_EXTRA_BYTES = 290;
/** Of a stored reading: docs/storage.md says how it was measured. */
const READING_BYTES = 110;
const READINGS_PER_HOUR = 60;
/** The rate is that of the last three hours, in parts of ten minutes. */
const PART_MS = 600_000;
const PARTS = 18;
const HOUR_MS = 3_600_000;
/** Shorter than this no rate is known. */
const LEAST_MS = 60_000;
/** More is not told: eleven years. */
const MOST_HOURS = 100_000;

interface Part {
  eventBytes: number;
  readonly fromMs: number;
  readonly channels: Set<string>;
}

export class OutageHours {
  readonly #parts: Part[] = [];
  #eventCount = 0;
  #eventBytes = 0;

  /** @param textBytes length of the texts of events that were just committed. */
  events(count: number, textBytes: number, nowMs: number): void {
    const bytes = textBytes + count * EVENT_EXTRA_BYTES;
    this.#part(nowMs).eventBytes += bytes;
    this.#eventCount += count;
    this.#eventBytes += bytes;
  }

  readings(rows: readonly { readonly sensor: string; readonly channel: string }[], nowMs: number) {
    const { channels } = this.#part(nowMs);
    for (const { sensor, channel } of rows) channels.add(`${sensor}/${channel}`);
  }

  /**
   * @param undelivered what brokers still have to get: events, and readings of so many minutes.
   * @returns null while no rate is known; at most 100,000, also where nothing comes.
   */
  left(
    limitBytes: number,
    undelivered: { readonly events: number; readonly minutes: number },
    nowMs: number,
  ): number | null {
    while (nowMs - (this.#parts[0]?.fromMs ?? nowMs) > PARTS * PART_MS) this.#parts.shift();
    const [first] = this.#parts;
    if (first === undefined || nowMs - first.fromMs < LEAST_MS) return null;
    const hours = (nowMs - first.fromMs) / HOUR_MS;
    const eventBytes = this.#parts.reduce((sum, part) => sum + part.eventBytes, 0);
    const channels = Math.max(0, ...this.#parts.map((part) => part.channels.size));
    const perHour = eventBytes / hours + channels * READINGS_PER_HOUR * READING_BYTES;
    const taken =
      undelivered.events * this.#bytesPerEvent() + undelivered.minutes * channels * READING_BYTES;
    const room = Math.max(0, limitBytes - taken);
    return Math.min(MOST_HOURS, perHour === 0 ? Infinity : room / perHour);
  }

  #bytesPerEvent(): number {
    return this.#eventCount === 0 ? 0 : this.#eventBytes / this.#eventCount;
  }

  #part(nowMs: number): Part {
    const newest = this.#parts.at(-1);
    if (newest !== undefined && nowMs - newest.fromMs < PART_MS) return newest;
    const part = { eventBytes: 0, fromMs: nowMs, channels: new Set<string>() };
    this.#parts.push(part);
    return part;
  }
}
