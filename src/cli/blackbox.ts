/** The command `blackbox` and what stands behind it. */
import { existsSync } from 'node:fs';
import { number } from '../commands/arguments.ts';
import { runBoxExport, runBoxList, runBoxVerify } from '../commands/blackbox.ts';
import { readConfig } from '../commands/check-config.ts';
import type { ExitCode } from '../commands/exit-codes.ts';
import { EXIT } from '../commands/exit-codes.ts';
import { DEFAULT_CONFIG_FILE } from '../commands/run.ts';
import { problemText } from '../config-problems.ts';
import { configSchema } from '../config-schema.ts';
import { BOX_FOLDER, DAYS_FOLDER, recordingFolder } from '../recording-parts.ts';
import type { CliWorld } from './world.ts';

interface Where {
  readonly directory?: string;
  readonly config?: string;
  readonly days: boolean;
}

/** Adds `blackbox list`, `blackbox export` and `blackbox verify`. */
export function addBlackboxCommands(world: CliWorld): void {
  const { command, exitWith, checked, io } = world;
  const box = command('blackbox', 'recordings around alarms: list, export, verify them');
  const sub = (usage: string, summary: string) =>
    box
      .command(usage)
      .description(summary)
      .option('--directory <folder>', 'with the recordings; also a copy of it')
      .option('--config <file>', 'configuration of the appliance whose recordings are meant')
      .option('--days', 'the recorder of days, not the black box', false);
  sub('list', 'what is recorded')
    .option('--json', 'JSON lines', false)
    .action((options: Where & { json: boolean }) =>
      exitWith(() => inFolder(world, options, (folder) => runBoxList(folder, options, io))),
    );
  sub('export <recording>', 'one array in the form of evaluate, or everything as JSON lines')
    .requiredOption('--to <file>', 'FILE.ndjson or FILE.ndjson.gz; must not be there yet')
    .option('--sensor <id>', 'of the array; without it everything is written')
    .option('--emissivity <value>', 'instead of the recorded one, 0.05..1', checked(emissivity))
    .option('--reflected <celsius>', 'instead of the recorded one', checked(reflected))
    .action((recording: string, options: Where & ExportArguments) =>
      exitWith(() =>
        inFolder(world, options, (folder) => exportTo(world, folder, recording, options)),
      ),
    );
  sub('verify [recording]', 'decodes it again and compares with what the appliance decided')
    .option('--json', 'JSON lines', false)
    .action((recording: string | undefined, options: Where & { json: boolean }) =>
      exitWith(() =>
        inFolder(world, options, (folder) => runBoxVerify(folder, recording ?? null, options, io)),
      ),
    );
}

interface ExportArguments {
  readonly to: string;
  readonly sensor?: string;
  readonly emissivity?: number;
  readonly reflected?: number;
}

function exportTo(
  { io }: CliWorld,
  folder: string,
  recording: string,
  { to, sensor, emissivity, reflected }: ExportArguments,
): Promise<ExitCode> {
  const settings = {
    ...(emissivity === undefined ? {} : { emissivity }),
    ...(reflected === undefined ? {} : { reflectedCelsius: reflected }),
  };
  return runBoxExport(folder, recording, { ...settings, to, sensor: sensor ?? null }, io);
}

function inFolder(
  { io, environment }: CliWorld,
  { directory, config, days }: Where,
  run: (folder: string) => Promise<ExitCode>,
): Promise<ExitCode> | ExitCode {
  if (directory !== undefined) return run(directory);
  const folder = days ? DAYS_FOLDER : BOX_FOLDER;
  const file = config ?? DEFAULT_CONFIG_FILE;
  if (config === undefined && !existsSync(file)) {
    return run(recordingFolder(configSchema.parse({}), folder));
  }
  const result = readConfig(file, environment, []);
  if (result.ok) return run(recordingFolder(result.config, folder));
  for (const problem of result.problems) io.err(problemText(file, problem));
  return EXIT.badInput;
}

function emissivity(text: string): number {
  const value = number(text);
  if (value < 0.05 || value > 1) throw new RangeError('write a number of 0.05..1');
  return value;
}

function reflected(text: string): number {
  const value = number(text);
  if (value <= -273) throw new RangeError('write degrees above -273');
  return value;
}
