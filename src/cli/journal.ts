/** The command `journal`: prove, export and copy what an appliance has recorded. */
import { existsSync } from 'node:fs';
import { oneOf, whole } from '../commands/arguments.ts';
import { readConfig } from '../commands/check-config.ts';
import { EXIT, type ExitCode } from '../commands/exit-codes.ts';
import {
  publishedHead,
  type PublishedHead,
  runJournalBackup,
  runJournalInfo,
  runJournalVerify,
} from '../commands/journal.ts';
import { EXPORT_FORMATS, runJournalExport } from '../commands/journal-export.ts';
import { DEFAULT_CONFIG_FILE } from '../commands/run.ts';
import { instant } from '../commands/tune-cli.ts';
import { problemText } from '../config-problems.ts';
import { configSchema } from '../config-schema.ts';
import { type Lane, LANES } from '../domain/event.ts';
import { isoFromWallMs } from '../store/wall-time.ts';
import type { CliWorld } from './world.ts';

interface Where {
  readonly directory?: string;
  readonly config?: string;
}

interface ExportArguments {
  readonly format: (typeof EXPORT_FORMATS)[number];
  readonly lane?: readonly Lane[];
  readonly since?: number;
  readonly until?: number;
  readonly zone?: string;
  readonly type?: string;
  readonly afterSeq: number;
  readonly out?: string;
}

/** Adds `journal info`, `journal verify`, `journal export` and `journal backup`. */
export function addJournalCommands(world: CliWorld): void {
  const { command, exitWith, checked, io } = world;
  const journal = command('journal', 'what was recorded: info, verify, export, backup');
  const sub = (usage: string, summary: string) =>
    journal
      .command(usage)
      .description(summary)
      .option('--directory <folder>', 'with the journal, or a copy of it; also the file itself')
      .option('--config <file>', 'configuration of the appliance whose journal is meant');
  sub('info', 'how much is in it, and where its hash chains end')
    .option('--json', 'print JSON', false)
    .action((options: Where & { json: boolean }) =>
      exitWith(() => inPlace(world, options, (place) => runJournalInfo(place, options, io))),
    );
  sub('verify', 'prove that nothing was changed, removed or put in')
    .option('--head <lane:seq:hash...>', 'as published in state', collected(checked(publishedHead)))
    .option('--json', 'JSON lines', false)
    .action((options: Where & { json: boolean; head?: readonly PublishedHead[] }) =>
      exitWith(() =>
        inPlace(world, options, (place) =>
          runJournalVerify(place, { json: options.json, heads: options.head ?? [] }, io),
        ),
      ),
    );
  sub('backup', 'copy it while the appliance runs, and check the copy')
    .requiredOption('--out <file>', 'the copy: a database of its own')
    .option('--force', 'replace the file if it is there', false)
    .action((options: Where & { out: string; force: boolean }) =>
      exitWith(() => inPlace(world, options, (place) => runJournalBackup(place, options, io))),
    );
  sub('export', 'events, oldest first')
    .option(
      '--format <form>',
      EXPORT_FORMATS.join(' or '),
      checked(oneOf(EXPORT_FORMATS)),
      'ndjson',
    )
    .option('--lane <lane...>', LANES.join(', '), collected(checked(oneOf(LANES))))
    .option('--since <time>', 'such as 2026-05-04T06:00:00Z; included', checked(instant))
    .option('--until <time>', 'not included', checked(instant))
    .option('--zone <id>', 'events of this zone')
    .option('--type <type>', 'such as alarm or faultRaised')
    .option('--after-seq <number>', 'only higher numbers', checked(whole), 0)
    .option('--out <file>', 'must not be there yet; without it, standard output')
    .action((options: Where & ExportArguments) =>
      exitWith(() => inPlace(world, options, (place) => exportFrom(world, place, options))),
    );
}

function exportFrom({ io }: CliWorld, place: string, options: ExportArguments): Promise<ExitCode> {
  const { format, lane, since, until, zone, type, afterSeq, out } = options;
  const time = (ms: number | undefined): string | null =>
    ms === undefined ? null : isoFromWallMs(ms);
  const filter = { since: time(since), until: time(until), zone: zone ?? null, type: type ?? null };
  return runJournalExport(
    place,
    { ...filter, format, lanes: lane ?? [], afterSeq, out: out ?? null },
    io,
  );
}

/** Every value of an option that may stand several times. */
function collected<T>(parse: (text: string) => T) {
  return (text: string, before: readonly T[] | undefined): readonly T[] => [
    ...(before ?? []),
    parse(text),
  ];
}

function inPlace(
  { io, environment }: CliWorld,
  { directory, config }: Where,
  run: (place: string) => Promise<ExitCode>,
): Promise<ExitCode> | ExitCode {
  if (directory !== undefined) return run(directory);
  const file = config ?? DEFAULT_CONFIG_FILE;
  if (config === undefined && !existsSync(file)) return run(configSchema.parse({}).state.directory);
  const result = readConfig(file, environment, []);
  if (result.ok) return run(result.config.state.directory);
  for (const problem of result.problems) io.err(problemText(file, problem));
  return EXIT.badInput;
}
