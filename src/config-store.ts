/** How much the journal keeps, for how long, and what it leaves to others: docs/storage.md. */
import { z } from 'zod';
import { seconds } from './config-fields.ts';
import { DEFAULT_RETENTION, type RetentionLimits } from './store/retention-limits.ts';

const MEGABYTE = 1024 * 1024;
const DAY_MS = 86_400_000;

/** Fields of the section `state`. */
export const storeFields = {
  telemetrySeconds: seconds(1, 3600)
    .default(1)
    .describe('one reading per channel is kept this often, at most: see telemetryRowsPerSecond'),
  telemetryRowsPerSecond: z
    .number()
    .min(1)
    .max(10_000)
    .default(100)
    .describe('a site with more readings keeps one per channel and 10 s, or minute: card wear'),
  telemetryRows: z
    .int()
    .min(100)
    .max(1_000_000_000)
    .nullable()
    .default(null)
    .describe('numbers of readings from the oldest kept to the newest; null: bytes and days alone'),
  telemetryDays: z.number().min(0.04).max(3650).default(30).describe('readings older than this go'),
  keepDays: z
    .number()
    .min(1)
    .max(36_500)
    .default(365)
    .describe('events that every broker has had go after this time'),
  maxMegabytes: z
    .int()
    .min(64)
    .max(1_000_000)
    .default(1024)
    .describe('of the journal; readings are thinned and dropped first: docs/storage.md'),
  minFreeMegabytes: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(256)
    .describe('room on its disk that the journal leaves free: below, it makes itself smaller'),
  reserveMegabytes: z
    .int()
    .min(0)
    .max(1024)
    .default(16)
    .describe('a file that is let go when the disk is full, so that alarms are kept; 0: none'),
} as const;

type StoreConfig = z.infer<z.ZodObject<typeof storeFields>>;

/** The store's limits as configured. */
export function retentionOf(state: StoreConfig): RetentionLimits {
  const { maxMegabytes, minFreeMegabytes, reserveMegabytes } = state;
  const { walBytes } = DEFAULT_RETENTION;
  const reserveBytes = reserveMegabytes * MEGABYTE;
  return {
    ...DEFAULT_RETENTION,
    // The bound is for everything: the log and the reserve are part of it.
    maxBytes: Math.max(maxMegabytes * MEGABYTE - walBytes - reserveBytes, walBytes),
    keepEventsMs: state.keepDays * DAY_MS,
    keepTelemetryMs: state.telemetryDays * DAY_MS,
    telemetryRows: state.telemetryRows,
    minFreeBytes: minFreeMegabytes * MEGABYTE,
    reserveBytes,
  };
}
