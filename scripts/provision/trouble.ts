/** What ends a command of the provision tool early: said once, with its remedy and exit code. */
import type { ExitCode } from '../../src/commands/exit-codes.ts';
import { EXIT } from '../../src/commands/exit-codes.ts';
import type { ProvisionWorld } from './world.ts';

/** The message says what, where and what to do, and holds nothing secret. */
export class Trouble extends Error {
  readonly exit: ExitCode;

  /** @param exit left out: an input is wrong. */
  constructor(message: string, exit: ExitCode = EXIT.badInput) {
    super(message);
    this.name = 'Trouble';
    this.exit = exit;
  }
}

/** Something outside is missing: a host, a file, a program. */
export function missing(message: string): Trouble {
  return new Trouble(message, EXIT.unavailable);
}

/** Somebody or something said no. */
export function refusal(message: string): Trouble {
  return new Trouble(message, EXIT.failed);
}

/** Runs a command; its trouble becomes a line and an exit code. What else is thrown is a bug. */
export async function guarded(
  { err }: Pick<ProvisionWorld, 'err'>,
  run: () => Promise<ExitCode>,
): Promise<ExitCode> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof Trouble)) throw error;
    err(`error: ${error.message}`);
    return error.exit;
  }
}

/** The words of whatever was thrown. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
