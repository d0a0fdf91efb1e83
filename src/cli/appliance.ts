/** Commands about an appliance: run it, check it, watch it. */
import { certificateNotes } from '../certificate-notes.ts';
import { runCheckConfig } from '../commands/check-config.ts';
import { runCoverage } from '../commands/coverage.ts';
import type { DoctorArguments } from '../commands/doctor-cli.ts';
import { doctorHere } from '../commands/doctor-cli.ts';
import { runAppliance } from '../commands/run.ts';
import { runWatch } from '../commands/watch.ts';
import { createLog } from '../log.ts';
import { PLAN_CHECKS } from '../plan.ts';
import type { CliWorld } from './world.ts';
import { boardIo } from './world.ts';

/** Adds `run`, `check-config`, `coverage`, `doctor` and `watch`. */
export function addApplianceCommands(world: CliWorld): void {
  addRun(world);
  addChecks(world);
  const { command, exitWith } = world;
  command('watch', 'subscribe to an appliance and print what it publishes, one JSON line each')
    .requiredOption('--broker <url>', 'mqtt://host:port')
    .option('--filter <topic>', 'topic filter', 'embereye/v1/+/event/#')
    .action((options: { broker: string; filter: string }) =>
      exitWith(() => runWatch(options, boardIo(world))),
    );
}

function addRun(world: CliWorld): void {
  const { io, clock, random, version, environment, programs } = world;
  world
    .command('run', 'run the appliance')
    .option('--config <file>', 'configuration (default: /etc/embereye/appliance.yaml)')
    .option('--simulate', 'simulated GPIO, whatever the configuration says', false)
    .action((options: { config?: string; simulate: boolean }) =>
      world.exitWith(() =>
        runAppliance(
          { config: options.config ?? null, simulate: options.simulate },
          {
            ...{ io, clock, random, version, environment, programs },
            makeLog: (level) => createLog(clock, level),
            residentBytes: () => world.residentBytes(),
            untilStopped: world.untilSignalled(),
          },
        ),
      ),
    );
}

function addChecks({
  command,
  exitWith,
  io,
  clock,
  random,
  environment,
  programs,
}: CliWorld): void {
  command('check-config', 'check a configuration file; exit code 3 when it has problems')
    .argument('<file>', 'configuration file')
    .option('--json', 'print the result as JSON', false)
    .action((file: string, options: { json: boolean }) =>
      exitWith(() =>
        runCheckConfig(file, options, environment, PLAN_CHECKS, io, (config) =>
          certificateNotes(config, clock.wallMs()),
        ),
      ),
    );
  command('coverage', 'the smallest fire that each area of each thermal array can tell')
    .argument('<file>', 'configuration file')
    .option('--json', 'print the report as JSON', false)
    .action((file: string, options: { json: boolean }) =>
      exitWith(() => runCoverage(file, options, environment, PLAN_CHECKS, io)),
    );
  command('doctor', 'what this machine has, what of it works, and what mends the rest')
    .argument('[file]', 'configuration (default: /etc/embereye/appliance.yaml where there is one)')
    .option('--config <file>', 'the same')
    .option('--json', 'print the findings as JSON', false)
    .option('--outputs', 'pulse each configured output, one after another', false)
    .option('--yes', 'pulse without asking', false)
    .action((file: string | undefined, options: DoctorArguments) =>
      exitWith(() => doctorHere(file, options, { io, clock, random, environment, programs })),
    );
}
