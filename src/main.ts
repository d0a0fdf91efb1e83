/**
 * The command line: gives every command its clock, chance and environment. Nothing imports this
 * file.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { addApplianceCommands } from './cli/appliance.ts';
import { addBlackboxCommands } from './cli/blackbox.ts';
import { addConfigCommands } from './cli/config.ts';
import { addControlCommands } from './cli/control.ts';
import { addIdentityCommands } from './cli/identity.ts';
import { addJournalCommands } from './cli/journal.ts';
import { addRecordingCommands } from './cli/recordings.ts';
import { addServiceCommands } from './cli/service.ts';
import { addSeedCommands } from './cli/seed.ts';
import { addTrialCommands } from './cli/trial.ts';
import { addUpdateCommands } from './cli/update.ts';
import type { CliWorld } from './cli/world.ts';
import { systemClock, systemRandom } from './clock.ts';
import type { CommandIo, ExitCode } from './commands/exit-codes.ts';
import { EXIT } from './commands/exit-codes.ts';
import { VERSION } from './version.ts';

const io: CommandIo = {
  out: (line) => void process.stdout.write(`${line}\n`),
  err: (line) => void process.stderr.write(`${line}\n`),
};

// A reader that goes away (`| head`) ends the output, not the work with an exception.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

/** Resolves with the reason once the process is asked to end; a second signal ends it at once. */
function untilSignalled(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => resolve(signal));
    }
  });
}

function abortOnSignal(): AbortSignal {
  const controller = new AbortController();
  void untilSignalled().then(() => controller.abort());
  return controller.signal;
}

/** Runs a command and leaves its exit code; the process ends when nothing is left to do. */
function exitWith(run: () => Promise<ExitCode> | ExitCode): Promise<void> {
  return Promise.resolve(run()).then((code) => {
    process.exitCode = code;
  });
}

/** A reader's complaint as the command line's own. */
function checked<T>(parser: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parser(text);
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
    }
  };
}

const program = new Command('embereye')
  .version(VERSION)
  .description('Edge runtime for fire detection')
  .configureHelp({ sortSubcommands: true })
  .addHelpText(
    'after',
    `
Exit codes: 0 done, 1 done and the answer is no, 2 wrong command line, 3 wrong configuration or
input, 4 something outside is missing (a port is taken, a host or file cannot be reached).`,
  )
  .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage));

function command(name: string, summary: string): Command {
  return program
    .command(name)
    .description(summary)
    .exitOverride((error) => process.exit(error.exitCode === 0 ? EXIT.ok : EXIT.usage));
}

const world: CliWorld = {
  io,
  clock: systemClock(),
  random: systemRandom(),
  environment: process.env,
  version: VERSION,
  programs: dirname(fileURLToPath(import.meta.url)),
  isTerminal: process.stdout.isTTY,
  residentBytes: () => process.memoryUsage.rss(),
  command,
  exitWith,
  checked,
  untilSignalled,
  abortOnSignal,
};
addApplianceCommands(world);
addControlCommands(world);
addConfigCommands(world);
addRecordingCommands(world);
addBlackboxCommands(world);
addJournalCommands(world);
addSeedCommands(world);
addTrialCommands(world);
addUpdateCommands(world);
addServiceCommands(world);
addIdentityCommands(world);
await program.parseAsync();
