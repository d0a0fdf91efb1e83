/**
 * Limits of a picture, areas of a picture with limits of their own, and the site's hours: the
 * fields. What contradicts what is checked in `region-checks.ts` and `limit-checks.ts`.
 */
import { z } from 'zod';
import { DEFAULT_LIMITS } from './alarm/plan.ts';

const { thermal, vision } = DEFAULT_LIMITS;

/** Limits of a thermal array; every one has a documented default. */
export const thermalLimitFields = {
  thermalCelsius: z
    .number()
    .min(-20)
    .max(300)
    .default(thermal.limitCelsius)
    .describe('a steady region at or above it is a pre-alarm; with a fire-like sign an alarm'),
  criticalCelsius: z
    .number()
    .min(0)
    .max(300)
    .default(thermal.criticalCelsius)
    .describe('a region at or above it is an alarm by itself'),
  hysteresisCelsius: z
    .number()
    .min(0)
    .max(30)
    .default(thermal.hysteresisCelsius)
    .describe('a pre-alarm ends this far below its limit'),
  aboveBackgroundCelsius: z
    .number()
    .min(5)
    .max(300)
    .default(thermal.aboveBackgroundCelsius)
    .describe('a region this far above the learnt background of its place is a pre-alarm'),
  aboveBackgroundFromCelsius: z
    .number()
    .min(-20)
    .max(300)
    .default(thermal.aboveBackgroundFromCelsius)
    .describe('a region colder than this is never judged above its background'),
  smallestPixels: z
    .int()
    .min(1)
    .max(768)
    .default(thermal.smallestPixels)
    .describe('a smaller region is no pre-alarm; critical counts whatever the size'),
  riseCelsiusPerMinute: z
    .number()
    .min(1)
    .max(600)
    .default(thermal.riseCelsiusPerMinute)
    .describe('a region above its limit that rises this fast is fire-like'),
  growthPixelsPerMinute: z
    .number()
    .min(0.5)
    .max(768)
    .default(thermal.growthPixelsPerMinute)
    .describe('a region above its limit that grows this fast is fire-like'),
  flickerCelsius: z
    .number()
    .min(0.5)
    .max(200)
    .default(thermal.flickerCelsius)
    .describe('a region above its limit that flickers this much is fire-like'),
  visionConfidence: z
    .number()
    .min(0.5)
    .max(1)
    .default(vision.fire)
    .describe('belief of the trained model in fire, 0..1, from which it is a fire-like sign'),
  holdBackSeconds: z
    .number()
    .min(0)
    .max(120)
    .default(vision.holdBackMs / 1000)
    .describe('longest wait where the model takes a fire-like region for harmless; 0: never waits'),
  holdBackCriticalSeconds: z
    .number()
    .min(0)
    .max(10)
    .default(vision.holdBackCriticalMs / 1000)
    .describe('the same for a region at or above critical'),
} as const;

/** Others name only the limits in which they differ: no default may fill the others in. */
export const own = <T extends z.ZodType>(field: z.ZodDefault<T>) => field.unwrap().optional();

/** The same limits without their defaults. */
export const ownThermalLimits = {
  thermalCelsius: own(thermalLimitFields.thermalCelsius),
  criticalCelsius: own(thermalLimitFields.criticalCelsius),
  hysteresisCelsius: own(thermalLimitFields.hysteresisCelsius),
  aboveBackgroundCelsius: own(thermalLimitFields.aboveBackgroundCelsius),
  aboveBackgroundFromCelsius: own(thermalLimitFields.aboveBackgroundFromCelsius),
  smallestPixels: own(thermalLimitFields.smallestPixels),
  riseCelsiusPerMinute: own(thermalLimitFields.riseCelsiusPerMinute),
  growthPixelsPerMinute: own(thermalLimitFields.growthPixelsPerMinute),
  flickerCelsius: own(thermalLimitFields.flickerCelsius),
  visionConfidence: own(thermalLimitFields.visionConfidence),
  holdBackSeconds: own(thermalLimitFields.holdBackSeconds),
  holdBackCriticalSeconds: own(thermalLimitFields.holdBackCriticalSeconds),
} as const;

const areaLimits = z.strictObject(ownThermalLimits);

const range = (what: string) =>
  z
    .tuple([z.int().min(0).max(31), z.int().min(0).max(31)])
    .describe(`first and last ${what} of the upright picture, from 0, both included`);

const region = z.strictObject({
  id: z
    .string()
    .regex(/^[a-z0-9_]{1,20}$/)
    .describe('1..20 characters of a-z, 0-9 and _; its channel is thermal_<id>'),
  rows: range('row'),
  columns: range('column'),
  ignore: z.boolean().default(false).describe('a mask: nothing in it is ever looked at'),
  confirmSeconds: z
    .number()
    .min(0)
    .max(60)
    .optional()
    .describe('shortest time over a limit here; else that of the zone'),
  limits: areaLimits.default({}).describe('where they differ from those of the zone'),
  offHours: areaLimits.default({}).describe('stricter limits for when nobody works here'),
});

/** Areas of a picture; a pixel belongs to the first one that holds it. */
export const regions = z
  .array(region)
  .max(16)
  .default([])
  .describe('named areas of the picture, such as a stove: docs/detection.md');

export type RegionConfig = z.infer<typeof region>;

export const DAYS = [
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
  'sunday',
] as const;

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/);

/** When people are at work; outside of it off-hours limits apply. */
export const hours = z
  .strictObject({
    timezone: z
      .string()
      .min(1)
      .max(64)
      .describe('name in the IANA list, such as Europe/Berlin; summer time follows from it'),
    working: z
      .array(
        z.strictObject({
          days: z.array(z.enum(DAYS)).min(1).max(7).describe('days on which it begins'),
          from: time.describe('begins, local time, as "07:30"'),
          to: time.describe('ends, local time; not later than `from`: on the next day'),
        }),
      )
      .min(1)
      .max(32)
      .describe('times at which people are at work; all others are off-hours'),
  })
  .nullable()
  .default(null)
  .describe('working hours of the site; null: off-hours limits are not used');
