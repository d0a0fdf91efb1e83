/** How much the store keeps, and for how long. */

const DAY_MS = 86_400_000;
const MEGABYTE = 1024 * 1024;

export interface RetentionLimits {
  /** Of the database file; its log and the reserve come on top. */
  readonly maxBytes: number;
  /** Delivered events go after this time. */
  readonly keepEventsMs: number;
  readonly keepTelemetryMs: number;
  /** Readings are merged to one per 10 s and channel at this age, and to one per minute. */
  readonly tenSecondsAfterMs: number;
  readonly oneMinuteAfterMs: number;
  /** Numbers of telemetry rows from the oldest to the newest; null: bytes and age alone count. */
  readonly telemetryRows: number | null;
  /** Room on the disk that the store leaves to others. */
  readonly minFreeBytes: number;
  /** Ballast for a full disk; 0: none. */
  readonly reserveBytes: number;
  /** Beyond this the log is folded back at once. */
  readonly walBytes: number;
  /** Rows of one slice: what an alarm may have to wait for. */
  readonly sliceRows: number;
}

/** Of a store that nobody configured; the appliance says what it wants (`config-store.ts`). */
export const DEFAULT_RETENTION: RetentionLimits = {
  maxBytes: 1024 * MEGABYTE,
  keepEventsMs: 365 * DAY_MS,
  keepTelemetryMs: 30 * DAY_MS,
  tenSecondsAfterMs: 3_600_000,
  oneMinuteAfterMs: DAY_MS,
  telemetryRows: null,
  minFreeBytes: 0,
  reserveBytes: 0,
  walBytes: 16 * MEGABYTE,
  sliceRows: 2000,
};

/** The log is this much at most beyond its bound before telemetry waits for it to be folded. */
export const LOG_HOLD_FACTOR = 4;
