/**
 * `npm run sim -- --seed N --hours H [--seeds K] [--only EPISODES] [--verbose]`: simulates the
 * appliance in virtual time. Exit code 0: every invariant held; 1: one did not; 2: wrong usage.
 */
import { parseArgs } from 'node:util';
import { EPISODES, type EpisodeName } from './faults.ts';
import { INVARIANT_IDS, INVARIANTS, nothingYet } from './invariants.ts';
import { type SimulationResult, simulate } from './simulation.ts';

const USAGE =
  'usage: npm run sim -- [--seed N] [--hours H] [--seeds K] [--only EPISODE,...] [--verbose]';

function isEpisode(name: string): name is EpisodeName {
  return name in EPISODES;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function clockText(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

interface RunOptions {
  readonly verbose: boolean;
  /** Empty: all of them. */
  readonly only: readonly EpisodeName[];
}

async function runOne(
  seed: number,
  hours: number,
  { verbose, only }: RunOptions,
): Promise<SimulationResult> {
  const startedMs = performance.now();
  const result = await simulate({
    seed,
    hours,
    ...(only.length > 0 ? { episodes: only } : {}),
    onEpisode: (name, room, atMs) => {
      if (verbose) print(`  ${clockText(atMs)} ${name} in ${room}`);
    },
  });
  const seconds = (performance.now() - startedMs) / 1000;
  const { violations, virtualHours, events, delivered, duplicates, deaths, hash } = result;
  const died = Object.entries(deaths)
    .map(([point, times]) => `${point} ${times}`)
    .join(', ');
  print(
    `seed ${seed}: ${virtualHours.toFixed(2)} h in ${seconds.toFixed(1)} s ` +
      `(${(virtualHours / seconds).toFixed(2)} virtual h per s), ${events} events, ` +
      `${delivered} delivered, ${duplicates} duplicates, ${violations.length} violations, ` +
      `hash ${hash.slice(0, 16)}`,
  );
  if (verbose) print(`  deaths: ${died}`);
  for (const { id, atMs, detail } of violations.slice(0, verbose ? 200 : 10)) {
    print(`  ${clockText(atMs)} ${id}: ${detail}`);
  }
  return result;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string', default: '1' },
      hours: { type: 'string', default: '1' },
      seeds: { type: 'string', default: '1' },
      only: { type: 'string', default: '' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    print(USAGE);
    return 0;
  }
  const [seed, hours, seeds] = [Number(values.seed), Number(values.hours), Number(values.seeds)];
  const only = values.only.split(',').filter((name) => name !== '');
  const isKnown = only.every(isEpisode);
  if (
    !isKnown ||
    !Number.isInteger(seed) ||
    !(hours > 0) ||
    !Number.isInteger(seeds) ||
    seeds < 1
  ) {
    print(USAGE);
    return 2;
  }
  const totals = nothingYet();
  let failed = 0;
  for (let at = seed; at < seed + seeds; at++) {
    const { exercised, violations } = await runOne(at, hours, {
      verbose: values.verbose,
      only: only.filter(isEpisode),
    });
    for (const id of INVARIANT_IDS) totals[id] += exercised[id];
    if (violations.length === 0) continue;
    failed += 1;
    print(`  replay: npm run sim -- --seed ${at} --hours ${hours} --verbose`);
  }
  print('exercised:');
  for (const id of INVARIANT_IDS) {
    print(`  ${String(totals[id]).padStart(8)} ${id}: ${INVARIANTS[id]}`);
  }
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : 'failed'}\n`);
  process.exitCode = 2;
}
