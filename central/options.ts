/** The command line: everything that an instance is told. */
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { isPrefix } from './topics.ts';

export interface Options {
  readonly url: URL;
  /** Of `url`: all nodes of a NATS cluster. */
  readonly servers: readonly string[];
  readonly database: string;
  readonly prefix: string;
  readonly name: string;
  readonly stream: string;
  readonly durable: string;
  readonly group: string;
  readonly batch: number;
  readonly batchWaitMs: number;
  readonly sessionExpirySeconds: number;
  readonly acks: 'alarm' | 'all' | 'none';
  readonly tellAfterMs: number;
  readonly checkEveryMs: number;
  readonly statsEveryMs: number;
  readonly setUp: boolean;
  readonly replicas: number;
  readonly maxAgeDays: number;
  readonly once: boolean;
  readonly idleMs: number;
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export const USAGE = `\
Stores what EmberEye appliances publish in PostgreSQL, and acknowledges alarms.

  node main.js --url nats://a:4222,b:4222,c:4222 [options]
  node main.js --url mqtt://broker:1883 --name central-1 [options]

  --url               nats:// or tls:// and nodes of a cluster; mqtt:// or mqtts:// and a broker
  --database          postgres://user@host/name       (default: CENTRAL_DATABASE)
  --name              of this instance, its own       (default: the host's name)
  --prefix            before the device id            (default: embereye/v1)
  --stream --durable  what instances share on NATS    (default: $MQTT_msgs, embereye-central)
  --group             what instances share by MQTT    (default: embereye-central)
  --batch             messages in a transaction       (default: 500)
  --batch-wait-ms     longest wait for company        (default: 20)
  --session-expiry-s  how long a broker keeps ours    (default: 604800)
  --acks              alarm, all or none              (default: alarm)
  --tell-after-ms     a missing number is told after  (default: 60000)
  --check-every-ms    numbers are looked through      (default: 5000)
  --stats-every-ms    a line of numbers; 0: never     (default: 60000)
  --ca --cert --key   PEM files for TLS
  --setup             make tables, stream and durable, and end
  --replicas --max-age-days  of a stream of our own   (default: 3, 30)
  --once              end when nothing has come for --idle-ms (default: 2000)

User and password of the broker: CENTRAL_USER, CENTRAL_PASSWORD. Of the database: PGPASSWORD.
`;

const TEXTS = {
  ...{ url: '', database: '', name: '', prefix: 'embereye/v1', stream: '$MQTT_msgs' },
  ...{ durable: 'embereye-central', group: 'embereye-central', acks: 'alarm' },
  ...{ ca: '', cert: '', key: '' },
};
const NUMBERS = {
  batch: { least: 1, most: 10_000, otherwise: 500 },
  'batch-wait-ms': { least: 0, most: 60_000, otherwise: 20 },
  'session-expiry-s': { least: 1, most: 0xffff_fffe, otherwise: 604_800 },
  'tell-after-ms': { least: 0, most: 86_400_000, otherwise: 60_000 },
  'check-every-ms': { least: 10, most: 3_600_000, otherwise: 5000 },
  'stats-every-ms': { least: 0, most: 86_400_000, otherwise: 60_000 },
  replicas: { least: 1, most: 5, otherwise: 3 },
  'max-age-days': { least: 1, most: 3650, otherwise: 30 },
  'idle-ms': { least: 100, most: 3_600_000, otherwise: 2000 },
} as const;
const FLAGS = ['setup', 'once'] as const;

export class UsageError extends Error {}

/** @throws UsageError with a remedy. */
export function readOptions(
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Options {
  const values = parse(args);
  const text = (name: keyof typeof TEXTS): string => values.get(name) ?? TEXTS[name];
  const number = (name: keyof typeof NUMBERS): number => numberOf(name, values.get(name));
  const { url, servers } = urlOf(text('url'));
  const database = text('database') || (environment['CENTRAL_DATABASE'] ?? '');
  if (database === '') throw new UsageError('--database: write postgres://user@host/name');
  if (!isPrefix(text('prefix'))) {
    throw new UsageError(`--prefix ${text('prefix')}: write levels of letters, digits, _ and -`);
  }
  const name = text('name') || hostname().replaceAll(/[^A-Za-z0-9_-]/g, '-');
  for (const [flag, value] of Object.entries({ name, ...shared(text) })) {
    if (/^[$A-Za-z0-9_-]{1,60}$/.test(value)) continue;
    throw new UsageError(`--${flag} ${value}: use 1..60 letters, digits, _ and -`);
  }
  return {
    ...{ url, servers, database, prefix: text('prefix'), name, ...shared(text) },
    batch: number('batch'),
    batchWaitMs: number('batch-wait-ms'),
    sessionExpirySeconds: number('session-expiry-s'),
    acks: acksOf(text('acks')),
    tellAfterMs: number('tell-after-ms'),
    checkEveryMs: number('check-every-ms'),
    statsEveryMs: number('stats-every-ms'),
    setUp: values.has('setup'),
    replicas: number('replicas'),
    maxAgeDays: number('max-age-days'),
    once: values.has('once'),
    idleMs: number('idle-ms'),
    ca: text('ca') || null,
    cert: text('cert') || null,
    key: text('key') || null,
  };
}

function parse(args: readonly string[]): ReadonlyMap<string, string> {
  const texts = [...Object.keys(TEXTS), ...Object.keys(NUMBERS)];
  const options: Record<string, { type: 'string' | 'boolean' }> = {};
  for (const name of texts) options[name] = { type: 'string' };
  for (const name of FLAGS) options[name] = { type: 'boolean' };
  try {
    const { values } = parseArgs({ args: [...args], options, allowPositionals: false });
    return new Map(Object.entries(values).map(([name, value]) => [name, String(value)]));
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function shared(text: (name: 'stream' | 'durable' | 'group') => string) {
  return { stream: text('stream'), durable: text('durable'), group: text('group') };
}

function urlOf(text: string): { url: URL; servers: string[] } {
  const [, scheme = '', hosts = ''] = /^(nats|tls|mqtts?):\/\/([^\s/@]+)$/.exec(text) ?? [];
  const servers = hosts.split(',');
  if (scheme === '' || servers.includes('')) {
    throw new UsageError(`--url ${text}: write nats://host:4222,host:4222 or mqtt://host:1883`);
  }
  if (scheme.startsWith('mqtt') && servers.length > 1) {
    throw new UsageError('--url: one MQTT broker, or the address of a balancer before several');
  }
  return { url: new URL(`${scheme}://${servers[0] ?? ''}`), servers };
}

function numberOf(name: keyof typeof NUMBERS, text: string | undefined): number {
  const { least, most, otherwise } = NUMBERS[name];
  const value = text === undefined ? otherwise : Number(text);
  if (text !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
  throw new UsageError(`--${name} ${text ?? ''}: write a whole number from ${least} to ${most}`);
}

function acksOf(text: string): Options['acks'] {
  if (text === 'alarm' || text === 'all' || text === 'none') return text;
  throw new UsageError(`--acks ${text}: write alarm, all or none`);
}
