/**
 * `npm run test:fleet [-- --appliances 200 --storm 240 --rate 1 --rounds 1 --consumers 3
 * --stream mqtt|own --keep --json]`: a cluster of three NATS servers, appliances' real uplinks,
 * PostgreSQL and consumers; nodes and consumers are killed and nodes cut off during a storm of
 * alarms. Exit code 1 when an event is missing, doubled or invented.
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { hasPostgres } from '../central/postgres.ts';
import { type FleetOptions, fleetOptions } from './options.ts';
import { reportOf } from './report.ts';
import { runFleet } from './run.ts';
import { programOf } from './tools.ts';
import { runWorker } from './worker.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);
const here = path.dirname(fileURLToPath(import.meta.url));

function optionsOrExit(): FleetOptions {
  try {
    return fleetOptions(process.argv.slice(2));
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    process.exit(2);
  }
}

async function run(): Promise<void> {
  const options = optionsOrExit();
  if (programOf('nats-server') === null || !hasPostgres) {
    say('test:fleet needs nats-server and postgresql: apt-get install nats-server postgresql');
    process.exitCode = 2;
    return;
  }
  const programs = {
    fleet: fileURLToPath(import.meta.url),
    writer: path.join(here, 'store-writer.js'),
    central: path.join(here, 'central-main.js'),
  };
  const result = await runFleet(options, programs, say);
  process.stdout.write(options.json ? `${JSON.stringify(result)}\n` : reportOf(result));
  process.exitCode = result.ok ? 0 : 1;
}

if (process.argv[2] === 'worker') runWorker();
else await run();
