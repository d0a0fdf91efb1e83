/** The command line of the commands to a running appliance. */
import type { Command } from 'commander';
import { oneOf } from '../commands/arguments.ts';
import { duration } from '../commands/duration.ts';
import type { ControlDeps, ControlOptions, Order } from '../commands/control.ts';
import { runOrder, runStatus } from '../commands/control.ts';
import { EXIT } from '../commands/exit-codes.ts';
import { DEFAULT_CONFIG_FILE } from '../commands/run.ts';
import { PLAN_CHECKS } from '../plan.ts';
import type { CliWorld } from './world.ts';

/** What of the command line's world these commands use. */
export type ControlWorld = Pick<
  CliWorld,
  'io' | 'clock' | 'random' | 'environment' | 'command' | 'checked' | 'exitWith'
>;

const TARGETS = ['zone', 'sensor', 'output'] as const;
type Target = (typeof TARGETS)[number];

type Common = ControlOptions;
type Timed = Common & { readonly for: number };

type Add = (name: string, summary: string) => Command;
type Give = (what: Order, options: Common) => Promise<void>;

/** Adds every command of operators and installers. */
export function addControlCommands(world: ControlWorld): void {
  const { io, clock, random, environment, exitWith } = world;
  const deps: ControlDeps = {
    ...{ io, clock, random, environment },
    checks: PLAN_CHECKS,
    defaultConfig: DEFAULT_CONFIG_FILE,
    user: environment['USER'] ?? null,
  };
  const command: Add = (name, summary) => withCommon(world.command(name, summary));
  const give: Give = (what, options) => exitWith(() => runOrder(what, options, deps));
  command('status', 'what a running appliance shows: condition, zones, faults, outputs').action(
    (options: Common) => exitWith(() => runStatus(options, deps)),
  );
  addAtOnce(command, give);
  addLimited(world, command, give);
}

function addAtOnce(command: Add, give: Give): void {
  const ofZones = (kind: 'acknowledge' | 'reset' | 'prove', to: Command): Command =>
    to
      .argument('[zone]', 'id of a zone; all of them by default')
      .action((zone: string | undefined, options: Common) =>
        give({ kind, zone: zone ?? 'all' }, options),
      );
  const ack = command('ack', 'acknowledge: somebody has seen it; quiets the buzzer');
  ofZones('acknowledge', ack);
  const reset = command('reset', 'back to normal where the cause is gone; else it alarms again');
  ofZones('reset', reset);
  const prove = command('prove', 'prove the way from sensor to outputs with a synthetic fire');
  ofZones('prove', prove);
  command('silence', 'stop the siren until something new happens').action((options: Common) =>
    give({ kind: 'silence' }, options),
  );
  command('sound', 'sound now: ends the wait of delayed outputs, and silence').action(
    (options: Common) => give({ kind: 'sound' }, options),
  );
  command('approve-background', 'the scene of an array is right as it is now')
    .argument('<sensor>', 'its id')
    .action((sensor: string, options: Common) =>
      give({ kind: 'approveBackground', sensor }, options),
    );
}

function addLimited({ io, checked, exitWith }: ControlWorld, command: Add, give: Give): void {
  command('disable', 'take a zone, a sensor or an output out of service for a limited time')
    .argument('<what>', TARGETS.join(', '), checked(oneOf(TARGETS)))
    .argument('<id>', 'its id')
    .requiredOption('--for <time>', 'such as 90s, 30m or 2h', checked(duration))
    .action((what: Target, id: string, options: Timed) =>
      give({ ...disabling('disable', what, id), forMs: options.for }, options),
    );
  command('enable', 'end a disablement, or the walk test of a zone, before its time')
    .argument('<what>', TARGETS.join(', '), checked(oneOf(TARGETS)))
    .argument('<id>', 'its id')
    .action((what: Target, id: string, options: Common) =>
      give(disabling('enable', what, id), options),
    );
  command('test', 'walk test of a zone: activations are told, and sound nothing')
    .argument('<what>', 'zone', checked(oneOf(['zone'])))
    .argument('<id>', 'its id')
    .requiredOption('--for <time>', 'such as 15m', checked(duration))
    .action((_: string, zone: string, options: Timed) =>
      give({ kind: 'test', zone, forMs: options.for }, options),
    );
  command('maintenance', 'hold siren, strobe and alarm relay off while people work on the site')
    .option('--for <time>', 'such as 1h; again to renew it', checked(duration))
    .option('--end', 'end it now: whatever is in alarm sounds', false)
    .action((options: Common & { readonly for?: number; readonly end: boolean }) => {
      const { for: forMs, end } = options;
      if (end === (forMs !== undefined)) {
        return exitWith(() => {
          io.err('maintenance: write either --for TIME or --end');
          return EXIT.usage;
        });
      }
      return give(
        forMs === undefined ? { kind: 'endMaintenance' } : { kind: 'maintenance', forMs },
        options,
      );
    });
}

function disabling(verb: 'disable' | 'enable', what: Target, id: string): Order {
  switch (what) {
    case 'zone':
      return { kind: verb, zone: id };
    case 'sensor':
      return { kind: `${verb}Sensor`, sensor: id };
    case 'output':
      return { kind: `${verb}Output`, output: id };
  }
}

function withCommon(command: Command): Command {
  return command
    .option('--config <file>', 'configuration of the appliance, to find it')
    .option('--run-directory <folder>', 'its state.runDirectory (default: /run/embereye)')
    .option('--json', 'print the answer as JSON', false);
}
