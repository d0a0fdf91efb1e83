/** The appliance as a service of its machine: how it is watched and what it lets in. */
import { z } from 'zod';
import { seconds } from './config-fields.ts';
import { BALENA_LOCK_FILE } from './service/update-lock.ts';

export const service = z.strictObject({
  exitAfterSeconds: seconds(5, 3600)
    .nullable()
    .default(30)
    .describe('the process ends when step or outputs have stopped for so long; null: never'),
  updateLock: z
    .strictObject({
      mode: z
        .enum(['auto', 'on', 'off'])
        .default('auto')
        .describe('auto: where the folder of the file is there, or on balena'),
      file: z
        .string()
        .startsWith('/')
        .default(BALENA_LOCK_FILE)
        .describe('held while nobody may be disturbed: docs/containers.md'),
    })
    .prefault({}),
});

const network = z.string().regex(/^[0-9a-fA-F:.]+(\/\d{1,3})?$/);

export const firewall = z.strictObject({
  ssh: z.boolean().default(true).describe('lets ssh in'),
  sshPort: z.int().min(1).max(65535).default(22),
  sshFrom: z
    .array(network)
    .max(64)
    .default([])
    .describe('addresses or networks that may; empty: all'),
  httpFrom: z
    .array(network)
    .max(64)
    .default([])
    .describe('who may ask http.port where it is not bound to the loopback; empty: all'),
  brokerFrom: z
    .array(network)
    .max(64)
    .default([])
    .describe('who may use the embedded broker where it is not bound to the loopback; empty: all'),
});
