/**
 * The configuration's fields: the one place where they are named, bounded, defaulted and described.
 * The JSON Schema for editors and docs/configuration.md are generated from here.
 */
import { z } from 'zod';
import { DEFAULT_BUDGET_MS, DEFAULT_LIMITS } from './alarm/plan.ts';
import { ID_PATTERN } from './domain/units.ts';
import { OUTPUT_ROLES } from './domain/view.ts';

const id = z.string().regex(ID_PATTERN).describe('1..48 characters of a-z, 0-9, _ and -');
const port = z.int().min(0).max(65535);
const seconds = (min: number, max: number) => z.number().min(min).max(max);

const mount = z
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
const boardQuirks = {
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

const board = z.strictObject({
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
});

const sensor = z.strictObject({
  id: id.describe('sensor id; zones refer to it'),
  driver: z.string().min(1).describe('name of a driver: see docs/drivers.md'),
  options: z.record(z.string(), z.unknown()).default({}).describe('options of that driver'),
  cadenceSeconds: boardQuirks.cadenceSeconds,
  mount,
});

/** Limits of a zone; every one has a documented default. */
export const limitFields = {
  thermalCelsius: z
    .number()
    .min(-20)
    .max(300)
    .default(DEFAULT_LIMITS.thermal.limitCelsius)
    .describe('a steady region at or above it is a pre-alarm; with a fire-like sign an alarm'),
  criticalCelsius: z
    .number()
    .min(0)
    .max(300)
    .default(DEFAULT_LIMITS.thermal.criticalCelsius)
    .describe('a region at or above it is an alarm by itself'),
  hysteresisCelsius: z
    .number()
    .min(0)
    .max(30)
    .default(DEFAULT_LIMITS.thermal.hysteresisCelsius)
    .describe('a pre-alarm ends this far below its limit'),
  riseCelsiusPerMinute: z
    .number()
    .min(1)
    .max(600)
    .default(DEFAULT_LIMITS.thermal.riseCelsiusPerMinute)
    .describe('a region above its limit that rises this fast is fire-like'),
  growthPixelsPerMinute: z
    .number()
    .min(0.5)
    .max(768)
    .default(DEFAULT_LIMITS.thermal.growthPixelsPerMinute)
    .describe('a region above its limit that grows this fast is fire-like'),
  flickerCelsius: z
    .number()
    .min(0.5)
    .max(200)
    .default(DEFAULT_LIMITS.thermal.flickerCelsius)
    .describe('a region above its limit that flickers this much is fire-like'),
  smokePercent: z
    .number()
    .min(0.5)
    .max(100)
    .default(DEFAULT_LIMITS.smoke.aboveIdlePercent)
    .describe('percent of full scale above the learnt idle'),
  flamePercent: z
    .number()
    .min(0.5)
    .max(100)
    .default(DEFAULT_LIMITS.flame.aboveIdlePercent)
    .describe('percent of full scale above the learnt idle, signed by polarity'),
  gasRatio: z
    .number()
    .min(0.01)
    .max(1)
    .default(DEFAULT_LIMITS.gas.ratio)
    .describe('Rs/R0 below it is an alarm'),
} as const;
const limits = z.strictObject(limitFields);

/** A zone names only the limits in which it differs: no default may fill the others in. */
const own = <T extends z.ZodType>(field: z.ZodDefault<T>) => field.unwrap().optional();
const zoneLimits = z.strictObject({
  thermalCelsius: own(limitFields.thermalCelsius),
  criticalCelsius: own(limitFields.criticalCelsius),
  hysteresisCelsius: own(limitFields.hysteresisCelsius),
  riseCelsiusPerMinute: own(limitFields.riseCelsiusPerMinute),
  growthPixelsPerMinute: own(limitFields.growthPixelsPerMinute),
  flickerCelsius: own(limitFields.flickerCelsius),
  smokePercent: own(limitFields.smokePercent),
  flamePercent: own(limitFields.flamePercent),
  gasRatio: own(limitFields.gasRatio),
});

const zoneSource = z.strictObject({
  sensor: id.describe('id of a board or sensor'),
  channel: z
    .string()
    .regex(/^[A-Za-z0-9_]{1,32}$/)
    .describe('thermal, or a channel name of the board: ADC1, ADC2, ADC3, DIO'),
  role: z
    .enum(['thermal', 'smoke', 'gas', 'flame', 'flameDigital'])
    .describe('what the channel means; decides the rule that judges it'),
  polarity: z
    .enum(['rising', 'falling'])
    .default('rising')
    .describe('whether evidence raises or lowers the reading'),
  warmUpSeconds: seconds(0, 172800)
    .default(0)
    .describe('time after power-on in which an MQ sensor is shown as warming up'),
});

const zone = z.strictObject({
  id,
  name: z.string().min(1).max(80).optional().describe('for people; the id by default'),
  sensors: z.array(zoneSource).min(1).max(64).describe('physical channels that watch this zone'),
  limits: zoneLimits.default({}).describe('where they differ from the defaults'),
  minSources: z.int().min(1).max(8).optional(),
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
    .describe('label of the GPIO chip, for example pinctrl-bcm2711'),
  line: z.int().min(0).max(1023).describe('offset on that chip, never a global number'),
  activeLow: z.boolean().default(false),
} as const;

const output = z.strictObject({
  ...line,
  role: z.enum(OUTPUT_ROLES).describe('what the line drives; faultRelay is energised when healthy'),
  pattern: z.enum(['steady', 'pulsed', 'temporalThree']).default('steady'),
});

const input = z.strictObject({
  ...line,
  role: z.enum([
    'acknowledge',
    'silence',
    'reset',
    'test',
    'manualCallPoint',
    'tamper',
    'mainsFail',
  ]),
  zone: id.nullable().default(null).describe('zone of a manual call point or tamper contact'),
  debounceMs: z.int().min(0).max(2000).default(50),
});

const broker = z.strictObject({
  id: id.describe('names the delivery position in the store: do not reuse it for another broker'),
  url: z
    .string()
    .regex(/^mqtts?:\/\/[^\s/@]+$/)
    .describe('mqtt://host:1883 or mqtts://host:8883'),
  username: z.string().optional(),
  passwordFile: z.string().optional().describe('file with the password; never the password itself'),
  caFile: z.string().optional(),
  certificateFile: z.string().optional(),
  keyFile: z.string().optional(),
  verifyServer: z.boolean().default(true).describe('false accepts any server certificate'),
  keepAliveSeconds: z.int().min(5).max(1200).default(30),
});

export const configSchema = z.strictObject({
  device: z
    .strictObject({
      id: id.default('embereye').describe('names this appliance in topics and events'),
      name: z.string().min(1).max(80).default('EmberEye edge').describe('for people'),
    })
    .prefault({}),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
  state: z
    .strictObject({
      directory: z
        .string()
        .min(1)
        .default('/var/lib/embereye')
        .describe('journal, panel snapshot, last known-good configuration'),
      runDirectory: z.string().min(1).default('/run/embereye').describe('on tmpfs: the alarm ring'),
      telemetrySeconds: seconds(1, 3600)
        .default(10)
        .describe('one reading per channel is kept this often'),
      telemetryRows: z
        .int()
        .min(100)
        .max(10_000_000)
        .default(100_000)
        .describe('kept readings; the oldest go first, and their range is told in the gap topic'),
    })
    .prefault({}),
  ingest: z
    .strictObject({
      enabled: z.boolean().default(true),
      host: z.string().min(1).default('0.0.0.0'),
      port: port.default(4888).describe('boards dial in here; 0 takes any free port'),
      maxConnections: z.int().min(1).max(2000).default(200),
      idleSeconds: seconds(5, 86_400).default(120).describe('a silent connection is closed'),
      allow: z
        .array(z.string().min(1))
        .max(256)
        .default([])
        .describe('addresses or CIDR ranges that may connect; empty: all'),
      unknownBoards: z
        .strictObject(boardQuirks)
        .prefault({})
        .describe('settings of boards that the configuration does not name'),
    })
    .prefault({}),
  boards: z.array(board).max(500).default([]).describe('sensor boards that dial in over TCP'),
  sensors: z.array(sensor).max(500).default([]).describe('sensors that this appliance reads'),
  limits: limits.prefault({}).describe('limits of all zones'),
  detection: z
    .strictObject({
      minSources: z
        .int()
        .min(1)
        .max(8)
        .default(2)
        .describe('sources that must agree where each alone would not make an alarm'),
      confirmations: z
        .int()
        .min(1)
        .max(20)
        .default(2)
        .describe('consecutive readings over the limit that make an alarm'),
      confirmSeconds: seconds(0, 60).default(0).describe('shortest time over the limit'),
      verificationSeconds: seconds(0, 60)
        .default(0)
        .describe('time to wait for a second look before an alarm'),
      budgetSeconds: seconds(1, 120)
        .default(DEFAULT_BUDGET_MS / 1000)
        .describe('crossing to output; a zone that cannot keep it is refused'),
    })
    .prefault({}),
  zones: z.array(zone).max(500).default([]).describe('areas that alarm as one'),
  gpio: z
    .strictObject({
      backend: z.enum(['simulated', 'onoff']).default('simulated'),
      mirrorDirectory: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe('simulated backend: levels are mirrored into files here'),
      outputs: z.array(output).max(32).default([]),
      inputs: z.array(input).max(32).default([]),
    })
    .prefault({}),
  uplink: z
    .strictObject({
      root: z
        .string()
        .regex(/^[A-Za-z0-9_-]{1,48}(\/[A-Za-z0-9_-]{1,48}){0,7}$/)
        .nullable()
        .default(null)
        .describe('topic root; null: embereye/v1/<device id>'),
      brokers: z.array(broker).max(4).default([]),
      embeddedBroker: z
        .strictObject({
          enabled: z.boolean().default(false),
          host: z.string().min(1).default('127.0.0.1'),
          port: port.default(1883),
        })
        .prefault({})
        .describe('a small broker inside the appliance, for the demo and for trials'),
    })
    .prefault({}),
  http: z
    .strictObject({
      host: z.string().min(1).default('0.0.0.0'),
      port: port.default(9090).describe('/metrics, /health and /ready'),
    })
    .prefault({}),
});

/** A whole, valid configuration: every default filled in. */
export type Config = z.infer<typeof configSchema>;
export type BoardConfig = Config['boards'][number];
export type ZoneConfig = Config['zones'][number];

/** Fields that an environment variable may override, as `EMBEREYE__section__key`. */
export const ENVIRONMENT_OVERRIDES = [
  'device.id',
  'device.name',
  'logLevel',
  'state.directory',
  'state.runDirectory',
  'ingest.host',
  'ingest.port',
  'http.host',
  'http.port',
  'uplink.root',
  'gpio.backend',
  'gpio.mirrorDirectory',
] as const;
