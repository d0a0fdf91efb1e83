/** The parts that the configuration's lists are made of; `config-schema.ts` puts them together. */
import { z } from 'zod';
import { analogLimitFields, analogSourceFields, ownAnalogLimits } from './config-analog.ts';
import { optics } from './config-optics.ts';
import { ownThermalLimits, regions, thermalLimitFields } from './config-regions.ts';
import { ROLES } from './domain/evidence.ts';
import { ID_PATTERN } from './domain/units.ts';
import { OUTPUT_ROLES } from './domain/view.ts';

export const id = z.string().regex(ID_PATTERN).describe('1..48 characters of a-z, 0-9, _ and -');
export const port = z.int().min(0).max(65535);
export const seconds = (min: number, max: number) => z.number().min(min).max(max);

export const mount = z
  .strictObject({
    rotate: z
      .union([z.literal(0), z.literal(90), z.literal(180), z.literal(270)])
      .default(0)
      .describe('clockwise degrees that bring the picture upright'),
    mirror: z.boolean().default(false).describe('mirrored left to right, after the rotation'),
  })
  .prefault({})
  .describe('how the thermal array is mounted');

const decoding = z
  .discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('mlx90640').describe('true temperatures from the array calibration'),
      emissivity: z.number().min(0.05).max(1).default(0.95).describe('of the watched surfaces'),
      reflectedCelsius: z
        .number()
        .min(-40)
        .max(300)
        .nullable()
        .default(null)
        .describe('reflected temperature; null takes the array temperature less 8 C'),
    }),
    z.strictObject({
      kind: z.literal('legacy').describe('old simulators only: not a true temperature'),
      offsetCelsius: z.number().min(-100).max(100).default(0),
    }),
  ])
  .prefault({ kind: 'mlx90640' })
  .describe('how frame words become degrees');

/** What a sensor board on any link may need. */
export const boardQuirks = {
  mode: z
    .enum(['continuous', 'onDemand'])
    .default('continuous')
    .describe('streams by itself after PERIOD_ON, or sends a frame per request'),
  pollSeconds: seconds(1, 3600).default(3).describe('period of requests in onDemand mode'),
  cadenceSeconds: seconds(0.03, 3600)
    .default(4.09)
    .describe('period of frames in continuous mode; supervision and time budgets count on it'),
  terminator: z
    .enum(['none', 'lf', 'crlf'])
    .default('none')
    .describe('what ends a command to this board'),
  periodCommand: z
    .enum(['PERIOD_ON', 'PERIODIC_ON'])
    .default('PERIOD_ON')
    .describe('how this firmware spells the command that starts streaming'),
  driverTail: z
    .boolean()
    .default(false)
    .describe('frame words 832 and 833 are control register and subpage'),
  decoding,
  mount,
} as const;

export const board = z.strictObject({
  id: id.describe('sensor id; zones refer to it'),
  match: z
    .strictObject({
      serial: z.string().min(1).max(80).optional().describe('serial number it announces'),
      location: z.string().min(1).max(80).optional().describe('location it announces'),
      address: z.string().min(1).max(45).optional().describe('its IP address'),
    })
    .default({})
    .describe('how the board is recognised; empty: its location or serial number is its id'),
  ...boardQuirks,
  regions,
  optics,
});

export const sensor = z.strictObject({
  id: id.describe('sensor id; zones refer to it'),
  driver: z.string().min(1).describe('name of a driver: see docs/drivers.md'),
  options: z.record(z.string(), z.unknown()).default({}).describe('options of that driver'),
  mount,
  regions,
  optics,
});

/** Limits of a zone; every one has a documented default. */
export const limitFields = {
  ...thermalLimitFields,
  ...analogLimitFields,
} as const;
export const limits = z.strictObject(limitFields);

/** A zone names only the limits in which it differs. */
const zoneLimits = z.strictObject({
  ...ownThermalLimits,
  ...ownAnalogLimits,
});

const zoneSource = z.strictObject({
  sensor: id.describe('id of a board or sensor'),
  channel: z
    .string()
    .regex(/^[A-Za-z0-9_]{1,32}$/)
    .describe(
      'thermal, thermal_<area>, a channel of the board (ADC1, ADC2, ADC3, DIO) or of the driver',
    ),
  role: z.enum(ROLES).describe('what the channel means; decides the rule that judges it'),
  polarity: z
    .enum(['rising', 'falling'])
    .default('rising')
    .describe('whether evidence raises or lowers the reading'),
  ...analogSourceFields,
});

export const zone = z.strictObject({
  id,
  name: z.string().min(1).max(80).optional().describe('for people; the id by default'),
  sensors: z.array(zoneSource).min(1).max(64).describe('physical channels that watch this zone'),
  limits: zoneLimits.default({}).describe('where they differ from the defaults'),
  offHours: zoneLimits.default({}).describe('stricter limits for when nobody works here'),
  minSources: z.int().min(2).max(8).optional(),
  confirmations: z.int().min(1).max(20).optional(),
  confirmSeconds: seconds(0, 60).optional(),
  verificationSeconds: seconds(0, 60).optional(),
});

const line = {
  id,
  chip: z
    .string()
    .min(1)
    .default('simulated')
    .describe('label of the GPIO chip, such as pinctrl-bcm2711; * with a line name: whichever'),
  line: z
    .union([z.int().min(0).max(1023), z.string().min(1).max(31)])
    .describe('offset on that chip, or name that the kernel gives the line; no global number'),
  activeLow: z.boolean().default(false),
  bias: z
    .enum(['asIs', 'pullUp', 'pullDown', 'disabled'])
    .default('asIs')
    .describe('resistor of the pad itself; not all chips have one'),
} as const;

export const output = z.strictObject({
  ...line,
  role: z.enum(OUTPUT_ROLES).describe('what the line drives; faultRelay is energised when healthy'),
  pattern: z.enum(['steady', 'pulsed', 'temporalThree']).default('steady'),
  feedback: id
    .nullable()
    .default(null)
    .describe('input of role feedback that shows what the relay does; a difference is a fault'),
  settleMs: z
    .int()
    .min(10)
    .max(5000)
    .default(250)
    .describe('time until the feedback must agree with the command'),
});

export const input = z.strictObject({
  ...line,
  role: z.enum([
    'acknowledge',
    'silence',
    'reset',
    'test',
    'manualCallPoint',
    'tamper',
    'mainsFail',
    'batteryFail',
    'feedback',
  ]),
  zone: id.nullable().default(null).describe('zone of a manual call point or tamper contact'),
  debounceMs: z.int().min(0).max(2000).default(50),
});

export const box = z.strictObject({
  enabled: z.boolean().default(true).describe('supervise the machine itself: docs/box.md'),
  pollSeconds: seconds(1, 3600).default(10).describe('time between two looks'),
  cpuCelsius: z
    .number()
    .min(30)
    .max(120)
    .default(80)
    .describe('hotter is a fault; a Pi slows down at 80..85'),
  freePercent: z
    .number()
    .min(0)
    .max(90)
    .default(10)
    .describe('less free space or inodes is a fault'),
  freeMegabytes: z
    .number()
    .min(1)
    .max(1_000_000)
    .default(200)
    .describe('less free space is a fault'),
  memoryMegabytes: z
    .number()
    .min(1)
    .max(100_000)
    .default(64)
    .describe('less available memory is a fault'),
  batteryPercent: z.number().min(0).max(100).default(30).describe('less charge is a fault'),
  clockMinutes: z
    .number()
    .min(0)
    .max(1440)
    .default(15)
    .describe('longer without a time service is a fault'),
});
