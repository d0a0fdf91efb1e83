/** What is told to others besides the contract's own topics: Home Assistant, Sparkplug B. */
import { z } from 'zod';
import { id } from './config-fields.ts';

const level = z.string().regex(/^[A-Za-z0-9_-]{1,48}$/);

export const homeAssistant = z.strictObject({
  enabled: z.boolean().default(false),
  prefix: level.default('homeassistant').describe('discovery prefix, as set in Home Assistant'),
  broker: id.nullable().default(null).describe('the only broker to tell; null: all of them'),
  buttons: z
    .boolean()
    .default(false)
    .describe('offers acknowledge, silence and reset, where commands need no key'),
  valueSeconds: z
    .number()
    .min(1)
    .max(3600)
    .default(30)
    .describe('the state topic is published at least this often, so that values are fresh'),
});

export const sparkplug = z.strictObject({
  enabled: z.boolean().default(false),
  broker: id
    .nullable()
    .default(null)
    .describe('an entry of uplink.brokers, to which it connects besides; null: the first'),
  group: level.default('EmberEye').describe('group id of all topics'),
  node: level.nullable().default(null).describe('edge node id; null: the device id'),
  valueSeconds: z
    .number()
    .min(1)
    .max(3600)
    .default(10)
    .describe('values that have changed are sent this often'),
});
