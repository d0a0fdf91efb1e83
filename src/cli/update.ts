/** The command line of updates. */
import type { UpdateOptions, UpdateTask } from '../commands/update.ts';
import { runUpdate } from '../commands/update.ts';
import { EXIT } from '../commands/exit-codes.ts';
import type { CliWorld } from './world.ts';

interface Raw extends UpdateOptions {
  readonly from?: string;
  readonly check: boolean;
  readonly allowDowngrade: boolean;
  readonly status: boolean;
  readonly back: boolean;
  readonly mayRestart: boolean;
  readonly resume: boolean;
  readonly resetSlots: boolean;
  readonly dismiss: boolean;
  readonly root: string;
}

/** Adds `update`. */
export function addUpdateCommands(world: CliWorld): void {
  const { command, exitWith, io, clock, random, environment } = world;
  command('update', 'another release of this program: signed, on probation, with a way back')
    .option('--from <file or url>', 'install it; its signature <file>.minisig lies beside it')
    .option('--check', 'with --from: only say whether it would be installed', false)
    .option('--allow-downgrade', 'with --from: also one that is older', false)
    .option('--status', 'what is in use, on trial, and what happened', false)
    .option('--back', 'run the release before this one again, or end a trial', false)
    .option(
      '--may-restart',
      'exit code 0: nobody is disturbed by a restart now; 1: somebody',
      false,
    )
    .option('--dismiss', 'a roll-back was seen: its message ends', false)
    .option('--reset-slots', 'the release of the package counts again; empties the slots', false)
    .option(
      '--resume',
      'judge what is on trial, then do what the appliance asks: the service',
      false,
    )
    .option('--config <file>', 'configuration of the appliance')
    .option('--run-directory <folder>', 'its state.runDirectory')
    .option('--root <folder>', 'the root of another system, such as a mounted image', '')
    .option('--json', 'with --status and --may-restart: as JSON', false)
    .action((options: Raw) =>
      exitWith(() => {
        const task = taskOf(options);
        if (typeof task === 'string') {
          io.err(`update: ${task}`);
          return EXIT.usage;
        }
        return runUpdate(task, options, {
          ...{ io, clock, random, environment, root: options.root },
          ...{ arch: process.arch, pid: process.pid },
          user: environment['SUDO_USER'] ?? environment['USER'] ?? null,
        });
      }),
    );
}

/** What is to be done, or why that is not clear. */
function taskOf(options: Raw): UpdateTask | string {
  const { from, check, allowDowngrade } = options;
  const kinds = ['status', 'back', 'mayRestart', 'resume', 'resetSlots', 'dismiss'] as const;
  const named = kinds.filter((kind) => options[kind]);
  const [kind] = named;
  if (named.length + (from === undefined ? 0 : 1) !== 1) {
    return 'one of --from, --status, --back, --may-restart, --dismiss, --reset-slots, --resume';
  }
  if (from !== undefined) return { kind: check ? 'check' : 'from', from, allowDowngrade };
  if (check || allowDowngrade || kind === undefined) return '--check and others go with --from';
  return { kind };
}
