/** Who may command over MQTT, and whether the configuration may be changed from there. */
import { z } from 'zod';
import { id, seconds } from './config-fields.ts';
import { ACCESS_LEVELS } from './domain/command.ts';

const level = z.enum(ACCESS_LEVELS).describe('what its holder may do: docs/panel.md');
const file = z.string().min(1);
const key = z.discriminatedUnion('algorithm', [
  z.strictObject({
    algorithm: z.literal('ed25519'),
    id: id.describe('names the key in commands and in the journal'),
    level,
    publicKeyFile: file.describe('PEM; the private key stays at the central server'),
  }),
  z.strictObject({
    algorithm: z.literal('hmacSha256'),
    id,
    level,
    secretFile: file.describe('the shared secret, at least 32 bytes'),
  }),
  z.strictObject({
    algorithm: z.literal('token'),
    id,
    level,
    tokenFile: file.describe('a word of at least 16 characters that comes with each command'),
  }),
]);

/** What may not be changed from afar unless the configuration says otherwise. */
export const PROTECTED_BY_DEFAULT = [
  'device.id',
  'state.directory',
  'state.runDirectory',
  'gpio.backend',
  'gpio.holder',
  'gpio.outputs',
  'panel.control',
  'uplink.root',
  'update',
  'firewall',
  'uplink.commands',
  'uplink.brokers[].username',
  'uplink.brokers[].passwordFile',
  'uplink.brokers[].caFile',
  'uplink.brokers[].certificateFile',
  'uplink.brokers[].keyFile',
  'uplink.brokers[].verifyServer',
] as const;

const configure = z
  .strictObject({
    enabled: z.boolean().default(false).describe('accept `configure`: docs/commands.md'),
    probationSeconds: seconds(5, 3600)
      .default(120)
      .describe('time in which a new configuration must prove itself, else it is reverted'),
    steadySeconds: seconds(1, 600)
      .default(20)
      .describe('it is kept once it has been well for so long without a break'),
    confirm: z
      .boolean()
      .default(false)
      .describe('keep it only if the central server confirms it too'),
    protect: z
      .array(z.string().regex(/^[A-Za-z]+(\.[A-Za-z]+|\[\])*$/))
      .max(64)
      .default([...PROTECTED_BY_DEFAULT])
      .describe('fields that may not be changed from afar, with all below them'),
  })
  .prefault({});

export const commands = z
  .strictObject({
    level: z
      .enum(ACCESS_LEVELS)
      .default('operator')
      .describe('of commands that carry no key: whoever may publish them at the broker'),
    require: z
      .enum(['none', 'token', 'signature'])
      .default('none')
      .describe('what a command must carry; token: a token or a signature'),
    keys: z.array(key).max(16).default([]).describe('who signs commands, or sends a token'),
    windowSeconds: seconds(5, 300)
      .default(60)
      .describe('a signed command is valid for so long at most after it was issued'),
    responseTopics: z
      .array(z.string().regex(/^[^+#\0]{1,200}$/))
      .max(16)
      .default([])
      .describe('where answers may go besides <root>/response'),
    configure,
  })
  .prefault({})
  .describe('commands to this appliance: docs/commands.md');

export type CommandKey = z.infer<typeof key>;
export type CommandSettings = z.infer<typeof commands>;
