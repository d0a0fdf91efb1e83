/** Other appliances on the same network that watch this one, and are watched by it. */
import { z } from 'zod';
import { id, port, seconds } from './config-fields.ts';

const DEFAULT_PORT = 4890;

export const neighbours = z.strictObject({
  enabled: z.boolean().default(false),
  keyFile: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('file with the key of the site, 32 bytes or more, the same on all appliances'),
  host: z.string().min(1).default('0.0.0.0').describe('address to listen at'),
  port: port.default(DEFAULT_PORT).describe('UDP'),
  helloSeconds: seconds(0.2, 60).default(2).describe('time between two words to each neighbour'),
  silentSeconds: seconds(1, 600)
    .default(30)
    .describe('a neighbour that is not heard for this long is told as silent'),
  peers: z
    .array(
      z.strictObject({
        id: id.describe('device id of the other appliance'),
        host: z.string().min(1),
        port: z.int().min(1).max(65535).default(DEFAULT_PORT),
      }),
    )
    .max(32)
    .default([]),
});
