/** What every command of the command line gets; only main.ts makes one. */
import type { Command } from 'commander';
import type { Environment } from '../commands/check-config.ts';
import type { CommandIo, ExitCode } from '../commands/exit-codes.ts';
import type { Clock, Random } from '../domain/ports.ts';

export interface CliWorld {
  readonly io: CommandIo;
  readonly clock: Clock;
  readonly random: Random;
  readonly environment: Environment;
  readonly version: string;
  /** Where the bundled programs and threads lie: dist. */
  readonly programs: string;
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean;
  readonly residentBytes: () => number;
  /** Adds a command; its mistakes end with the exit code of a wrong command line. */
  readonly command: (name: string, summary: string) => Command;
  /** Runs a command and leaves its exit code; the process ends when nothing is left to do. */
  readonly exitWith: (run: () => Promise<ExitCode> | ExitCode) => Promise<void>;
  /** A reader's complaint as the command line's own. */
  readonly checked: <T>(parser: (text: string) => T) => (text: string) => T;
  /** Resolves with the reason once the process is asked to end. */
  readonly untilSignalled: () => Promise<string>;
  /** Aborted once the process is asked to end. */
  readonly abortOnSignal: () => AbortSignal;
}

/** What commands that talk to boards or brokers need. */
export function boardIo({ io, clock, random, abortOnSignal }: CliWorld) {
  return { ...io, clock, random, signal: abortOnSignal() };
}
