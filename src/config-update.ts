/** When this appliance takes another release, and how that must prove itself. */
import { z } from 'zod';

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/);

export const update = z.strictObject({
  enabled: z.boolean().default(true).describe('install signed releases at all: docs/updates.md'),
  directory: z
    .string()
    .min(1)
    .default('/var/lib/embereye-releases')
    .describe('where the updater keeps releases and says what became of them'),
  remote: z
    .boolean()
    .default(false)
    .describe('accept the command `update` over MQTT, from keys of the level installer'),
  probationMinutes: z
    .number()
    .min(0.05)
    .max(1440)
    .default(15)
    .describe('a new release must have proved itself by then, else the one before runs again'),
  steadyMinutes: z
    .number()
    .min(0.02)
    .max(720)
    .default(5)
    .describe('it has proved itself once it was well for so long without a break'),
  waitMinutes: z
    .number()
    .min(0)
    .max(1440)
    .default(60)
    .describe('how long an update waits while the appliance may not be disturbed'),
  window: z
    .strictObject({
      from: time.describe('HH:MM'),
      to: time.describe('HH:MM; before `from`: on the next day'),
      utc: z.boolean().default(false).describe('false: local time, of hours.timezone if it is set'),
    })
    .nullable()
    .default(null)
    .describe('hours in which updates from afar start, if the command names none; null: all day'),
});

export type UpdateSettings = z.infer<typeof update>;
