/** Where events go: brokers, topics, and what comes with them. */
import { z } from 'zod';
import { commands } from './config-commands.ts';
import { acknowledgement } from './config-custody.ts';
import { homeAssistant, sparkplug } from './config-discovery.ts';
import { id, port } from './config-fields.ts';

const file = z.string().min(1).optional();

/** How one address is reached; of a broker, and of each of its alternatives. */
const way = {
  url: z
    .string()
    .regex(/^mqtts?:\/\/[^\s/@]+$/)
    .describe('mqtt://host:1883 or mqtts://host:8883'),
  serverName: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .describe('name that the TLS handshake asks for and checks, where it is not the host in url'),
  alpn: z
    .array(z.string().min(1).max(255))
    .max(8)
    .optional()
    .describe('protocols offered on a shared port, such as mqtt or x-amzn-mqtt-ca on 443'),
  username: z.string().optional(),
  usernameFile: file.describe('file with the user name, in place of username'),
  passwordFile: file.describe('file with the password; never the password itself'),
  tokenFile: file.describe('file with a token (a JWT) that is sent as the password'),
  caFile: file.describe('authorities that may sign the certificate of the server; PEM'),
  certificateFile: file.describe('certificate of this appliance, where the broker wants one; PEM'),
  keyFile: file.describe('key of that certificate; PEM'),
  keyPassphraseFile: file.describe('file with the passphrase of keyFile, where it is encrypted'),
} as const;

const alternative = z.strictObject({
  ...way,
  verifyServer: z.boolean().optional().describe('left out: as for the first address'),
});

export const broker = z.strictObject({
  id: id.describe('names the delivery position in the store: do not reuse it for another broker'),
  ...way,
  verifyServer: z.boolean().default(true).describe('false accepts any server certificate'),
  alternatives: z
    .array(alternative)
    .max(4)
    .default([])
    .describe('other addresses of the same destination, tried in order: docs/uplink.md'),
  failBack: z
    .strictObject({
      afterSeconds: z
        .number()
        .min(10)
        .max(86_400)
        .default(120)
        .describe('the first address must answer for so long before it is used again'),
      probe: z
        .enum(['connect', 'handshake'])
        .default('connect')
        .describe('connect: logs in under another client id; handshake: TCP and TLS only'),
    })
    .prefault({})
    .describe('going back to the first address'),
  onlyEscalated: z
    .boolean()
    .default(false)
    .describe('gets only alarms that no central server confirmed in time: docs/custody.md'),
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
  commands,
  acknowledgement: acknowledgement.prefault({}).describe('confirmation by central servers'),
  homeAssistant: homeAssistant.prefault({}).describe('discovery: docs/home-assistant.md'),
  sparkplug: sparkplug.prefault({}).describe('Sparkplug B besides JSON: docs/sparkplug.md'),
  replayPerSecond: z
    .int()
    .min(1)
    .max(1_000_000)
    .nullable()
    .default(250)
    .describe('messages of a backlog per second, alarms excepted; null: as fast as brokers answer'),
  embeddedBroker: z
    .strictObject({
      enabled: z.boolean().default(false),
      host: z.string().min(1).default('127.0.0.1'),
      port: port.default(1883),
    })
    .prefault({})
    .describe('a small broker inside the appliance, for the demo and for trials'),
});
