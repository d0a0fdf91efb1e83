/** Where events go: brokers, topics, and what comes with them. */
import { z } from 'zod';
import { id, port } from './config-fields.ts';

export const broker = z.strictObject({
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

export const uplink = z.strictObject({
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
});
