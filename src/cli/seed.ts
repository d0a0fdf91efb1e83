/** `seed`: what the provision tool put on the card. */
import { spawnSync } from 'node:child_process';
import type { SeedArguments } from '../commands/seed.ts';
import { runSeedImport } from '../commands/seed.ts';
import type { UnitClock } from '../seed/clock.ts';
import type { CliWorld } from './world.ts';

/** Adds `seed import`. */
export function addSeedCommands({ command, exitWith, io, clock }: CliWorld): void {
  command('seed', 'configuration and identity that came with the card')
    .command('import')
    .description('carry them into this unit, once; a first start does it by itself')
    .option('--from <folder>', 'with seed.json', '/boot/firmware/embereye')
    .option('--to <folder>', 'root of the file system of the unit', '/')
    .action((options: SeedArguments) =>
      exitWith(() => {
        const isRoot = process.getuid?.() === 0;
        const ours = options.to === '/' && isRoot;
        return runSeedImport(options, isRoot, io, ours ? machineClock(() => clock.wallMs()) : null);
      }),
    );
}

/** The clock of this machine, which only root may set: by `date`, which every Debian has. */
function machineClock(wallMs: () => number): UnitClock {
  return {
    wallMs,
    set: (toMs) => {
      const seconds = Math.ceil(toMs / 1000);
      const { status, stderr, error } = spawnSync('date', ['-u', '-s', `@${seconds}`], {
        encoding: 'utf8',
      });
      return status === 0 ? null : (error?.message ?? stderr.trim());
    },
  };
}
