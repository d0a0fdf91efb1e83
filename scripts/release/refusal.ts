/** Trouble that a person can cure: told in one line, without a stack. */
import type { ExitCode } from '../../src/commands/exit-codes.ts';

/** What is wrong, where, and what to do. */
export class Refusal extends Error {
  readonly code: ExitCode;

  /** @param code 2 wrong command line, 3 wrong input, 4 something outside is missing. */
  constructor(message: string, code: ExitCode) {
    super(message);
    this.code = code;
  }
}
