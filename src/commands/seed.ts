/** `embereye seed import`: makes a ready image one certain unit at its first start. */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { problemText } from '../config-problems.ts';
import { parseConfig } from '../config.ts';
import { PLAN_CHECKS } from '../plan.ts';
import type { UnitClock } from '../seed/clock.ts';
import { advanceClock } from '../seed/clock.ts';
import type { ConfigurationReport } from '../seed/check.ts';
import { ERROR_FILE } from '../seed/format.ts';
import { importSeed } from '../seed/import.ts';
import { writeWhole } from '../seed/place.ts';
import type { CommandIo, ExitCode } from './exit-codes.ts';
import { EXIT } from './exit-codes.ts';

export interface SeedArguments {
  readonly from: string;
  readonly to: string;
}

/** The product's own check of the configuration in a seed: a unit must run it as it is. */
export function configurationReport(text: string): ConfigurationReport {
  const result = parseConfig(text, {}, PLAN_CHECKS);
  if (result.ok) return { deviceId: result.config.device.id, problems: [] };
  const problems = result.problems.map((problem) => problemText('appliance.yaml', problem));
  return { deviceId: null, problems };
}

/**
 * Exit code 0 imported or nothing to do, 3 the seed is wrong and nothing was imported (error.txt
 * beside it says why), 4 it could not be written, or the secrets are still on the card.
 * @param isRoot only root can give files their owners
 * @param clock is moved forward where it is behind the identity; null leaves it alone
 */
export function runSeedImport(
  { from, to }: SeedArguments,
  isRoot: boolean,
  io: CommandIo,
  clock: UnitClock | null = null,
): ExitCode {
  if (!isRoot && to === '/') {
    io.err('seed: only root may import; run it with sudo');
    return EXIT.unavailable;
  }
  try {
    const code = imported({ from, to }, isRoot, io);
    const words = clock === null ? null : advanceClock(to, clock);
    if (words !== null) io.err(`seed: ${words}`);
    return code;
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    io.err(`seed: ${cause}; the next start tries again`);
    leaveError(from, [`${cause}: the unit could not be written; the next start tries again`], io);
    return EXIT.unavailable;
  }
}

function imported({ from, to }: SeedArguments, asRoot: boolean, io: CommandIo): ExitCode {
  const result = importSeed({ from, to, asRoot, configuration: configurationReport });
  switch (result.kind) {
    case 'nothing':
      io.out(`seed: nothing to do: ${result.words}`);
      return EXIT.ok;
    case 'imported':
      io.out(`seed: this unit is "${result.deviceId}" now: ${result.files.join(', ')}`);
      return EXIT.ok;
    case 'refused':
      for (const problem of result.problems) io.err(`seed: ${problem}`);
      io.err(`seed: nothing was imported from ${from}`);
      leaveError(from, result.problems, io);
      return EXIT.badInput;
    case 'notErased':
      io.err(
        `seed: this unit is "${result.deviceId}", but the card still has its secrets: ` +
          `${result.problem}; mount ${from} writable, and import again`,
      );
      return EXIT.unavailable;
  }
}

/** For whoever puts the card into a laptop to find out why the unit stays dark. */
function leaveError(from: string, problems: readonly string[], io: CommandIo): void {
  if (!existsSync(from)) return;
  const path = join(from, ERROR_FILE);
  try {
    const lines = ['Nothing was imported from this card:', ...problems.map((one) => `- ${one}`)];
    writeWhole(path, `${lines.join('\n')}\n`);
  } catch (error) {
    io.err(`seed: ${path}: ${error instanceof Error ? error.message : String(error)}`);
    rmSync(`${path}.seed-new`, { force: true });
  }
}
