/**
 * The configuration's fields: the one place where they are named, bounded, defaulted and described.
 * The JSON Schema for editors and docs/configuration.md are generated from here.
 */
import { z } from 'zod';
import { DEFAULT_BUDGET_MS } from './alarm/plan.ts';
import {
  board,
  boardQuirks,
  box,
  id,
  input,
  limits,
  output,
  port,
  seconds,
  sensor,
  zone,
} from './config-fields.ts';
import { model } from './config-model.ts';
import { panel } from './config-panel.ts';
import { proof } from './config-proof.ts';
import { recording } from './config-recording.ts';
import { hours } from './config-regions.ts';
import { neighbours } from './config-neighbours.ts';
import { firewall, service } from './config-service.ts';
import { storeFields } from './config-store.ts';
import { update } from './config-update.ts';
import { uplink } from './config-uplink.ts';

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
      ...storeFields,
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
  hours,
  detection: z
    .strictObject({
      minSources: z
        .int()
        .min(2)
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
  model: model.prefault({}).describe('a trained model that votes on hot regions'),
  zones: z.array(zone).max(500).default([]).describe('areas that alarm as one'),
  gpio: z
    .strictObject({
      backend: z
        .enum(['cdev', 'onoff', 'simulated'])
        .default('cdev')
        .describe('cdev: the character device of every current kernel; onoff: old kernels'),
      holder: z
        .enum(['auto', 'external', 'off'])
        .nullable()
        .default(null)
        .describe(
          'process that keeps outputs through a restart and drops the fault relay; auto: started ' +
            'here, external: its own service; null: auto for real lines, off for simulated ones',
        ),
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
  uplink: uplink.prefault({}),
  update: update.prefault({}).describe('other releases of this program: docs/updates.md'),
  neighbours: neighbours.prefault({}).describe('other appliances nearby: docs/neighbours.md'),
  panel: panel.prefault({}),
  proof: proof.prefault({}).describe('proof of the alarm path: docs/proof.md'),
  box: box.prefault({}),
  recording: recording.prefault({}).describe('what it records of itself: docs/black-box.md'),
  service: service.prefault({}).describe('how it is watched as a service: docs/system.md'),
  firewall: firewall.prefault({}).describe('what the firewall lets in: docs/system.md'),
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
  'gpio.holder',
  'gpio.mirrorDirectory',
] as const;
