/** `config` and `command`: configurations from afar, and commands as centres sign them. */
import { existsSync } from 'node:fs';
import { number } from '../commands/arguments.ts';
import { readConfig } from '../commands/check-config.ts';
import type { SignOptions } from '../commands/command-sign.ts';
import { runCommandSign } from '../commands/command-sign.ts';
import { runConfigHistory, runConfigShow } from '../commands/config-history.ts';
import type { ControlOptions } from '../commands/control.ts';
import { runRequest } from '../commands/control.ts';
import type { ExitCode } from '../commands/exit-codes.ts';
import { EXIT } from '../commands/exit-codes.ts';
import { DEFAULT_CONFIG_FILE } from '../commands/run.ts';
import { problemText } from '../config-problems.ts';
import { configSchema } from '../config-schema.ts';
import { SERVICE_ACCESS } from '../domain/command-service.ts';
import { PLAN_CHECKS } from '../plan.ts';
import type { CliWorld } from './world.ts';

interface Where {
  readonly stateDirectory?: string;
  readonly config?: string;
}

/** Adds `config history`, `show` and `rollback`, and `command sign`. */
export function addConfigCommands(world: CliWorld): void {
  const { command, exitWith, io, clock, random, environment } = world;
  const config = command('config', 'configurations that came from afar: history, show, rollback');
  const stored = (usage: string, summary: string) =>
    config
      .command(usage)
      .description(summary)
      .option('--state-directory <folder>', 'state.directory of the appliance')
      .option('--config <file>', 'configuration of the appliance, to find it');
  stored('history', 'the last ten, newest first; * marks what runs instead of the file')
    .option('--json', 'JSON lines', false)
    .action((options: Where & { json: boolean }) =>
      exitWith(() => inState(world, options, (folder) => runConfigHistory(folder, options, io))),
    );
  stored('show [hash]', 'the text of one of them; by default of what runs').action(
    (hash: string | undefined, options: Where) =>
      exitWith(() => inState(world, options, (folder) => runConfigShow(folder, hash ?? null, io))),
  );
  config
    .command('rollback <hash>')
    .description('run one of the history again, on probation')
    .option('--config <file>', 'configuration of the appliance, to find it')
    .option('--run-directory <folder>', 'its state.runDirectory (default: /run/embereye)')
    .option('--json', 'print the answer as JSON', false)
    .action((hash: string, options: ControlOptions) =>
      exitWith(() =>
        runRequest('configure', SERVICE_ACCESS.configure, { rollback: hash }, options, {
          ...{ io, clock, random, environment },
          checks: PLAN_CHECKS,
          defaultConfig: DEFAULT_CONFIG_FILE,
          user: environment['USER'] ?? null,
        }),
      ),
    );
  addSign(world);
}

function addSign({ command, exitWith, checked, io, clock, random }: CliWorld): void {
  command('command', 'commands over MQTT as a central server sends them')
    .command('sign <name>')
    .description('print the payload of a signed command')
    .requiredOption('--root <topics>', 'topic root, such as embereye/v1/site-1')
    .requiredOption('--key-id <id>', 'id of the key in uplink.commands.keys')
    .option('--private-key <file>', 'PEM with a private key of Ed25519')
    .option('--secret <file>', 'the secret of a key of the kind hmacSha256')
    .option('--fields <json>', 'fields of the command', '{}')
    .option('--counter <number>', 'higher than any before from that key', checked(number))
    .action((name: string, options: SignOptions) =>
      exitWith(() => runCommandSign(name, options, { io, clock, random })),
    );
}

function inState(
  { io, environment }: CliWorld,
  { stateDirectory, config }: Where,
  run: (folder: string) => ExitCode,
): ExitCode {
  const named = stateDirectory ?? environment['EMBEREYE__state__directory'];
  if (named !== undefined) return run(named);
  const file = config ?? DEFAULT_CONFIG_FILE;
  if (config === undefined && !existsSync(file)) {
    return run(configSchema.parse({}).state.directory);
  }
  const result = readConfig(file, environment, []);
  if (result.ok) return run(result.config.state.directory);
  for (const problem of result.problems) io.err(problemText(file, problem));
  return EXIT.badInput;
}
