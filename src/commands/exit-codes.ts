/** Exit codes of every command, the same meaning everywhere. */
export const EXIT = {
  /** Done, and the answer is yes. */
  ok: 0,
  /** Done, and the answer is no: a proof failed, an alarm was not delivered. */
  failed: 1,
  /** The command line was wrong. */
  usage: 2,
  /** The configuration or another input file is wrong. */
  badInput: 3,
  /** Something outside is missing: a port is taken, a file or host cannot be reached. */
  unavailable: 4,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Where a command writes: data to `out`, words for people to `err`; one line a call. */
export interface CommandIo {
  out(line: string): void;
  err(line: string): void;
}
