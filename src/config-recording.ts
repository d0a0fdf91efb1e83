/** The configuration's section `recording`: the black box, and the recorder of days. */
import { z } from 'zod';
import { ID_PATTERN } from './domain/units.ts';

const blackBox = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('keep what happened around alarms: docs/black-box.md'),
    memoryMegabytes: z
      .number()
      .min(1)
      .max(1024)
      .default(16)
      .describe('memory for the newest raw data of all sensors; taken as it is needed'),
    beforeSeconds: z
      .number()
      .min(5)
      .max(600)
      .default(60)
      .describe('what is kept from before an alarm or pre-alarm, where the memory holds it'),
    afterSeconds: z
      .number()
      .min(5)
      .max(1800)
      .default(120)
      .describe('how long it is recorded after the last event of its kind'),
    diskMegabytes: z
      .number()
      .min(5)
      .max(100_000)
      .default(100)
      .describe('of state.directory/black-box; the oldest go first, alarms nobody exported last'),
    keepEvents: z
      .int()
      .min(1)
      .max(10_000)
      .default(200)
      .describe('recordings that are kept at most'),
    faults: z
      .boolean()
      .default(false)
      .describe('also record around the fault noData of a source, such as a burst of glitches'),
  })
  .prefault({});

const days = z
  .strictObject({
    enabled: z
      .boolean()
      .default(false)
      .describe('record everything, all the time: wears a card, see docs/black-box.md'),
    keepDays: z.number().min(0.1).max(366).default(14).describe('older hours are dropped'),
    diskMegabytes: z
      .number()
      .min(20)
      .max(10_000_000)
      .default(2000)
      .describe('of state.directory/days; the oldest hours go first'),
    sensors: z
      .array(z.string().regex(ID_PATTERN))
      .max(500)
      .default([])
      .describe('ids of boards and sensors to record; empty: all'),
  })
  .prefault({});

export const recording = z.strictObject({ blackBox, days });
export type RecordingSettings = z.infer<typeof recording>;
