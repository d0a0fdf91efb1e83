/** `node main.js --help` */
import { Batcher } from './batcher.ts';
import { checkForEver, checkOnce } from './check.ts';
import { Database } from './database.ts';
import { type Counters, type Delivery, Intake } from './intake.ts';
import { JetStreamSource, setUpJetStream } from './jetstream.ts';
import { lineLog, type Log, pause, wordsOf } from './log.ts';
import { MqttSource } from './mqtt.ts';
import { type Options, readOptions, USAGE, UsageError } from './options.ts';
import type { Login, Source } from './source.ts';

/** A stop that takes longer is cut short: what was not acknowledged comes again. */
const STOP_WITHIN_MS = 15_000;
const KEEP_ALIVE_SECONDS = 10;
const SCHEMA_FILES = ['schema.sql', '../schema.sql', '../central/schema.sql'];

function jetStreamOf(options: Options, login: Login) {
  const { servers, url, stream, durable, prefix, name, batch } = options;
  const tls = url.protocol === 'tls:';
  return { servers, tls, login, stream, durable, prefix, name, window: batch * 2 };
}

function sourceOf(options: Options, login: Login, log: Log): Source {
  const { url, name, group, prefix, batch, sessionExpirySeconds } = options;
  if (!url.protocol.startsWith('mqtt')) {
    return new JetStreamSource(jetStreamOf(options, login), log);
  }
  const tls = url.protocol === 'mqtts:';
  return new MqttSource(
    {
      host: url.hostname,
      port: url.port === '' ? (tls ? 8883 : 1883) : Number(url.port),
      clientId: `${group}-${name}`,
      window: Math.min(batch * 2, 65_535),
      keepAliveSeconds: KEEP_ALIVE_SECONDS,
      ...{ tls, login, group, prefix, sessionExpirySeconds },
    },
    log,
  );
}

async function setUp(options: Options, login: Login, database: Database, log: Log) {
  const { existsSync } = await import('node:fs');
  const files = SCHEMA_FILES.map((name) => new URL(name, import.meta.url));
  const schema = files.find((file) => existsSync(file));
  if (schema === undefined) throw new UsageError('schema.sql is not beside the program');
  await database.setUp(schema);
  log('info', 'tables are there');
  if (options.url.protocol.startsWith('mqtt')) return;
  const { replicas, maxAgeDays } = options;
  await setUpJetStream({ ...jetStreamOf(options, login), replicas, maxAgeDays }, log);
}

async function run(options: Options, login: Login, database: Database, log: Log) {
  const stop = new AbortController();
  const { signal } = stop;
  const source = sourceOf(options, login, log);
  const intake = new Intake(
    { prefix: options.prefix, acks: options.acks, name: options.name, ...RETRY },
    { store: database, publish: (...message) => source.publish(...message), log, signal },
  );
  let heardAtMs = performance.now();
  const batcher = new Batcher<Delivery>({
    size: options.batch,
    waitMs: options.batchWaitMs,
    flush: (batch) => intake.take(batch),
  });
  const ask = (reason: string): void => {
    log('info', 'stopping', { reason });
    stop.abort();
    setTimeout(() => {
      log('error', 'not stopped in time: what was not acknowledged comes again');
      process.exit(1);
    }, STOP_WITHIN_MS).unref();
  };
  process.once('SIGTERM', () => ask('SIGTERM'));
  process.once('SIGINT', () => ask('SIGINT'));
  const checking = checkForEver(
    database,
    { everyMs: options.checkEveryMs, tellAfterMs: options.tellAfterMs },
    log,
    signal,
  );
  const telling = tellForEver(intake.counters, options, signal);
  if (options.once) void stopWhenIdle(() => heardAtMs, batcher, options.idleMs, signal, ask);
  await source.run((delivery) => {
    heardAtMs = performance.now();
    return batcher.push(delivery);
  }, signal);
  await batcher.drain();
  await source.close();
  await Promise.all([checking, telling]);
  if (options.once) await checkOnce(database, { everyMs: 0, tellAfterMs: 0 }, log);
}

const RETRY = { retryMinMs: 250, retryMaxMs: 10_000 };

async function stopWhenIdle(
  heardAtMs: () => number,
  batcher: Batcher<Delivery>,
  idleMs: number,
  signal: AbortSignal,
  ask: (reason: string) => void,
): Promise<void> {
  while (!signal.aborted && (performance.now() - heardAtMs() < idleMs || !batcher.isIdle)) {
    await pause(50, signal);
  }
  if (!signal.aborted) ask('nothing more came');
}

async function tellForEver(
  counters: Counters,
  { statsEveryMs, name }: Options,
  signal: AbortSignal,
) {
  const tell = (): void => {
    const residentBytes = process.memoryUsage.rss();
    process.stdout.write(`${JSON.stringify({ name, ...counters, residentBytes })}\n`);
  };
  while (statsEveryMs > 0 && !signal.aborted) {
    await pause(statsEveryMs, signal);
    tell();
  }
}

async function main(): Promise<number> {
  if (process.argv.includes('--help')) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { env } = process;
  const options = readOptions(process.argv.slice(2), env);
  const { name, ca, cert, key } = options;
  const login = {
    user: env['CENTRAL_USER'] ?? null,
    password: env['CENTRAL_PASSWORD'] ?? null,
    ...{ ca, cert, key },
  };
  const log = lineLog(name, (line) => void process.stderr.write(line));
  const database = new Database(options.database, name, (error) =>
    log('warn', 'an idle connection to the database ended', { reason: error.message }),
  );
  try {
    await (options.setUp ? setUp : run)(options, login, database, log);
  } finally {
    await database.close();
  }
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  const hint = error instanceof UsageError ? '; see --help' : '';
  process.stderr.write(`central: ${wordsOf(error)}${hint}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
