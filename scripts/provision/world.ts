/** What every command of the provision tool gets; only main.ts makes a real one. */
import type { Command } from 'commander';
import type { ExitCode } from '../../src/commands/exit-codes.ts';

/** The provision tool's surroundings: where it writes, whom it asks, what time it is. */
export interface ProvisionWorld {
  /** A line of data or of the result, to standard output. Never anything secret. */
  readonly out: (line: string) => void;
  /** A line of words for people, to standard error. Never anything secret. */
  readonly err: (line: string) => void;
  /**
   * Shown instead of the last such text on standard error, where that is a terminal; null ends it.
   * Absent where there is no terminal.
   */
  readonly status?: (text: string | null) => void;
  /**
   * Asks a person and resolves with the answer without blanks at its ends, or null when the input
   * ends. Absent where nobody can be asked. `hidden` does not show what is typed.
   */
  readonly ask?: (question: string, hidden?: boolean) => Promise<string | null>;
  /** Milliseconds since 1970. */
  readonly nowMs: () => number;
  /** Milliseconds of a clock that is never set. */
  readonly monotonicMs: () => number;
  /** Unpredictable bytes, fit for keys. */
  readonly randomBytes: (n: number) => Uint8Array;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Whether standard error is a terminal. */
  readonly isTerminal: boolean;
  /** Folder that relative names on the command line start from. */
  readonly cwd: string;
  /** Aborted once the user wants to stop. */
  readonly signal: AbortSignal;
  /** Runs a command and leaves its exit code (src/commands/exit-codes.ts). */
  readonly exitWith: (run: () => Promise<ExitCode> | ExitCode) => Promise<void>;
}

/** Adds one command to the program. */
export type AddCommand = (program: Command, world: ProvisionWorld) => void;
